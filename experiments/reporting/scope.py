"""Average attention maps on sparse and dense data, how far (back) attention looks (CAFE's Figures 2a and 2b)."""

from __future__ import annotations

import numpy as np

from experiments.papers.schema import Figure
from experiments.papers.scopes import of_users
from experiments.papers.sweep_tests import at
from experiments.reporting.collect import Results
from experiments.reporting.document import Block, Grid, Plot, Text
from experiments.reporting.headings import caption, profile_mark
from experiments.reporting.numbers import quantity
from experiments.reporting.plots import heat_map

NEAR = 2  # steps


def scope_blocks(figure: Figure, results: Results, dataset: str) -> tuple[Block, ...] | None:
    """A map for each line and value, mean over seeds, and a grid of reach and age; None if no run kept them."""
    plots, rows = [], []
    for line in figure.lines:
        for value in figure.values:
            key = at(figure, line, value)
            reach, age = (of_users(results, dataset, key, f"scope.{name}") for name in ("reach", "age"))
            if not reach:
                continue
            kept = [arrays for arrays in results.arrays(dataset, key) if "scope.map" in arrays]
            weights = np.mean([arrays["scope.map"].astype(np.float64) for arrays in kept], axis=0)
            facts = results.records(dataset, key)[0].statistics
            name = f"{line.label}, {figure.parameter_label} {value}"
            heading = f"{name}{profile_mark(results)}"
            chart = heat_map(weights, "key, step", "query, step", heading, results.place(dataset), numbers=False)
            plots.append(Plot(chart, f"{figure.title}, {heading}, {results.place(dataset)}: see the table"))
            rows.append(
                (
                    Text(name),
                    *(Text(quantity(facts.get(fact))) for fact in ("events_per_item", "mean_length")),
                    Text(f"{len(reach):,}"),
                    Text(f"{np.mean(list(age.values())):.3f}"),
                    Text(f"{np.mean(list(reach.values())):.3f}"),
                    Text(f"{_near(weights):.3f}"),
                )
            )
    if not rows:
        return None
    header = ("", "interactions an item", "mean length", "users", "age", "reach", f"weight within {NEAR} steps")
    return *plots, Grid(header, tuple(rows), caption(figure.title, results, dataset))


def _near(weights: np.ndarray) -> float:
    """The mean weight that a query of the map gives to keys at most `NEAR` steps away, of what it gives in the map."""
    steps = np.arange(len(weights))
    near = np.abs(steps[:, None] - steps[None, :]) <= NEAR
    known = np.nan_to_num(weights)
    whole = known.sum(axis=1)
    return float(((known * near).sum(axis=1)[whole > 0] / whole[whole > 0]).mean()) if (whole > 0).any() else 0.0
