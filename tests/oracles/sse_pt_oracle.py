"""SSE-PT in float64 NumPy, one history at a time (LEDGER B3; Wu et al., RecSys 2020)."""

import math

import numpy as np

from tests.oracles.layers_oracle import layer_norm, log_sigmoid, sasrec_block


def encode(weights, user, items, heads=1, scale=True, positions="newest"):
    """user: an id; items: ids without padding, T <= n. Returns [T, 2 d]."""
    table, places = weights["items/table"], weights["positions/table"]
    first = len(places) - len(items) if positions == "newest" else 0
    root = math.sqrt(table.shape[1]) if scale else 1.0
    rows = []
    for t, item in enumerate(items):
        both = np.concatenate([table[item] * root, weights["users/table"][user] * root])
        rows.append(both + places[first + t])
    x = np.array(rows)
    for name in sorted({key.split("/")[0] for key in weights if key.startswith("block_")}):
        x = sasrec_block(x, weights, name, heads)
    return layer_norm(x, weights, "norm")


def score(weights, state, user, item, scale=True, scale_targets=False):
    """q . [v ; u]"""
    v, u = weights["items/table"][item], weights["users/table"][user]
    root = math.sqrt(len(v))
    return state @ np.concatenate([v * (root if scale_targets else 1.0), u * (root if scale else 1.0)])


def loss(weights, batch, heads=1, positions="newest", **flags):
    """The mean over the batch's valid steps. batch: arrays, [B, T] left-padded, and user [B]."""
    total, count = 0.0, 0
    rows = zip(*(batch[name] for name in ("user", "items", "positives", "negatives")), strict=True)
    for user, items, positives, negatives in rows:
        here = items > 0
        states = encode(weights, user, items[here], heads, flags.get("scale", True), positions)
        for o, p, n in zip(states, positives[here], negatives[here], strict=True):
            total -= log_sigmoid(score(weights, o, user, p, **flags))
            total -= log_sigmoid(-score(weights, o, user, n, **flags))  # log(1 - s(r)) = log s(-r)
            count += 1
    return total / count


def walk(items, target, replaced, new_inputs, new_labels):
    """Inputs and labels of one history under SSE, as the authors' sampler goes through it: from the newest back.

    items: ids, oldest first; target: the label of the newest; the rest, of the same length: whether an event is
    replaced, and by what.
    """
    inputs, labels, following = [], [], target
    for item, gone, other, label in reversed(list(zip(items, replaced, new_inputs, new_labels, strict=True))):
        if gone:
            item, following = other, label
        inputs.insert(0, item)
        labels.insert(0, following)
        following = item
    return inputs, labels
