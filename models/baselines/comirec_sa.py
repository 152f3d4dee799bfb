"""ComiRec-SA: controllable multi-interest framework, self-attentive form (Cen et al., KDD 2020), under SINE's protocol.

| what | paper says | authors' code does | here | why |
|---|---|---|---|---|
| pooling (B12) | A = softmax(W2' tanh(W1 H))', no biases, V = H A | dense layers with biases | `bias` = False, official True | a bias of W2 is the same for all cells: the softmax cancels it, so it is left out in both |
| width of W1 | d_a | 4 d | 4 d (`hidden` = 4, times d) | the code's |
| positions | added to H | added for the weights only; V is a sum of item vectors | as the code | the published numbers are the code's |
| position 0 | - | the oldest item of the window (padded on the right) | the same (`anchor` = "oldest"; "newest") | |
| K | 4 in the tables | 4 | `interests` = 4 | |
| readout | the interest that scores the target highest | the same | the same | |
| at test | K lists, merged by score plus a weight times diversity | the same, weight 0 by default | the best interest counts, no diversity | |
| task | held-out users, the last fifth of the items | the same | SINE's: the next item of known users | one protocol for the table |
| item table, loss (S11, S12) | sampled softmax | shared table, 10 a row pooled, log-uniform, logQ | shared, 5 a row pooled (`negatives`) | |
"""  # noqa: E501

import ml_collections

from models import pooled
from models.base import Recommender
from models.layers.capsules import label_aware
from models.layers.embedding import LearnedPositions, PaddedEmbedding
from models.layers.pooling import position_weights
from models.layers.windows import newest_windows
from models.losses import sampled_softmax
from tf_utils.keras_gate import tf
from tf_utils.masks import valid


class ComiRecSA(Recommender):
    """K attention-weighted sums of the newest n item vectors."""

    regime = "prefix"

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(
            dict(
                variant="paper",
                dim=128,
                max_length=20,
                interests=4,  # K
                hidden=4,
                bias=False,
                anchor="oldest",
                **pooled.DEFAULTS,
            )
        )

    @staticmethod
    def variants():
        return {"paper": {}, "official": {"bias": True}}

    def __init__(self, config, spec):
        super().__init__(config, spec)
        if config.hidden < 1:
            raise ValueError(f"config.model.hidden must be at least 1, got {config.hidden}")
        self.items = PaddedEmbedding(spec.n_items, config.dim, name="items")
        self.positions = LearnedPositions(config.max_length, config.dim, config.anchor, name="positions")
        self.hidden = tf.keras.layers.Dense(
            config.hidden * config.dim, activation="tanh", use_bias=config.bias, name="hidden"
        )  # W1
        self.heads = tf.keras.layers.Dense(config.interests, use_bias=False, name="heads")  # W2

    def interests(self, windows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """windows: int32 [R, n]. Returns interests [R, K, d] and the weights of the cells [R, K, n]."""
        x = self.items(windows)
        logits = self.heads(self.hidden(x + self.positions(windows)))  # [R, n, K]
        weights = position_weights(logits, valid(windows))
        return tf.matmul(weights, x), weights

    def encode(self, batch, training=False, positions="all"):
        """`out["interest_weights"]` [B, K, n]: of the newest position."""
        config = self.config
        windows = newest_windows(batch["items"], config.max_length, positions)  # [B, T, n]
        rows, width = tf.shape(windows)[0], tf.shape(windows)[1]
        found, weights = self.interests(tf.reshape(windows, [-1, config.max_length]))
        weights = tf.reshape(weights, [rows, width, config.interests, config.max_length])
        return tf.reshape(found, [rows, width, config.interests, config.dim]), {"interest_weights": weights[:, -1]}

    def item_matrix(self):
        return self.items.matrix()

    def compute_loss(self, batch, training=True):
        found, _ = self.interests(newest_windows(batch["items"], self.config.max_length, "last")[:, 0])
        user = label_aware(found, self.items(batch["positives"]), "hard")
        return sampled_softmax(user, self.items, batch)

    def feed_options(self):
        return pooled.feed_options(self.config)
