"""SINE: sparse-interest network for sequential recommendation (Tan et al., WSDM 2021).

| what | paper says | authors' code does | here | why |
|---|---|---|---|---|
| pooling for z (S1) | eq. 1: softmax(tanh(X W1) W2), no positions, no mask | positions in the logits, 512 hidden units, biases, mask | `z_pos` = False, `hidden` = 0 (d), `bias` = False, `mask` = True | padding is no behaviour. RecBole: no mask; its padding vector is random and frozen, so is ours with `mask` = False |
| activation (S2) | eq. 2: top K, C[idx] times sigmoid(s[idx]) 1', 1 in R^K | the same with 1 in R^d, descending | `topk_order` = "desc"; RecBole "asc": another name for the slots, whose weights (eq. 4) are drawn alike | a misprint |
| intention assignment (S3, S4) | eq. 3: LN1(X W3) . LN2(C^u), called cosine | l2(X) . l2(ungated C) / 0.07, no W3 | `sim` = "layernorm"; "layernorm_over_D" (a true cosine), "l2" (RecBole: l2(X W3) . LN2(C^u)), "l2_t0.07" (official) | the equation; LN . LN is d times a cosine |
| attention weighting (S5) | eq. 4: a pair (W_k1, W_k2) for each k, positions added | one tanh layer, K columns; positions | `weighting` = "separate", `weighting_pos` = True; "shared"; RecBole: no positions | k is the rank slot: there are only K pairs |
| position index (S5) | - | 0 is the oldest of the window | the same | |
| product (S6) | eq. 5: sum of P(k|t) P(t|k) X_t, LN3 | logits times P(k|t), one softmax, no LN | `mix` = "post_softmax_product", `interest_norm` = "layernorm"; "logit_product", "none"; RecBole: "l2" | the equation |
| next intention (S7) | eq. 6: from X^ = P C^u, LN4 | X^ + X, positions in the logits, no LN | `cpt_feat` = False, `intent_pos` = False, `intent_norm` = True | the equation |
| W3 (S8) | in eq. 3, and again below eq. 6 | - | `share_w3` = False; RecBole True | declared twice, and all other layers have their own |
| aggregation (S9) | eq. 7: C_apt . phi / tau, tau = 0.1 | phi . Dense([mean phi; C_apt]), no tau | `agg` = "tau"; "mlp" | the equation |
| regulariser (S10) | eq. 10 on C, lambda = 0.5; "mean matrix" | pairwise cosine of a user's interests, its weight 0 | `reg` = "cov" on row means (`cov_axis`), `reg_weight`; "interest_cos", "none" | 1 / d needs row means; RecBole's default loss drops it |
| item table (S11) | H, and X from it | shared, no bias | shared | |
| sampled softmax (S12) | 5 negatives (MovieLens) or 10 | 10 a row pooled over the batch, log-uniform, corrected by log Q | `neg` = "pooled", `proposal` = "log_uniform"; "per_example" (uniform, no correction needed), "all" (full softmax, RecBole) | both fit a pool |
| reduction | eq. 9: a sum over (u, t), lambda beside it | the batch's mean | the batch's mean: beside a sum over 128 rows lambda would weigh 128 times less | the code's |
| instances (S13) | every (u, t) | targets from the 4th item on; an epoch's last, incomplete batch is dropped | `min_hist` = 1; official 3; all batches | |
| LayerNorm's epsilon (S23) | none printed | no LayerNorm | `norm_epsilon` = 1e-12, RecBole's; SASRec's code has 1e-8 | a slot without items has interests near 0, which 1e-8 leaves small on sparse data |
| checkpoint (S15) | - | by HR@10 and NDCG@50 on validation | by validation HR@50 (configs) | the metric that all of its tables have |
| initialisation (S20) | - | Glorot | `init` = "glorot"; RecBole: normal Glorot tables, matrices N(0, 0.01) | |
| SINE-cate (Table 6) | category attributes as prototypes | - | `prototypes` = "category": a free vector for each category; `activate` = "history": of these, those of the history can be activated, "all": any; `assignment` = "similarity" as eq. 3, or "membership": P(k|t) = 1 where item t is of category k | see below |
| SINE-label (Table 6) | MIND's label-aware attention in training, K N candidates at test | - | `agg` = "label": K queries, the best counts; `readout` = "hard" (MIND's power p to infinity, as its usual code), "soft" with `label_power` = p (signs kept) | LN2 cancels the gate in eq. 3 and eq. 6 is gone, so W1 and W2 (what is activated) stay as they were drawn |

A table of category vectors alone would make SINE-cate nothing but SINE with another L: the attribute has to act. It
does in what can be activated; a user with fewer than K categories has empty slots (id -1) that carry no weight. Means
of a category's items as prototypes are not offered: they would cost a pass over the whole table at each step.
"""  # noqa: E501

