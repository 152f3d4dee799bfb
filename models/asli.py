"""ASLI: attentive sequential model of latent intent (Tanjim et al., WWW 2020, doi 10.1145/3366423.3380002).

| what (ledger) | paper says | authors' code does | here (`paper`; `official` as the code) | why |
|---|---|---|---|---|
| input scale A1 | plain sums (3.4.2) | inputs times sqrt(d), targets not | `scale_inputs` = False | not printed |
| positions A2 | added to the items (3.4.2) | the same | as both | |
| projections A3 | eq. 1: d x d, one head | biases | `heads` = 1, `qkv_bias` = True | biases are a completion |
| norm A4 | residual, then LN (3.4.2, 3.4.3) | LN on the query, residual of LN(query); LN before the item FFN, which has a residual; LN of the output | `norm` = "post" ("sasrec": all of the code's) | printed |
| residual, LN of the top block A4 | not in 3.4.4, which points to Fig. 1(b) | as above | residual + LN | completion from Fig. 1(b) |
| FFN in block 1 A5 | none | a third FFN | `block1_ffn` = False | two FFNs are described |
| convolution A6 | eq. 2 reads up to t + floor((l - 1) / 2) | causal | `conv` = "causal" | the printed index leaks the target |
| conv weights A7 | d x l | l, shared by the channels | `conv_weights` = "depthwise" | printed |
| residual + LN of the TCN A8 | yes (3.4.3) | none; each reader has its own LN | `tcn_residual` = True | printed |
| interaction head A9 | FFN of the intent | LN, FFN with residual, LN | `head_norm` = False | printed |
| residual of attention to intention A10 | Fig. 1(b) | adds LN(intent) | `a2i_residual` = "query" | the query stream |
| masks A11 | - | sign of a sum of features | ids != 0, in both variants | the code's mask drops valid rows |
| dropout A12 | rate 0.3 | items + positions, weights, both FFN layers | the same places | completion |
| log s(1 - r) A13 | both losses | log(1 - s(r)) | `loss` = "bce" ("literal" as printed) | misprint |
| reduction A14 | sum, L = L_rank + L_int | mean over valid steps, 1:1 | mean, `interaction_weight` = 1 | the sum only rescales the rate |
| negative interaction A16 | a (category, action) pair not observed (here: in training) | unseen category, other action | `interaction_negatives` = "pair" | printed |
| score A17 | o_p . p, o_i . (c + a) | the same | as both | |
| windows A18 | the last n actions, a prediction at every t | one window a user; users drawn with replacement | one window a user; each user once an epoch, in a seeded order | an epoch sees everybody |
| selection A23 | - | MRR@5 of about 3,000 users, every 5 epochs | NDCG@10 of all users, in both variants | what its tables report |
| initialiser | - | Glorot; kernel truncated normal 0.02 | as both, `init` = "glorot"; "normal": all tables N(0, 1 / d) | completion from the code. Its items are times sqrt(d); plain sums start with items of a tenth of the positions' size and less, the more of them the less |
| negative item A15 | one the user has not interacted with | not in the user's training part | as the code | a held-out item must not leak |
| action vocabulary | the set of all actions; four | four, fixed | those that occur in the data | JD's file has ten |

`attention_type` names the query of the top block, as in Table 4: "latent_intent", "self" (Seq-Seq), "item", "action",
"category", and "action_category" of the authors' README. The interaction head reads the same tensor (A5).
"""  # noqa: E501

import ml_collections

from models.base import Recommender
from models.layers.attention import MaskedAttention
from models.layers.dropout import StatelessDropout
from models.layers.embedding import LearnedPositions, PaddedEmbedding
from models.layers.initializers import normal
from models.layers.norm import LayerNorm
from models.layers.tcn import DepthwiseTCN
from models.layers.transformer import PointwiseFeedForward
from models.losses import binary_cross_entropy, literal_cross_entropy
from tf_utils.keras_gate import tf
from tf_utils.masks import valid

