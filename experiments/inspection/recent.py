"""What a user's recent events say about the test target: facts of the data, the same for every model.

SINE section 1 and Figure 1: whether items of the target's category are among the fifty newest events, how many, and
how many categories those events have.
"""

from __future__ import annotations

import numpy as np

from data.schema import Sequences
from data.splits import EvalSet

WINDOW = 50
_BLOCK = 65536


def recent_facts(seq: Sequences, targets: EvalSet, window: int = WINDOW) -> dict[str, np.ndarray]:
    """For each user of `targets`, of the `window` newest events before the target (all, if there are fewer):

    "recent.users" int32 [n]; "recent.similar" int16 [n], events of the target's category, -1 where it has none;
    "recent.categories" int16 [n], distinct categories; "recent.events" int16 [n], events.
    """
    similar, distinct = (np.zeros(len(targets), np.int16) for _ in range(2))
    begins = np.maximum(targets.starts, targets.targets - window)
    for first in range(0, len(targets), _BLOCK):
        rows = slice(first, first + _BLOCK)
        places = targets.targets[rows, None] - 1 - np.arange(window)[None, :]
        there = places >= begins[rows, None]
        categories = np.where(there, seq.categories[np.where(there, places, 0)], 0)
        wanted = seq.categories[targets.targets[rows]]
        similar[rows] = np.where(wanted > 0, np.sum((categories == wanted[:, None]) & there, axis=1), -1)
        ordered = np.sort(categories, axis=1)
        changes = np.diff(ordered, axis=1, prepend=0) > 0  # zeros come first and are no category
        distinct[rows] = changes.sum(axis=1)
    return {
        "recent.users": targets.users.astype(np.int32),
        "recent.similar": similar,
        "recent.categories": distinct,
        "recent.events": (targets.targets - begins).astype(np.int16),
    }
