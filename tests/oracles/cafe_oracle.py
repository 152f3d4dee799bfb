"""CAFE in float64 NumPy, one history at a time: eqs. 1-10 and LEDGER C1-C12, eq. 6 in its direct form.

A history is items and categories [T], oldest first, without padding; a category may be 0 (unknown: the zero vector).
"""

import math

import numpy as np

from tests.oracles.layers_oracle import affine, feed_forward, layer_norm, log_sigmoid

HEADS = {"all_global": (1, 0), "script_1g0l": (1, 0), "all_local": (0, 1), "mixed_1g3l": (1, 3)}
DEFAULTS = dict(
    item_heads="all_local",
    heads=1,
    local="paper",
    attn_scale="model",
    positions="newest",
    scale_embeddings=False,
    joint="sigmoid_product",
    blocks=2,
)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def local_attention(queries, keys, weights, name, heads, form="paper", scale="model", positions="newest"):
    """Eqs. 2, 3, 5, 6. heads: (global ones, then local ones). Returns (output [T, d], maps, thetas [heads, T, T])."""
    Q, K, V = (affine(x, weights, f"{name}/{part}") for part, x in (("query", queries), ("key", keys), ("value", keys)))
    steps, d = Q.shape
    first, count = heads[0], sum(heads)
    e = d // count
    output, maps, thetas = np.zeros_like(Q), np.zeros((count, steps, steps)), np.zeros((count, steps, steps))
    for m in range(count):
        cut = slice(m * e, (m + 1) * e)
        q, k, v = Q[:, cut], K[:, cut], V[:, cut]
        if m >= first:
            own = slice((m - first) * e, (m - first + 1) * e)
            D, kernel = weights[f"{name}/distance_table"][:, own], weights[f"{name}/local_kernel"][:, m - first]
            bias, n = weights[f"{name}/local_bias"], len(D) // 2
            bias = bias[m - first] if form == "official" else bias[0]
            a, b = (v, v) if form == "official" else (q, k)
            if form == "official":
                place = np.arange(steps) + (0 if positions == "oldest" else n - steps)
                q = q + weights[f"{name}/query_positions/table"][place, own]
                k = k + weights[f"{name}/key_positions/table"][place, own]
        for i in range(steps):
            for j in range(i + 1):
                theta = 1.0
                if m >= first:
                    theta = np.exp((a[i] + b[j] + D[n + i - j]) @ kernel + bias)
                maps[m, i, j] = np.exp(q[i] @ k[j] / math.sqrt(d if scale == "model" else e)) * theta
                thetas[m, i, j] = theta
            maps[m, i] /= maps[m, i].sum()
            output[i, cut] = maps[m, i] @ v
    return affine(output, weights, f"{name}/output"), maps, thetas


def block(x, weights, name, heads, **options):
    query = layer_norm(x, weights, f"{name}/query_norm")
    y, maps, thetas = local_attention(query, x, weights, f"{name}/attention", heads, **options)
    y = feed_forward(layer_norm(y + query, weights, f"{name}/ffn_norm"), weights, f"{name}/ffn", residual=True)
    return y, maps, thetas


def embed(table, positions, ids, o):
    vectors = table[ids] * (ids > 0)[:, None] * (math.sqrt(table.shape[1]) if o["scale_embeddings"] else 1.0)
    return vectors + (positions[: len(ids)] if o["positions"] == "oldest" else positions[len(positions) - len(ids) :])


def encode(weights, items, categories, **options):
    """Returns (R [T, d], R^c [T, d], {name: maps or thetas [heads, T, T]})."""
    o, out = DEFAULTS | options, {}
    shape = dict(form=o["local"], scale=o["attn_scale"], positions=o["positions"])
    first, local = HEADS[o["item_heads"]]
    item_heads = (first * o["heads"], local * o["heads"]) if o["item_heads"].startswith("all") else (first, local)
    x = embed(weights["intents/table"], weights["intent_positions/table"], categories, o)
    y = embed(weights["items/table"], weights["item_positions/table"], items, o)
    for i in range(o["blocks"]):
        x, out[f"intent_block_{i}_attention"], _ = block(x, weights, f"intent_block_{i}", (o["heads"], 0), **shape)
        y, maps, thetas = block(y, weights, f"item_block_{i}", item_heads, **shape)
        out[f"item_block_{i}_attention"] = maps
        if item_heads[1]:
            out[f"item_block_{i}_local_mask"] = thetas
    coarse = layer_norm(x, weights, "intent_norm")
    return layer_norm(y, weights, "item_norm") + coarse, coarse, out


def score(weights, r, r_intent, item, intent, joint="sigmoid_product"):
    """Eq. 10 for one candidate, in logarithms; intent 0: the mean over all intents of the intent's term."""
    fine = weights["items/table"][item] @ r
    if joint == "item":
        return fine
    term = (lambda logit: np.log(sigmoid(logit))) if joint == "sigmoid_product" else (lambda logit: logit)
    coarse = [term(vector @ r_intent) for vector in weights["intents/table"]]
    return term(fine) + (coarse[intent] if intent else np.mean(coarse[1:]))


def loss(weights, batch, intent_weight=1.0, negatives="one", **options):
    """Eq. 9 as a mean over the batch's valid steps. batch: arrays [B, T], left-padded."""
    total = count = 0
    fields = [name for name, x in batch.items() if x.ndim == 2]
    for row in range(len(batch["items"])):
        user = {name: batch[name][row][batch["items"][row] > 0] for name in fields}
        r, r_intent, _ = encode(weights, user["items"], user["categories"], **options)
        for t in range(len(r)):
            count += 1
            total += _cell(weights["items/table"], r[t], user, t, "items", "positives", "negatives", negatives)
            if intent_weight and user["positive_categories"][t]:
                names = ("categories", "positive_categories", "negative_categories")
                total += intent_weight * _cell(weights["intents/table"], r_intent[t], user, t, *names, negatives)
    return total / count


def _cell(table, r, user, t, history, positives, negatives, which):
    own = set(user[history]) | set(user[positives])
    others = [user[negatives][t]] if which == "one" else [j for j in range(1, len(table)) if j not in own]
    return -log_sigmoid(table[user[positives][t]] @ r) - sum(log_sigmoid(-(table[j] @ r)) for j in others)
