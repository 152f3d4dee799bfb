"""Squared lengths, of which squared distances are made."""

from tf_utils.keras_gate import tf


def square(x: tf.Tensor) -> tf.Tensor:
    """[..., d] -> [..., 1]: the squared length."""
    return tf.reduce_sum(tf.square(x), axis=-1, keepdims=True)
