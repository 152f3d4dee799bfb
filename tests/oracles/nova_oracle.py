"""NOVA in float64 NumPy, one history without padding at a time (LEDGER B5; Liu et al., AAAI 2021)."""

import math

import numpy as np

from tests.oracles.layers_oracle import affine, feed_forward, layer_norm, log_sigmoid, softmax


def fuse(parts, weights, name, kind):
    """parts: m arrays [T, d] -> [T, d]."""
    if kind == "add":
        return sum(parts)
    if kind == "concat":
        return affine(np.concatenate(parts, axis=1), weights, f"{name}/joint")
    fused = np.zeros_like(parts[0])
    for t in range(len(fused)):
        gates = softmax(np.array([part[t] @ weights[f"{name}/gate/kernel"][:, 0] for part in parts]))
        fused[t] = sum(gate * part[t] for gate, part in zip(gates, parts, strict=True))
    return fused


def attention(queries, keys, values, weights, name, heads, causal):
    """Q of the queries, K of the keys, V of the values, W_O behind."""
    q, k, v = (affine(x, weights, f"{name}/{p}") for x, p in ((queries, "query"), (keys, "key"), (values, "value")))
    width, rows = q.shape[1] // heads, np.zeros_like(q)
    for h in range(heads):
        cut = slice(h * width, (h + 1) * width)
        for t in range(len(q)):
            seen = slice(0, t + 1) if causal else slice(None)
            rows[t, cut] = softmax(k[seen, cut] @ q[t, cut] / math.sqrt(width)) @ v[seen, cut]
    return affine(rows, weights, f"{name}/output")


def gelu(x):
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def blocks_of(weights):
    return sorted({key.split("/")[0] for key in weights if key.startswith("block_")})


def bert4rec_states(weights, items, categories, heads, fusor):
    """items, categories: ids without padding, hidden ones with the ids behind the last -> [T, d + 1]."""
    x, c = weights["items/table"][items], weights["categories/table"][categories]
    p = weights["positions/table"][-len(items) :]  # the newest event always has the last position
    for name in blocks_of(weights):
        fused = fuse([x, p, c], weights, f"{name}/fusor", fusor)
        attended = attention(fused, fused, x, weights, f"{name}/attention", heads, causal=False)
        x = layer_norm(x + attended, weights, f"{name}/attention_norm", 1e-12)
        inner = gelu(affine(x, weights, f"{name}/inner"))
        x = layer_norm(x + affine(inner, weights, f"{name}/outer"), weights, f"{name}/ffn_norm", 1e-12)
    x = layer_norm(gelu(affine(x, weights, "projection")), weights, "norm", 1e-12)
    return np.concatenate([x, np.ones((len(x), 1))], axis=1)


def sasrec_states(weights, items, categories, heads, fusor):
    """items, categories: ids without padding -> [T, d]; positions count from the oldest."""
    root = math.sqrt(weights["items/table"].shape[1])
    x = weights["items/table"][items] * root + weights["positions/table"][: len(items)]
    side = weights["categories/table"][categories] * root + weights["category_positions/table"][: len(items)]
    for name in blocks_of(weights):
        fused = fuse([x, side], weights, f"{name}/fusor", fusor)
        query = layer_norm(fused, weights, f"{name}/query_norm")
        y = attention(query, fused, x, weights, f"{name}/attention", heads, causal=True) + query
        x = feed_forward(layer_norm(y, weights, f"{name}/ffn_norm"), weights, f"{name}/ffn", residual=True)
    return layer_norm(x, weights, "norm")


def loss(weights, batch, states, item_vectors, kind):
    """The mean over the batch's targets. batch: arrays [B, T], left-padded; states: function of (weights, row)."""
    total, count = 0.0, 0
    for row, items in enumerate(batch["items"]):
        here = items > 0
        positives = batch["positives"][row][here]
        negatives = batch["negatives"][row][here] if kind == "bce" else positives
        for o, p, n in zip(states(weights, batch, row), positives, negatives, strict=True):
            if p == 0:
                continue
            if kind == "bce":
                total -= log_sigmoid(o @ item_vectors[p]) + log_sigmoid(-(o @ item_vectors[n]))
            else:
                logits = item_vectors[1:] @ o
                total += np.log(np.exp(logits).sum()) - logits[p - 1]
            count += 1
    return total / count
