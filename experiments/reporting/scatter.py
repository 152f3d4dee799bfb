"""Projected vectors of frequent and infrequent items, and how well they tell the intents apart (CAFE's Figure 2)."""

from __future__ import annotations

from experiments.papers.schema import KEPT, Figure, Key
from experiments.reporting.collect import Results
from experiments.reporting.document import Block, Grid, Plot, Text
from experiments.reporting.headings import caption, profile_mark
from experiments.reporting.numbers import estimate_text
from experiments.reporting.plots import scatter_chart

GROUPS = ("frequent", "infrequent")
MEASURES = ("events", "silhouette", "neighbours of one intent", "length")


def scatter_blocks(figure: Figure, results: Results, dataset: str) -> tuple[Block, ...] | None:
    """The first seed's projection of each line, and a grid of the measures over all seeds; None if none was kept."""
    plots, rows = [], []
    for line in figure.lines:
        key = Key(line.model, line.variant)
        kept = [arrays for arrays in results.arrays(dataset, key) if "vectors.xy" in arrays]
        if not kept:
            continue
        heading = f"{line.label}, {results.place(dataset)}{profile_mark(results)}"
        xy, labels = kept[0]["vectors.xy"], kept[0]["vectors.intent"][0]
        names = [f"intent {name}" for name in kept[0]["vectors.names"]]
        panels = [(f"{group} items", points) for group, points in zip(GROUPS, xy, strict=True)]
        plots.append(
            Plot(
                scatter_chart(panels, labels, names, heading),
                f"{figure.title}, {heading}: how well the intents are told apart is in the table",
            )
        )
        for group in GROUPS:
            values = [results.estimate(dataset, key, KEPT, f"{measure}, {group}") for measure in MEASURES]
            rows.append((Text(f"{line.label}, {group} items"), *(estimate_text(value, 3) for value in values)))
    if not rows:
        return None
    header = ("", "training events", "silhouette", "neighbours of one intent", "length")
    return *plots, Grid(header, tuple(rows), caption(figure.title, results, dataset))
