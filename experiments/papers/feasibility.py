"""Can a published row be true? Linear programming over rank distributions, one relevant item a user (ledger 0.2)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from itertools import pairwise

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
    return _feasible(of_a_ranking(row), list_length)


def excess(row: Mapping[str, Cell], list_length: int | None = None) -> float:
    """How far, beyond its rounding, the row is from the nearest possible one: the smallest t such that numbers that are
    each moved by no more than t can be true together. About 0 for a feasible row. Arguments as for `feasible`.
    """
    return _excess(of_a_ranking(row), list_length)


def of_a_ranking(row: Mapping[str, Cell]) -> tuple[tuple[str, Cell], ...]:
    """The row's HR@k, NDCG@k and MRR: what a ranking decides."""
    return tuple((n, cell) for n, cell in row.items() if n == "MRR" or n.startswith(("HR@", "NDCG@")))


@cache
def _feasible(wanted: tuple[tuple[str, Cell], ...], list_length: int | None) -> bool:
    if not _several(wanted):
        return all(cell.value <= 1 for _, cell in wanted)
    return _solve(wanted, list_length, movable=False) is not None


@cache
def _excess(wanted: tuple[tuple[str, Cell], ...], list_length: int | None) -> float:
    if not _several(wanted):
        return max((cell.value - 1 for _, cell in wanted if cell.value > 1), default=0.0)
    return _solve(wanted, list_length, movable=True)


def _several(wanted: tuple[tuple[str, Cell], ...]) -> bool:
    return len(wanted) > 1 and any("@" in name for name, _ in wanted)


def _solve(wanted: tuple[tuple[str, Cell], ...], list_length: int | None, movable: bool) -> float | None:
    """The smallest t by which all numbers may be moved (0 if not `movable`); None if there is none."""
    last = max(int(name.partition("@")[2]) for name, _ in wanted if "@" in name)
    ranks = np.arange(1, last + 1)
    coefficients, bounds = [], []

    def bound(line: np.ndarray, upper: float, moves: bool = False) -> None:
        coefficients.append(np.append(line, -1.0 if moves else 0.0))
        bounds.append(upper)

    for name, cell in wanted:
        line = np.zeros(last + 2)  # shares at ranks 1..K, the tail's share, the tail's part of MRR; behind them t
        if name == "MRR":
            line[:last], line[-1] = 1.0 / ranks, 1.0
        else:
            gains = 1.0 / np.log2(ranks + 1) if name.startswith("NDCG") else np.ones(last)
            line[:last] = gains * (ranks <= int(name.partition("@")[2]))
        slack = cell.half_unit + 1e-9
        bound(line, cell.value + slack, moves=True)
        bound(-line, -(cell.value - slack), moves=True)
    tail = np.zeros(last + 2)
    tail[-2], tail[-1] = -1.0 / (last + 1), 1.0
    bound(tail, 0.0)
    if list_length is not None:
        tail = np.zeros(last + 2)
        tail[-2], tail[-1] = 1.0 / list_length, -1.0
        bound(tail, 0.0)
    total = np.ones(last + 3)
    total[-2:] = 0.0
    cost = np.zeros(last + 3)
    cost[-1] = 1.0
    limits = [(0.0, 1.0)] * (last + 2) + [(0.0, None if movable else 0.0)]
    answer = linprog(cost, A_ub=np.array(coefficients), b_ub=bounds, A_eq=total[None], b_eq=[1.0], bounds=limits)
    if answer.status == 2:  # infeasible
        return None
    if answer.status != 0:
        raise RuntimeError(f"the linear programme of {dict(wanted)} was not solved: {answer.message}")
    return float(answer.fun)


def contradictions(row: Mapping[str, Cell]) -> list[str]:
    """What two neighbouring cut-offs of the row say against each other, a sentence each, in the printed unit.

    A user whose target enters between cut-offs a and b adds 1 to HR and between 1/log2(b + 1) and 1/log2(a + 2) to
    NDCG, so the rise of HR bounds that of NDCG; rounding is allowed for. A row may be impossible without any of these
    (MRR, or three cut-offs together): `excess` says by how much.
    """
    found, zero = [], Cell("0")
    ks = sorted({int(n[3:]) for n in row if n.startswith("HR@")} & {int(n[5:]) for n in row if n.startswith("NDCG@")})
    for a, b in pairwise([0, *ks]):
        hr, ndcg = ((row.get(f"{name}@{a}", zero), row[f"{name}@{b}"]) for name in ("HR", "NDCG"))
        unit = 100.0 if hr[1].hundredths else 1.0
        (hit_low, hits, hit_high), (gain_low, gain, gain_high) = _rise(*hr, a > 0), _rise(*ndcg, a > 0)
        low, high = max(hit_low, 0.0) / math.log2(b + 1), hit_high / math.log2(a + 2)
        shown = lambda x: f"{unit * x:.{2 if unit == 100.0 else 4}f}"  # noqa: B023, E731
        rise = lambda name: f"{name}@{b} - {name}@{a}" if a else f"{name}@{b}"  # noqa: B023, E731
        if hit_high < 0:
            found.append(f"{rise('HR')} = {shown(hits)}: it cannot fall")
        elif gain_low > high or gain_high < low:
            limit = f"at most {shown(high)}" if gain_low > high else f"at least {shown(low)}"
            verb = "permits" if gain_low > high else "requires"
            found.append(f"{rise('HR')} = {shown(hits)} {verb} {limit} for {rise('NDCG')}, printed {shown(gain)}")
    return found


def _rise(before: Cell, after: Cell, rounded: bool) -> tuple[float, float, float]:
    """The least, the printed and the largest difference of two printed numbers; `before` is exact if not rounded."""
    slack = after.half_unit + (before.half_unit if rounded else 0.0) + 1e-9
    difference = after.value - (before.value if rounded else 0.0)
    return difference - slack, difference, difference + slack


def share(cell: Cell, users: int) -> bool:
    """Whether k of `users` users, k a whole number, give the printed hit ratio to its rounding."""
    low = np.ceil((cell.value - cell.half_unit) * users - 1e-6)
    return bool(low <= (cell.value + cell.half_unit) * users + 1e-6)
