"""SAIR in float64 NumPy, one history at a time, from the paper's equations 1 to 12 (readings: LEDGER R1 to R15)."""

import numpy as np

from tests.oracles.layers_oracle import log_sigmoid


def softmax(x):
    powers = np.exp(x - x.max())
    return powers / powers.sum()


def normalise(x):
    return (x - x.mean()) / np.sqrt(x.var() + 1e-12)


def category_vector(weights, lists, item, pool):
    """The pooled vector of an item's categories; without any, that of the id behind the last."""
    table = weights["categories/table"]
    own = [c for c in lists[item] if c > 0] or [len(table) - 1]
    own = own[:1] if pool == "first" else own
    return table[own].sum(0) if pool == "sum" else table[own].mean(0)


def feed_forward(x, weights, name, slot, residual=False):
    """Eq. 3 without dropout."""
    w = {key: weights[f"{name}/{key}"][slot] for key in ("inner", "inner_bias", "outer", "outer_bias", "gamma", "beta")}
    y = np.maximum(x @ w["inner"] + w["inner_bias"], 0) @ w["outer"] + w["outer_bias"]
    return normalise(y + x if residual else y) * w["gamma"] + w["beta"]


def attend(x, weights, name, scale, causal=True):
    """softmax(Q K^T / scale) V over the positions of one history."""
    q, k, v = (x @ weights[f"{name}/{part}/kernel"] for part in ("query", "key", "value"))
    rows = []
    for t in range(len(x)):
        seen = slice(0, t + 1) if causal else slice(None)
        rows.append(softmax(q[t] @ k[seen].T / scale) @ v[seen])
    return np.array(rows)


def encode(weights, items, lists, config):
    """items: ids without padding. Returns e [T, d] and the distributions before and after [T, L], chosen, weights."""
    dim = weights["items/table"].shape[1]
    first = len(weights["positions/table"]) - len(items)  # the newest item has the last position
    x = weights["items/table"][items] + weights["positions/table"][first:]
    x = x + np.array([category_vector(weights, lists, item, config["category_pool"]) for item in items])
    if config["input_norm"]:
        x = np.array([normalise(row) for row in x]) * weights["norm/gamma"] + weights["norm/beta"]
    x = attend(x, weights, "attention", np.sqrt(dim))
    f = np.array([feed_forward(row, weights, "ffn", 0) for row in x])
    pool = weights["pool"] if "pool" in weights else weights["categories/table"][1:-1]
    before = f @ pool.T
    after = before
    if config["interaction"] == "positions":
        width = dim if config["interaction_scale"] == "dim" else before.shape[1]
        after = attend(before, weights, "interaction", np.sqrt(width))
    outputs, chosen, mixed = [], [], []
    top = config["top"] or before.shape[1]
    for t in range(len(items)):
        order = np.argsort(-after[t], kind="stable")[:top]
        w = softmax((after if config["weights"] == "post" else before)[t][order])
        parts = []
        for slot, interest in enumerate(order):
            which = {"per_slot": slot, "shared": 0, "per_interest": interest}[config["ffn"]]
            parts.append(feed_forward(pool[interest] + f[t], weights, "interest_ffn", which, config["ffn_residual"]))
        outputs.append(w @ np.array(parts))
        chosen.append(order)
        mixed.append(w)
    return np.array(outputs), before, after, np.array(chosen), np.array(mixed)


def decov(pool):
    """1/2 (|Z|_F^2 - |diag Z|^2), Z = 1/D (C - row mean)(C - row mean)^T."""
    centred = pool - pool.mean(1, keepdims=True)
    z = centred @ centred.T / pool.shape[1]
    return 0.5 * (np.sum(z**2) - np.sum(np.diag(z) ** 2))


def loss(weights, batch, lists, config):
    """Eq. 12 with the sigmoid put in, or the softmax of all items; the mean over the valid positions of the batch."""
    table, total, count = weights["items/table"], 0.0, 0
    if config.target == "id_plus_category":
        vectors = [category_vector(weights, lists, item, config.category_pool) for item in range(1, len(table))]
        table = table + np.concatenate([np.zeros_like(table[:1]), vectors])
    for items, positives, negatives in zip(batch["items"], batch["positives"], batch["negatives"], strict=True):
        here = items > 0
        e = encode(weights, items[here], lists, config)[0]
        for row, p, n in zip(e, positives[here], negatives[here], strict=True):
            if config.loss == "ce":
                total -= np.log(softmax(table[1:] @ row)[p - 1])
            else:
                total -= log_sigmoid(row @ table[p]) + log_sigmoid(-(row @ table[n]))
            count += 1
    return total / count
