"""Interest capsules by dynamic routing, and how a target reads several interests in training."""

from models.layers.distance import square
from tf_utils.keras_gate import tf
from tf_utils.precision import precise_dtype
from tf_utils.rng import draw_seed

FIXED_SEED = (2019, 1904)  # of the logits that do not change: those of the test, and of logits="fixed"
LOGITS = ("random", "fixed")
READOUTS = ("soft", "hard")


def squash(x: tf.Tensor) -> tf.Tensor:
    """|x|^2 / (1 + |x|^2) * x / |x| over the last axis: the same direction, a length below 1.

    x: [..., d].  Reference: Sabour et al., NIPS 2017, eq. 1; MIND, "B2I dynamic routing".
    """
    length = square(x)
    return x * (length / (1 + length) / tf.sqrt(length + 1e-9))


class DynamicRouting(tf.keras.layers.Layer):
    """Behaviours to interests: K capsules, one shared bilinear map S, routing by agreement.

        w = softmax over capsules (b),  c_k = squash(sum_t w_kt S e_t),  b_kt += c_k . S e_t

    The logits b begin with draws of N(0, 1) cut at two standard deviations: with one shared map, equal logits would
    give equal capsules for ever. Training draws them anew for every row and step (`tf_utils.rng`); otherwise they are
    fixed, by place from the newest item on, so that the same history always gets the same capsules. Gradients flow
    through the last iteration alone.

    Args:
        dim: d, of a capsule.
        capsules: K.
        length: n, cells of a history.
        iterations: of routing.
        logits: "random", as above, or "fixed" in training too.

    Reference: Li et al., CIKM 2019 (MIND), "B2I dynamic routing"; LEDGER B11.
    """

    def __init__(self, dim: int, capsules: int, length: int, iterations: int = 3, logits: str = "random", **kwargs):
        super().__init__(**kwargs)
        if logits not in LOGITS:
            raise ValueError(f"the routing logits must be one of {', '.join(LOGITS)}, got {logits!r}")
        self.dim, self.capsules, self.length, self.iterations, self.logits = dim, capsules, length, iterations, logits

    def build(self, input_shape):
        self.bilinear = self.add_weight(name="bilinear", shape=[input_shape[-1], self.dim])  # S
        super().build(input_shape)

    def call(self, inputs: tf.Tensor, mask: tf.Tensor, active: tf.Tensor | None = None, training: bool = False):
        """Routes.

        Args:
            inputs: [R, n, e], the newest item last.
            mask: bool [R, n], True for items; the others weigh nothing.
            active: bool [R, K], the capsules that a row has; None: all. The others stay 0.
            training: draws logits, which needs an open `tf_utils.rng.step_rng`.

        Returns:
            capsules [R, K, d] and the last iteration's weights [R, K, n].
        """
        mapped = tf.matmul(inputs, tf.cast(self.bilinear, inputs.dtype))
        work = precise_dtype(inputs)
        mapped = tf.cast(mapped, work)  # S e_t, [R, n, d]
        shape = [tf.shape(inputs)[0], self.capsules, self.length]
        if training and self.logits == "random":
            logits = tf.cast(tf.random.stateless_truncated_normal(shape, draw_seed(), alg="philox"), work)
        else:
            drawn = tf.random.stateless_truncated_normal(shape[1:], FIXED_SEED, alg="philox")
            logits = tf.broadcast_to(tf.cast(drawn, work), shape)
        if active is not None:
            logits = tf.where(active[:, :, None], logits, work.min / 2)  # half: what is added must not overflow
        behaviour = tf.cast(mask, work)[:, None, :]
        still = tf.stop_gradient(mapped)
        for _ in range(self.iterations - 1):
            found = squash(tf.matmul(tf.nn.softmax(logits, axis=1) * behaviour, still))
            logits += tf.matmul(found, still, transpose_b=True)
        weights = tf.nn.softmax(logits, axis=1) * behaviour
        found = squash(tf.matmul(weights, mapped))
        return tf.cast(found, inputs.dtype), tf.cast(weights, inputs.dtype)


def label_aware(
    interests: tf.Tensor,
    target: tf.Tensor,
    readout: str,
    power: float = 1,
    active: tf.Tensor | None = None,
    signed: bool = False,
) -> tf.Tensor:
    """The user as the target sees it: a weighted sum of the interests, or the one that scores the target highest.

    Args:
        interests: [R, K, d].
        target: [R, d].
        readout: "soft": weights softmax((v_k . e)^power); "hard": power to infinity.
        power: p, a whole number unless `signed`. With an even p, an interest far on the other side of the target
            weighs much too.
        active: bool [R, K], the interests that count; None: all.
        signed: sign(x) |x|^p in the place of x^p: the powers keep the sign of what they are of.

    Returns:
        [R, d].

    Reference: MIND, "label-aware attention" (soft); Cen et al., KDD 2020, model training (hard).
    """
    work = precise_dtype(interests)
    logits = tf.cast(tf.einsum("rkd,rd->rk", interests, target), work)
    if readout == "soft" and power != 1:
        logits = tf.sign(logits) * tf.abs(logits) ** power if signed else logits**power
    if active is not None:
        logits = tf.where(active, logits, work.min)
    if readout == "hard":
        return tf.gather(interests, tf.argmax(logits, axis=1), batch_dims=1)
    return tf.einsum("rk,rkd->rd", tf.cast(tf.nn.softmax(logits, axis=-1), interests.dtype), interests)
