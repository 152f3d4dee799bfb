"""IdDistance: items ranked by how near their raw ids are to that of the newest event.

| what | paper says | authors' code does | here | why |
|---|---|---|---|---|
| the model | - | - | score(i) = - abs(place of i - place of the newest item), places in the order of the raw ids | a source without timestamps may list every user's items by id (SAIR's Anime, LEDGER R22): a table made of it needs this row beside it |
| side | - | - | either; variant "larger": all larger ids before the smaller ones (`larger_first`) | there the next item always has a larger id |
"""  # noqa: E501

import ml_collections
import numpy as np

from models.base import Recommender
from tf_utils.keras_gate import tf


class IdDistance(Recommender):
    """The nearest id first; knows nothing of users, items or time.

    The query is the newest item's place itself, [B, T, 1, 1]: a distance on a line is no inner product, so there are no
    retrieval factors. A history without events has place 0.
    """

    regime = None
    float32_scores = True  # whole numbers up to 2^24 are exact in float32; in half precision they would tie

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(dict(variant="paper", larger_first=False))

    @staticmethod
    def variants():
        return {"paper": {}, "larger": {"larger_first": True}}

    def __init__(self, config, spec):
        super().__init__(config, spec)
        self.places = tf.Variable(tf.range(spec.n_items + 1, dtype=tf.float32), trainable=False, name="places")

    def fit_counts(self, split):
        """Only the labels of the items are read: no event, so no held-out one either."""
        self.places.assign(raw_order(split.sequences.labels["item"]))

    def encode(self, batch, training=False, positions="all"):
        items = batch["items"][:, -1:] if positions == "last" else batch["items"]
        return tf.gather(self.places, items)[:, :, None, None], {}

    def score(self, queries, candidates):
        return self._nearness(tf.gather(self.places, candidates) - queries[:, 0, 0])

    def score_all(self, queries):
        return self._nearness(self.places[None, :] - queries[:, 0, 0])

    def _nearness(self, steps: tf.Tensor) -> tf.Tensor:
        """steps: [B, C], by how many places a candidate comes after the newest item. Same shape."""
        nearness = -tf.abs(steps)
        return tf.where(steps < 0, nearness - self.spec.n_items, nearness) if self.config.larger_first else nearness

    def retrieval_factors(self):
        return None


def raw_order(labels: np.ndarray) -> np.ndarray:
    """float32 [n_items + 1]: the place, from 1, of each item among the raw ids in ascending order; 0 for padding.

    labels: raw ids, [n_items]; in numeric order where all of them are whole numbers, else as text.
    """
    try:
        keys = np.asarray(labels).astype(np.int64)
    except ValueError:
        keys = np.asarray(labels).astype(str)
    places = np.zeros(len(keys) + 1, np.float32)
    places[1:][np.argsort(keys, kind="stable")] = np.arange(1, len(keys) + 1)
    return places
