"""NOVA: non-invasive self-attention for side information (Liu et al., AAAI 2021), in two forms (LEDGER B5).

| what | NOVA's paper | CAFE's authors (variant "cafe_authors") | here | why |
|---|---|---|---|---|
| body | BERT4Rec, cloze | SASRec with an output projection, next item | `body` = "bert4rec", "sasrec" | CAFE's Table 2 was made with the second |
| queries | fusion(item, position, side) | LN(item + side), items and side with positions of their own | as each | |
| keys | the same fusion | item + side | as each | |
| values | item stream, ids alone at first | item stream, with positions | as each | |
| residual | item stream | adds the queries, so that side information enters | as each | |
| fusor | add, concat, gating, in every layer | add | `fusor` = "add"; one set of weights a layer | |
| gate | sigma(F w) | - | softmax over the parts | sigma is not named |
| side information | item and behaviour fields | the category | the event's category | CAFE section 4.1.2, "intents as side information" |
| category of a hidden item | - | - | hidden as well: an id of its own | it tells of the answer |
| input scale | - | items and categories times sqrt(d) | `scale_inputs` of the second form | |
| LN of the input | - | - | none, dropout alone | not printed; in the first block the streams have the same scale, in later ones the item stream is normalised and side information is small beside it until trained |
| output | BERT4Rec's eq. 7 | the state, with the item table | as each | |
| loss | cross-entropy of the hidden items | BCE, one negative | as each | |
| positions | - | from the oldest kept item | `positions` = "newest", "oldest" | a window of up to n |
| initialisation | truncated normal, 0.02 | PyTorch's N(0, 1) tables | truncated normal, 0.02; Glorot | as models/baselines/bert4rec.py, sasrec.py |
| trained weights | all | biases and norms are not (LEDGER C12) | all | a slip of the shared trainer |
"""  # noqa: E501

import ml_collections

from models.base import Recommender
from models.layers.dropout import StatelessDropout
from models.layers.embedding import LearnedPositions, PaddedEmbedding, built
from models.layers.initializers import truncated_normal
from models.layers.non_invasive import FusedQueryBlock, NonInvasiveBlock
from models.layers.norm import LayerNorm
from models.losses import binary_cross_entropy, full_cross_entropy
from tf_utils.keras_gate import tf
from tf_utils.masks import valid


