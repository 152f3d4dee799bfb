"""HistoryMembership: what a scorer reaches that knows only whether an item is in the history.

| what | paper says | authors' code does | here | why |
|---|---|---|---|---|
| the model | - | - | score 1 for an item of the history, 0 for any other | where targets repeat the history, a table needs this row beside it |

Under `full` the history is taken out of the candidates but the target stays, so a repeated target is alone at the top
and any other is at chance. Sampled candidates exclude the history too. `full_with_seen` alone has the history's other
items as rivals.
"""  # noqa: E501

import ml_collections

from models.base import Recommender
from tf_utils.keras_gate import tf


class HistoryScorer(Recommender):
    """A model without weights whose score is a function of the set of items in the history.

    The query is the score vector itself: encode gives [B, T, 1, n_items + 1], so that there are no retrieval factors.
    """

    regime = None

    def scores(self, history: tf.Tensor) -> tf.Tensor:
        """history: float32 [R, n_items + 1], weights of the items of each history, 0 where absent. Same shape."""
        raise NotImplementedError

    def encode(self, batch, training=False, positions="all"):
        decay = self.config.get("decay", 1.0)
        history = history_weights(batch["items"], self.spec.n_items, positions, decay)  # [B, Q, N + 1]
        return tf.reshape(self.scores(tf.reshape(history, [-1, history.shape[-1]])), tf.shape(history))[:, :, None], {}

    def score(self, queries, candidates):
        return tf.gather(queries[:, 0, 0], candidates, batch_dims=1)

    def score_all(self, queries):
        return queries[:, 0, 0]

    def retrieval_factors(self):
        return None


class HistoryMembership(HistoryScorer):
    """score(item) = 1 if the item is in the history, else 0; ties are broken at random by the ranks."""

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(dict(variant="paper"))

    def fit_counts(self, split):
        """There is nothing to fit."""

    def scores(self, history):
        return history


def history_weights(items: tf.Tensor, n_items: int, positions: str, decay: float = 1.0) -> tf.Tensor:
    """What each position has seen: an item's weight is decay^(events since its newest occurrence), 0 if absent.

    Args:
        items: int32 [B, T], left-padded.
        n_items: N.
        positions: "all" or "last" (the newest position only).
        decay: in (0, 1]; 1: plain membership.

    Returns:
        float32 [B, Q, N + 1], Q = T or 1; column 0 is 0.
    """
    rows, steps = tf.shape(items)[0], tf.shape(items)[1]
    seen_from = tf.range(steps) if positions == "all" else tf.range(steps)[-1:]
    age = seen_from[:, None] - tf.range(steps)[None, :]  # [Q, T]
    weights = tf.where(age >= 0, tf.pow(tf.constant(decay), tf.cast(tf.maximum(age, 0), tf.float32)), 0.0)
    shape = tf.stack([rows, tf.shape(seen_from)[0], steps])
    weights = tf.where((items > 0)[:, None, :], weights[None], 0.0)
    row, query = tf.range(rows)[:, None, None], tf.range(shape[1])[None, :, None]
    index = [tf.broadcast_to(x, shape) for x in (row, query, items[:, None, :])]
    result = tf.zeros([rows, shape[1], n_items + 1])
    # The newest occurrence has the largest weight, so the maximum counts an item once.
    return tf.tensor_scatter_nd_max(result, tf.stack(index, axis=-1), weights)
