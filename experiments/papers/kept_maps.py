"""Square arrays that runs keep for some users, attention weights for instance.

`<record>.figures.npz` holds them as `<name>` float [users, n, n] (rows: queries, columns: keys, both oldest first) and
`<name>.users` [users], the raw user ids of the source, numbers or text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


def mean_maps(runs: Sequence[Mapping[str, np.ndarray]], name: str, users: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """{user: float64 [n, n]}, the mean over the runs that kept it.

    users: only these, in this order; all if ().  Raises ValueError where users and squares differ in number.
    """
    kept: dict[str, list[np.ndarray]] = {}
    for arrays in runs:
        for user, square in zip(arrays.get(f"{name}.users", ()), arrays.get(name, ()), strict=True):
            kept.setdefault(str(user), []).append(np.asarray(square, np.float64))
    return {user: np.mean(kept[user], axis=0) for user in (users or kept) if user in kept}


def off_diagonal(weights: np.ndarray) -> np.ndarray:
    """bool [n, n]: the cells that tell something; the diagonal is masked in one way or another."""
    return ~np.eye(len(weights), dtype=bool)


def column_means(weights: np.ndarray) -> np.ndarray:
    """[n, n] -> [n]: mean weight of each column off the diagonal."""
    return np.mean(weights, axis=0, where=off_diagonal(weights))


def column_share(weights: np.ndarray) -> float:
    """The share of the variance off the diagonal that lies between columns; 1: a key weighs the same everywhere."""
    cells = off_diagonal(weights)
    total = np.var(weights, where=cells)
    within = np.mean((weights - column_means(weights)) ** 2, where=cells)
    return float(1 - within / total) if total > 0 else 0.0
