"""IntentPop: items ranked by the number of training events of their intent, for everybody alike.

| what | paper says | authors' code does | here | why |
|---|---|---|---|---|
| the model | - | - | score(item) = training events of the item's intent; no personalisation at all | shows what an evaluation gives away (LEDGER C0) |
| released pairing | eq. 10: a candidate's own intent | the target with its own intent, rivals with random others | `score_paired`: training events of the intent that stands beside the item | the target's intent is popular more often than a random one |

With each candidate's own intent it is near chance under popularity candidates, whose intents are as popular as the
target's; under `cafe_released_pairing` it is far above.
"""  # noqa: E501

import ml_collections
import numpy as np

from models.base import Recommender
from tf_utils.keras_gate import tf


class IntentPop(Recommender):
    """Counts the training events of each category; an item without one scores 0."""

    regime = None
    scores_intents = True

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(dict(variant="paper"))

    def __init__(self, config, spec):
        super().__init__(config, spec)
        if not spec.n_categories:
            raise ValueError("intent_pop: its data must have item categories")
        # Whole numbers up to 2^24 are exact in float32.
        self.counts = tf.Variable(tf.zeros([spec.n_categories + 1]), trainable=False, name="counts")
        self.intents = tf.Variable(tf.zeros([spec.n_items + 1], tf.int32), trainable=False, name="intents")

    def fit_counts(self, split):
        seq = split.sequences
        counts = np.bincount(seq.categories[split.train_mask()], minlength=self.spec.n_categories + 1)
        self.counts.assign(np.where(np.arange(len(counts)) > 0, counts, 0).astype(np.float32))
        self.intents.assign(seq.item_categories())  # what an item is, known before anybody has it

    def encode(self, batch, training=False, positions="all"):
        shape = tf.shape(batch["items"])
        return tf.ones([shape[0], 1 if positions == "last" else shape[1], 1, 1]), {}

    def item_matrix(self):
        return tf.gather(self.counts, self.intents)[:, None]

    def score_paired(self, queries, candidates, intents):
        """int32 [B, C] twice -> [B, C]: the training events of each intent; the items do not matter."""
        return tf.gather(self.counts, intents)
