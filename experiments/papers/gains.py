"""By how much a figure's first line is above its second at each value of the parameter (CAFE's Figure 4)."""

from __future__ import annotations

from experiments.papers.schema import Figure
from experiments.papers.sweep_tests import at


def gain(source, figure: Figure, dataset: str, value) -> float | None:
    """Ours over theirs minus 1; None without runs of both, or where theirs is 0."""
    first, second = (source.estimate(dataset, at(figure, line, value), figure.metric) for line in figure.lines[:2])
    return first.mean / second.mean - 1 if first and second and second.mean else None


def gains(source, figure: Figure, dataset: str) -> dict:
    """{value: gain} where there is one."""
    found = {value: gain(source, figure, dataset, value) for value in figure.values}
    return {value: share for value, share in found.items() if share is not None}
