"""Optimisers."""

from tf_utils.keras_gate import tf

OPTIMIZERS = ("adam", "adagrad")


class DenseAdam(tf.keras.optimizers.legacy.Adam):
    """Adam whose embedding tables go through the fused dense kernel too.

    The arithmetic is that of Kingma and Ba's Adam (every row's moments decay at every step), as TensorFlow's own sparse
    form has it, at about half the time for large tables. The defaults are those of SASRec's and ASLI's code.
    """

    def __init__(self, learning_rate=1e-3, beta_1=0.9, beta_2=0.98, epsilon=1e-8, name="DenseAdam", **kwargs):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name=name, **kwargs)

    def _resource_apply_sparse(self, grad, var, indices, apply_state=None):
        dense = tf.math.unsorted_segment_sum(grad, indices, tf.shape(var)[0])
        return self._resource_apply_dense(dense, var, apply_state)

    # The base class adds up repeated indices first, which unsorted_segment_sum does anyway.
    _resource_apply_sparse_duplicate_indices = _resource_apply_sparse


def make_optimizer(config) -> tf.keras.optimizers.legacy.Optimizer:
    """The optimiser of config.train: name ("adam" or "adagrad"), learning_rate, clip_norm (0: none); of Adam also
    beta_2, of Adagrad initial_accumulator (default 0.1)."""
    clip = {"global_clipnorm": config.clip_norm} if config.clip_norm else {}
    if config.optimizer == "adam":
        return DenseAdam(config.learning_rate, beta_2=config.beta_2, **clip)
    if config.optimizer == "adagrad":
        start = getattr(config, "initial_accumulator", 0.1)
        return tf.keras.optimizers.legacy.Adagrad(config.learning_rate, initial_accumulator_value=start, **clip)
    raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, got {config.optimizer!r}")
