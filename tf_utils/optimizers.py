"""Optimisers."""

from tf_utils.keras_gate import tf

OPTIMIZERS = ("adam", "adagrad")


def adam(learning_rate=1e-3, beta_1=0.9, beta_2=0.98, epsilon=1e-8, **kwargs):
    """Adam with the defaults of SASRec's and ASLI's code; the legacy class, whose step is one fused kernel a weight."""
    return tf.keras.optimizers.legacy.Adam(learning_rate, beta_1, beta_2, epsilon, **kwargs)


def make_optimizer(config) -> tf.keras.optimizers.legacy.Optimizer:
    """The optimiser of config.train: name ("adam" or "adagrad"), learning_rate, clip_norm (0: none); of Adam also
    beta_2, of Adagrad initial_accumulator (default 0.1)."""
    clip = {"global_clipnorm": config.clip_norm} if config.clip_norm else {}
    if config.optimizer == "adam":
        return adam(config.learning_rate, beta_2=config.beta_2, **clip)
    if config.optimizer == "adagrad":
        start = getattr(config, "initial_accumulator", 0.1)
        return tf.keras.optimizers.legacy.Adagrad(config.learning_rate, initial_accumulator_value=start, **clip)
    raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, got {config.optimizer!r}")
