"""BERT4Rec's body with LOCKER's heads in float64 NumPy, one history without padding at a time (LEDGER B4, B7)."""

import math

import numpy as np

from tests.oracles.layers_oracle import affine, post_norm_block, softmax

SCORED = ("adapt", "gauss", "gauss_sigmoid", "window")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gelu(x):
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def norm(x, weights, name):
    centred = x - x.mean(1, keepdims=True)
    normed = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-12)
    return normed * weights[f"{name}/gamma"] + weights[f"{name}/beta"]


def theta(weights, name, local, head, i, j, v, user, reach):
    """What exp(w_ij) is multiplied by. v: the head's values [T, e]; head counts the local ones from 0."""
    if local == "window":
        return 1.0 if abs(i - j) <= reach else 0.0
    if local == "gauss":
        table = weights[f"{name}/scores/scores"]
        return math.exp(table[len(table) // 2 + i - j, head])
    if local == "adapt":
        distances = weights[f"{name}/scores/relative_positions"]
        width = v.shape[1]
        own = affine(user, weights, f"{name}/scores/user")[head * width : (head + 1) * width]
        inside = v[i] + v[j] + distances[len(distances) // 2 + i - j, head] + own
        kernel, bias = weights[f"{name}/scores/kernel"], weights[f"{name}/scores/bias"]
        return math.exp(inside @ kernel[head] + bias[head])
    return 1.0


def convolution(v, kernel, bias):
    """v: [T, e]; kernel: [2 s + 1, e, e]."""
    reach, rows = len(kernel) // 2, []
    for i in range(len(v)):
        near = [(r, i + r - reach) for r in range(len(kernel)) if 0 <= i + r - reach < len(v)]
        rows.append(np.maximum(bias + sum(v[j] @ kernel[r] for r, j in near), 0.0))
    return np.array(rows)


def recurrence(v, weights, name, head, reach):
    """v: [T, e]. At each i a GRU of PyTorch's form reads i - reach..i; before the history there are zeros."""
    kernel, recurrent = weights[f"{name}/kernel"][head], weights[f"{name}/recurrent"][head]
    bias, inner = weights[f"{name}/bias"][head, 0], weights[f"{name}/candidate_bias"][head, 0]
    e, rows = v.shape[1], []
    for i in range(len(v)):
        h = np.zeros(e)
        for j in range(i - reach, i + 1):
            x = (v[j] if j >= 0 else np.zeros(e)) @ kernel + bias
            past = h @ recurrent
            r, z = sigmoid(x[:e] + past[:e]), sigmoid(x[e : 2 * e] + past[e : 2 * e])
            h = z * h + (1 - z) * np.tanh(x[2 * e :] + r * (past[2 * e :] + inner))
        rows.append(h)
    return np.array(rows)


def attention(x, weights, name, local, heads, local_heads, reach, user):
    """[T, d]: exp(w_ij) theta_ij / sum_k exp(w_ik) theta_ik for each head, then W_O."""
    g, width, steps, output = heads - local_heads, x.shape[1] // heads, len(x), np.zeros_like(x)
    q, k, values = (affine(x, weights, f"{name}/{part}") for part in ("query", "key", "value"))
    for h in range(heads):
        cut = slice(h * width, (h + 1) * width)
        v, near = values[:, cut], h >= g
        if near and local == "conv":
            output[:, cut] = convolution(
                v, weights[f"{name}/conv/kernel"][:, h - g], weights[f"{name}/conv/bias"][h - g, 0]
            )
            continue
        if near and local == "rnn":
            output[:, cut] = recurrence(v, weights, f"{name}/rnn", h - g, reach)
            continue
        own_q, own_k = q[:, cut], k[:, cut]
        if near and local != "window":
            own_q, own_k = (
                a + weights[f"{name}/{part}_positions"][-steps:, h - g]
                for a, part in ((own_q, "query"), (own_k, "key"))
            )
        for i in range(steps):
            w = np.array([own_q[i] @ own_k[j] for j in range(steps)]) / math.sqrt(width)
            if near and local == "gauss_sigmoid":
                table = weights[f"{name}/scores/scores"]
                w = np.array([w[j] * sigmoid(table[len(table) // 2 + i - j, h - g] / 0.1) for j in range(steps)])
            powers = np.exp(w)
            if near:
                powers *= [theta(weights, name, local, h - g, i, j, v, user, reach) for j in range(steps)]
            output[i, cut] = powers / powers.sum() @ v
    return affine(output, weights, f"{name}/output")


def body(vectors, known, weights, prefix="", local="", heads=4, local_heads=3, reach=1):
    """[T, d]: the states. vectors: [T, d]; known: bool [T]; local = "" is BERT4Rec's body."""
    x = vectors
    if f"{prefix}positions/table" in weights:
        x = x + weights[f"{prefix}positions/table"][-len(x) :]
    x = norm(x, weights, f"{prefix}input_norm")
    user = sum((row for row, there in zip(x, known, strict=True) if there), np.zeros(x.shape[1]))
    user = user / math.sqrt(max(sum(known), 1))
    for name in ("block_0", "block_1"):
        name = prefix + name
        if not local:
            x = post_norm_block(x, weights, name, heads, causal=False)
            continue
        attended = attention(x, weights, f"{name}/attention", local, heads, local_heads, reach, user)
        x = norm(x + attended, weights, f"{name}/attention_norm")
        inner = gelu(affine(x, weights, f"{name}/inner"))
        x = norm(x + affine(inner, weights, f"{name}/outer"), weights, f"{name}/ffn_norm")
    return x


def states(weights, items, intents=None, **flags):
    """[T, d + 1]: what item vectors and bias are multiplied by. items, intents: ids without padding, hidden ones too.

    With intents: a second body over them, concatenation, linear layer (LEDGER B7).
    """
    mask = len(weights["items/table"]) - 1
    known = items != mask
    x = body(weights["items/table"][items], known, weights, **flags)
    if intents is not None:
        y = body(weights["intents/table"][intents], known, weights, prefix="intent_", **flags)
        x = affine(np.concatenate([x, y], axis=1), weights, "fusion")
    if "projection/kernel" in weights:
        x = norm(gelu(affine(x, weights, "projection")), weights, "output_norm")
    return np.concatenate([x, np.ones((len(x), 1))], axis=1)


def loss(weights, batch, intents=False, **flags):
    """Cross-entropy over all items, the mean over the hidden ones. batch: arrays [B, T], left-padded."""
    vectors = np.concatenate([weights["items/table"][1:-1], weights["output_bias/table"][1:]], axis=1)
    mask, hidden = len(weights["items/table"]) - 1, len(weights.get("intents/table", [])) - 1
    total, count = 0.0, 0
    for row, items in enumerate(batch["items"]):
        here = items > 0
        kinds = np.where(items == mask, hidden, batch["categories"][row])[here] if intents else None
        for state, target in zip(
            states(weights, items[here], kinds, **flags), batch["positives"][row][here], strict=True
        ):
            if target:
                total -= np.log(softmax(vectors @ state)[target - 1])
                count += 1
    return total / count