import ml_collections

from models.base import Recommender
from models.layers.capsules import label_aware
from models.layers.concepts import ConceptActivation, covariance_penalty, present
from models.layers.embedding import LearnedPositions, PaddedEmbedding
from models.layers.norm import LayerNorm
from models.layers.pooling import PoolingLogits, matrix_initializer, position_weights
from models.layers.windows import newest_windows
from models.losses import full_cross_entropy, sampled_softmax
from tf_utils.keras_gate import tf
from tf_utils.masks import masked_softmax, valid


class SINE(Recommender):
    """A few concepts out of many are activated for each user, and each gives an interest vector.

    Under mixed precision only the tanh layers of the poolings, nearly all of the work, run in half: eq. 7 multiplies
    any rounding by up to d / tau = 1280.
    """

    regime = "prefix"
    float32_scores = True
    choices = {
        "topk_order": ("desc", "asc"),
        "sim": ("layernorm", "layernorm_over_D", "l2", "l2_t0.07"),
        "weighting": ("separate", "shared"),
        "mix": ("post_softmax_product", "logit_product"),
        "interest_norm": ("layernorm", "l2", "none"),
        "agg": ("tau", "mlp", "label"),
        "readout": ("hard", "soft"),
        "reg": ("cov", "interest_cos", "none"),
        "cov_axis": ("row", "col"),
        "neg": ("pooled", "per_example", "all"),
        "init": ("glorot", "recbole"),
        "prototypes": ("learned", "category"),
        "assignment": ("similarity", "membership"),
        "activate": ("history", "all"),
    }

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(
            dict(
                variant="paper",
                dim=128,  # D
                max_length=20,  # n
                concepts=50,  # L; the number of categories with prototypes="category"
                intents=4,  # K
                temperature=0.1,  # tau
                reg_weight=0.5,  # lambda
                negatives=5,
                mask=True,
                z_pos=False,
                hidden=0,
                bias=False,
                topk_order="desc",
                sim="layernorm",
                weighting="separate",
                weighting_pos=True,
                mix="post_softmax_product",
                interest_norm="layernorm",
                norm_epsilon=1e-12,
                cpt_feat=False,
                intent_pos=False,
                intent_norm=True,
                share_w3=False,
                agg="tau",
                readout="hard",
                label_power=1.0,
                reg="cov",
                cov_axis="row",
                neg="pooled",
                proposal="log_uniform",
                min_hist=1,
                init="glorot",
                prototypes="learned",
                assignment="similarity",
                activate="history",  # with prototypes="category"
            )
        )

    @staticmethod
    def variants():
        pooling = {"z_pos": True, "hidden": 512, "bias": True, "weighting": "shared"}
        products = {"sim": "l2_t0.07", "mix": "logit_product", "interest_norm": "none"}
        intent = {"cpt_feat": True, "intent_pos": True, "intent_norm": False, "agg": "mlp"}
        return {
            "paper": {},
            "official": {**pooling, **products, **intent, "reg": "interest_cos", "reg_weight": 0.0, "min_hist": 3},
            "recbole": {
                "mask": False,
                "topk_order": "asc",
                "sim": "l2",
                "weighting_pos": False,
                "interest_norm": "l2",
                "share_w3": True,
                "reg": "none",
                "neg": "all",
                "init": "recbole",
            },
            "sine_cate": {"prototypes": "category"},
            "sine_label": {"agg": "label"},
        }

    def __init__(self, config, spec):
        super().__init__(config, spec)
        self._check()
        # Everything but the poolings keeps the weights' dtype.
        self.exact = tf.keras.mixed_precision.global_policy().variable_dtype
        dim, recbole = config.dim, config.init == "recbole"
        tables, stddev = ("glorot_normal", 0.01) if recbole else ("glorot_uniform", None)
        norm = lambda number: LayerNorm(config.norm_epsilon, name=f"norm_{number}", dtype=self.exact)  # noqa: E731
        dense = lambda name, rows, bias: tf.keras.layers.Dense(  # noqa: E731
            *(dim, None, bias, matrix_initializer(rows, dim, stddev)), name=name, dtype=self.exact
        )
        pooling = lambda name, heads=1, **kwargs: PoolingLogits(  # noqa: E731
            config.hidden or dim, heads, use_bias=config.bias, stddev=stddev, name=name, **kwargs
        )
        self.items = PaddedEmbedding(spec.n_items, dim, tables, name="items", dtype=self.exact)  # H
        self.positions = None
        if config.z_pos or config.weighting_pos or (config.intent_pos and config.agg != "label"):
            self.positions = LearnedPositions(
                config.max_length, dim, "oldest", tables, name="positions", dtype=self.exact
            )
        size = spec.n_categories if config.prototypes == "category" else config.concepts
        self.pooling = pooling("pooling")  # W1, W2
        self.concepts = ConceptActivation(
            size, config.intents, config.topk_order, tables, name="concepts", dtype=self.exact
        )
        similar = config.assignment == "similarity"
        self.projection = dense("projection", dim, False) if similar and config.sim != "l2_t0.07" else None  # W3
        self.norm_1 = norm(1) if similar and config.sim.startswith("layernorm") else None
        self.norm_2 = norm(2) if similar and config.sim != "l2_t0.07" else None
        self.weighting = pooling("weighting", config.intents, separate=config.weighting == "separate")  # W_k1, W_k2
        self.norm_3 = norm(3) if config.interest_norm == "layernorm" else None
        if config.agg != "label":
            self.next_pooling = pooling("next_pooling", own_kernel=not config.share_w3)  # W3', W4
            self.norm_4 = norm(4) if config.intent_norm else None
            self.combine = dense("combine", 2 * dim, True) if config.agg == "mlp" else None
        self.padding_invariant = config.mask
        self.shift_invariant_weights = self._cancelled()

    def _check(self) -> None:
        config = self.config
        category = config.prototypes == "category"
        if config.assignment == "membership" and not category:
            raise ValueError('sine: assignment="membership" needs prototypes="category"')
        if category and not self.spec.n_categories:
            raise ValueError('sine: prototypes="category" needs data with categories; use prototypes="learned"')
        size = self.spec.n_categories if category else config.concepts
        if config.intents > size:
            raise ValueError(f"sine: {config.intents} intents cannot be activated from {size} concepts; lower intents")
        no_w3 = config.assignment == "membership" or config.sim == "l2_t0.07"
        if config.share_w3 and (no_w3 or config.hidden not in (0, config.dim)):
            raise ValueError("sine: share_w3 needs a W3 of d x d in eq. 3; set share_w3=False")

    def _cancelled(self) -> tuple[str, ...]:
        """Weights whose gradient is zero: they add the same to all logits of a softmax, or LN2 takes them out."""
        config, names = self.config, ["norm_2/beta"] if self.norm_2 else []
        if config.bias:
            names.append("pooling/b2")
            names += ["weighting/b2"] if config.mix == "post_softmax_product" else []
        if config.agg == "label":
            # LN2(C^u) is the same whatever the gate's size, and without eq. 6 nothing else sees the gate.
            names += ["pooling/w1", "pooling/w2"] + (["pooling/b1"] if config.bias else [])
        return tuple(names)

    def interests(self, ids: tf.Tensor, categories: tf.Tensor | None) -> tuple[tf.Tensor, dict]:
        """Sections 3.2 and 3.3 up to the aggregation weights.

        Args:
            ids: int32 [R, n], left-padded.
            categories: int32 [R, n], of the items; needed with prototypes="category".

        Returns:
            phi [R, K, D], and a dict: concepts int32 [R, K], gates [R, K], p_k_given_t [R, n, K],
            p_t_given_k [R, K, n], interests (phi), and (but with agg="label") aggregation_weights [R, K].
        """
        config = self.config
        seen = valid(ids) if config.mask else None
        x = self.items(ids)  # X, [R, n, D]
        if not config.mask:
            x = tf.where(valid(ids)[..., None], x, tf.stop_gradient(self.items.table[0]))
        placed = x if self.positions is None else x + self.positions(ids)

        a = position_weights(self._logits(self.pooling, placed if config.z_pos else x), seen)  # eq. 1
        z = tf.matmul(a, x)[:, 0]
        narrowed = categories is not None and self.config.activate == "history"
        allowed = present(categories, self.concepts.concepts) if narrowed else None
        active = self.concepts(z, allowed)  # eq. 2
        gated = active.prototypes * active.gates[..., None]  # C^u, [R, K, D]

        if config.assignment == "membership":
            member = categories[:, :, None] == active.ids[:, None, :] + 1
            p_k_t = tf.cast(member & valid(categories)[:, :, None], x.dtype)
        else:
            p_k_t = self._assign(x, active.prototypes, gated, active.live)  # eq. 3, [R, n, K]
        if config.mask:
            p_k_t = tf.where(seen[..., None], p_k_t, tf.zeros([], p_k_t.dtype))

        logits = self._logits(self.weighting, placed if config.weighting_pos else x)
        if config.mix == "logit_product":
            mass = p_t_k = position_weights(logits * p_k_t, seen)
        else:
            p_t_k = position_weights(logits, seen)  # eq. 4, [R, K, n]
            mass = tf.transpose(p_k_t, [0, 2, 1]) * p_t_k
        phi = tf.matmul(mass, x)  # eq. 5
        if config.interest_norm == "layernorm":
            phi = self.norm_3(phi)
        elif config.interest_norm == "l2":
            phi = tf.math.l2_normalize(phi, axis=-1)

        out = {"concepts": active.ids, "gates": active.gates, "p_k_given_t": p_k_t, "p_t_given_k": p_t_k}
        if config.agg != "label":
            intention = self._next_intention(ids, x, tf.matmul(p_k_t, gated), seen)
            out["aggregation_weights"] = self._aggregation_weights(phi, intention, active.live)
        return phi, out | {"interests": phi}

    def _assign(self, x, prototypes, gated, live):
        """P(k|t) of eq. 3."""
        sim = self.config.sim
        if sim == "l2_t0.07":
            logits = tf.matmul(_unit(x), _unit(prototypes), transpose_b=True) / 0.07
        else:
            projected = self.projection(x)
            projected = _unit(projected) if sim == "l2" else self.norm_1(projected)
            logits = tf.matmul(projected, self.norm_2(gated), transpose_b=True)
            if sim == "layernorm_over_D":
                logits /= self.config.dim
        return _over_concepts(logits, None if live is None else live[:, None, :])

    def _next_intention(self, ids, x, x_hat, seen):
        """C_apt of eq. 6, [R, D]; x_hat: the intention sequence P C^u [R, n, D]."""
        config = self.config
        if config.cpt_feat:
            x_hat += x
        placed = x_hat + self.positions(ids) if config.intent_pos else x_hat
        kernel = self.projection.kernel if config.share_w3 else None
        weights = position_weights(self._logits(self.next_pooling, placed, kernel=kernel), seen)
        intention = tf.matmul(weights, x_hat)[:, 0]
        return self.norm_4(intention) if config.intent_norm else intention

    def _aggregation_weights(self, phi, intention, live):
        """e of eq. 7, [R, K]."""
        if self.config.agg == "mlp":
            intention = self.combine(tf.concat([tf.reduce_mean(phi, axis=1), intention], axis=-1))
        logits = tf.einsum("rkd,rd->rk", phi, intention)
        if self.config.agg == "tau":
            logits /= self.config.temperature
        return _over_concepts(logits, live)

    def encode(self, batch, training=False, positions="all"):
        """Queries [B, T, 1, D], or [B, T, K, D] with agg="label"; `out` is of the newest position."""
        n, intents, dim = self.config.max_length, self.config.intents, self.config.dim
        windows = newest_windows(batch["items"], n, positions)
        rows, width = tf.shape(windows)[0], tf.shape(windows)[1]
        flat = lambda x: tf.reshape(x, [rows * width, n])  # noqa: E731
        categories = None
        if self.config.prototypes == "category":
            categories = flat(newest_windows(batch["categories"], n, positions))
        phi, out = self.interests(flat(windows), categories)
        if self.config.agg == "label":
            queries = tf.reshape(phi, [rows, width, intents, dim])
        else:
            queries = tf.reshape(_aggregate(out["aggregation_weights"], phi), [rows, width, 1, dim])
        return queries, {name: tf.reshape(x, [rows, width, *x.shape[1:]])[:, -1] for name, x in out.items()}

    def item_matrix(self):
        return self.items.matrix()

    def compute_loss(self, batch, training=True):
        queries, out = self.encode(batch, training=training, positions="last")
        phi, positives, count = out["interests"], batch["positives"], batch["valid_count"]
        if self.config.agg == "label":
            readout, power = self.config.readout, self.config.label_power
            v = label_aware(phi, self.items(positives), readout, power, signed=True)
        else:
            v = queries[:, 0, 0]  # eq. 8
        if self.config.neg == "pooled":
            loss = sampled_softmax(v, self.items, batch)  # eq. 9
        elif self.config.neg == "all":
            target = positives[:, None]
            loss = full_cross_entropy(v[:, None], self.items.table, target, valid(target), count)
        else:
            listed = tf.concat([positives[:, None], batch["negatives"]], axis=1)
            logits = tf.einsum("bd,bcd->bc", v, self.items(listed))
            loss = tf.reduce_sum(tf.reduce_logsumexp(logits, axis=1) - logits[:, 0]) / tf.cast(count, v.dtype)
        if self.config.reg == "interest_cos" and self.config.reg_weight:
            loss += self.config.reg_weight * _interest_cosines(phi) / tf.cast(count, v.dtype)
        return loss

    def regularisation(self):
        """lambda times eq. 10."""
        if self.config.reg != "cov":
            return 0.0
        return self.config.reg_weight * covariance_penalty(self.concepts.prototypes, self.config.cov_axis)

    def feed_options(self):
        config = self.config
        options = {"min_history": config.min_hist}
        if config.neg == "pooled":
            options |= {"pooled": config.negatives, "proposal": config.proposal}
        return options | ({"negatives": config.negatives} if config.neg == "per_example" else {})

    def _logits(self, layer, inputs, **kwargs):
        return tf.cast(layer(inputs, **kwargs), self.exact)


def _unit(x: tf.Tensor) -> tf.Tensor:
    return tf.math.l2_normalize(x, axis=-1)


def _over_concepts(logits: tf.Tensor, live: tf.Tensor | None) -> tf.Tensor:
    """Softmax over the last axis, among live slots."""
    return tf.nn.softmax(logits, axis=-1) if live is None else masked_softmax(logits, live)


def _aggregate(weights: tf.Tensor, phi: tf.Tensor) -> tf.Tensor:
    """v of eq. 8: weights [R, K], phi [R, K, D] -> [R, D]."""
    return tf.einsum("rk,rkd->rd", weights, phi)


def _interest_cosines(phi: tf.Tensor) -> tf.Tensor:
    """[]: sum over rows of 1/2 + (sum of the cosines of all pairs of interests) / (K (K - 1)), in [0, 1] a row."""
    unit, intents = _unit(phi), phi.shape[1]
    own = tf.reduce_sum(tf.square(unit), axis=[1, 2])
    pairs = (tf.reduce_sum(tf.square(tf.reduce_sum(unit, axis=1)), axis=-1) - own) / 2
    return tf.reduce_sum(0.5 + pairs / max(intents * (intents - 1), 1))
