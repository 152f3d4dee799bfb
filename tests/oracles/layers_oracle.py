"""Layers in float64 NumPy, one history without padding at a time, written from the equations.

A history is x [T, d], oldest first. What cannot be seen is not there at all, so there are no masks to get wrong.
"""

import math

import numpy as np


def softmax(logits):
    shifted = np.exp(logits - np.max(logits))
    return shifted / shifted.sum()


def affine(x, weights, name):
    """x W (+ b), W [in, out]."""
    bias = weights.get(f"{name}/bias", 0.0)
    return x @ weights[f"{name}/kernel"] + bias


def attention(queries, keys, weights, name, heads=1, causal=True, scale="head"):
    """ASLI eq. 1: softmax(Q K^T / sqrt(d)) V, key j hidden from query i where j > i. Returns (output, maps [h, Q, K]).

    Queries may be fewer than keys: they are then the newest ones.
    """
    Q, K, V = affine(queries, weights, f"{name}/query"), affine(keys, weights, f"{name}/key"), None
    V = affine(keys, weights, f"{name}/value")
    d = Q.shape[1]
    width = d // heads
    root = math.sqrt(width if scale == "head" else d)
    output, maps = np.zeros_like(Q), np.zeros((heads, len(Q), len(K)))
    for h in range(heads):
        part = slice(h * width, (h + 1) * width)
        for i in range(len(Q)):
            last = i + len(K) - len(Q) if causal else len(K) - 1
            weight = softmax(np.array([Q[i, part] @ K[j, part] / root for j in range(last + 1)]))
            maps[h, i, : last + 1] = weight
            output[i, part] = sum(weight[j] * V[j, part] for j in range(last + 1))
    if f"{name}/output/kernel" in weights:
        output = affine(output, weights, f"{name}/output")
    return output, maps


def layer_norm(x, weights, name, epsilon=1e-8):
    """Ba et al., eq. 4, over the features of each step."""
    mean = x.mean(axis=-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon) * weights[f"{name}/gamma"] + weights[f"{name}/beta"]


def convolution(x, kernel, alignment="causal"):
    """ASLI eq. 2: y[i, c] = sum_{j=1..l} W[c, j] x[i + j - ceil((l + 1) / 2), c]; causal: the l inputs that end at i.

    kernel: [l, d], or [l, 1] for one kernel that all channels share. Steps outside the history are zero vectors.
    """
    steps, channels = x.shape
    l = len(kernel)
    y = np.zeros_like(x)
    for i in range(steps):
        for c in range(channels):
            for j in range(1, l + 1):
                source = i + j - (math.ceil((l + 1) / 2) if alignment == "centered" else l)
                if 0 <= source < steps:
                    y[i, c] += kernel[j - 1, c if kernel.shape[1] > 1 else 0] * x[source, c]
    return y


def feed_forward(x, weights, name, residual=False):
    """ASLI section 3.2.3: W2 ReLU(W1 o + b1) + b2."""
    y = affine(np.maximum(affine(x, weights, f"{name}/inner"), 0.0), weights, f"{name}/outer")
    return y + x if residual else y


def sasrec_block(x, weights, name, heads=1):
    """LEDGER B1: LN(query only) -> causal attention + residual of LN(query); LN -> feed-forward with residual."""
    query = layer_norm(x, weights, f"{name}/query_norm")
    y = attention(query, x, weights, f"{name}/attention", heads)[0] + query
    return feed_forward(layer_norm(y, weights, f"{name}/ffn_norm"), weights, f"{name}/ffn", residual=True)


def log_sigmoid(x):
    return -np.logaddexp(0.0, -x)


def slope(f, arrays, directions, epsilon=1e-6):
    """The derivative of f(arrays) along `directions` (dicts of arrays), by central differences."""
    moved = lambda sign: {k: v + sign * epsilon * directions[k] if k in directions else v for k, v in arrays.items()}  # noqa: E731
    return (f(moved(+1)) - f(moved(-1))) / (2 * epsilon)


def post_norm_block(x, weights, name, heads, causal, epsilon=1e-12):
    """LN(x + attention W_O), LN(x + FFN with the exact GELU), one history x [T, d]."""
    w = lambda part: weights[f"{name}/{part}"]  # noqa: E731

    def norm(rows, part):
        centred = rows - rows.mean(1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(1, keepdims=True) + epsilon) * w(f"{part}/gamma") + w(f"{part}/beta")

    q, k, v = (x @ w(f"attention/{p}/kernel") + w(f"attention/{p}/bias") for p in ("query", "key", "value"))
    width, rows = x.shape[1] // heads, np.zeros_like(x)
    for h in range(heads):
        cut = slice(h * width, (h + 1) * width)
        for t in range(len(x)):
            seen = slice(0, t + 1) if causal else slice(None)
            powers = np.exp(k[seen, cut] @ q[t, cut] / math.sqrt(width))
            rows[t, cut] = powers / powers.sum() @ v[seen, cut]
    x = norm(x + rows @ w("attention/output/kernel") + w("attention/output/bias"), "attention_norm")
    inner = x @ w("inner/kernel") + w("inner/bias")
    inner = inner * 0.5 * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
    return norm(x + inner @ w("outer/kernel") + w("outer/bias"), "ffn_norm")
