"""MCPRN: mixture-channel purpose routing networks (Wang et al., IJCAI 2019), under SINE's protocol.

score(u, j) = v_j . sum_k g_jk h_k, with g_j the candidate's own concentrations on the channels: the mixture differs
from candidate to candidate, but it is linear in the states, so the score is the inner product of [h_1 .. h_m] with
[g_j1 v_j .. g_jm v_j]. Queries and item vectors are these, of m d numbers.

| what | paper says | third-party code does | here | why |
|---|---|---|---|---|
| concentration | softmax(v_i . c_k / t) over the channels, t 0.1 | a dense layer without bias | the same (`temperature`) | |
| recurrent unit (PSRU) | a GRU whose update gate is times the concentration if it exceeds a threshold, else 0 | as the paper, threshold 0.01, a reset gate after the product | reset before the product | Cho et al.'s GRU |
| first state | - | N(0, 1), drawn anew at each call | 0 | a rank must not hang on a draw (B13) |
| padding | - | item 0, as any other | on the left, leaves the state as it was | |
| mixture | by the target's concentrations, not cut by the threshold | the same | the same | |
| channels | m tuned | 3 | `channels` = 3; SINE gives none | |
| output | sigmoid | the same | none | it changes no rank |
| loss | -log y+ - sum log(1 - y-), uniform negatives | the same, or softmax over one and its negatives | `loss` = "sampled_softmax" over the mixed scores; variant "bce" is the paper's, `negatives` a row | SINE's protocol |
| item table | shared | shared | shared | |
| optimiser | - | weight decay 1e-5, the rate a tenth every 3 epochs | the runner's, without | one for all models of the table |
| kernels at the start | - | uniform in +-1 / sqrt(d), item vectors too | the same, item vectors Glorot uniform | as the other models of the table |
"""  # noqa: E501

import ml_collections

from models import pooled
from models.base import Recommender
from models.layers.embedding import PaddedEmbedding
from models.layers.recurrent import ChannelGRU
from models.layers.windows import newest_windows
from models.losses import binary_cross_entropy, sampled_softmax
from tf_utils.keras_gate import tf
from tf_utils.masks import valid
from tf_utils.precision import precise


class MCPRN(Recommender):
    """m recurrent channels over the newest n items, mixed by how much the candidate is concentrated on each."""

    regime = "prefix"
    choices = {"loss": ("sampled_softmax", "bce")}

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(
            dict(
                variant="paper",
                dim=128,
                max_length=20,
                channels=3,  # m
                temperature=0.1,
                threshold=0.01,
                loss="sampled_softmax",
                **pooled.DEFAULTS,
            )
        )

    @staticmethod
    def variants():
        return {"paper": {}, "bce": {"loss": "bce"}}

    def __init__(self, config, spec):
        super().__init__(config, spec)
        self.items = PaddedEmbedding(spec.n_items, config.dim, name="items")
        self.purposes = tf.keras.layers.Dense(config.channels, use_bias=False, name="purposes")  # c_k, as columns
        self.gru = ChannelGRU(config.dim, config.channels, name="gru")

    def concentration(self, vectors: tf.Tensor) -> tf.Tensor:
        """g: vectors [..., d] -> [..., m], summing to 1."""
        logits = self.purposes(vectors)
        return tf.cast(tf.nn.softmax(precise(logits) / self.config.temperature, axis=-1), logits.dtype)

    def encode(self, batch, training=False, positions="all"):
        """Queries [B, T, 1, m d]; `out["concentration"]` [B, n, m], of the newest n items, 0 at padding."""
        config, width = self.config, tf.shape(batch["items"])[1]
        items = newest_windows(batch["items"], config.max_length, "last")[:, 0]
        x = self.items(items)
        g = self.concentration(x) * tf.cast(valid(items), x.dtype)[..., None]
        states = self.gru(x, tf.where(g > config.threshold, g, tf.zeros([], g.dtype)))  # [B, n, m, d]
        states = states[:, -1:] if positions == "last" else states[:, config.max_length - width :]
        shape = [tf.shape(states)[0], tf.shape(states)[1], 1, config.channels * config.dim]
        return tf.reshape(states, shape), {"concentration": g}

    def item_matrix(self):
        """[n_items + 1, m d]: [g_1 v .. g_m v]."""
        return self._spread(self.items.matrix())

    def score(self, queries, candidates):
        vectors = self.items(candidates)  # [B, C, d]
        products = tf.einsum("bmd,bcd->bcm", self._states(queries), vectors)
        return tf.reduce_sum(products * self.concentration(vectors), axis=-1)

    def score_all(self, queries):
        """As `item_matrix` would give, without laying out its m d columns: a product a channel."""
        vectors, states = self.items.matrix(), self._states(queries)
        g = self.concentration(vectors)
        products = (tf.matmul(states[:, k], vectors, transpose_b=True) * g[:, k] for k in range(self.config.channels))
        return tf.add_n(list(products))

    def compute_loss(self, batch, training=True):
        queries = self.encode(batch, training=training, positions="last")[0]
        positives = batch["positives"]
        if self.config.loss == "bce":
            own, others = self.score(queries, positives[:, None]), self.score(queries, batch["negatives"])
            mask = tf.ones_like(positives, tf.bool)[:, None]
            return binary_cross_entropy(own, others[:, None, :], mask, batch["valid_count"])
        return sampled_softmax(queries[:, 0, 0], lambda ids: self._spread(self.items(ids)), batch)

    def feed_options(self):
        config = self.config
        if config.loss == "bce":
            return {"negatives": config.negatives, "min_history": config.min_history}
        return pooled.feed_options(config)

    def _spread(self, vectors: tf.Tensor) -> tf.Tensor:
        """[rows, d] -> [rows, m d]."""
        spread = self.concentration(vectors)[:, :, None] * vectors[:, None, :]
        return tf.reshape(spread, [-1, self.config.channels * self.config.dim])

    def _states(self, queries: tf.Tensor) -> tf.Tensor:
        """[B, 1, 1, m d] -> [B, m, d]."""
        return tf.reshape(queries, [-1, self.config.channels, self.config.dim])
