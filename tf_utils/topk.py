"""The k best items of the whole catalogue, exactly, in bounded memory.

Order: falling score, of equal scores the smaller id first. Item 0 (padding) and excluded items never appear; a place
for which no item is left holds id 0 and score -inf. Scores must be finite.

tf.math.top_k over all scores costs more than the product that makes them. So items are cut into chunks of neighbouring
ids, and only the k chunks with the largest maxima are looked into. No item is lost: before an item of another chunk
come k items, the best one of each of those chunks, which score higher, or the same with a smaller id.
"""

from __future__ import annotations

from tf_utils.keras_gate import tf

ROWS = 256  # rows of scores at once: the product runs near its peak from here on
SCORES = 1 << 24  # scores at once: 64 MB, twice that where a block is no multiple of a chunk
CHUNK = 32  # items; 16 to 64 make no difference
_NONE = float("-inf")


def top_k(
    queries: tf.Tensor, matrix: tf.Tensor, k: int, exclude: tf.Tensor | None = None, scores_at_once: int = SCORES
) -> tuple[tf.Tensor, tf.Tensor]:
    """The k items with the largest inner products; of several interests an item's best one counts.

    The same list as `top_k_of_scores` of `models.base.Recommender.score_all`, but memory does not grow with B n_items.
    (The products are others: where their last bits differ, so may the order of two items that far apart.)

    Args:
        queries: float [B, d], or [B, K, d] for K interests.
        matrix: float [n_items + 1, d], row i for item i, row 0 for padding.
        k: at least 1; may exceed n_items.
        exclude: int32 [B, S], items that must not appear in a row's list; 0 means nothing.
        scores_at_once: bound of the scores held at a time.

    Returns:
        scores float32 [B, k], ids int32 [B, k].

    Raises:
        ValueError: k is below 1, or queries are neither [B, d] nor [B, K, d].
    """
    _check(k)
    if queries.shape.rank not in (2, 3):
        raise ValueError(f"queries must be [B, d] or [B, K, d], got the shape {queries.shape}")
    queries = queries[:, None, :] if queries.shape.rank == 2 else queries
    total, n_rows, interests = tf.shape(queries)[0], tf.shape(matrix)[0], tf.shape(queries)[1]
    hidden = _hidden(exclude, total)
    rows = tf.maximum(ROWS // interests, 1)
    block = tf.maximum(scores_at_once // (rows * interests * CHUNK), 1) * CHUNK
    chunk = _chunk(matrix.shape[0], k)

    def group(step, all_scores, all_ids):
        """The lists of `rows` rows."""
        part, theirs = (x[step * rows : (step + 1) * rows] for x in (queries, hidden))
        size = tf.shape(part)[0]

        def merge(first, best, ids):
            """With the items from `first` on."""
            width = tf.minimum(block, n_rows - first)
            flat = tf.reshape(part, [-1, part.shape[2] or tf.shape(part)[2]])
            scores = tf.matmul(flat, matrix[first : first + block], transpose_b=True)
            if part.shape[1] != 1:
                scores = tf.reduce_max(tf.reshape(scores, [size, interests, width]), axis=1)
            scores = _hide(tf.cast(scores, tf.float32), theirs, first, width)
            best, ids = _select(scores, first, size, width, best, ids, k, chunk)
            return first + block, best, ids

        shapes = [tf.TensorShape([]), tf.TensorShape([None, k]), tf.TensorShape([None, k])]
        _, best, ids = tf.while_loop(
            lambda first, *_: first < n_rows, merge, [0, *_nothing(size, k)], shapes, parallel_iterations=1
        )  # one after the other, or memory would not be bounded
        return step + 1, all_scores.write(step, best), all_ids.write(step, ids)

    arrays = [
        tf.TensorArray(dtype, (total + rows - 1) // rows, infer_shape=False, element_shape=[None, k])
        for dtype in (tf.float32, tf.int32)
    ]
    _, scores, ids = tf.while_loop(lambda step, *_: step * rows < total, group, [0, *arrays], parallel_iterations=1)
    return _finished(scores.concat(), ids.concat())


def top_k_of_scores(scores: tf.Tensor, k: int, exclude: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
    """The same for scores that are no inner product.

    Args:
        scores: float [B, n_items + 1]; column 0 means nothing.
        k, exclude: as in `top_k`.

    Returns:
        scores float32 [B, k], ids int32 [B, k].
    """
    _check(k)
    size, width = tf.shape(scores)[0], tf.shape(scores)[1]
    visible = _hide(tf.cast(scores, tf.float32), _hidden(exclude, size), 0, width)
    return _finished(*_select(visible, 0, size, width, *_nothing(size, k), k, _chunk(scores.shape[1], k)))


def top_k_of_found(
    scores: tf.Tensor, ids: tf.Tensor, k: int, exclude: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """The k best of items that an index has found, possibly one item by several interests: its best score counts.

    Exact if each interest's list is its best k + S + 1 items, S being the width of `exclude` (one more for padding).

    Args:
        scores: float [B, M].
        ids: int32 [B, M].
        k, exclude: as in `top_k`.

    Returns:
        scores float32 [B, k], ids int32 [B, k].
    """
    _check(k)
    size = tf.shape(scores)[0]
    scores = tf.cast(scores, tf.float32)
    hidden = tf.sort(_hidden(exclude, size), axis=1)
    place = tf.minimum(tf.searchsorted(hidden, ids), tf.shape(hidden)[1] - 1)
    scores = tf.where(tf.gather(hidden, place, batch_dims=1) == ids, _NONE, scores)
    # By falling score and then, stably, by id: the first of each item's run is its best.
    order = tf.argsort(scores, axis=1, direction="DESCENDING", stable=True)
    order = tf.gather(order, tf.argsort(tf.gather(ids, order, batch_dims=1), axis=1, stable=True), batch_dims=1)
    scores, ids = (tf.gather(x, order, batch_dims=1) for x in (scores, ids))
    again = tf.concat([tf.zeros([size, 1], tf.bool), ids[:, 1:] == ids[:, :-1]], axis=1)
    scores = tf.where(again, _NONE, scores)
    none = _nothing(size, k)
    best, places = tf.math.top_k(tf.concat([scores, none[0]], axis=1), k)  # of equal scores the smaller id comes first
    return _finished(best, tf.gather(tf.concat([ids, none[1]], axis=1), places, batch_dims=1))


def _check(k: int) -> None:
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")


def _chunk(n_rows: int | None, k: int) -> int:
    """Chunks pay where there are many more of them than are chosen."""
    return CHUNK if n_rows is None or n_rows >= 4 * CHUNK * k else 1


def _nothing(size: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.fill([size, k], _NONE), tf.zeros([size, k], tf.int32)


def _hidden(exclude: tf.Tensor | None, size: tf.Tensor) -> tf.Tensor:
    """int32 [B, 1 + S]: padding, and what is excluded."""
    padding = tf.zeros([size, 1], tf.int32)
    return padding if exclude is None else tf.concat([padding, tf.cast(exclude, tf.int32)], axis=1)


def _hide(scores: tf.Tensor, hidden: tf.Tensor, first: tf.Tensor | int, width: tf.Tensor) -> tf.Tensor:
    """scores [B, width] of the items first, first + 1, ...: -inf for those in `hidden`, whatever their score was."""
    place = hidden - first
    inside = (place >= 0) & (place < width)
    row = tf.broadcast_to(tf.range(tf.shape(hidden)[0])[:, None], tf.shape(hidden))
    # Where an item is not of this block, the minimum with +inf changes nothing.
    index = tf.stack([row, tf.where(inside, place, 0)], axis=-1)
    return tf.tensor_scatter_nd_min(scores, index, tf.where(inside, _NONE, -_NONE))


def _select(scores, first, size, width, best, ids, k: int, chunk: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The k best of the `best` so far and of the `scores` [size, width] of the items first, first + 1, ..."""
    # Nobody asks for the shape of `scores`: without another reader the ops work in place.
    if chunk == 1:
        found, places = scores, tf.broadcast_to(tf.range(width), [size, width])
    else:
        short = tf.math.floormod(-width, chunk)
        padding = [[0, 0], [0, short]]
        scores = tf.cond(short > 0, lambda: tf.pad(scores, padding, constant_values=_NONE), lambda: scores)
        scores = tf.reshape(scores, [size, (width + short) // chunk, chunk])
        maxima = tf.reduce_max(scores, axis=2)
        # Of the first block k chunks, of a later one only those that better what has been found.
        better = tf.reduce_sum(tf.cast(maxima > best[:, -1:], tf.int32), axis=1)
        wanted = tf.minimum(tf.reduce_max(better), k)
        chosen = tf.sort(tf.math.top_k(maxima, wanted).indices, axis=1)  # smaller ids first
        found = tf.reshape(tf.gather(scores, chosen, batch_dims=1), [size, wanted * chunk])
        places = tf.reshape(chosen[:, :, None] * chunk + tf.range(chunk), [size, wanted * chunk])
    best, order = tf.math.top_k(tf.concat([best, found], axis=1), k)
    return best, tf.gather(tf.concat([ids, first + places], axis=1), order, batch_dims=1)


def _finished(scores: tf.Tensor, ids: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return scores, tf.where(scores > _NONE, ids, 0)
