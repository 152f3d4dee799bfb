"""Can a published row be true? Linear programming over rank distributions, one relevant item a user (ledger 0.2)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from scipy.optimize import linprog

from experiments.papers.schema import Cell


def feasible(row: Mapping[str, Cell], list_length: int | None = None) -> bool:
    """Whether some distribution of the target's rank gives the row's HR@k, NDCG@k and MRR as printed, to rounding.

    row: metric name -> Cell, values as fractions; names other than HR@k, NDCG@k and MRR are ignored.
    list_length: candidates a list with the target (bounds MRR's tail from below); None: unbounded.
    The unknowns are the shares of users at ranks 1..K (K the largest cut-off), the share beyond K, and what the latter
    adds to MRR: between share/list_length and share/(K + 1).
    """
    wanted = tuple((n, cell) for n, cell in row.items() if n == "MRR" or n.startswith(("HR@", "NDCG@")))
    return _feasible(wanted, list_length)


@cache
def _feasible(wanted: tuple[tuple[str, Cell], ...], list_length: int | None) -> bool:
    cutoffs = [int(name.partition("@")[2]) for name, _ in wanted if "@" in name]
    if not cutoffs or len(wanted) == 1:
        return all(cell.value <= 1 for _, cell in wanted)
    last = max(cutoffs)
    ranks = np.arange(1, last + 1)
    coefficients, bounds = [], []

    def bound(line: np.ndarray, upper: float) -> None:
        coefficients.append(line)
        bounds.append(upper)

    for name, cell in wanted:
        line = np.zeros(last + 2)  # shares at ranks 1..K, the tail's share, the tail's part of MRR
        if name == "MRR":
            line[:last], line[-1] = 1.0 / ranks, 1.0
        else:
            gains = 1.0 / np.log2(ranks + 1) if name.startswith("NDCG") else np.ones(last)
            line[:last] = gains * (ranks <= int(name.partition("@")[2]))
        slack = cell.half_unit + 1e-9
        bound(line, cell.value + slack)
        bound(-line, -(cell.value - slack))
    tail = np.zeros(last + 2)
    tail[-2], tail[-1] = -1.0 / (last + 1), 1.0
    bound(tail, 0.0)
    if list_length is not None:
        tail = np.zeros(last + 2)
        tail[-2], tail[-1] = 1.0 / list_length, -1.0
        bound(tail, 0.0)
    total = np.ones(last + 2)
    total[-1] = 0.0
    answer = linprog(
        np.zeros(last + 2), A_ub=np.array(coefficients), b_ub=bounds, A_eq=total[None], b_eq=[1.0], bounds=(0.0, 1.0)
    )
    return answer.status == 0


def share(cell: Cell, users: int) -> bool:
    """Whether k of `users` users, k a whole number, give the printed hit ratio to its rounding."""
    low = np.ceil((cell.value - cell.half_unit) * users - 1e-6)
    return bool(low <= (cell.value + cell.half_unit) * users + 1e-6)
