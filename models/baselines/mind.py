"""MIND: multi-interest network with dynamic routing (Li et al., CIKM 2019), under SINE's protocol.

| what | paper says | ComiRec's code does | here | why |
|---|---|---|---|---|
| bilinear map (B11) | one matrix S for all pairs | a dense layer, with a bias that starts as Glorot noise | S, no bias | the paper's |
| routing logits | b ~ N(0, s^2) at every routing | truncated normal, s 1, also anew at each test call | in training the same, from the step's seed; fixed at test | a rank must not hang on a draw. `routing_logits` = "fixed": in training too |
| iterations | 3 | 3, gradients through the last alone | 3 (`iterations`), the same | |
| number of interests | max(1, min(K, log2 of the history's length)) | K | `adaptive_interests` = True, comirec False | log2 rounded down |
| after the routing | ReLU layers on [capsule; profile] | one ReLU layer, on Amazon Books only | `relu` = False | no profile here; the code on its other sets |
| label-aware attention | softmax(pow(V' e, p)), p tunable: 0 weighs all alike, infinity (hard attention) did best | pow 1, then the best interest alone | `readout` = "hard"; "soft" with `power` = p | what it found best; with small vectors, as at the start, p = 1 is nearly p = 0 |
| at test | the best interest counts | K lists merged by score: the same | the best interest counts | |
| item table, loss | sampled softmax | shared table, 10 a row pooled, log-uniform, logQ | shared, 5 a row pooled (`negatives`) | S11, S12 |
"""  # noqa: E501

import ml_collections

from models import pooled
from models.base import Recommender
from models.layers.capsules import READOUTS, DynamicRouting, label_aware
from models.layers.embedding import PaddedEmbedding
from models.layers.windows import newest_windows
from models.losses import sampled_softmax
from tf_utils.keras_gate import tf
from tf_utils.masks import valid


class MIND(Recommender):
    """K interest capsules of the newest n items, whose order is not read."""

    regime = "prefix"
    choices = {"readout": READOUTS}

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(
            dict(
                variant="paper",
                dim=128,
                max_length=20,
                interests=4,  # K
                iterations=3,
                routing_logits="random",
                adaptive_interests=True,
                relu=False,
                readout="hard",
                power=1,
                **pooled.DEFAULTS,
            )
        )

    @staticmethod
    def variants():
        return {
            "paper": {},
            "comirec": {"adaptive_interests": False},
            "soft": {"readout": "soft"},
            "fixed_logits": {"routing_logits": "fixed"},
        }

    def __init__(self, config, spec):
        super().__init__(config, spec)
        self.items = PaddedEmbedding(spec.n_items, config.dim, name="items")
        self.routing = DynamicRouting(
            *(config.dim, config.interests, config.max_length, config.iterations, config.routing_logits), name="routing"
        )
        self.dense = tf.keras.layers.Dense(config.dim, activation="relu", name="dense") if config.relu else None

    def interests(self, windows: tf.Tensor, training: bool) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """windows: int32 [R, n]. Returns interests [R, K, d], bool [R, K] (those that the row has), weights [R, K, n].

        An interest that a row does not have repeats its first one: it never decides which scores best.
        """
        mask = valid(windows)
        active = self._active(mask)
        found, weights = self.routing(self.items(windows), mask, active, training=training)
        if self.dense is not None:
            found = self.dense(found)
        return tf.where(active[:, :, None], found, found[:, :1]), active, weights

    def encode(self, batch, training=False, positions="all"):
        """`out["routing_weights"]` [B, K, n]: of the newest position."""
        config = self.config
        windows = newest_windows(batch["items"], config.max_length, positions)  # [B, T, n]
        rows, width = tf.shape(windows)[0], tf.shape(windows)[1]
        found, _, weights = self.interests(tf.reshape(windows, [-1, config.max_length]), training)
        weights = tf.reshape(weights, [rows, width, config.interests, config.max_length])
        return tf.reshape(found, [rows, width, config.interests, config.dim]), {"routing_weights": weights[:, -1]}

    def item_matrix(self):
        return self.items.matrix()

    def compute_loss(self, batch, training=True):
        windows = newest_windows(batch["items"], self.config.max_length, "last")[:, 0]
        found, active, _ = self.interests(windows, training)
        target = self.items(batch["positives"])
        user = label_aware(found, target, self.config.readout, self.config.power, active)
        return sampled_softmax(user, self.items, batch)

    def feed_options(self):
        return pooled.feed_options(self.config)

    def _active(self, mask: tf.Tensor) -> tf.Tensor:
        """bool [R, K]: the first max(1, min(K, floor(log2 |I_u|))) capsules (MIND, "dynamic interest number")."""
        capsules = tf.range(self.config.interests)[None, :]
        if not self.config.adaptive_interests:
            return tf.broadcast_to(capsules >= 0, [tf.shape(mask)[0], self.config.interests])
        length = tf.reduce_sum(tf.cast(mask, tf.int32), axis=1, keepdims=True)
        return (capsules == 0) | (length >= tf.bitwise.left_shift(2, capsules))
