"""CAFE: coarse-to-fine sparse sequential recommendation (Li et al., SIGIR 2022).

| what (ledger) | paper says | authors' code does | here (`paper`; `official` as the code) | why |
|---|---|---|---|---|
| input scale C1 | e + p (eqs. 1, 4) | inputs times sqrt(d), targets not | `scale_embeddings` = False | not printed |
| padding, positions C2 | padded to n | on the right, position 0 is the oldest kept event | stored left; `positions` = "newest" ("oldest") | SASRec, the backbone, pads left |
| block C3 | residual, LN, feed-forward network, in no order | SASRec's: LN on the query, its residual, final LN | the same in both variants | completion |
| W_O C3, biases | W_O in eq. 2; no biases | W_O, biases | both | W_O is printed, biases are a completion |
| heads C4 | M, each with theta | 1 global and 3 local by default; the published script has 1 and 0 | `item_heads` = "all_local" with `heads` = 1 ("script_1g0l"; `official_local`: "mixed_1g3l"; "all_global": theta = 1) | printed; M is not told |
| ln theta C5 | eq. 6: query and key projections | value projections, one bias a head, learned positions added to local queries and keys | `local` = "paper" ("official") | printed |
| what cancels C5 | ln theta linear: no sigmoid; H_i W_Q W_L and b_L are the same for all keys | the same | b_L trains to nothing (`shift_invariant_weights`) | eqs. 5, 6 |
| distance C6 | row n + i - j of 2n | row j - i + n - 1 of 2n - 1; the local positions' rows come in another order | n + i - j | mirrored, the same up to learning |
| scale C7 | sqrt(d) (eq. 5) | sqrt(d / M) | `attn_scale` = "model" ("head"), in both encoders | printed |
| fusion C8 | R = R^v + R^c (eq. 7) | the same | as both | |
| score C9 | s(r^c) s(r^v) (eq. 10) | r^c + r^v | `joint` = "sigmoid_product", as a sum of logarithms ("logit_sum"; "item": r^v alone) | printed |
| negatives C10 | eq. 9 sums over all; the text: one each a step | one each, outside the training events | `negatives` = "one" ("all": all but the ids of the row) | the text |
| reduction C11 | sum | mean over steps, 1:1 | mean, `intent_weight` = 1 | the sum only rescales the rate |
| trained weights C12 | all | biases and LN are in no parameter group: the dense layers' biases stay at PyTorch's draws, within 0.09; embeddings N(0, 1), its own initialiser is never called; matrices uniform within 0.09 (q, k, v of the global heads 0.11); the frozen weights' gradients pile up and count in the clipped norm | all; tables N(0, 0.02), matrices Glorot (within 0.15); `official_quirks` = False (frozen at their initial values: biases 0, gamma 1; tables N(0, 1)) | a slip |
| an item without an intent | each item has one | the same | adds no intent loss; scored with the mean of the intents' terms | free choice |
| hyper-parameters C13 | n 50, d 128 | dropout 0.3, 2 blocks, clip 5.0 | the same | |

Rows of Table 3: `plus_12`, `plus_123`, `plus_124` are the components (1) fused intents, (2) intent loss, (3) local
attention, (4) joint inference that a row has; "paper" has all. The backbone and +(1) are SASRec and FDSA.
`no_intent_loss` is (1) and (3) without (2), and so without (4): an intent head that nothing trained tells nothing.
"""  # noqa: E501

import ml_collections

from models.base import Recommender
from models.layers.attention import MaskedAttention
from models.layers.dropout import StatelessDropout
from models.layers.embedding import LearnedPositions, PaddedEmbedding
from models.layers.initializers import normal
from models.layers.local_attention import LocalAttention
from models.layers.norm import LayerNorm
from models.layers.transformer import SASRecBlock, run_blocks
from models.losses import binary_cross_entropy
from tf_utils.keras_gate import tf
from tf_utils.masks import valid
from tf_utils.precision import precise

OFFICIAL = dict(
    scale_embeddings=True,
    positions="oldest",
    attn_scale="head",
    local="official",
    item_heads="script_1g0l",
    joint="logit_sum",
    official_quirks=True,
)
FROZEN = ("bias", "gamma", "beta")  # endings of the weights that C12 leaves untrained


