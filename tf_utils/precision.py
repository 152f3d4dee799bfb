"""Float32 at least: for sums, softmaxes and losses under mixed precision."""

from tf_utils.keras_gate import tf


def precise_dtype(x: tf.Tensor) -> tf.DType:
    """float64 if x is, else float32."""
    return x.dtype if x.dtype == tf.float64 else tf.float32


def precise(x: tf.Tensor) -> tf.Tensor:
    """x in `precise_dtype`."""
    return tf.cast(x, precise_dtype(x))
