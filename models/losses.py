"""Losses: each is a sum over valid targets divided by `valid_count`, the number of valid targets of the global batch.

So the loss of a batch is the sum of the losses of its slices: replicas and length groups simply add up.
"""

from collections.abc import Callable

import numpy as np

from tf_utils.keras_gate import tf
from tf_utils.precision import precise, precise_dtype


def binary_cross_entropy(
    positive_logits: tf.Tensor, negative_logits: tf.Tensor, valid: tf.Tensor, valid_count: tf.Tensor
) -> tf.Tensor:
    """-sum [log s(r+) + sum_neg log(1 - s(r-))] / valid_count, in the stable softplus form.

    Args:
        positive_logits: [B, T].
        negative_logits: [B, T] or [B, T, negatives].
        valid: bool [B, T].
        valid_count: [] floating.

    Reference: SASRec section III-E; ASLI section 3.4.5 (LEDGER A13: printed as log s(1 - r-)).
    """
    negative = tf.nn.softplus(negative_logits)
    if negative.shape.rank == 3:
        negative = tf.reduce_sum(negative, axis=-1)
    return _mean(tf.nn.softplus(-positive_logits) + negative, valid, valid_count)


def literal_cross_entropy(
    positive_logits: tf.Tensor, negative_logits: tf.Tensor, valid: tf.Tensor, valid_count: tf.Tensor
) -> tf.Tensor:
    """-sum [log s(r+) + log s(1 - r-)] / valid_count: ASLI's section 3.4.5 as printed. Shapes as above."""
    return _mean(tf.nn.softplus(-positive_logits) + tf.nn.softplus(negative_logits - 1.0), valid, valid_count)


def full_cross_entropy(
    queries: tf.Tensor,
    table: tf.Tensor,
    targets: tf.Tensor,
    valid: tf.Tensor | None,
    valid_count: tf.Tensor,
    bias: tf.Tensor | None = None,
    first: int = 1,
) -> tf.Tensor:
    """Softmax cross-entropy over all items.

    Rows of the table that are no items get a logit of minus infinity: to cut them off costs a copy of the table's
    gradient.

    Args:
        queries: [..., d].
        table: [N + 1, d] or more rows, of any floating dtype: a vector an id.
        targets: int32 [...], ids.
        valid: bool [...]; other cells cost nothing, in time too. None: all are, and [...] is one axis.
        valid_count: [] floating.
        bias: [ids], added to the logits. Rows of the table behind it are no classes.
        first: the first id that is a class; 0 is padding.
    """
    rows, labels = (x if valid is None else tf.boolean_mask(x, valid) for x in (queries, targets))
    table = tf.cast(tf.convert_to_tensor(table), rows.dtype)
    size = table.shape[0]
    bias = tf.zeros(size, rows.dtype) if bias is None else tf.cast(bias, rows.dtype)
    ids, ends = np.arange(size), bias.shape[0]
    bias = tf.where((first <= ids) & (ids < ends), tf.pad(bias, [[0, size - ends]]), rows.dtype.min)
    logits = tf.nn.bias_add(tf.matmul(rows, table, transpose_b=True), bias)
    losses = softmax_cross_entropy(precise(logits), labels)
    return tf.reduce_sum(losses) / tf.cast(valid_count, losses.dtype)


@tf.custom_gradient
def softmax_cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """[R]: -ln softmax(logits)[label]; logits [R, N] of float32 or float64, labels int [R] in 0..N - 1.

    As TensorFlow's op, but on a CPU in less than half of its time: the softmax is computed once, by a kernel that uses
    vectors, and serves the value (ln sum exp(l) = max l - ln max p) and the gradient (p less 1 at the label).
    """
    p = tf.nn.softmax(logits)
    cells = tf.stack([tf.range(tf.shape(labels)[0]), tf.cast(labels, tf.int32)], axis=1)
    log_sum = tf.reduce_max(logits, axis=-1) - tf.math.log(tf.reduce_max(p, axis=-1))

    def gradient(upstream):
        return tf.tensor_scatter_nd_sub(p * upstream[:, None], cells, upstream), None

    return log_sum - tf.gather_nd(logits, cells), gradient