class CAFE(Recommender):
    """An encoder of the intents (categories), one of the items with local attention, and a score from both.

    Queries [B, T, 2, d]: R, then R^c; [B, T, 1, d], R alone, where `joint` is "item". `out` holds both encoders' maps
    ("..._attention") and the item encoder's theta ("..._local_mask" [B, heads, T, T], where it has local heads).
    """

    scores_intents = True
    choices = {
        "item_heads": ("all_local", "all_global", "mixed_1g3l", "script_1g0l"),
        "joint": ("sigmoid_product", "logit_sum", "item"),
        "negatives": ("one", "all"),
    }

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(
            dict(
                variant="paper",
                dim=128,
                max_length=50,
                blocks=2,
                heads=1,
                dropout=0.3,
                scale_embeddings=False,
                positions="newest",
                attn_scale="model",
                item_heads="all_local",
                local="paper",
                joint="sigmoid_product",
                negatives="one",
                intent_weight=1.0,
                official_quirks=False,
            )
        )

    @staticmethod
    def variants():
        return {
            "paper": {},
            "official": OFFICIAL,
            "official_local": OFFICIAL | {"item_heads": "mixed_1g3l"},
            "plus_12": {"item_heads": "all_global", "joint": "item"},
            "plus_123": {"joint": "item"},
            "plus_124": {"item_heads": "all_global"},
            "no_intent_loss": {"intent_weight": 0.0, "joint": "item"},
        }

    def __init__(self, config, spec):
        super().__init__(config, spec)
        c = config
        self.scores_intents = c.joint != "item"
        if spec.item_categories is None or not spec.n_categories:
            raise ValueError("cafe: its data must have item categories, the intents")
        if self.scores_intents:
            self._intent_of = tf.constant(spec.item_categories[:, 0], tf.int32)  # c(v)
        local = c.item_heads in ("all_local", "mixed_1g3l")
        self.shift_invariant_weights = ("key/bias", *(("local_bias",) if local else ()))
        if c.official_quirks:
            self.shift_invariant_weights = ()  # none of these is trained at all

        fresh = lambda: normal(1.0 if c.official_quirks else 0.02)  # noqa: E731
        self.items = PaddedEmbedding(spec.n_items, c.dim, fresh(), name="items")  # E^v
        self.intents = PaddedEmbedding(spec.n_categories, c.dim, fresh(), name="intents")  # E^c
        position = lambda name: LearnedPositions(c.max_length, c.dim, c.positions, fresh(), name=name)  # noqa: E731
        self.item_positions, self.intent_positions = position("item_positions"), position("intent_positions")
        self.dropout = StatelessDropout(c.dropout)

        def standard(heads):
            return MaskedAttention(
                c.dim, heads, output_projection=True, scale=c.attn_scale, dropout=c.dropout, name="attention"
            )

        def item_attention():
            if not local:
                return standard(c.heads if c.item_heads == "all_global" else 1)
            heads = dict(local_heads=c.heads) if c.item_heads == "all_local" else dict(local_heads=3, global_heads=1)
            return LocalAttention(
                c.dim,
                c.max_length,
                **heads,
                form=c.local,
                anchor=c.positions,
                scale=c.attn_scale,
                dropout=c.dropout,
                table_initializer=fresh(),
                name="attention",
            )

        block = lambda name, attention: SASRecBlock(c.dim, dropout=c.dropout, attention=attention, name=name)  # noqa: E731
        self.intent_blocks = [block(f"intent_block_{i}", standard(c.heads)) for i in range(c.blocks)]
        self.item_blocks = [block(f"item_block_{i}", item_attention()) for i in range(c.blocks)]
        self.intent_norm, self.item_norm = LayerNorm(name="intent_norm"), LayerNorm(name="item_norm")

    @property
    def trainable_weights(self):
        weights = super().trainable_weights
        if not self.config.official_quirks:
            return weights
        return [w for w in weights if not w.name.removesuffix(":0").endswith(FROZEN)]

    def feed_options(self):
        if self.config.negatives == "all" or not self.config.intent_weight:
            return {}
        return {"interaction_negatives": "category"}

    def encode(self, batch, training=False, positions="all"):
        r, r_intent, out = self._encode(batch, training, positions)
        return (tf.stack([r, r_intent], axis=2) if self.scores_intents else r[:, :, None]), out

    def _encode(self, batch, training, positions):
        """R and R^c [B, T, d], T = 1 for "last"; `out`."""
        items = batch["items"]
        coarse = self._embed(self.intents(batch["categories"]), self.intent_positions, items, training)  # M^c, eq. 4
        fine = self._embed(self.items(items), self.item_positions, items, training)  # M^v
        mask, last = valid(items), positions == "last"
        r_intent, intent_maps = run_blocks(self.intent_blocks, coarse, mask, last, training, "intent_block")
        r_item, item_maps = run_blocks(self.item_blocks, fine, mask, last, training, "item_block")
        r_intent, r_item = self.intent_norm(r_intent), self.item_norm(r_item)
        return r_item + r_intent, r_intent, intent_maps | item_maps  # eq. 7

    def _embed(self, x, table, items, training):
        if self.config.scale_embeddings:
            x *= self.config.dim**0.5
        x = self.dropout(x + table(items), training=training)
        return x * tf.cast(valid(items), x.dtype)[..., None]

    def item_matrix(self):
        """[N + 1, d], or with `joint` = "logit_sum" [N + 1, 2 d]: [E^v, E^c of its intent]."""
        if self.config.joint == "sigmoid_product":
            raise NotImplementedError("cafe: eq. 10 is no inner product")
        vectors = self.items.matrix()
        if self.config.joint == "item":
            return vectors
        intents = self.intents.matrix()
        mean = tf.reduce_mean(intents[1:], axis=0, keepdims=True)
        return tf.concat([vectors, tf.gather(tf.concat([mean, intents[1:]], axis=0), self._intent_of)], axis=1)

    def retrieval_factors(self):
        if self.config.joint != "logit_sum":
            return None if self.scores_intents else super().retrieval_factors()

        def queries(batch):
            both = self.encode(batch, positions="last")[0]
            return tf.reshape(both, [-1, 1, 2 * self.config.dim])

        return queries, self.item_matrix()

    def score(self, queries, candidates):
        if not self.scores_intents:
            return super().score(queries, candidates)
        return self.score_paired(queries, candidates, tf.gather(self._intent_of, candidates))

    def score_paired(self, queries: tf.Tensor, candidates: tf.Tensor, intents: tf.Tensor) -> tf.Tensor:
        """Eq. 10 with an intent for each candidate that need not be its own.

        Args:
            queries: [B, 1, 2, d].
            candidates, intents: int32 [B, C], items and categories; category 0: the mean of the intents' terms.

        Returns:
            [B, C], float32 at least.
        """
        logits = tf.einsum("bd,bcd->bc", queries[:, 0, 0], self.items(candidates))
        return self._term(logits) + tf.gather(self._intent_terms(queries), intents, batch_dims=1)

    def score_all(self, queries):
        if not self.scores_intents:
            return super().score_all(queries)
        logits = tf.matmul(queries[:, 0, 0], self.items.matrix(), transpose_b=True)
        return self._term(logits) + tf.gather(self._intent_terms(queries), self._intent_of, axis=1)

    def _term(self, logits: tf.Tensor) -> tf.Tensor:
        """ln s(r), or r."""
        logits = precise(logits)
        return tf.math.log_sigmoid(logits) if self.config.joint == "sigmoid_product" else logits

    def _intent_terms(self, queries: tf.Tensor) -> tf.Tensor:
        """[B, n_categories + 1]: each intent's term of the score; column 0, no intent, is the mean of the others."""
        terms = self._term(tf.matmul(queries[:, 0, 1], self.intents.matrix()[1:], transpose_b=True))
        return tf.concat([tf.reduce_mean(terms, axis=1, keepdims=True), terms], axis=1)

    def compute_loss(self, batch, training=True):
        r, r_intent, _ = self._encode(batch, training, "all")
        mask = valid(batch["positives"])
        loss = self._loss(r, self.items, "items", "", batch, mask)  # L_v
        if not self.config.intent_weight:
            return loss
        mask &= valid(batch["positive_categories"])
        coarse = self._loss(r_intent, self.intents, "categories", "_categories", batch, mask)  # L_c
        return loss + self.config.intent_weight * coarse

    def _loss(self, r, table, inputs, field, batch, mask):
        """Eq. 9 for one of the two streams, with the products of eq. 8."""
        positives = batch[f"positive{field}" if field else "positives"]
        if self.config.negatives == "all":
            own = tf.concat([batch[inputs], positives], axis=1)
            return full_binary_cross_entropy(r, table.matrix(), positives, own, mask, batch["valid_count"])
        negatives = batch[f"negative{field}" if field else "negatives"]
        score = lambda ids: tf.reduce_sum(r * table(ids), axis=-1)  # noqa: E731
        return binary_cross_entropy(score(positives), score(negatives), mask, batch["valid_count"])


