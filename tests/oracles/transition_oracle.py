"""FMC, FPMC, HRM, PRME and TransRec in float64, one user and one item at a time, from their equations.

`w` holds the tables by name, rows by id; a window is the list of the newest items, oldest first, without padding.
"""

import math

import numpy as np


def mean_of(table, items):
    """The mean of the rows of `items`, zeros where there are none."""
    return sum((table[i] for i in items), np.zeros(table.shape[1])) / max(len(items), 1)


def fmc(w, user, window, j):
    """Rendle et al. 2010, FPMC without the user."""
    return sum(float(np.dot(w["next_items"][j], w["last_items"][l])) for l in window) / max(len(window), 1)


def fpmc(w, user, window, j):
    """Rendle et al. 2010: <UI_u, IU_j> + the mean of <IL_j, LI_l>."""
    return float(np.dot(w["users"][user], w["user_items"][j])) + fmc(w, user, window, j)


def hrm(w, user, window, j):
    """Wang et al. 2015: the mean of what there is of the user's vector and the transaction's mean vector."""
    parts = [w["users"][user]] + ([mean_of(w["items"], window)] if window else [])
    return float(np.dot(sum(parts) / len(parts), w["items"][j]))


def prme(w, user, window, j, alpha):
    """Feng et al. 2015: -(alpha ||P_u - P_j||^2 + (1 - alpha) ||S_last - S_j||^2)."""
    d = alpha * sum((w["users"][user] - w["preference_items"][j]) ** 2)
    if window:
        d += (1 - alpha) * sum((w["sequence_items"][window[-1]] - w["sequence_items"][j]) ** 2)
    return -d


def transrec(w, user, window, j, distance):
    """He et al. 2017: beta_j - d(h_last + T + t_u, h_j)."""
    score = float(w["biases"][j][0])
    if window:
        step = w["items"][window[-1]] + w["translation"][1] + w["users"][user] - w["items"][j]
        score -= sum(abs(step)) if distance == "l1" else sum(step**2)
    return score


SCORES = {"fmc": fmc, "fpmc": fpmc, "hrm": hrm, "prme": prme, "transrec": transrec}


def log_sigmoid(x):
    return -math.log1p(math.exp(-x))


def rows_used(name, w, user, window, j, l2):
    """(weight, row) of every row that scoring j takes, the user's and the window's aside; and of those, apart."""
    own = {
        "fmc": [(l2.get("l2"), "next_items")],
        "fpmc": [(l2.get("l2_item"), "user_items"), (l2.get("l2_transition"), "next_items")],
        "hrm": [(l2.get("l2_item"), "items")],
        "prme": [(l2.get("l2_item"), "preference_items"), (l2.get("l2_item"), "sequence_items")],
        "transrec": [(l2.get("l2_item"), "items"), (l2.get("l2_bias"), "biases")],
    }[name]
    read = {
        "fmc": (l2.get("l2"), "last_items", window),
        "fpmc": (l2.get("l2_transition"), "last_items", window),
        "hrm": (l2.get("l2_item"), "items", window),
        "prme": (l2.get("l2_item"), "sequence_items", window[-1:]),
        "transrec": (l2.get("l2_item"), "items", window[-1:]),
    }[name]
    context = [(read[0], w[read[1]][i]) for i in read[2]]
    if "users" in w:
        context.append((l2["l2_user"], w["users"][user]))
    return [(weight, w[table][j]) for weight, table in own], context


def objective(name, w, examples, score, l2, negative_sampling=False):
    """The mean over targets of the data loss, plus half the weighted squares of each row, each time it is used.

    examples: (user, window, [(target, [its negatives])]). The data loss of a target is the sum over its negatives j of
    -ln s(x_i - x_j), or -ln s(x_i) - sum_j ln s(-x_j) with negative sampling.
    """
    total, targets = 0.0, 0
    for user, window, pairs in examples:
        squares = list(rows_used(name, w, user, window, pairs[0][0], l2)[1])
        for target, negatives in pairs:
            targets += 1
            x = score(user, window, target)
            if negative_sampling:
                total -= log_sigmoid(x) + sum(log_sigmoid(-score(user, window, j)) for j in negatives)
            else:
                total -= sum(log_sigmoid(x - score(user, window, j)) for j in negatives)
            for j in (target, *negatives):
                squares += rows_used(name, w, user, window, j, l2)[0]
            if name == "transrec":
                squares.append((l2["l2_global"], w["translation"][1]))
        total += sum(0.5 * weight * sum(v * v for v in row) for weight, row in squares)
    return total / targets
