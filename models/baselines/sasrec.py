"""SASRec: self-attentive sequential recommendation (Kang and McAuley, ICDM 2018).

| what | paper says | authors' code does | here | why |
|---|---|---|---|---|
| embedding scale | eq. 1: M + P | item vectors times sqrt(d) | `scale_inputs` = True | the published numbers are the code's |
| normalisation | x + Dropout(g(LN(x))) | LN on the query only, the residual adds LN(query) | as code | as above |
| item vectors of the score | shared table (eq. 8) | shared, not scaled | shared, not scaled | |
| loss | eq. 9: BCE, one negative a step | mean over valid steps | `loss` = "bce"; "ce" is full softmax cross-entropy | "ce" is the strong modern form |
| negatives | not in the user's sequence | not in the *training* items | training items | excluding held-out items would leak them |
| SINE's protocol | SINE section 4.1: n 20, D 128, sampled softmax | not released | variant "sine_protocol": `loss` = "sampled_softmax", one prefix a row, the newest position's query, a pool of `negatives` a row (S11-S13) | its Table 1 |
| epoch | - | users drawn with replacement | a permutation | each user once |
"""  # noqa: E501

import ml_collections

from models.base import Recommender
from models.layers.dropout import StatelessDropout
from models.layers.embedding import LearnedPositions, PaddedEmbedding
from models.layers.norm import LayerNorm
from models.layers.transformer import SASRecBlock
from models.losses import binary_cross_entropy, full_cross_entropy, sampled_softmax
from tf_utils.keras_gate import tf
from tf_utils.masks import valid

LOSSES = ("bce", "ce", "sampled_softmax")
PREFIX_OPTIONS = {"negatives": 5, "proposal": "log_uniform", "min_history": 1}  # of the sampled softmax alone


class SASRec(Recommender):
    """Blocks of causal self-attention over the item sequence."""

    shift_invariant_weights = ("key/bias",)  # adds the same to all logits of a query

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(
            dict(variant="paper", dim=50, max_length=200, blocks=2, heads=1, dropout=0.2, scale_inputs=True, loss="bce")
        )

    @staticmethod
    def variants():
        # ce_replicated: the released settings of Klenitskiy and Vasilev, RecSys 2023 (full NDCG@10 0.182 on ML-1M).
        return {
            "paper": {},
            "ce": {"loss": "ce"},
            "ce_replicated": {"loss": "ce", "dim": 64, "dropout": 0.1},
            "sine_protocol": {"loss": "sampled_softmax", "dim": 128, "max_length": 20, **PREFIX_OPTIONS},
        }

    def __init__(self, config, spec):
        super().__init__(config, spec)
        if config.loss not in LOSSES:
            raise ValueError(f"sasrec: loss must be one of {', '.join(LOSSES)}, got {config.loss!r}")
        if config.loss == "sampled_softmax":
            self.regime = "prefix"
        self.items = PaddedEmbedding(spec.n_items, config.dim, name="items")
        self.positions = LearnedPositions(config.max_length, config.dim, name="positions")
        self.dropout = StatelessDropout(config.dropout)
        self.blocks = [
            SASRecBlock(config.dim, config.heads, config.dropout, name=f"block_{i}") for i in range(config.blocks)
        ]
        self.norm = LayerNorm(name="norm")

    def encode(self, batch, training=False, positions="all"):
        items = batch["items"]
        mask = valid(items)
        x = self.items(items)  # [B, T, d]
        if self.config.scale_inputs:
            x *= self.config.dim**0.5
        x = self.dropout(x + self.positions(items), training=training)  # eq. 1
        x *= tf.cast(mask, x.dtype)[..., None]
        out = {}
        for i, block in enumerate(self.blocks):
            # The last block need only answer the newest query when one answer is wanted.
            queries = x[:, -1:] if positions == "last" and i == len(self.blocks) - 1 else x
            x, out[f"block_{i}_attention"] = block(queries, x, mask, training=training)  # eq. 2-7
        return self.norm(x)[:, :, None, :], out

    def item_matrix(self):
        return self.items.matrix()

    def compute_loss(self, batch, training=True):
        if self.config.loss == "sampled_softmax":
            newest = self.encode(batch, training=training, positions="last")[0][:, 0, 0]
            return sampled_softmax(newest, tf.cast(self.items.table, newest.dtype), batch)
        queries = self.encode(batch, training=training)[0][:, :, 0]
        mask = valid(batch["positives"])
        if self.config.loss == "ce":
            return full_cross_entropy(queries, self.item_matrix(), batch["positives"], mask, batch["valid_count"])
        score = lambda ids: tf.reduce_sum(queries * self.items(ids), axis=-1)  # noqa: E731  eq. 8
        return binary_cross_entropy(score(batch["positives"]), score(batch["negatives"]), mask, batch["valid_count"])

    def feed_options(self):
        if self.regime != "prefix":
            return {}
        negatives, proposal, min_history = (self.config.get(name, value) for name, value in PREFIX_OPTIONS.items())
        return {"pooled": negatives, "proposal": proposal, "min_history": min_history}
