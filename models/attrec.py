"""AttRec: next item recommendation with self-attentive metric learning (Zhang et al., AAAI 2019 workshop; arXiv 1808.06414).

| what | paper says | authors' code does | here | why |
|---|---|---|---|---|
| item tables (T1) | X short-term, V long-term | the same, named otherwise; a third, unused user table under L2 | X and V | the unused one changes nothing |
| initialisation (T1) | - | truncated normal, 0.001 | `init` = 0.001 with L2; 0.1 with norm clipping (configs) | in the unit ball all distances would start at 0 |
| projections (T2) | W_Q = W_K, ReLU | one matrix, no bias, Xavier | the same; `share_projection` | |
| time signal (T3) | interleaved, eq. 7 and 8 | sines, then cosines, other spacing | `time_layout` = "interleaved", official "concat" | equal up to a permutation but for the spacing |
| time step t (T3) | "the time step" | place in the window, 0 to L - 1 | place in the window, the newest is L - 1 | |
| diagonal (T4) | masked before the softmax | softmax, then times (1 - I), not renormalised | `diagonal` = "zero_logit"; official "post_softmax"; "neg_inf", "none" | after the ReLU 0 is the least affinity. At L = 2 neither it (W_Q = W_K makes the rows (1 - s, s) and (s, 1 - s)) nor -inf (a swap) moves the mean: only post_softmax and none can differ from `short_term` = "mean" there, as Table 3 does |
| ties at a user's newest time | - | the first row of the file is held out | the configurations' `ties` = "first_last" (MovieLens-1M: "row") | his split; what the order is worth is a table of the report |
| short users | - | fail | padded cells are no keys, and do not count in the mean (T14) | |
| negatives (T9) | not interacted with; sampled from I minus T+ | outside the T targets | `negatives` = "minus_targets"; "minus_history" | the formula is explicit |
| hinge (T8) | sum over all pairs of T+ and T- | j-th target with j-th negative | `pairs` = "all", official "elementwise" | the equation is explicit |
| reduction (T8) | sum | sum over the batch | `reduce` = "sum"; "mean" | |
| L2 (T10) | lambda ||Theta||^2 | 0.001 / 2 on whole tables a step, 0.01 / 2 on W | `l2_tables`, `l2_projection`, halved as in the code | |
| norm clipping (T10) | rows of X, V, U in the unit ball | defined, never run | `clip` = "off"; "projection" after each update; "lookup" | eq. 12 constrains parameters |
| dropout (T11) | may be applied to the nonlinear layer | off | on the ReLU's output, `dropout` = 0 | |
| value (below eq. 4) | identity; a linear map was worse | identity | `value_projection` = False | the rejected form is a flag |
| without self-attention (Table 3) | mean of X | - | `short_term` = "mean" | |
"""  # noqa: E501

import ml_collections

from models.base import Recommender
from models.layers.distance import square
from models.layers.dropout import StatelessDropout
from models.layers.embedding import PaddedEmbedding, UnitBall, built
from models.layers.initializers import truncated_normal
from models.layers.time_signal import LAYOUTS, time_signal
from models.layers.windows import AGGREGATIONS, aggregate, newest_windows
from models.losses import pairwise_hinge
from tf_utils.keras_gate import tf
from tf_utils.masks import masked_softmax, valid


