"""MCPRN in float64, one item, channel and candidate at a time."""

import numpy as np

from tests.oracles.gru4rec_oracle import states


def concentration(w, item, temperature=0.1):
    """How much an item belongs to each channel, [m]. w: items [N + 1, d], purposes [d, m]."""
    logits = np.array([w["items"][item] @ w["purposes"][:, k] for k in range(w["purposes"].shape[1])]) / temperature
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def score(w, history, candidate, temperature=0.1, threshold=0.01):
    """The candidate's vector times the mixture of channel states that the candidate asks for."""
    channels = w["purposes"].shape[1]
    mixture = np.zeros(w["items"].shape[1])
    of_candidate = concentration(w, candidate, temperature)
    for k in range(channels):
        gates = []
        for item in history:
            g = concentration(w, item, temperature)[k]
            gates.append(g if g > threshold else 0.0)
        mixture += of_candidate[k] * states(w, k, w["items"][list(history)], gates)[-1]
    return float(mixture @ w["items"][candidate])
