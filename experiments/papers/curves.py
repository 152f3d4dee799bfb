"""Reading a run's training history: when a validation metric has converged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Point(NamedTuple):
    epoch: int
    seconds: float
    value: float


def curve(history: Iterable[Mapping], protocol: str, metric: str) -> list[Point]:
    """The points of a record's `history` at which `metric` was measured on validation, in order."""
    points = []
    for entry in history:
        value = entry.get("validation", {}).get(protocol, {}).get(metric)
        if value is not None:
            points.append(Point(int(entry["epoch"]), float(entry["seconds"]), float(value)))
    return points


def convergence(points: list[Point], share: float = 0.99) -> Point | None:
    """The first point that reaches `share` of the curve's own maximum; None for an empty curve."""
    if not points:
        return None
    target = share * max(point.value for point in points)
    return next(point for point in points if point.value >= target)
