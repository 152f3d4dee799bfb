"""SAIR: self-attentive interest retrieval for sequential recommendation (2023). No code was released: these are readings.

| what | paper says | here | why |
|---|---|---|---|
| input (R1) | id + category + position | the same, then dropout; categories of an item: `category_pool` = "mean"; `input_norm` = False, True in variant "recbole": LN before the dropout | RecBole, in which SAIR was built, has both; the LN is not printed |
| positions | absolute | anchored at the newest item; `positions` = "oldest" counts from the first | a window of 150 |
| encoder (R2) | one self-attention (eq. 2) and a feed-forward network (eq. 3), no residual | `encoder` = "literal"; variant "recbole": 2 post-norm blocks, 2 heads, inner 256, GELU, residuals | the second is probably what was run |
| eq. 2 | Q K, not transposed | Q K^T | misprint |
| masks (R4) | none in either attention | causal and padding in both; `causal` | the loss is summed over every position: without a mask it reads its label |
| distribution (R5) | F C^T, "distance" | the inner product, not normalised | eq. 4 |
| second attention (R6) | eq. 5 over positions; the text: interest-to-interest | positions, causal, one head, no bias, scale sqrt(L), the width of its inputs (`interaction_scale` = "dim": the sqrt(D) that eq. 2 prints); `interaction` = "positions", "interests" (attention over the L axis), "none" | the equation |
| top k (R7) | indices | no gradient through them | discrete |
| residual (R8) | Residual(I, F) | the sum | |
| K networks (R9) | "its own" | one per slot of the ranking; `ffn` = "per_slot", "shared", "per_interest" | there are K of them |
| their form (R3) | eq. 3 | eq. 3; `ffn_residual` = False, of these networks alone | |
| weights (R10) | softmax of "C_r" at the chosen | after the interaction, `weights` = "post"; "pre" | with "pre" the second attention gets no gradient at all |
| score (R12) | Item_label | the id table; `target` = "id", "id_plus_category" | |
| loss (R13) | log of the inner product | BCE with the sigmoid put in; `loss` = "ce" | undefined as printed |
| negatives (R19) | one, "randomly"; uniform | any item but the target, the history included, as RecBole draws them; `train.exclude` = "train" leaves out what the user did (configs) | RecBole has one sampler for training and evaluation |
| loss (R14) | a sum over positions | mean over valid positions; windows that cover the whole history (configs) | with causal masks a window has the targets of as many prefixes, which RecBole trains one by one |
| items (R23) | Table I counts all of the film file | those with a rating | a film without one has nothing to learn from |
| DecovLoss (R15) | weight 1, row mean | `decov_weight` = 1, with the mean loss: beside a sum over a batch, as printed, it would weigh as many times less as the batch has positions (some 24,500 on MovieLens-1M) | the sum's own weight is as unprinted as the batch it is over |
| ablations (R16) | SAIR-full, SAIR-label | variant "full": no interaction, all L interests, softmax over L, networks by rank as in eq. 8 (`ffn` = "per_interest": by interest); variant "label": C is the category table | |
| initialisation (R17) | - | N(0, 0.02), biases 0, the L x L matrices of eq. 5 included | RecBole's |
"""  # noqa: E501

import ml_collections

from models.base import Recommender
from models.layers.attention import MaskedAttention
from models.layers.concepts import covariance_penalty
from models.layers.dropout import StatelessDropout
from models.layers.embedding import LearnedPositions, PaddedEmbedding, built
from models.layers.initializers import normal
from models.layers.item_categories import ItemCategories
from models.layers.norm import LayerNorm
from models.layers.slots import SlotFeedForward
from models.layers.transformer import PostNormBlock, asked
from models.losses import binary_cross_entropy, full_cross_entropy
from tf_utils.keras_gate import tf
from tf_utils.masks import valid