def sampled_softmax(
    queries: tf.Tensor, vectors: Callable[[tf.Tensor], tf.Tensor], batch: dict[str, tf.Tensor]
) -> tf.Tensor:
    """Softmax cross-entropy of each row's target against the pool of the batch, corrected for the pool's odds.

    A target that is in the pool counts once.

    Args:
        queries: [B, d].
        vectors: int32 [R] -> [R, d], what those items are scored with, of any floating dtype (cast to the queries').
            Only the positives and the pool are asked for.
        batch: positives int32 [B], pool int32 [S], pool_log_expected [S], positive_log_expected [B], valid_count
            (data/pools.py).

    Reference: SINE section 3.4 (sampled softmax; LEDGER S12); Jean et al., ACL 2015, eq. 10 (minus log Q).
    """
    dtype = precise_dtype(queries)
    positives, pool = batch["positives"], batch["pool"]
    own, others = (tf.cast(vectors(ids), queries.dtype) for ids in (positives, pool))
    own = tf.cast(tf.reduce_sum(queries * own, axis=-1), dtype) - tf.cast(batch["positive_log_expected"], dtype)
    others = tf.cast(tf.matmul(queries, others, transpose_b=True), dtype)
    others -= tf.cast(batch["pool_log_expected"], dtype)
    return pool_cross_entropy(own, others, positives[:, None] == pool, batch["valid_count"])


def pool_cross_entropy(own: tf.Tensor, others: tf.Tensor, hits: tf.Tensor, valid_count: tf.Tensor) -> tf.Tensor:
    """Softmax cross-entropy of each row's target against the other classes of a pool.

    Args:
        own: [R], the target's logit.
        others: [R, S], those of the pool.
        hits: bool [R, S], where the pool holds the target itself: left out, for it counts once.
        valid_count: [] floating.
    """
    others = tf.where(hits, others.dtype.min, others)
    losses = tf.reduce_logsumexp(tf.concat([own[:, None], others], axis=1), axis=1) - own
    return tf.reduce_sum(losses) / tf.cast(valid_count, losses.dtype)


def bpr(positive_scores: tf.Tensor, negative_scores: tf.Tensor, valid: tf.Tensor, valid_count: tf.Tensor) -> tf.Tensor:
    """-sum log s(x_ui - x_uj) / valid_count. Scores [B] or [B, T]. Reference: Rendle et al., UAI 2009, BPR-Opt."""
    return _mean(tf.nn.softplus(negative_scores - positive_scores), valid, valid_count)


def pairwise_hinge(
    positive: tf.Tensor,
    negative: tf.Tensor,
    valid_positive: tf.Tensor,
    valid_negative: tf.Tensor,
    margin: float,
    elementwise: bool = False,
) -> tf.Tensor:
    """sum of max(y_i + margin - y_j, 0) over pairs of a target and a negative, y a distance; not divided by anything.

    Args:
        positive, valid_positive: [B, T], floating and bool.
        negative, valid_negative: [B, n].
        margin: gamma.
        elementwise: the j-th target with the j-th negative (n = T) instead of all pairs.

    Reference: AttRec eq. 11 (LEDGER T7, T8).
    """
    if not elementwise:
        positive, negative = positive[:, :, None], negative[:, None, :]
        valid_positive, valid_negative = valid_positive[:, :, None], valid_negative[:, None, :]
    losses = tf.nn.relu(positive + margin - negative)
    return tf.reduce_sum(tf.where(valid_positive & valid_negative, losses, tf.zeros([], losses.dtype)))


def _mean(losses: tf.Tensor, valid: tf.Tensor, valid_count: tf.Tensor) -> tf.Tensor:
    losses = precise(losses)
    return tf.reduce_sum(tf.where(valid, losses, tf.zeros([], losses.dtype))) / tf.cast(valid_count, losses.dtype)
