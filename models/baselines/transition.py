"""What the models of the transition from the newest items to the next one share (FMC, FPMC, HRM, PRME, TransRec)."""

from models.base import Recommender
from models.layers import initializers
from models.layers.embedding import PaddedEmbedding, built
from models.layers.windows import newest_windows
from models.losses import bpr
from tf_utils.keras_gate import tf
from tf_utils.masks import valid


class TransitionModel(Recommender):
    """A score of (user, newest items, candidate), learnt from pairs of a next item and another one.

    A subclass gives `query`, `item_matrix`, `pair_scores` and `rows`; the configuration has `max_length`, `targets`,
    `negatives` (a target) and `exclude` (see data/feeds/window.py).

    Reference: Rendle et al., WWW 2010 (S-BPR); Wang et al., SIGIR 2015 (negative sampling, HRM).
    """

    regime = "window"
    choices = {"exclude": ("train", "targets")}

    def table(self, name: str, size: int, dim: int, initializer, constraint=None) -> PaddedEmbedding:
        """A built embedding table."""
        dtype = tf.keras.mixed_precision.global_policy().variable_dtype if self.float32_scores else None
        return built(PaddedEmbedding(size, dim, initializer, constraint, name=name, dtype=dtype))

    def normal(self) -> tf.keras.initializers.Initializer:
        """N(0, init^2), a new one for each table: unseeded initialisers are not to be shared."""
        return initializers.normal(self.config.init)

    def query(self, user: tf.Tensor, windows: tf.Tensor) -> tf.Tensor:
        """user: int32 [B].  windows: int32 [B, T, L], left-padded.  Returns [B, T, d']."""
        raise NotImplementedError

    def pair_scores(self, user: tf.Tensor, windows: tf.Tensor, items: tf.Tensor) -> tf.Tensor:
        """user: int32 [B].  windows: int32 [B, 1, L].  items: int32 [B, C].  Returns [B, C]."""
        raise NotImplementedError

    def rows(self, user, windows, positives, negatives) -> list[tuple[float, tf.Tensor]]:
        """(L2 weight, vectors) of every table row that the batch uses, each time it uses it; padding reads as zeros."""
        raise NotImplementedError

    def encode(self, batch, training=False, positions="all"):
        windows = newest_windows(batch["items"], self.config.max_length, positions)
        return self.query(batch["user"], windows)[:, :, None, :], {}

    def data_loss(self, positive: tf.Tensor, negative: tf.Tensor, mask: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        """positive, mask: [B, T].  negative: [B, T, negatives].  Returns []: a target against each of its negatives."""
        return bpr(positive[:, :, None], negative, mask[:, :, None], count)

    def compute_loss(self, batch, training=True):
        user, positives, negatives = batch["user"], batch["positives"], batch["negatives"]
        windows = newest_windows(batch["items"], self.config.max_length, "last")
        mask = valid(positives)
        each = self.config.negatives
        positive, negative = (self.pair_scores(user, windows, items) for items in (positives, negatives))
        negative = tf.reshape(negative, [-1, self.config.targets, each])
        loss = self.data_loss(positive, negative, mask, batch["valid_count"])
        penalty = tf.zeros([], loss.dtype)
        for weight, vectors in self.rows(user, windows, positives, negatives):
            penalty += weight * tf.reduce_sum(tf.square(tf.cast(vectors, loss.dtype)))
        # Half the squares: a weight l2 moves a row by l2 times itself, each time it is used, as LearnBPR's step does.
        return loss + 0.5 * penalty / tf.cast(batch["valid_count"], loss.dtype)

    def feed_options(self):
        return {"exclude": self.config.exclude, "negatives": self.config.targets * self.config.negatives}


def inner(queries: tf.Tensor, vectors: tf.Tensor) -> tf.Tensor:
    """queries: [B, 1, d].  vectors: [B, C, d].  Returns [B, C]."""
    return tf.reduce_sum(queries * vectors, axis=-1)