class SAIR(Recommender):
    """A causal encoder; at each position a distribution over L latent interests, of which the K strongest are mixed."""

    choices = {
        "encoder": ("literal", "recbole"),
        "interaction": ("positions", "interests", "none"),
        "interaction_scale": ("width", "dim"),
        "interests": ("free", "categories"),
        "ffn": ("per_slot", "shared", "per_interest"),
        "weights": ("post", "pre"),
        "target": ("id", "id_plus_category"),
        "loss": ("bce", "ce"),
    }

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(
            dict(
                variant="paper",
                dim=64,
                max_length=150,
                n_interests=10,  # L
                top=3,  # K; 0: all
                encoder="literal",
                blocks=2,  # of the recbole encoder, as the next two
                heads=2,
                inner=256,
                dropout=0.2,
                input_norm=False,
                category_pool="mean",
                positions="newest",
                causal=True,
                interaction="positions",
                interaction_scale="width",
                interests="free",
                ffn="per_slot",
                ffn_residual=False,
                weights="post",
                target="id",
                loss="bce",
                decov_weight=1.0,
            )
        )

    @staticmethod
    def variants():
        return {
            "paper": {},
            "recbole": {"encoder": "recbole", "input_norm": True},
            "full": {"interaction": "none", "top": 0},
            "label": {"interests": "categories"},
        }

    def __init__(self, config, spec):
        super().__init__(config, spec)
        if spec.item_categories is None or not spec.n_categories:
            raise ValueError("sair: its data must have item categories")
        self.n_interests = spec.n_categories if config.interests == "categories" else config.n_interests
        self.top = config.top or self.n_interests
        if not 0 < self.top <= self.n_interests:
            raise ValueError(f"sair: top must be in 1..{self.n_interests}, the number of interests, got {config.top}")
        self.causal = config.causal
        if config.encoder == "recbole":
            self.shift_invariant_weights = ("key/bias",)  # adds the same to all logits of a query
        dim, drop = config.dim, config.dropout
        full = tf.keras.mixed_precision.global_policy().variable_dtype  # interests are chosen without half precision
        self.items = built(PaddedEmbedding(spec.n_items, dim, normal(), name="items"))
        self.categories = ItemCategories(
            spec.item_categories, spec.n_categories, dim, config.category_pool, normal(), name="item_categories"
        )
        self.categories.build()
        self.positions = LearnedPositions(config.max_length, dim, config.positions, normal(), name="positions")
        self.norm = LayerNorm(epsilon=1e-12, name="norm") if config.input_norm else None
        self.dropout = StatelessDropout(drop)
        if config.encoder == "literal":
            self.attention = MaskedAttention(
                dim, causal=config.causal, use_bias=False, initializer=normal(), name="attention"
            )
            self.ffn = SlotFeedForward(1, dim, drop, False, normal, name="ffn")
        else:
            self.blocks = [
                PostNormBlock(
                    *(dim, config.heads, config.inner, drop, drop, config.causal),
                    initializer=normal(),
                    name=f"block_{i}",
                )
                for i in range(config.blocks)
            ]
        if config.interests == "free":
            self.pool = self.add_weight(name="pool", shape=[self.n_interests, dim], initializer=normal())  # C
        if config.interaction == "positions":
            self.interaction = MaskedAttention(
                self.n_interests,
                causal=config.causal,
                use_bias=False,
                scale=dim**0.5 if config.interaction_scale == "dim" else "model",
                initializer=normal(),
                name="interaction",
                dtype=full,
            )
        elif config.interaction == "interests":
            self.interaction = MaskedAttention(
                1, causal=False, use_bias=False, initializer=normal(), name="interaction", dtype=full
            )
        slots = {"per_slot": self.top, "shared": 1, "per_interest": self.n_interests}[config.ffn]
        self.interest_ffn = SlotFeedForward(slots, dim, drop, config.ffn_residual, normal, name="interest_ffn")

    def interest_pool(self) -> tf.Tensor:
        """[L, d]: C, in the weights' dtype."""
        if self.config.interests == "free":
            return tf.convert_to_tensor(self.pool)
        return tf.convert_to_tensor(self.categories.embedding.table)[1:-1]

    def encode(self, batch, training=False, positions="all"):
        """Queries [B, T, 1, d]; out: `attention`, `interaction_attention` (maps), `distribution_before`,
        `distribution_after` [B, T, L] (eq. 4, 5), `interests` int32 [B, T, K] (ids from 0), `weights` [B, T, K]."""
        items, mask = batch["items"], valid(batch["items"])
        last = positions == "last"
        x = self.items(items) + self.categories(items) + self.positions(items)  # eq. 1
        x = self.dropout(x if self.norm is None else self.norm(x), training=training)
        x *= tf.cast(mask, x.dtype)[..., None]
        out = {}
        if self.config.encoder == "literal":
            x, out["attention"] = self.attention(x, x, mask, training=training)  # eq. 2
            f = self.ffn(x[..., None, :], training=training)[..., 0, :]  # eq. 3
        else:
            for block in self.blocks:
                x, out["attention"] = block(x, x, mask, training=training)
            f = x
        f *= tf.cast(mask, f.dtype)[..., None]
        pool, f = self.interest_pool(), tf.cast(f, self.items.table.dtype)
        before = tf.tensordot(f, pool, [[2], [1]])  # eq. 4, [B, T, L]
        f, after = asked(f, last), asked(before, last)
        if self.config.interaction == "positions":
            after, out["interaction_attention"] = self.interaction(after, before, mask, training=training)  # eq. 5
        elif self.config.interaction == "interests":
            after = self._across_interests(after, training)
        values, chosen = tf.math.top_k(after, self.top)  # eq. 6
        before = asked(before, last)
        if self.config.weights == "pre":
            values = tf.gather(before, chosen, batch_dims=2)
        active = self._activate(f, pool, chosen, training)
        weights = tf.nn.softmax(values, axis=-1)  # eq. 9
        e = tf.einsum("btk,btkd->btd", tf.cast(weights, active.dtype), active)  # eq. 10
        out |= {"distribution_before": before, "distribution_after": after, "interests": chosen, "weights": weights}
        return e[:, :, None, :], out

    def _across_interests(self, rows: tf.Tensor, training: bool) -> tf.Tensor:
        """Attention over the L axis, an interest being its one score. rows: [B, T, L]. Returns the same shape."""
        cells = tf.reshape(rows, [-1, self.n_interests, 1])
        everything = tf.ones(tf.shape(cells)[:2], tf.bool)
        return tf.reshape(self.interaction(cells, cells, everything, training=training)[0], tf.shape(rows))

    def _activate(self, f: tf.Tensor, pool: tf.Tensor, chosen: tf.Tensor, training: bool) -> tf.Tensor:
        """[B, T, K, d]: eq. 7 and 8 and the K feed-forward networks."""
        if self.config.ffn == "per_interest":
            every = self.interest_ffn(pool + f[:, :, None, :], training=training)
            return tf.gather(every, chosen, batch_dims=2)
        return self.interest_ffn(tf.gather(pool, chosen) + f[:, :, None, :], training=training)

    def item_matrix(self):
        """[n_items + 1, d]: Item_label of eq. 11."""
        if self.config.target == "id":
            return self.items.matrix()
        return self.items.matrix() + self.categories(tf.range(self.spec.n_items + 1))

    def compute_loss(self, batch, training=True):
        queries = self.encode(batch, training=training)[0][:, :, 0]
        mask = valid(batch["positives"])
        if self.config.loss == "ce":
            return full_cross_entropy(queries, self.item_matrix(), batch["positives"], mask, batch["valid_count"])

        def score(ids):  # eq. 11
            vectors = self.items(ids)
            vectors += 0.0 if self.config.target == "id" else self.categories(ids)
            return tf.reduce_sum(queries * vectors, axis=-1)

        return binary_cross_entropy(score(batch["positives"]), score(batch["negatives"]), mask, batch["valid_count"])

    def regularisation(self):
        """DecovLoss, below eq. 12."""
        return self.config.decov_weight * covariance_penalty(self.interest_pool())
