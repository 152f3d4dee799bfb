"""LightSANs in float64 NumPy, one history at a time, as it is laid out: the oldest item first, padding behind (B14)."""

import math

import numpy as np


def norm(rows, weights, name):
    centred = rows - rows.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
    return scaled * weights[f"{name}/gamma"] + weights[f"{name}/beta"]


def dense(x, weights, name):
    return x @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]


def softmax(logits, axis):
    powers = np.exp(logits - logits.max())
    return powers / powers.sum(axis, keepdims=True)


def aggregate(x, theta):
    """Row j: sum_i D_ij x_i, D_ij = exp(x_i theta_j) / sum_i' exp(x_i' theta_j)."""
    found = np.zeros((theta.shape[1], x.shape[1]))
    for j in range(theta.shape[1]):
        powers = np.exp([x_i @ theta[:, j] for x_i in x])
        found[j] = sum(power * x_i for power, x_i in zip(powers, x, strict=True)) / powers.sum()
    return found


def attention(x, positions, weights, name, heads, normalise):
    """(context W_O [n, d], weights of the interests [heads, n, k], of the positions [heads, n, n])."""
    axis = {"interests": 1, "queries": 0}[normalise]  # of a map [queries, interests]
    q, k, v = (dense(x, weights, f"{name}/{part}") for part in ("query", "key", "value"))
    short_k = aggregate(k, weights[f"{name}/key_interests/theta"])
    short_v = aggregate(v, weights[f"{name}/value_interests/theta"])
    p = norm(positions, weights, f"{name}/position_norm")
    p_q, p_k = dense(p, weights, f"{name}/position_query"), dense(p, weights, f"{name}/position_key")
    width, context, by_interest, by_position = x.shape[1] // heads, np.zeros_like(x), [], []
    for h in range(heads):
        cut = slice(h * width, (h + 1) * width)
        by_interest.append(softmax(q[:, cut] @ short_k[:, cut].T / math.sqrt(width), axis))
        scaled = p_q[:, cut] * (2 * width) ** -0.5
        by_position.append(softmax(scaled @ p_k[:, cut].T / math.sqrt(width), axis))
        context[:, cut] = by_interest[h] @ short_v[:, cut] + by_position[h] @ v[:, cut]
    return dense(context, weights, f"{name}/output"), np.array(by_interest), np.array(by_position)


def encode(weights, items, length, heads=2, normalise="interests", padding="vector", positions="oldest"):
    """items: ids without padding, at most n -> [len(items), d]: the states of its cells; no cell is masked."""
    table, rows = weights["items/table"], np.zeros(length, int)
    rows[: len(items)] = items
    if positions == "newest":
        rows = np.roll(rows, length - len(items))
    x = table[rows]
    if padding == "zeros":
        x = x * (rows > 0)[:, None]
    x = norm(x, weights, "input_norm")
    for block in sorted({name.split("/")[0] for name in weights if name.startswith("block_")}):
        attended, _, _ = attention(x, weights["positions/table"], weights, f"{block}/attention", heads, normalise)
        x = norm(x + attended, weights, f"{block}/attention_norm")
        inner = dense(x, weights, f"{block}/inner")
        inner = inner * 0.5 * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
        x = norm(x + dense(inner, weights, f"{block}/outer"), weights, f"{block}/ffn_norm")
    return x[rows > 0]


def loss(weights, batch, length, padding="vector", **options):
    """Cross-entropy of the newest state, over all items and, where padding has a vector, over that too."""
    total, classes = 0.0, weights["items/table"][0 if padding == "vector" else 1 :]
    for items, target in zip(batch["items"], batch["positives"], strict=True):
        logits = classes @ encode(weights, items[items > 0], length, padding=padding, **options)[-1]
        total += np.log(np.exp(logits).sum()) - logits[target - (padding != "vector")]
    return total / len(batch["positives"])
