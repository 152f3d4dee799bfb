"""Distributions over interests along some users' histories, before and after their interaction (SAIR, Figures 2, 3)."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from experiments.inspection.interests import SIDES, measures
from experiments.papers.schema import Figure, Key
from experiments.reporting.collect import Results
from experiments.reporting.document import Block, Grid, Plot, Text
from experiments.reporting.headings import caption, profile_mark
from experiments.reporting.numbers import MISSING
from experiments.reporting.plots import distribution_maps

COLUMNS = ("entropy", "mass in the top K", "change", "strongest")  # of `measures`


def interest_blocks(figure: Figure, results: Results, dataset: str) -> tuple[Block, ...] | None:
    """A pair of heat maps a line and user, first seed, and a grid of what they measure; None if none was kept."""
    blocks, rows = [], []
    for line in figure.lines:
        for arrays in results.arrays(dataset, Key(line.model, line.variant))[:1]:
            if "interests.users" not in arrays:
                continue
            for i, user in enumerate(arrays["interests.users"]):
                if figure.users and str(user) not in figure.users:
                    continue
                name = f"{line.label}, user {user}"
                scores = {side: np.asarray(arrays[f"interests.{side}.{i}"], np.float64) for side in SIDES}
                chosen = arrays[f"interests.chosen.{i}"]
                blocks.append(_plot(figure, results, dataset, name, scores, chosen))
                rows.append(_row(name, scores, chosen.shape[1]))
    if not rows:
        return None
    header = ("the events drawn", "events", *(side for _ in COLUMNS for side in SIDES))
    groups = (("", 2), *((name, 2) for name in COLUMNS))
    return *blocks, Grid(header, tuple(rows), caption(figure.title, results, dataset), groups)


def _plot(figure: Figure, results: Results, dataset: str, name: str, scores, chosen: np.ndarray) -> Plot:
    panels = {f"{side} the interaction": softmax(rows, axis=1) for side, rows in scores.items()}
    heading = f"{name}{profile_mark(results)}"
    chart = distribution_maps(panels, chosen, heading, results.place(dataset))
    return Plot(chart, f"{figure.title}, {heading}, {results.place(dataset)}: measured in the table")


def _row(name: str, scores, top: int) -> tuple[Text, ...]:
    of = {side: measures(rows, top) for side, rows in scores.items()}
    cells = (_number(of[side][column], column) for column in COLUMNS for side in SIDES)
    return Text(name), Text(str(len(scores["after"]))), *cells


def _number(value: float, column: str) -> Text:
    if np.isnan(value):
        return MISSING
    return Text(f"{value:.0f}" if column == "strongest" else f"{value:.3f}")
