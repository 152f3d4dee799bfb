"""Dropout that is repeatable and cheap: one stateless 32-bit word gives four 8-bit masks."""

from tf_utils.keras_gate import tf
from tf_utils.rng import draw_seed

LEVELS = 256  # the rate is quantised to 1/256


class StatelessDropout(tf.keras.layers.Layer):
    """Sets a share `rate` of the cells to 0 and scales the rest by the exact inverse of the kept share.

    Drawing the random numbers is the largest removable cost of a small Transformer on a CPU, hence the four masks a
    word. The seed comes from `tf_utils.rng.step_rng`, so a step is repeatable, also under op determinism.

    Args:
        rate: share of cells to drop, in [0, 1); quantised to 1/256.

    Raises:
        ValueError: if `rate` is outside [0, 1).
        RuntimeError: when called with training=True and a positive rate outside a `step_rng` scope.

    Reference: Srivastava et al., JMLR 15 (2014), section 4 (inverted form).
    """

    def __init__(self, rate: float, **kwargs):
        super().__init__(**kwargs)
        if not 0.0 <= rate < 1.0:
            raise ValueError(f"dropout rate must be in [0, 1), got {rate}")
        self.rate = rate
        self._dropped_levels = min(round(rate * LEVELS), LEVELS - 1)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """inputs: any shape, floating. Returns the same shape and dtype."""
        if not training or self._dropped_levels == 0:
            return inputs
        keep, scale = self.draw(tf.shape(inputs))
        return inputs * (tf.cast(keep, inputs.dtype) * tf.constant(scale, inputs.dtype))

    @property
    def drops(self) -> bool:
        """Whether the quantised rate is positive."""
        return self._dropped_levels > 0

    def draw(self, shape: tf.Tensor) -> tuple[tf.Tensor, float]:
        """A mask (bool, of the given shape, True where a cell is kept) and the scale of what is kept."""
        keep = random_bytes(shape) >= tf.cast(self._dropped_levels, tf.uint8)
        return keep, LEVELS / (LEVELS - self._dropped_levels)


def random_bytes(shape: tf.Tensor) -> tf.Tensor:
    """uint8 of the given shape, uniform, from the open `step_rng` scope."""
    size = tf.reduce_prod(shape)
    words = tf.random.stateless_uniform(
        [(size + 3) // 4], seed=draw_seed(), minval=None, maxval=None, dtype=tf.int32, alg="philox"
    )
    return tf.reshape(tf.reshape(tf.bitcast(words, tf.uint8), [-1])[:size], shape)
