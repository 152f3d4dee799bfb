"""Batch -> the N best items: where the score is an inner product by an index, else by scoring everything."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow_recommenders as tfrs

from models.base import Batch, Recommender
from tf_utils import topk
from tf_utils.keras_gate import tf

INDEXES = {"tfrs": "tfrs.layers.factorized_top_k.BruteForce", "blocked": "tf_utils.topk.top_k"}
SCORE_ALL = "score_all"
Retrieve = Callable[[Batch, tf.Tensor | None], tuple[tf.Tensor, tf.Tensor]]


def make_retrieval(model: Recommender, n: int, index: str = "tfrs") -> tuple[Retrieve, str]:
    """How a model's lists are made.

    The index is a copy of the item matrix as it is now: make it when the weights are final.

    Args:
        model: built, with its final weights.
        n: items of a list.
        index: of `INDEXES`; "tfrs" holds all scores of a batch at once, "blocked" a bounded number.

    Returns:
        (batch, exclude int32 [B, S] or None) -> scores float32 [B, n], ids int32 [B, n] (see tf_utils.topk.top_k), and
        the name of what makes them, of `INDEXES` or `SCORE_ALL`.
    """
    factors = model.retrieval_factors()
    if factors is None:

        def score_all(batch, exclude):
            queries, _ = model.encode(batch, training=False, positions="last")
            return topk.top_k_of_scores(model.score_all(queries), n, exclude)

        return score_all, SCORE_ALL
    query, matrix = factors
    matrix = tf.cast(matrix, tf.float32)
    if index == "blocked":
        blocked = lambda batch, exclude: topk.top_k(tf.cast(query(batch), tf.float32), matrix, n, exclude)  # noqa: E731
        return blocked, INDEXES[index]
    # With row 0, so that the product is that of score_all; padding is taken out with the excluded items.
    brute_force = tfrs.layers.factorized_top_k.BruteForce(k=n)
    brute_force.index(matrix, tf.range(matrix.shape[0]))

    def retrieve(batch, exclude):
        queries = tf.cast(query(batch), tf.float32)  # [B, K, d]: the index knows no interests, so each is a row
        wanted = n + 1 + (0 if exclude is None else tf.shape(exclude)[1])  # enough, whatever is taken out
        flat = tf.reshape(queries, [-1, queries.shape[2]])
        scores, ids = brute_force.call(flat, k=tf.minimum(wanted, matrix.shape[0]))
        scores, ids = (tf.reshape(x, [tf.shape(queries)[0], -1]) for x in (scores, ids))
        return topk.top_k_of_found(scores, ids, n, exclude)

    return retrieve, INDEXES[index]