class AttRec(Recommender):
    """Self-attention over the newest L items, and a user and an item point in space; small distances rank first."""

    regime = "window"
    float32_scores = True
    choices = {
        "diagonal": ("zero_logit", "post_softmax", "neg_inf", "none"),
        "aggregation": AGGREGATIONS,
        "time_layout": LAYOUTS,
        "pairs": ("all", "elementwise"),
        "reduce": ("sum", "mean"),
        "negatives": ("minus_targets", "minus_history"),
        "clip": ("off", "projection", "lookup"),
        "short_term": ("attention", "mean"),
    }

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(
            dict(
                variant="paper",
                dim=100,
                max_length=5,  # L
                targets=3,  # T
                omega=0.2,
                margin=0.5,  # gamma
                short_term="attention",
                diagonal="zero_logit",
                aggregation="mean",
                time_layout="interleaved",
                share_projection=True,
                value_projection=False,
                pairs="all",
                reduce="sum",
                negatives="minus_targets",
                clip="off",
                l2_tables=1e-3,
                l2_projection=1e-2,
                dropout=0.0,
                init=1e-3,
            )
        )

    @staticmethod
    def variants():
        return {
            "paper": {},
            "official": {"diagonal": "post_softmax", "pairs": "elementwise", "time_layout": "concat"},
        }

    def __init__(self, config, spec):
        super().__init__(config, spec)
        constraint = UnitBall() if config.clip == "projection" else None
        self.users, self.short_items, self.long_items = (
            built(PaddedEmbedding(size, config.dim, truncated_normal(config.init), constraint, name=name))
            for size, name in ((spec.n_users, "users"), (spec.n_items, "short_items"), (spec.n_items, "long_items"))
        )  # U, X, V
        self.normalised_attention = config.get("diagonal") != "post_softmax"
        self.dropout = StatelessDropout(config.dropout)
        self.make_short_term()

    def make_short_term(self) -> None:
        """The weights of the short-term part."""
        config = self.config
        layer = lambda name: tf.keras.layers.Dense(config.dim, use_bias=False, name=name)  # noqa: E731
        self.value = None
        if config.short_term == "attention":
            self.query = layer("query")
            self.key = self.query if config.share_projection else layer("key")
            self.value = layer("value") if config.value_projection else None
            self.signal = time_signal(config.max_length, config.dim, config.time_layout)

    @property
    def matrices(self) -> list:
        """The weight matrices under L2."""
        if self.config.short_term == "mean":
            return []
        layers = {id(layer): layer for layer in (self.query, self.key, self.value) if layer is not None}
        return [layer.kernel for layer in layers.values()]

    def short_term(self, windows: tf.Tensor, training: bool) -> tuple[tf.Tensor, dict]:
        """windows: int32 [R, L], left-padded. Returns m [R, d] (eq. 6) and the named intermediates."""
        x = self._look_up(self.short_items, windows)  # eq. 1, [R, L, d]
        if self.config.short_term == "mean":
            return aggregate(x, windows, "mean"), {}
        timed = x + tf.cast(self.signal, x.dtype)  # eq. 7 and 8, on query and key only
        q = self.dropout(tf.nn.relu(self.query(timed)), training=training)  # eq. 2
        k = q if self.config.share_projection else self.dropout(tf.nn.relu(self.key(timed)), training=training)  # eq. 3
        logits = tf.matmul(q, k, transpose_b=True) / tf.sqrt(tf.cast(self.config.dim, q.dtype))
        off_diagonal = 1 - tf.eye(self.config.max_length, dtype=logits.dtype)
        seen = valid(windows)[:, None, :]
        if self.config.diagonal == "zero_logit":
            logits = logits * off_diagonal
        elif self.config.diagonal == "neg_inf":
            seen &= off_diagonal > 0
        weights = masked_softmax(logits, seen)  # eq. 4, [R, L, L]
        if self.config.diagonal == "post_softmax":
            weights *= off_diagonal
        weights *= tf.cast(valid(windows), weights.dtype)[:, :, None]
        attended = tf.matmul(weights, self.value(x) if self.value else x)  # eq. 5
        return aggregate(attended, windows, self.config.aggregation), {"attention": weights}

    def encode(self, batch, training=False, positions="all"):
        """Queries [B, T, 1, 2 d + 2]; `out["attention"]` [B, 1, L, L] is the map of the newest window."""
        windows = newest_windows(batch["items"], self.config.max_length, positions)
        rows, width = tf.shape(windows)[0], tf.shape(windows)[1]
        m, out = self.short_term(tf.reshape(windows, [rows * width, self.config.max_length]), training)
        out = {name: tf.reshape(x, [rows, width, *x.shape[1:]])[:, -1:] for name, x in out.items()}
        m = tf.reshape(m, [rows, width, self.config.dim])
        u = tf.repeat(self._look_up(self.users, batch["user"])[:, None, :], width, axis=1)
        # -y of eq. 10 is an inner product: 2 q.v - |v|^2 - |q|^2. In float32 at least, for y is a small difference.
        u, m, long, short = self._precise(u), self._precise(m), self.config.omega, 1 - self.config.omega
        own = long * square(u) + short * square(m)
        return tf.concat([2 * long * u, 2 * short * m, tf.ones_like(own), -own], axis=-1)[:, :, None, :], out

    def item_matrix(self):
        """[n_items + 1, 2 d + 2]: V, X, minus the weighted sum of their squares, and ones."""
        v, x = (self._clipped(self._precise(table.table)) for table in (self.long_items, self.short_items))
        own = self.config.omega * square(v) + (1 - self.config.omega) * square(x)
        return tf.concat([v, x, -own, tf.ones_like(own)], axis=-1)

    def compute_loss(self, batch, training=True):
        windows = newest_windows(batch["items"], self.config.max_length, "last")[:, 0]
        m, _ = self.short_term(windows, training)
        u = self._look_up(self.users, batch["user"])

        def distance(items):  # eq. 10, [B, items]
            long = square(self._precise(u[:, None] - self._look_up(self.long_items, items)))[..., 0]
            short = square(self._precise(m[:, None] - self._look_up(self.short_items, items)))[..., 0]
            return self.config.omega * long + (1 - self.config.omega) * short

        positives, negatives = batch["positives"], batch["negatives"]
        count = batch["valid_count"] if self.config.reduce == "mean" else 1.0
        hinge = pairwise_hinge(
            *(distance(positives), distance(negatives), valid(positives), valid(negatives)),
            self.config.margin,
            self.config.pairs == "elementwise",
        )  # eq. 11
        return hinge / tf.cast(count, hinge.dtype)

    def regularisation(self):
        """The L2 term of eq. 11, on whole tables at every step."""
        tables = 0.0  # no pass over the tables where their weight is nothing
        if self.config.l2_tables:
            tables = sum(table.squares() for table in (self.users, self.short_items, self.long_items))
        matrices = sum(tf.reduce_sum(tf.square(kernel)) for kernel in self.matrices)
        return 0.5 * (self.config.l2_tables * tables + self.config.l2_projection * matrices)

    def feed_options(self):
        return {"exclude": "targets" if self.config.negatives == "minus_targets" else "train"}

    def _look_up(self, table, ids):
        return self._clipped(table(ids))

    def _clipped(self, vectors):
        return tf.clip_by_norm(vectors, 1.0, axes=[-1]) if self.config.clip == "lookup" else vectors

    def _precise(self, x):
        return tf.cast(x, self.users.table.dtype)