ATTENTION_TYPES = ("latent_intent", "self", "item", "action", "category", "action_category")
OFFICIAL = dict(
    scale_inputs=True,
    norm="sasrec",
    block1_ffn=True,
    conv_weights="shared",
    tcn_residual=False,
    head_norm=True,
    interaction_negatives="code",
)


class ASLI(Recommender):
    """Self-attention over items; a TCN over (category + action) gives the latent intent, which queries the items."""

    shift_invariant_weights = ("key/bias",)  # adds the same to all logits of a query
    choices = {
        "attention_type": ATTENTION_TYPES,
        "norm": ("post", "sasrec"),
        "loss": ("bce", "literal"),
        "a2i_residual": ("query", "none"),
        "interaction_negatives": ("pair", "code"),
        "init": ("glorot", "normal"),
    }

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(
            dict(
                variant="paper",
                dim=200,
                max_length=300,
                heads=1,
                dropout=0.3,
                kernel_size=10,
                attention_type="latent_intent",
                interaction_weight=1.0,
                loss="bce",
                qkv_bias=True,
                scale_inputs=False,
                norm="post",
                block1_ffn=False,
                conv="causal",
                conv_weights="depthwise",
                tcn_residual=True,
                head_norm=False,
                a2i_residual="query",
                interaction_negatives="pair",
                init="glorot",
            )
        )

    @staticmethod
    def variants():
        return {"paper": {}, "official": OFFICIAL}

    def __init__(self, config, spec):
        super().__init__(config, spec)
        c = config
        self.causal = c.conv == "causal" or c.attention_type != "latent_intent"
        init = lambda: "glorot_uniform" if c.init == "glorot" else normal(c.dim**-0.5)  # noqa: E731
        self.items = PaddedEmbedding(spec.n_items, c.dim, init(), name="items")
        self.categories = PaddedEmbedding(max(spec.n_categories, 1), c.dim, init(), name="categories")
        self.actions = PaddedEmbedding(spec.n_actions, c.dim, init(), name="actions")
        self.positions = LearnedPositions(c.max_length, c.dim, initializer=init(), name="positions")
        self.dropout = StatelessDropout(c.dropout)
        attention = lambda name: MaskedAttention(c.dim, c.heads, use_bias=c.qkv_bias, dropout=c.dropout, name=name)  # noqa: E731
        ffn = lambda name, residual: PointwiseFeedForward(c.dim, dropout=c.dropout, residual=residual, name=name)  # noqa: E731
        sasrec = c.norm == "sasrec"

        self.item_attention, self.item_norm = attention("item_attention"), LayerNorm(name="item_norm")
        if c.block1_ffn:
            self.item_ffn_norm, self.item_ffn = LayerNorm(name="item_ffn_norm"), ffn("item_ffn", True)
        if c.attention_type == "latent_intent":
            self.tcn = DepthwiseTCN(c.kernel_size, c.conv, c.conv_weights, name="tcn")
            if c.tcn_residual:
                self.tcn_norm = LayerNorm(name="tcn_norm")
        self.intent_attention = attention("intent_attention")
        self.intent_norm = LayerNorm(name="intent_norm")
        if sasrec:
            self.item_ffn_out = ffn("intent_ffn", True)
            self.ffn_norm, self.out_norm = LayerNorm(name="ffn_norm"), LayerNorm(name="out_norm")
        else:
            self.item_ffn_out = ffn("intent_ffn", False)
        self.interaction_ffn = ffn("interaction_ffn", c.head_norm)
        if c.head_norm:
            self.head_norm_in, self.head_norm_out = LayerNorm(name="head_norm_in"), LayerNorm(name="head_norm_out")

    def feed_options(self):
        if not self.config.interaction_weight:
            return {}
        return {"interaction_negatives": self.config.interaction_negatives}

    def _embed(self, batch, training):
        """Item stream with positions S^p, raw items, categories and actions, each [B, T, d] (section 3.4.1, 3.4.2)."""
        items, categories = self.items(batch["items"]), self.categories(batch["categories"])
        actions = self.actions(batch["actions"])
        if self.config.scale_inputs:
            root = self.config.dim**0.5
            items, categories, actions = items * root, categories * root, actions * root
        stream = self.dropout(items + self.positions(batch["items"]), training=training)
        return stream * tf.cast(valid(batch["items"]), stream.dtype)[..., None], items, categories, actions

    def _intent(self, stream, items, categories, actions):
        """The query stream [B, T, d]: the latent intent (section 3.4.3), or what Table 4 puts in its place."""
        kind = self.config.attention_type
        if kind == "latent_intent":
            interactions = categories + actions  # i = c + a (section 3.1)
            latent = self.tcn(interactions)  # eq. 2
            return self.tcn_norm(latent + interactions) if self.config.tcn_residual else latent
        return {
            "self": stream,
            "item": items,
            "action": actions,
            "category": categories,
            "action_category": categories + actions,
        }[kind]

    def encode(self, batch, training=False, positions="all"):
        return self._encode(batch, training, positions)[:2]

    def _encode(self, batch, training, positions):
        c, mask = self.config, valid(batch["items"])
        cells = tf.cast(mask, self.compute_dtype)[..., None]
        stream, items, categories, actions = self._embed(batch, training)
        out = {}

        # Section 3.4.2: similarities among items (eq. 1, causal).
        if c.norm == "sasrec":
            query = self.item_norm(stream)
            x, out["item_attention"] = self.item_attention(query, stream, mask, training=training)
            x += query
        else:
            x, out["item_attention"] = self.item_attention(stream, stream, mask, training=training)
            x = self.item_norm(x + stream)
        if c.block1_ffn:
            x = self.item_ffn(self.item_ffn_norm(x), training=training)
        similarities = x * cells

        # Under "paper", "self" is Seq-Seq of Table 4: the queries are the first layer's own output.
        before = stream if c.norm == "sasrec" else similarities
        intent = self._intent(before, items, categories, actions)
        out["latent_intent"] = intent

        # Section 3.4.4: attention to intention. Keys and values are the similarities, queries the intent.
        query, seen = intent, mask
        if positions == "last":
            query, seen = intent[:, -1:], mask[:, -1:]
        if c.norm == "sasrec":
            query = self.intent_norm(query)
        x, out["intent_attention"] = self.intent_attention(query, similarities, mask, training=training)
        if c.a2i_residual == "query":
            x += query
        if c.norm == "sasrec":
            x = self.item_ffn_out(self.ffn_norm(x), training=training)
            x = self.out_norm(x * tf.cast(seen, x.dtype)[..., None])
        else:
            x = self.item_ffn_out(self.intent_norm(x), training=training)
        return x[:, :, None, :], out, intent

    def _interaction_output(self, intent, mask, training):
        """o_i [B, T, d] (section 3.4.3)."""
        if not self.config.head_norm:
            return self.interaction_ffn(intent, training=training)
        x = self.interaction_ffn(self.head_norm_in(intent), training=training)
        return self.head_norm_out(x * tf.cast(mask, x.dtype)[..., None])

    def item_matrix(self):
        return self.items.matrix()

    def compute_loss(self, batch, training=True):
        queries, _, intent = self._encode(batch, training, "all")
        mask = valid(batch["positives"])
        loss = literal_cross_entropy if self.config.loss == "literal" else binary_cross_entropy

        score = lambda ids: tf.reduce_sum(queries[:, :, 0] * self.items(ids), axis=-1)  # noqa: E731  r_p = o_p . p
        ranking = loss(score(batch["positives"]), score(batch["negatives"]), mask, batch["valid_count"])
        if not self.config.interaction_weight:
            return ranking
        head = self._interaction_output(intent, mask, training)

        def interaction_score(sign):  # r_i = o_i . (c + a)
            vectors = self.categories(batch[f"{sign}_categories"]) + self.actions(batch[f"{sign}_actions"])
            return tf.reduce_sum(head * vectors, axis=-1)

        interaction = loss(interaction_score("positive"), interaction_score("negative"), mask, batch["valid_count"])
        return ranking + self.config.interaction_weight * interaction  # L = L_ranking + L_interaction
