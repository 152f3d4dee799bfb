"""How far and how far back attention looks: the first layer's average map, ages and distances against even attention.

CAFE section 2.3.1, Figures 2a and 2b: "the average attention map (the first 20 time steps)". A time step counts from
the oldest event that the model reads; for BERT4Rec the mask token behind the history is the last step.
"""

from __future__ import annotations

import numpy as np

from data.pipeline import Store
from data.splits import Split
from experiments.inspection import histories
from models.base import Recommender
from tf_utils.keras_gate import tf

STEPS = 20
ENOUGH = 20  # users with so many steps, for a map of theirs alone
USERS = 10_000
_BATCH = 64


def attention_scope(split: Split, model: Recommender, length: int, users: int = USERS) -> dict[str, np.ndarray]:
    """Of the first attention map that `encode` returns, mean over its heads, on the histories of the test.

    Args:
        length: n, the longest history that the model reads.
        users: at most so many, drawn without replacement.

    Returns:
        "scope.map" float32 [20, 20], queries by keys, mean over the users with 20 steps or more, so that all cells are
        of the same users; with fewer than `ENOUGH` of these, a cell averages all users who have both steps, NaN where
        nobody has.  "scope.users" int32 [20]: users with so many steps.  "scope.reach" float32 [u]: for each user with
        two steps or more, the mean distance between the first 20 queries and what they attend to, over that of
        attention spread evenly over the same keys (below 1: near events get more than their share).  "scope.age"
        float32 [u]: how many steps before the newest query, which predicts, the keys are that it attends to, over
        those of even attention (below 1: recent events get more than their share).  "scope.labels" str [u]: their raw
        labels.
    """
    store, chosen = Store(split.sequences), histories.sample(split, users)
    total, long, counts = np.zeros((STEPS, STEPS)), np.zeros((STEPS, STEPS)), np.zeros((STEPS, STEPS), np.int64)
    reach, ages, reached = [], [], []
    for first in range(0, len(chosen), _BATCH):
        read = histories.read(split, store, chosen[first : first + _BATCH], length, trim=False)
        _, out = model.encode(read.batch, positions="last")
        maps = next(x for name, x in out.items() if name.endswith("attention"))
        maps = tf.reduce_mean(tf.cast(maps, tf.float32), axis=1).numpy()
        width = maps.shape[-1]
        steps = np.minimum(read.valid.sum(axis=1) + int(model.mask_token), width)
        for user, weights, count in zip(chosen[first : first + _BATCH], maps, steps, strict=True):
            own = weights[width - count :, width - count :]
            shown = min(count, STEPS)
            total[:shown, :shown] += own[:shown, :shown]
            counts[:shown, :shown] += 1
            if shown == STEPS:
                long += own[:STEPS, :STEPS]
            if count > 1:
                ages.append(_age(own[-1]))
                reach.append(_reach(own[:shown], causal=not np.triu(own, 1).any()))
                reached.append(user)
    if counts[-1, -1] >= ENOUGH:
        total, over = long, counts[-1, -1]
    else:
        total, over = np.where(counts > 0, total, np.nan), np.maximum(counts, 1)
    return {
        "scope.map": (total / over).astype(np.float32),
        "scope.users": np.diagonal(counts).astype(np.int32),
        "scope.reach": np.array(reach, np.float32),
        "scope.age": np.array(ages, np.float32),
        "scope.labels": split.sequences.labels["user"][np.array(reached, np.int64) - 1].astype(str),
    }


def _reach(weights: np.ndarray, causal: bool) -> float:
    """weights: [q, k], the first q of k steps' rows. Rows that see themselves alone are left out."""
    rows, keys = weights.shape
    distance = np.abs(np.arange(rows)[:, None] - np.arange(keys)[None, :])
    seen = np.tri(rows, keys, dtype=bool) if causal else np.ones((rows, keys), bool)
    even = (distance * seen).sum(axis=1) / seen.sum(axis=1)
    ours = (weights * distance).sum(axis=1)
    return float(ours[even > 0].mean() / even[even > 0].mean())


def _age(weights: np.ndarray) -> float:
    """weights: [k], k > 1, the row of the newest of k steps."""
    ages = np.arange(len(weights))[::-1]
    return float(weights @ ages / ages.mean())