def full_binary_cross_entropy(
    queries: tf.Tensor,
    matrix: tf.Tensor,
    positives: tf.Tensor,
    own: tf.Tensor,
    mask: tf.Tensor,
    valid_count: tf.Tensor,
) -> tf.Tensor:
    """Eq. 9 as printed: the negatives of a step are all ids that its row does not hold. Makes [steps, ids] logits.

    Args:
        queries: [B, T, d].
        matrix: [size + 1, d], row 0 is padding.
        positives: int32 [B, T].
        own: int32 [B, S], the ids of each row's events (S_u, as far as the model reads it), 0 or repeated at will.
        mask: bool [B, T], the steps that count.
        valid_count: [] floating.
    """
    rows, owner = tf.boolean_mask(queries, mask), tf.where(mask)[:, 0]
    labels = tf.boolean_mask(positives, mask)
    logits = precise(tf.matmul(rows, matrix, transpose_b=True))
    shape = [tf.shape(own)[0], tf.shape(matrix)[0]]
    place = tf.stack([tf.broadcast_to(tf.range(shape[0])[:, None], tf.shape(own)), own], axis=-1)
    other = (tf.scatter_nd(place, tf.ones_like(own), shape) == 0) & (tf.range(shape[1]) > 0)
    negative = tf.where(tf.gather(other, owner), tf.nn.softplus(logits), tf.zeros([], logits.dtype))
    positive = tf.nn.softplus(-tf.gather(logits, labels, batch_dims=1))
    return (tf.reduce_sum(positive) + tf.reduce_sum(negative)) / tf.cast(valid_count, logits.dtype)
