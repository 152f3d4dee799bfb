"""A gated recurrent unit in float64, one cell and one channel at a time (Cho et al., EMNLP 2014; MCPRN's PSRU)."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def states(w, channel, inputs, gates=None):
    """The states after each of the inputs.

    w: kernel [e, m, 3 d], recurrent_gates [m, d, 2 d], recurrent_candidate [m, d, d], bias [m, 3 d]; the order is
    reset, update, candidate.  inputs: [t, e].  gates: what the update gate is multiplied by, one number an input.
    """
    kernel, bias = w["kernel"][:, channel], w["bias"][channel]
    gates_kernel, candidate_kernel = w["recurrent_gates"][channel], w["recurrent_candidate"][channel]
    d = candidate_kernel.shape[0]
    h, found = np.zeros(d), []
    for t, x in enumerate(inputs):
        r = sigmoid(x @ kernel[:, :d] + h @ gates_kernel[:, :d] + bias[:d])
        z = sigmoid(x @ kernel[:, d : 2 * d] + h @ gates_kernel[:, d:] + bias[d : 2 * d])
        candidate = np.tanh(x @ kernel[:, 2 * d :] + (r * h) @ candidate_kernel + bias[2 * d :])
        if gates is not None:
            z = gates[t] * z
        h = (1 - z) * h + z * candidate
        found.append(h)
    return np.array(found)


def query(w, history):
    """The last state over the vectors of a history of ids, oldest first; zeros if it is empty."""
    if not len(history):
        return np.zeros(w["items"].shape[1])
    return states(w, 0, w["items"][list(history)])[-1]
