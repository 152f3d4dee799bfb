"""Hits beside facts of each user's recent events: SINE's Figure 1, read from ranks and the kept arrays `recent.*`
(experiments/inspection/recent.py).

The facts are of the data and the same for all runs, so one of the figure's runs has to have kept them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from experiments.papers.schema import Figure, Key

BINS = ((0, 0), (1, 1), (2, 2), (3, 5), (6, 10), (11, 20), (21, 50))  # similar items among the last fifty


class Recent(NamedTuple):
    """users int [n], ascending.  similar: events of the target's category among the newest, -1: it has none.
    categories, events: of the same window."""

    users: np.ndarray
    similar: np.ndarray
    categories: np.ndarray
    events: np.ndarray


class Hits(NamedTuple):
    """hits float [n]: a user's hit ratio, mean over seeds.  similar int [n], 0 or more."""

    hits: np.ndarray
    similar: np.ndarray

    @property
    def inside(self) -> np.ndarray:
        """bool [n]: "In", an item like the target is among the recent ones."""
        return self.similar > 0

    def mean_similar(self) -> tuple[float, float]:
        """The mean number of similar items of hits and of misses; nan where there is no hit or no miss."""
        with np.errstate(invalid="ignore"):
            return tuple(np.sum(w * self.similar) / np.sum(w) for w in (self.hits, 1 - self.hits))


def facts(results, figure: Figure, dataset: str) -> Recent | None:
    """From the first run of the figure's lines that kept them."""
    for line in figure.lines:
        for arrays in results.arrays(dataset, Key(line.model, line.variant)):
            if "recent.users" in arrays:
                order = np.argsort(arrays["recent.users"])
                return Recent(*(arrays[f"recent.{name}"][order].astype(np.int64) for name in Recent._fields))
    return None


def hits(results, figure: Figure, dataset: str, key: Key) -> Hits | None:
    """Of the users whose target has a category; None without ranks or facts."""
    measured = results.per_user(dataset, key, figure.protocol, figure.metric)
    known = facts(results, figure, dataset)
    if measured is None or known is None:
        return None
    users, values = (np.asarray(x) for x in measured)
    order = np.argsort(users)
    if not np.array_equal(users[order], known.users):
        return None
    has = known.similar >= 0
    return Hits(values[order][has], known.similar[has]) if has.any() else None
