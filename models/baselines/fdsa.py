"""FDSA: feature-level deeper self-attention (Zhang et al., IJCAI 2019), in three forms (LEDGER B6).

| what | FDSA's paper | RecBole (variant "recbole") | CAFE's authors ("cafe_authors") | here |
|---|---|---|---|---|
| encoders | two stacks of post-norm blocks, causal, ReLU | the same, GELU | two SASRec encoders with an output projection | `body` = "post_norm", "sasrec"; `activation` |
| features of an item | vanilla attention over them | the same; with one feature its weight is 1 | the category | the event's category, so without that attention |
| positions | added to items and to features | one table for both, from the oldest item | one table each, from the oldest item | `shared_positions`, `positions` = "newest", "oldest" |
| input | the sum | LN, dropout | times sqrt(d), dropout | `input_norm`, `scale_inputs` |
| output | W [item; feature] + b | then LN and dropout; the LN is the input's | as the paper | `output_norm` |
| loss | BCE, one negative a step | cross-entropy | BCE, one negative, none for the intents | `loss` = "bce", "ce" |
| instances | every step of a sequence | each prefix on its own | every step of the last n + 1 items | every step: causal, so the same targets as prefixes |
| score | item table | the same | the same, not scaled | the same |
| initialisation | - | N(0, 0.02) | PyTorch's N(0, 1) tables | truncated normal, 0.02; Glorot for the sasrec body |
| trained weights | all | all | all but biases and norms, a slip (LEDGER C12) | all |
"""  # noqa: E501

import ml_collections

from models.base import Recommender
from models.layers.dropout import StatelessDropout
from models.layers.embedding import LearnedPositions, PaddedEmbedding
from models.layers.initializers import truncated_normal
from models.layers.norm import LayerNorm
from models.layers.transformer import PostNormBlock, SASRecBlock, run_blocks
from models.losses import binary_cross_entropy, full_cross_entropy
from tf_utils.keras_gate import tf
from tf_utils.masks import valid

STREAMS = ("item", "feature")


class FDSA(Recommender):
    """One encoder of the items, one of their categories; a linear layer joins the two states."""

    shift_invariant_weights = ("key/bias",)  # adds the same to all logits of a query
    choices = {"body": ("post_norm", "sasrec"), "loss": ("bce", "ce")}

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(
            dict(
                variant="paper",
                body="post_norm",
                dim=64,
                max_length=50,
                positions="newest",
                shared_positions=True,
                blocks=2,
                heads=2,
                inner=256,  # of the post_norm body, as the next two
                activation="relu",
                attention_dropout=0.2,
                dropout=0.2,
                scale_inputs=False,
                input_norm=False,
                output_norm=False,
                loss="bce",
            )
        )

    @staticmethod
    def variants():
        norms = {"input_norm": True, "output_norm": True}
        recbole = norms | {"activation": "gelu", "positions": "oldest", "loss": "ce"}
        authors = {"body": "sasrec", "positions": "oldest", "shared_positions": False, "scale_inputs": True, "heads": 1}
        return {
            "paper": {},
            "recbole": recbole | {"dropout": 0.5, "attention_dropout": 0.5},
            "cafe_authors": authors | {"dim": 128, "dropout": 0.3},
        }

    def __init__(self, config, spec):
        super().__init__(config, spec)
        if not spec.n_categories:
            raise ValueError("fdsa: its data must have categories")
        dim, sasrec = config.dim, config.body == "sasrec"
        fresh = (lambda: "glorot_uniform") if sasrec else truncated_normal
        self.items = PaddedEmbedding(spec.n_items, dim, fresh(), name="items")
        self.categories = PaddedEmbedding(spec.n_categories, dim, fresh(), name="categories")
        names = ["positions"] if config.shared_positions else [f"{stream}_positions" for stream in STREAMS]
        self.positions = [LearnedPositions(config.max_length, dim, config.positions, fresh(), name=n) for n in names]
        self.dropout = StatelessDropout(config.dropout)
        self.norm = LayerNorm(epsilon=1e-12, name="norm") if config.input_norm or config.output_norm else None
        self.encoders = [[self._block(f"{s}_block_{i}", fresh()) for i in range(config.blocks)] for s in STREAMS]
        self.final_norms = [LayerNorm(name=f"{stream}_norm") for stream in STREAMS] if sasrec else []
        self.joint = tf.keras.layers.Dense(dim, kernel_initializer=fresh(), name="joint")

    def _block(self, name: str, initializer):
        config = self.config
        sizes = (config.dim, config.heads)
        if config.body == "post_norm":
            dropouts = (config.dropout, config.attention_dropout)
            return PostNormBlock(
                *sizes, config.inner, *dropouts, activation=config.activation, initializer=initializer, name=name
            )
        return SASRecBlock(*sizes, config.dropout, output_projection=True, name=name)

    def encode(self, batch, training=False, positions="all"):
        """Queries [B, T, 1, d]; out: `item_block_<i>_attention`, `feature_block_<i>_attention`."""
        items = batch["items"]
        mask, out, states = valid(items), {}, []
        for k, vectors in enumerate((self.items(items), self.categories(batch["categories"]))):
            x = vectors * self.config.dim**0.5 if self.config.scale_inputs else vectors
            x += self.positions[k % len(self.positions)](items)
            x = self.dropout(self.norm(x) if self.config.input_norm else x, training=training)
            x *= tf.cast(mask, x.dtype)[..., None]
            x, maps = run_blocks(self.encoders[k], x, mask, positions == "last", training, f"{STREAMS[k]}_block")
            out |= maps
            states.append(self.final_norms[k](x) if self.final_norms else x)
        x = self.joint(tf.concat(states, axis=-1))
        if self.config.output_norm:
            x = self.dropout(self.norm(x), training=training)
        return x[:, :, None, :], out

    def item_matrix(self):
        return self.items.matrix()

    def compute_loss(self, batch, training=True):
        queries = self.encode(batch, training=training)[0][:, :, 0]
        positives, count = batch["positives"], batch["valid_count"]
        mask = valid(positives)
        if self.config.loss == "ce":
            return full_cross_entropy(queries, self.items.table, positives, mask, count)
        score = lambda ids: tf.reduce_sum(queries * self.items(ids), axis=-1)  # noqa: E731
        return binary_cross_entropy(score(positives), score(batch["negatives"]), mask, count)
