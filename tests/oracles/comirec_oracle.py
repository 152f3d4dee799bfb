"""ComiRec-SA in float64, one history, head and cell at a time (Cen et al., KDD 2020)."""

import numpy as np


def interests(w, history, anchor="oldest"):
    """[K, d] and the weights [K, t].

    w: items [N + 1, d], positions [n, d], hidden [d, a], hidden_bias [a], heads [a, K].  history: ids, oldest first.
    """
    first = 0 if anchor == "oldest" else len(w["positions"]) - len(history)
    vectors = [w["items"][i] for i in history]
    logits = []
    for t, v in enumerate(vectors):
        hidden = np.tanh((v + w["positions"][first + t]) @ w["hidden"] + w["hidden_bias"])
        logits.append(hidden @ w["heads"])
    logits = np.array(logits)
    found, weights = [], []
    for k in range(w["heads"].shape[1]):
        powers = np.exp(logits[:, k])
        weights.append(powers / powers.sum())
        found.append(sum(weights[-1][t] * vectors[t] for t in range(len(history))))
    return np.array(found), np.array(weights)
