"""MIND in float64, one history, behaviour and capsule at a time (Li et al., CIKM 2019)."""

import math

import numpy as np


def squash(z):
    length = math.sqrt(float(np.sum(z**2)) + 1e-9)
    return float(np.sum(z**2)) / (1 + float(np.sum(z**2))) * z / length


def number_of_interests(events, most, adaptive):
    return max(1, min(most, math.floor(math.log2(events)))) if adaptive else most


def capsules(w, history, logits, iterations=3, adaptive=True):
    """The capsules that a history has, [K', d], and what each behaviour gives to each, [K', t].

    w: items [N + 1, d], bilinear [d, d].  logits: the first ones, [K, t], of the history's t behaviours.
    """
    count = number_of_interests(len(history), len(logits), adaptive)
    b = np.array(logits[:count], float)
    mapped = [w["items"][i] @ w["bilinear"] for i in history]
    for _ in range(iterations):
        weights = np.exp(b) / np.exp(b).sum(axis=0)
        found = []
        for j in range(count):
            found.append(squash(sum(weights[j, t] * mapped[t] for t in range(len(history)))))
        for j in range(count):
            for t in range(len(history)):
                b[j, t] += float(found[j] @ mapped[t])
    return np.array(found), weights


def user(interests, target, readout, power=1):
    """The user's vector for a target's: interests [K', d], target [d]."""
    affinity = interests @ target
    if readout == "hard":
        return interests[int(np.argmax(affinity))]
    weights = np.exp(affinity**power)
    return (weights / weights.sum()) @ interests
