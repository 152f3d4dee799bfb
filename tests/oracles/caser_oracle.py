"""Caser in float64, one window, one filter and one placing of it at a time, from Tang and Wang's equations."""

import math

import numpy as np


def relu(x):
    return np.maximum(x, 0.0)


def features(w, window, length):
    """The filters' outputs for the newest `length` items (oldest first, no padding): vertical ones, then horizontal.

    w: items [N + 1, d]; vertical [L, n_v], vertical_bias [n_v]; horizontal: kernels [h, d, n_h], h = 1..L, and
    horizontal_bias: [n_h] each.
    """
    d = w["items"].shape[1]
    ids = [0] * (length - len(window)) + list(window)
    image = np.array([w["items"][i] if i else np.zeros(d) for i in ids])
    out = []
    for f in range(w["vertical"].shape[1]):
        for c in range(d):
            out.append(sum(image[l][c] * w["vertical"][l][f] for l in range(length)) + w["vertical_bias"][f])
    for kernel, bias in zip(w["horizontal"], w["horizontal_bias"], strict=True):
        height = len(kernel)
        for k in range(kernel.shape[2]):
            values = [0.0]
            for first in range(length - height + 1):
                if any(ids[first : first + height]):
                    values.append(float(np.sum(image[first : first + height] * kernel[:, :, k])) + bias[k])
            out.append(max(values))
    return np.array(out)


def hidden(w, user, window, length):
    """[z; P_u]."""
    z = relu(features(w, window, length) @ w["dense"] + w["dense_bias"])
    return np.concatenate([z, w["users"][user]])


def score(w, user, window, length, j):
    return float(np.dot(hidden(w, user, window, length), w["output_items"][j])) + float(w["output_bias"][j][0])


def objective(w, examples, length):
    """Mean over targets of -ln s(y_i) - sum over its negatives of ln(1 - s(y_j)).

    examples: (user, window, [(target, [its negatives])]).
    """
    total, targets = 0.0, 0
    sigmoid = lambda x: 1 / (1 + math.exp(-x))  # noqa: E731
    for user, window, pairs in examples:
        for target, negatives in pairs:
            targets += 1
            total -= math.log(sigmoid(score(w, user, window, length, target)))
            total -= sum(math.log(1 - sigmoid(score(w, user, window, length, j))) for j in negatives)
    return total / targets
