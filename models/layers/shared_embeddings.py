"""Stochastic shared embeddings: in training, an id gives way to a random one now and then, so ids share vectors.

Reference: Wu et al., NeurIPS 2019 (SSE, with the complete graph); Wu et al., RecSys 2020 (SSE-PT).
"""

from tf_utils.keras_gate import tf
from tf_utils.masks import valid
from tf_utils.rng import draw_seed


def replaced_ids(ids: tf.Tensor, keep: float, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Each id kept with probability `keep`, else a uniform one of 1..size (its own among them); padding stays.

    ids: int32, any shape. Returns (ids, bool: which were replaced), both of that shape. Needs an open `step_rng` scope
    where keep < 1.
    """
    if keep >= 1:
        return ids, tf.zeros_like(ids, tf.bool)
    chosen = valid(ids) & (tf.random.stateless_uniform(tf.shape(ids), draw_seed()) >= keep)
    others = random_ids(tf.shape(ids), size)
    return tf.where(chosen, others, ids), chosen


def random_ids(shape: tf.Tensor, size: int) -> tf.Tensor:
    """int32 of the given shape, uniform over 1..size, from the open `step_rng` scope."""
    return tf.random.stateless_uniform(shape, draw_seed(), minval=1, maxval=size + 1, dtype=tf.int32)


def follow_up(inputs: tf.Tensor, replaced: tf.Tensor, positives: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """The labels that go with replaced inputs: a replaced event's own is random, the one before it is what it became.

    Args:
        inputs: int32 [B, T], left-padded, after the replacement.
        replaced: bool [B, T].
        positives: int32 [B, T], the labels before; that of the newest event is no input.
        others: int32 [B, T], random labels.

    Returns:
        int32 [B, T], 0 where `positives` is.
    """
    following = tf.concat([inputs[:, 1:], positives[:, -1:]], axis=1)
    return tf.where(valid(positives), tf.where(replaced, others, following), 0)
