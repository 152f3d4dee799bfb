"""SASRec: self-attentive sequential recommendation (Kang and McAuley, ICDM 2018).

| what | paper says | authors' code does | here | why |
|---|---|---|---|---|
| embedding scale | eq. 1: M + P | item vectors times sqrt(d) | `scale_inputs` = True | the published numbers are the code's |
| normalisation | x + Dropout(g(LN(x))) | LN on the query only, the residual adds LN(query) | as code | as above |
| item vectors of the score | shared table (III-D) | shared, not scaled | shared, not scaled | |
| loss | III-E: BCE, one negative a step | mean over valid steps | `loss` = "bce"; "ce" is full softmax cross-entropy | "ce" is the strong modern form |
| negatives | not in the user's sequence | not in the *training* items | training items | excluding held-out items would leak them |
| SINE's protocol | SINE section 4.1: n 20, D 128, sampled softmax | not released | variant "sine_protocol": `loss` = "sampled_softmax", one prefix a row, the newest position's query, a pool of `negatives` a row (S11-S13) | its Table 1 |
| epoch | - | users drawn with replacement | a permutation | each user once |
| CAFE's authors' form | - | (theirs) W_O, position 0 is the oldest event; biases and norms untrained, tables N(0, 1) | variant "cafe_authors": `output_projection`, `positions` = "oldest"; all trained, tables as above | an aside row of CAFE's Table 2 (C12 is a slip) |
| RecBole's form | - | another model: post-norm blocks of two heads, GELU, inner width 256, LN and dropout on item + position, no scale, no final LN, dropout 0.5 on everything and the attention weights, N(0, 0.02), cross-entropy over all items | variant "recbole": `block` = "post_norm" and `RECBOLE_OPTIONS` | SAIR and LightSANs compare with it (B1) |
| RecBole's positions | - | padded on the right: position 0 is the oldest item | `positions` = "oldest" | |
| RecBole's instances | - | each prefix of a history (its newest n items) -> the next item | `instances` = "windows": every position of a window, with windows over the whole history (`train.windows` = "sliding"); "prefix": as RecBole, at n times the cost | the same targets once an epoch; in windows a target sees the items since the window's start, in prefixes always the n before it |
| RecBole's softmax | - | the padding item is a class too, which is never right | the items alone | it is not read anywhere |
"""  # noqa: E501

import ml_collections

from models import pooled
from models.base import Recommender
from models.layers.dropout import StatelessDropout
from models.layers.embedding import LearnedPositions, PaddedEmbedding
from models.layers.initializers import normal
from models.layers.norm import LayerNorm
from models.layers.transformer import PostNormBlock, SASRecBlock, run_blocks
from models.losses import binary_cross_entropy, full_cross_entropy, sampled_softmax
from tf_utils.keras_gate import tf
from tf_utils.masks import valid

# Of the post-norm form alone. min_history: events before a target, of the prefix instances.
RECBOLE_OPTIONS = {"inner": 256, "positions": "oldest", "instances": "windows", "min_history": 1}


class SASRec(Recommender):
    """Blocks of causal self-attention over the item sequence."""

    shift_invariant_weights = ("key/bias",)  # adds the same to all logits of a query
    choices = {"loss": ("bce", "ce", "sampled_softmax"), "block": ("query_norm", "post_norm")}

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
            "sine_protocol": {"loss": "sampled_softmax", "dim": 128, "max_length": 20, **pooled.DEFAULTS},
            "cafe_authors": {"output_projection": True, "positions": "oldest"},
            "recbole": {
                **{"block": "post_norm", "loss": "ce", "dim": 64, "heads": 2, "dropout": 0.5, "scale_inputs": False},
                **{"attention_dropout": 0.5, **RECBOLE_OPTIONS},
            },
        }

    def __init__(self, config, spec):
        super().__init__(config, spec)
        if config.loss == "sampled_softmax":
            self.regime = "prefix"
        self.post_norm = config.get("block") == "post_norm"
        if self.post_norm:
            self._build_recbole()
            return
        self.items = PaddedEmbedding(spec.n_items, config.dim, name="items")
        self.positions = LearnedPositions(
            config.max_length, config.dim, config.get("positions", "newest"), name="positions"
        )
        self.dropout = StatelessDropout(config.dropout)
        sizes, projected = (config.dim, config.heads, config.dropout), config.get("output_projection", False)
        self.blocks = [
            SASRecBlock(*sizes, output_projection=projected, name=f"block_{i}") for i in range(config.blocks)
        ]
        self.norm = LayerNorm(name="norm")

    def _build_recbole(self) -> None:
        config = self.config
        options = {"attention_dropout": config.dropout, **RECBOLE_OPTIONS}
        config.update({name: x for name, x in options.items() if name not in config})
        if config.instances not in ("windows", "prefix"):
            raise ValueError(f"sasrec: instances must be windows or prefix, got {config.instances!r}")
        if config.instances == "prefix":
            if config.loss != "ce":
                raise ValueError(f'sasrec: instances = "prefix" need loss = "ce", got {config.loss!r}')
            self.regime = "prefix"
        self.items = PaddedEmbedding(self.spec.n_items, config.dim, normal(), name="items")
        self.positions = LearnedPositions(config.max_length, config.dim, config.positions, normal(), name="positions")
        self.dropout = StatelessDropout(config.dropout)
        self.blocks = [
            PostNormBlock(
                *(config.dim, config.heads, config.inner, config.dropout, config.attention_dropout),
                initializer=normal(),
                name=f"block_{i}",
            )
            for i in range(config.blocks)
        ]
        self.norm = LayerNorm(epsilon=1e-12, name="norm")  # of the input

    def encode(self, batch, training=False, positions="all"):
        items = batch["items"]
        mask = valid(items)
        x = self.items(items)  # [B, T, d]
        if self.config.scale_inputs:
            x *= self.config.dim**0.5
        x += self.positions(items)  # eq. 1
        x = self.dropout(self.norm(x) if self.post_norm else x, training=training)
        x *= tf.cast(mask, x.dtype)[..., None]
        x, out = run_blocks(self.blocks, x, mask, positions == "last", training)  # III-B, III-C
        return (x if self.post_norm else self.norm(x))[:, :, None, :], out

    def item_matrix(self):
        return self.items.matrix()

    def compute_loss(self, batch, training=True):
        if self.config.loss == "sampled_softmax":
            newest = self.encode(batch, training=training, positions="last")[0][:, 0, 0]
            return sampled_softmax(newest, self.items, batch)
        if self.regime == "prefix":  # RecBole's instances
            newest, targets = self.encode(batch, training=training, positions="last")[0][:, :, 0], batch["positives"]
            targets = targets[:, None]
            return full_cross_entropy(newest, self.items.table, targets, valid(targets), batch["valid_count"])
        queries = self.encode(batch, training=training)[0][:, :, 0]
        mask = valid(batch["positives"])
        if self.config.loss == "ce":
            return full_cross_entropy(queries, self.items.table, batch["positives"], mask, batch["valid_count"])
        score = lambda ids: tf.reduce_sum(queries * self.items(ids), axis=-1)  # noqa: E731  III-D
        return binary_cross_entropy(score(batch["positives"]), score(batch["negatives"]), mask, batch["valid_count"])

    def feed_options(self):
        if self.post_norm and self.regime == "prefix":
            return {"min_history": self.config.min_history}
        return pooled.feed_options(self.config) if self.regime == "prefix" else {}
