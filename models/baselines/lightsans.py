"""LightSANs: low-rank decomposed self-attention networks (Fan et al., SIGIR 2021); their code is RecBole's.

| what | paper says | authors' code does | here | why |
|---|---|---|---|---|
| interests (B14) | K and V are aggregated to k interests by a learned theta | softmax over the positions; one theta for K, one for V, before the heads are split | as code | |
| attention weights (B14) | softmax of a query's scores: over the interests | softmax over the *queries* (dim -2): an interest's weights sum to 1 over the history | `normalise` = "interests"; variant "official": "queries" | the printed softmax; the code's is worth a row |
| position term | decoupled: from position vectors alone, added to the item term | softmax over the queries again; LN on the positions; logits over e sqrt(2) | `normalise` holds for both terms; LN and scale as code | |
| causal mask (B14) | none | none: k interests have no order, a mask does not fit | none (`causal` = False) | so only the newest position is trained: at any other the model would read its label |
| instances | each prefix of a history -> its next item | the same | regime "prefix" | as above |
| padding | - | item 0, on the right, read like any item; no mask | the same, the history padded to n whatever the batch's width | the number of padded cells moves the result; RecBole issue 1806 and LightSANs issue 3 ask for a mask: there is none |
| padded cells | - | row 0 of the item table: drawn like the others; as an input it gets no gradient, as a class of the softmax it does (a class that is never right) | `padding` = "vector": the same; "zeros": a zero vector, no class | what the published numbers were made with |
| positions | - | cell 0 is the oldest item, padding has the last ones | the same: rows are turned (`positions` = "oldest"); "newest": as stored, padding first | storage pads on the left |
| block | post-norm, GELU, inner width 4 d | the same, two layers of two heads | the same | |
| input | item vectors without positions | LN and dropout on them | as code | |
| k | tuned | 5; 20 in the log of ML-1M at n 200, 0.1 n advised | `interests` = 20 | |
| dropout | tuned | 0.5; 0.2 in the log of ML-1M | 0.2 | |
| loss | cross-entropy over all items | the same | the same | |
| optimiser of the ML-1M log | - | Adam 3e-3, batch 1024, stop after 10 epochs without a better MRR@10 | the runner's | |
| initialisation | - | N(0, 0.02), biases 0, theta N(0, 1) | the same | |
"""  # noqa: E501

import ml_collections

from models.base import Recommender
from models.layers.dropout import StatelessDropout
from models.layers.embedding import LearnedPositions, PaddedEmbedding, built
from models.layers.initializers import normal
from models.layers.low_rank_attention import AXES, LowRankBlock
from models.layers.norm import LayerNorm
from models.losses import full_cross_entropy
from tf_utils.keras_gate import tf
from tf_utils.masks import valid


class LightSANs(Recommender):
    """Blocks of attention from items to k interests over a history of exactly n cells, without any mask."""

    regime = "prefix"
    causal = False
    padding_invariant = False
    choices = {"normalise": tuple(AXES), "padding": ("vector", "zeros"), "positions": ("oldest", "newest")}

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(
            dict(
                variant="paper",
                dim=64,
                max_length=200,
                blocks=2,
                heads=2,
                inner=256,
                interests=20,  # k
                dropout=0.2,
                attention_dropout=0.2,
                normalise="interests",
                padding="vector",
                positions="oldest",
                min_history=1,
            )
        )

    @staticmethod
    def variants():
        return {"paper": {}, "official": {"normalise": "queries"}}

    def __init__(self, config, spec):
        super().__init__(config, spec)
        # A query's bias adds the same to all queries, a key's the same to all keys.
        self.shift_invariant_weights = ("query/bias",) if config.normalise == "queries" else ("key/bias",)
        self.items = built(PaddedEmbedding(spec.n_items, config.dim, normal(), name="items"))
        self.positions = built(LearnedPositions(config.max_length, config.dim, "newest", normal(), name="positions"))
        self.input_norm = LayerNorm(epsilon=1e-12, name="input_norm")
        self.dropout = StatelessDropout(config.dropout)
        self.blocks = [
            LowRankBlock(
                *(config.dim, config.heads, config.interests, config.inner, config.normalise),
                *(config.dropout, config.attention_dropout),
                initializer=normal(),
                name=f"block_{i}",
            )
            for i in range(config.blocks)
        ]

    def encode(self, batch, training=False, positions="all"):
        """A history has at most n cells. `out["block_i_interest_weights"]` [B, heads, n, k] (1 instead of n for the
        last block where positions is "last") and `out["block_i_position_weights"]` [heads, n, n] are of the cells in
        the order in which the model reads them."""
        length, width = self.config.max_length, tf.shape(batch["items"])[1]
        items = tf.ensure_shape(tf.pad(batch["items"], [[0, 0], [length - width, 0]]), [None, length])
        turn = tf.zeros_like(items[:, 0])
        if self.config.positions == "oldest":
            turn = length - tf.reduce_sum(tf.cast(valid(items), tf.int32), axis=1)
        items = _turned(items, turn)
        x = self.dropout(self.input_norm(self._vectors(items)), training=training)
        newest, out = (length - 1 - turn) % length, {}
        for i, block in enumerate(self.blocks):
            cell = newest if positions == "last" and i == len(self.blocks) - 1 else None
            x, weights, by_position = block(x, self.positions(items)[0], cell, training=training)
            out |= {f"block_{i}_interest_weights": weights, f"block_{i}_position_weights": by_position}
        if positions != "last":
            x = _turned(x, -turn)[:, length - width :]
        return x[:, :, None, :], out

    def _vectors(self, items: tf.Tensor) -> tf.Tensor:
        """[B, n] -> [B, n, d]: item vectors; what padding reads is not trained through here."""
        x = self.items(items)
        if self.config.padding == "zeros":
            return x
        padding = tf.cast(tf.stop_gradient(tf.convert_to_tensor(self.items.table)[0]), x.dtype)
        return tf.where(valid(items)[..., None], x, padding)

    def item_matrix(self):
        return self.items.matrix()

    def compute_loss(self, batch, training=True):
        queries = self.encode(batch, training=training, positions="last")[0][:, :, 0]
        targets = batch["positives"][:, None]
        first = 0 if self.config.padding == "vector" else 1  # padding is a class too
        return full_cross_entropy(queries, self.items.table, targets, valid(targets), batch["valid_count"], first=first)

    def feed_options(self):
        return {"min_history": self.config.min_history}


def _turned(x: tf.Tensor, by: tf.Tensor) -> tf.Tensor:
    """Rows of x [B, n, ...] shifted to the left by `by` int32 [B] cells, around the end."""
    length = tf.shape(x)[1]
    return tf.gather(x, (tf.range(length)[None, :] + by[:, None]) % length, batch_dims=1)
