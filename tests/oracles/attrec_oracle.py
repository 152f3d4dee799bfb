"""AttRec in float64 NumPy, one window at a time, from the paper's equations (and LEDGER T3, T4 for the variants)."""

import math

import numpy as np


def signal(length, dim, layout):
    """Eq. 7 and 8; or the sines, then the cosines, of timescales 1 to 10000."""
    result = np.zeros((length, dim))
    for t in range(length):
        if layout == "interleaved":
            for i in range((dim + 1) // 2):
                result[t, 2 * i] = math.sin(t / 10000 ** (2 * i / dim))
                if 2 * i + 1 < dim:
                    result[t, 2 * i + 1] = math.cos(t / 10000 ** (2 * i / dim))
        else:
            half = dim // 2
            for i in range(half):
                scale = math.exp(-math.log(10000) * i / max(half - 1, 1))
                result[t, i], result[t, half + i] = math.sin(t * scale), math.cos(t * scale)
    return result


def attention(weights, window, diagonal="zero_logit", layout="interleaved"):
    """(map, value): the window's items without padding; the newest stands at time L - 1, `window` = (items, L)."""
    items, length = window
    x = weights["short_items/table"][items]
    dim = x.shape[1]
    timed = x + signal(length, dim, layout)[length - len(items) :]
    q = np.maximum(timed @ weights["query/kernel"], 0)
    k = np.maximum(timed @ weights.get("key/kernel", weights["query/kernel"]), 0)
    n = len(items)
    rows = np.zeros((n, n))
    for i in range(n):
        logits = [q[i] @ k[j] / math.sqrt(dim) for j in range(n)]
        if diagonal == "zero_logit":
            logits[i] = 0.0
        powers = np.exp(logits)
        if diagonal == "neg_inf":
            powers[i] = 0.0
        rows[i] = powers / powers.sum() if powers.sum() > 0 else 0.0
        if diagonal == "post_softmax":
            rows[i, i] = 0.0
    return rows, x @ weights["value/kernel"] if "value/kernel" in weights else x


def intent(weights, window, aggregation="mean", mean_only=False, **options):
    """m, eq. 6."""
    if mean_only:
        return weights["short_items/table"][window[0]].mean(0)
    rows, value = attention(weights, window, **options)
    return getattr(np, aggregation)(rows @ value, axis=0)  # eq. 5


def distance(weights, user, m, item, omega):
    """Eq. 10."""
    long = np.sum((weights["users/table"][user] - weights["long_items/table"][item]) ** 2)
    return omega * long + (1 - omega) * np.sum((m - weights["short_items/table"][item]) ** 2)


def hinge(weights, batch, length, omega, margin, elementwise=False, **options):
    """The first term of eq. 11, summed over the batch. batch: arrays, left-padded."""
    total = 0.0
    for user, items, positives, negatives in zip(
        *(batch[name] for name in ("user", "items", "positives", "negatives")), strict=True
    ):
        m = intent(weights, (items[items > 0], length), **options)
        far = [distance(weights, user, m, j, omega) for j in negatives[negatives > 0]]
        near = [distance(weights, user, m, i, omega) for i in positives[positives > 0]]
        pairs = zip(near, far, strict=True) if elementwise else [(a, b) for a in near for b in far]
        total += sum(max(a + margin - b, 0.0) for a, b in pairs)
    return total
