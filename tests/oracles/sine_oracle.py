"""SINE in float64 NumPy, one user at a time, from the paper's equations (and LEDGER S1-S10 for the variants).

`weights`: name -> array.  `items`: one user's window without padding, oldest first.  `c`: the hyper-parameters.
"""

import numpy as np

from tests.oracles.layers_oracle import layer_norm, softmax


def unit(x):
    return x / np.sqrt(np.maximum((x**2).sum(-1, keepdims=True), 1e-12))


def pooling_logits(x, weights, name, k=0, first=None, separate=False):
    """Logits of head k, [n]."""
    w2 = weights[f"{name}/w2"]
    hidden = w2.shape[1]
    first = weights[f"{name}/w1"] if first is None else first
    b1 = weights.get(f"{name}/b1", np.zeros(first.shape[1]))
    mine = slice(k * hidden, (k + 1) * hidden) if separate else slice(None)
    return np.tanh(x @ first[:, mine] + b1[mine]) @ w2[k] + weights.get(f"{name}/b2", np.zeros(len(w2)))[k]


def forward(weights, items, c, categories=None):
    """Every intermediate of one user, by name. Without a mask, `items` holds the padding (0) too."""
    items = np.asarray(items)
    x = weights["items/table"][items]
    n, intents = len(items), c.intents
    placed = x + weights["positions/table"][:n] if "positions/table" in weights else None

    a = softmax(pooling_logits(placed if c.z_pos else x, weights, "pooling"))  # eq. 1
    z = a @ x
    prototypes = weights["concepts/prototypes"]
    s = prototypes @ z  # eq. 2
    candidates = range(len(s))
    if c.prototypes == "category" and c.activate == "history":
        candidates = sorted({category - 1 for category in categories if category > 0})
    ids = sorted(candidates, key=lambda l: -s[l])[:intents]
    if c.topk_order == "asc":
        ids = ids[::-1]
    gates = np.array([1 / (1 + np.exp(-s[l])) for l in ids])
    concepts = np.array([prototypes[l] * gate for l, gate in zip(ids, gates, strict=True)])

    p_k_t = np.zeros((n, len(ids)))  # eq. 3
    for t in range(n):
        if c.assignment == "membership":
            p_k_t[t] = [float(categories[t] == l + 1) for l in ids]
            continue
        if c.sim == "l2_t0.07":
            logits = [unit(x[t]) @ unit(prototypes[l]) / 0.07 for l in ids]
        else:
            projected = x[t] @ weights["projection/kernel"]
            projected = unit(projected) if c.sim == "l2" else layer_norm(projected, weights, "norm_1", c.norm_epsilon)
            logits = [projected @ layer_norm(concept, weights, "norm_2", c.norm_epsilon) for concept in concepts]
            if c.sim == "layernorm_over_D":
                logits = np.array(logits) / c.dim
        p_k_t[t] = softmax(np.array(logits))

    p_t_k, phi = np.zeros((len(ids), n)), np.zeros((len(ids), c.dim))
    for k in range(len(ids)):
        logits = pooling_logits(
            placed if c.weighting_pos else x, weights, "weighting", k, separate=c.weighting == "separate"
        )
        if c.mix == "logit_product":
            p_t_k[k] = softmax(logits * p_k_t[:, k])
            phi[k] = sum(p_t_k[k, t] * x[t] for t in range(n))
        else:
            p_t_k[k] = softmax(logits)  # eq. 4
            phi[k] = sum(p_k_t[t, k] * p_t_k[k, t] * x[t] for t in range(n))  # eq. 5
        if c.interest_norm == "layernorm":
            phi[k] = layer_norm(phi[k], weights, "norm_3", c.norm_epsilon)
        elif c.interest_norm == "l2":
            phi[k] = unit(phi[k])
    found = dict(concepts=ids, gates=gates, p_k_given_t=p_k_t, p_t_given_k=p_t_k, interests=phi)
    if c.agg == "label":
        return found

    x_hat = p_k_t @ concepts + (x if c.cpt_feat else 0)
    logits = pooling_logits(
        x_hat + weights["positions/table"][:n] if c.intent_pos else x_hat,
        weights,
        "next_pooling",
        first=weights["projection/kernel"] if c.share_w3 else None,
    )
    intention = softmax(logits) @ x_hat  # eq. 6
    if c.intent_norm:
        intention = layer_norm(intention, weights, "norm_4", c.norm_epsilon)
    if c.agg == "mlp":
        both = np.concatenate([phi.mean(0), intention])
        e = softmax(phi @ (both @ weights["combine/kernel"] + weights["combine/bias"]))
    else:
        e = softmax(phi @ intention / c.temperature)  # eq. 7
    return found | dict(aggregation_weights=e, v=e @ phi)  # eq. 8


def scores(found, table):
    """Of items 1..N: the user vector's, or the best of the interests'."""
    if "v" in found:
        return table[1:] @ found["v"]
    return np.max([table[1:] @ interest for interest in found["interests"]], axis=0)


def user_vector(found, target, c):
    """What the loss scores with: v, or under label-aware attention a mix of interests by the target's vector."""
    if "v" in found:
        return found["v"]
    products = found["interests"] @ target
    if c.readout == "hard":
        return found["interests"][np.argmax(products)]
    return softmax(np.sign(products) * np.abs(products) ** c.label_power) @ found["interests"]


def loss(weights, batch, c):
    """Eq. 9 over a batch of arrays, a mean over rows, with the interest cosines where asked for."""
    table, total = weights["items/table"], 0.0
    for row, (items, categories, target) in enumerate(
        zip(batch["items"], batch["categories"], batch["positives"], strict=True)
    ):
        items, categories = window(items, categories, c)
        found = forward(weights, items, c, categories)
        v = user_vector(found, table[target], c)
        if c.neg == "pooled":
            own = table[target] @ v - batch["positive_log_expected"][row]
            rivals = [
                table[item] @ v - q
                for item, q in zip(batch["pool"], batch["pool_log_expected"], strict=True)
                if item != target
            ]
        else:
            own = table[target] @ v
            others = batch["negatives"][row] if c.neg == "per_example" else range(1, len(table))
            rivals = [table[item] @ v for item in others if item != target]
        total += -own + np.log(np.sum(np.exp([own, *rivals])))
        if c.reg == "interest_cos":
            phi = unit(found["interests"])
            pairs = [phi[i] @ phi[j] for i in range(c.intents) for j in range(i)]
            total += c.reg_weight * (0.5 + sum(pairs) / (c.intents * (c.intents - 1)))
    return total / len(batch["items"])


def window(items, categories, c):
    """The newest n items and their categories; without a mask the padding stays, in front."""
    items, categories = items[-c.max_length :], categories[-c.max_length :]
    return (items[items > 0], categories[items > 0]) if c.mask else (items, categories)


def covariance(prototypes, axis="row"):
    """Eq. 10 by its definition."""
    size, dim = prototypes.shape
    centre = prototypes.mean(1)[:, None] if axis == "row" else prototypes.mean(0)[None, :]
    m = (prototypes - centre) @ (prototypes - centre).T / dim
    return 0.5 * sum(m[i, j] ** 2 for i in range(size) for j in range(size) if i != j)
