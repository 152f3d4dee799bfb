"""The baselines of ASLI's Table 3 in float64, one user, one step and one cell at a time, from their equations."""

import math

import numpy as np


def layer_norm(x, gamma, beta, epsilon=1e-8):
    """Ba et al., eq. 4, of one vector."""
    mean = sum(x) / len(x)
    variance = sum((v - mean) ** 2 for v in x) / len(x)
    return np.array(
        [g * (v - mean) / math.sqrt(variance + epsilon) + b for v, g, b in zip(x, gamma, beta, strict=True)]
    )


def causal_convolution(x, kernel, bias, dilation):
    """Yuan et al., eq. 3: the output at t sums tap j of cell t - (l - 1 - j) r, where there is such a cell."""
    taps = len(kernel)
    y = np.zeros((len(x), len(bias)))
    for t in range(len(x)):
        y[t] = bias
        for j in range(taps):
            source = t - (taps - 1 - j) * dilation
            if source >= 0:
                for c in range(len(x[t])):
                    y[t] += x[source][c] * kernel[j][c]
    return y


def nextitnet_states(vectors, blocks):
    """Hidden states of a history without padding: vectors [T, d] through residual blocks (b), eq. 5.

    blocks: dicts of dilation r, kernel1, bias1, gamma1, beta1, kernel2, bias2, gamma2, beta2.
    """
    x = np.asarray(vectors, float)
    for b in blocks:
        y = causal_convolution(x, b["kernel1"], b["bias1"], b["dilation"])
        y = np.array([np.maximum(layer_norm(row, b["gamma1"], b["beta1"]), 0) for row in y])
        y = causal_convolution(y, b["kernel2"], b["bias2"], 2 * b["dilation"])
        y = np.array([np.maximum(layer_norm(row, b["gamma2"], b["beta2"]), 0) for row in y])
        x = x + y
    return x


def block_weights(model):
    """The weights of a models.baselines.nextitnet.NextItNet in the form that `nextitnet_states` takes."""
    parts = []
    for block, r in zip(model.blocks, model.config.dilations, strict=True):
        part = {"dilation": r}
        for i, (conv, norm) in enumerate([(block.first, block.first_norm), (block.second, block.second_norm)], 1):
            part |= {f"kernel{i}": conv.kernel.numpy(), f"bias{i}": conv.bias.numpy()}
            part |= {f"gamma{i}": norm.gamma.numpy(), f"beta{i}": norm.beta.numpy()}
        parts.append(part)
    return parts


def softmax_loss(state, vectors, biases, target, classes):
    """-log of the softmax of `target` among `classes`; vectors[i], biases[i] are those of class i."""
    logits = {c: float(np.dot(state, vectors[c])) + float(biases[c]) for c in classes}
    return math.log(sum(math.exp(v) for v in logits.values())) - logits[target]


def sampled_softmax_loss(state, vectors, biases, target, pool, expected):
    """Jean et al. 2015, eq. 9-10: logits lowered by the log of the expected count; hits of the target are left out."""
    logit = lambda c: float(np.dot(state, vectors[c])) + float(biases[c]) - math.log(expected(c))  # noqa: E731
    total = math.exp(logit(target)) + sum(math.exp(logit(c)) for c in pool if c != target)
    return math.log(total) - logit(target)


def log_uniform_probability(k, classes):
    """P(k) of the Zipfian sampler over 0..classes - 1."""
    return math.log((k + 2) / (k + 1)) / math.log(classes + 1)


def bpr_objective(triples, users, items, biases, l2_user, l2_item, l2_bias):
    """Mean over (u, i, j) of -log sigma(x_ui - x_uj) plus half the weighted squares of the triple's own parameters."""
    total = 0.0
    for u, i, j in triples:
        x = np.dot(users[u], items[i]) + biases[i] - np.dot(users[u], items[j]) - biases[j]
        total += -math.log(1 / (1 + math.exp(-x)))
        total += l2_user / 2 * sum(v * v for v in users[u])
        total += l2_item / 2 * (sum(v * v for v in items[i]) + sum(v * v for v in items[j]))
        total += l2_bias / 2 * (biases[i] ** 2 + biases[j] ** 2)
    return total / len(triples)


def item_knn_scores(training, history, n_items, k, shrink, decay=1.0):
    """Score of each item 0..n_items for a history (oldest first), from each user's list of training items."""
    users_of = {i: {u for u, items in enumerate(training) if i in items} for i in range(1, n_items + 1)}

    def similarity(i, j):
        if not users_of[i] or not users_of[j]:
            return 0.0
        both = len(users_of[i] & users_of[j])
        return both / (math.sqrt(len(users_of[i]) * len(users_of[j])) + shrink)

    scores = np.zeros(n_items + 1)
    for j in set(history):
        age = min(len(history) - 1 - place for place, item in enumerate(history) if item == j)
        others = [i for i in range(1, n_items + 1) if i != j and similarity(i, j) > 0]
        others.sort(key=lambda i: (-similarity(i, j), i))
        for i in others[:k]:
            scores[i] += decay**age * similarity(i, j)
    return scores


def ranks(scores, targets):
    """Items 1..N that score higher than each row's target, and other ones that score the same."""
    greater = [sum(s > row[t] for s in row[1:]) for row, t in zip(scores, targets, strict=True)]
    equal = [sum(s == row[t] for s in row[1:]) - 1 for row, t in zip(scores, targets, strict=True)]
    return greater, equal
