"""Masks of attention: built from ids, applied with tf.where (an added -1e9 breaks in half precision)."""

from tf_utils.keras_gate import tf
from tf_utils.precision import precise


def valid(ids: tf.Tensor) -> tf.Tensor:
    """bool, the shape of `ids`: True where the id is not padding."""
    return tf.not_equal(ids, 0)


def causal(queries: tf.Tensor | int, keys: tf.Tensor | int) -> tf.Tensor:
    """bool [queries, keys]: query i may see key j, both aligned at the newest (last) position."""
    i = tf.range(queries)[:, None] + (keys - queries)
    return tf.range(keys)[None, :] <= i


def softmax_where(logits: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Softmax over the last axis among the cells where `mask` (bool, broadcastable) holds; a row of none is uniform.

    The softmax is taken in float32 at least; the result has the dtype of `logits`.
    """
    precise_logits = precise(logits)
    weights = tf.nn.softmax(tf.where(mask, precise_logits, precise_logits.dtype.min), axis=-1)
    return tf.cast(weights, logits.dtype)


def masked_softmax(logits: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """`softmax_where` with zeros in the rows where nothing is visible: they must carry no mass."""
    weights = softmax_where(logits, mask)
    return tf.where(tf.reduce_any(mask, axis=-1, keepdims=True), weights, tf.zeros([], weights.dtype))