class NOVA(Recommender):
    """The item stream goes from layer to layer; categories and positions only say who attends to whom.

    encode(positions="all") of the bert4rec body gives the states of the items as they are; "last" puts the mask token
    behind the history.
    """

    shift_invariant_weights = ("key/bias",)  # adds the same to all logits of a query
    choices = {"body": ("bert4rec", "sasrec")}

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(
            dict(
                variant="paper",
                body="bert4rec",
                fusor="add",
                dim=64,
                max_length=200,
                positions="newest",
                blocks=2,
                heads=2,
                inner=256,  # of the bert4rec body, as the next three
                attention_dropout=0.2,
                mask_share=0.2,
                last_share=1 / 11,
                dropout=0.2,
                scale_inputs=False,
            )
        )

    @staticmethod
    def variants():
        authors = {"body": "sasrec", "positions": "oldest", "scale_inputs": True}
        return {"paper": {}, "cafe_authors": authors | {"dim": 128, "max_length": 50, "heads": 1, "dropout": 0.3}}

    def __init__(self, config, spec):
        super().__init__(config, spec)
        if not spec.n_categories:
            raise ValueError("nova: its data must have categories")
        cloze = config.body == "bert4rec"
        self.regime, self.causal, self.mask_token = ("cloze", False, True) if cloze else ("next_item", True, False)
        dim, masks = config.dim, int(cloze)  # items and categories get an id for what is hidden
        fresh = truncated_normal if cloze else lambda: "glorot_uniform"
        self.items = built(PaddedEmbedding(spec.n_items + masks, dim, fresh(), name="items"))
        self.categories = PaddedEmbedding(spec.n_categories + masks, dim, fresh(), name="categories")
        self.positions = LearnedPositions(config.max_length, dim, config.positions, fresh(), name="positions")
        self.dropout = StatelessDropout(config.dropout)
        sizes = (config.fusor, dim, config.heads)
        if cloze:
            bert = (config.inner, config.dropout, config.attention_dropout)
            self.blocks = [NonInvasiveBlock(*sizes, *bert, fresh(), name=f"block_{i}") for i in range(config.blocks)]
            self.projection = tf.keras.layers.Dense(dim, "gelu", kernel_initializer=fresh(), name="projection")
            self.output_bias = built(PaddedEmbedding(spec.n_items, 1, "zeros", name="output_bias"))
        else:
            self.category_positions = LearnedPositions(
                config.max_length, dim, config.positions, fresh(), name="category_positions"
            )
            self.blocks = [FusedQueryBlock(*sizes, config.dropout, name=f"block_{i}") for i in range(config.blocks)]
        self.norm = LayerNorm(epsilon=1e-12 if cloze else 1e-8, name="norm")

    def encode(self, batch, training=False, positions="all"):
        """Queries [B, T, 1, d] (d + 1 of the bert4rec body); out: `block_<i>_attention`."""
        items, categories = batch["items"], batch["categories"]
        last, out = positions == "last", {}
        if self.mask_token:
            items, categories = self._with_hidden(items, categories, last)
        mask = valid(items)
        inputs = self._separate if self.mask_token else self._streams
        x, *side = inputs(items, categories, training)
        for i, block in enumerate(self.blocks):
            # The last block need only answer the newest query when one answer is wanted.
            newest = last and i == len(self.blocks) - 1
            x, out[f"block_{i}_attention"] = block(x, side, mask, newest, training=training)
        if self.mask_token:
            x = self.norm(self.projection(x))
            x = tf.concat([x, tf.ones_like(x[..., :1])], axis=-1)  # for the output bias
        else:
            x = self.norm(x)
        return x[:, :, None, :], out

    def _with_hidden(self, items: tf.Tensor, categories: tf.Tensor, last: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """The history, with a hidden event behind it if `last`; the category of what is hidden is hidden too."""
        item, category = self.spec.n_items + 1, self.spec.n_categories + 1
        if last:
            behind = [[0, 0], [0, 1]]
            items = tf.pad(items, behind, constant_values=item)[:, -self.config.max_length :]
            categories = tf.pad(categories, behind)[:, -self.config.max_length :]
        return items, tf.where(items == item, category, categories)

    def _separate(self, items: tf.Tensor, categories: tf.Tensor, training: bool) -> list[tf.Tensor]:
        """Items, positions, categories, each [B, T, d]."""
        x = self.items(items)
        positions = tf.broadcast_to(self.positions(items), tf.shape(x))  # a dropout mask for each row
        return [self.dropout(x, training=training) for x in (x, positions, self.categories(categories))]

    def _streams(self, items: tf.Tensor, categories: tf.Tensor, training: bool) -> list[tf.Tensor]:
        """Items and categories, each with positions of its own: [B, T, d] twice, 0 at padding."""
        scale = self.config.dim**0.5 if self.config.scale_inputs else 1.0
        sums = (
            self.items(items) * scale + self.positions(items),
            self.categories(categories) * scale + self.category_positions(items),
        )
        mask = valid(items)[..., None]
        return [self.dropout(x, training=training) * tf.cast(mask, x.dtype) for x in sums]

    def item_matrix(self):
        """[n_items + 1, d], or [n_items + 1, d + 1] with the output bias as the last column (bert4rec)."""
        if self.mask_token:
            return tf.concat([self.items.matrix()[:-1], self.output_bias.matrix()], axis=-1)
        return self.items.matrix()

    def compute_loss(self, batch, training=True):
        queries = self.encode(batch, training=training)[0][:, :, 0]
        positives, count = batch["positives"], batch["valid_count"]
        mask = valid(positives)
        if self.mask_token:
            bias = self.output_bias.table[:, 0]  # none of the mask token, which is no class
            return full_cross_entropy(queries[..., :-1], self.items.table, positives, mask, count, bias)
        score = lambda ids: tf.reduce_sum(queries * self.items(ids), axis=-1)  # noqa: E731
        return binary_cross_entropy(score(positives), score(batch["negatives"]), mask, count)

    def feed_options(self):
        if not self.mask_token:
            return {}
        return {"share": self.config.mask_share, "last_share": self.config.last_share}
