"""Windows of the newest items, for models that read no further back."""

from tf_utils.keras_gate import tf
from tf_utils.masks import valid


def newest_windows(ids: tf.Tensor, length: int, positions: str = "all") -> tf.Tensor:
    """The `length` newest ids at each position, left-padded with 0.

    Args:
        ids: int32 [B, T], left-padded.
        length: L.
        positions: "all" or "last" (the newest position only).

    Returns:
        int32 [B, T, L] ([B, 1, L] for "last"): row t has the ids t - L + 1..t.
    """
    if positions == "last":
        width = tf.shape(ids)[1]
        newest = tf.pad(ids[:, tf.maximum(width - length, 0) :], [[0, 0], [tf.maximum(length - width, 0), 0]])
        return tf.ensure_shape(newest, [None, length])[:, None, :]
    padded = tf.pad(ids, [[0, 0], [length - 1, 0]])
    index = tf.range(tf.shape(ids)[1])[:, None] + tf.range(length)[None, :]
    return tf.gather(padded, index, axis=1)


AGGREGATIONS = ("mean", "sum", "max", "min")


def aggregate(vectors: tf.Tensor, ids: tf.Tensor, how: str) -> tf.Tensor:
    """One vector of a window's: how is one of `AGGREGATIONS`; padding does not count.

    vectors: [..., L, d].  ids: int32 [..., L], 0 is padding.  Returns [..., d], zeros where all is padding.
    """
    mask = valid(ids)[..., None]
    zero = tf.zeros([], vectors.dtype)
    if how in ("mean", "sum"):
        total = tf.reduce_sum(tf.where(mask, vectors, zero), axis=-2)
        count = tf.reduce_sum(tf.cast(mask, vectors.dtype), axis=-2)
        return total / tf.maximum(count, 1) if how == "mean" else total
    if how not in AGGREGATIONS:
        raise ValueError(f"aggregation must be one of {', '.join(AGGREGATIONS)}, got {how!r}")
    reduce, fill = (tf.reduce_max, vectors.dtype.min) if how == "max" else (tf.reduce_min, vectors.dtype.max)
    return tf.where(tf.reduce_any(mask, axis=-2), reduce(tf.where(mask, vectors, fill), axis=-2), zero)
