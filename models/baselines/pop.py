"""MostPop: items ranked by their number of training events, for everybody alike.

| what | paper says | authors' code does | here | why |
|---|---|---|---|---|
| what is counted | "popularity" (ASLI section 4.3) | - | training events | held-out events would leak the targets |
"""

import ml_collections
import numpy as np

from models.base import Recommender
from tf_utils.keras_gate import tf


class MostPop(Recommender):
    """score(item) = training events of the item. Under popularity-sampled candidates it is near chance, not at it."""

    regime = None

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(dict(variant="paper"))

    def __init__(self, config, spec):
        super().__init__(config, spec)
        # Whole numbers up to 2^24 are exact in float32; in half precision they would tie.
        self.counts = tf.Variable(tf.zeros([spec.n_items + 1]), trainable=False, name="counts")

    def fit_counts(self, split):
        counts = split.item_counts(train_only=True)
        self.counts.assign(np.where(np.arange(len(counts)) > 0, counts, 0).astype(np.float32))

    def encode(self, batch, training=False, positions="all"):
        shape = tf.shape(batch["items"])
        return tf.ones([shape[0], 1 if positions == "last" else shape[1], 1, 1]), {}

    def item_matrix(self):
        return self.counts[:, None]
