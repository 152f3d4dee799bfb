"""Hits with and without similar items in the recent history, and by how many of them there are (SINE's Figure 1)."""

from __future__ import annotations

import numpy as np

from experiments.papers.recent import BINS, facts, hits
from experiments.papers.schema import Figure, Key
from experiments.reporting.collect import Results
from experiments.reporting.document import Block, Grid, Plot, Text
from experiments.reporting.headings import caption, profile_mark
from experiments.reporting.numbers import MISSING
from experiments.reporting.plots import Series, line_chart


def hit_blocks(figure: Figure, results: Results, dataset: str) -> tuple[Block, ...] | None:
    """A chart, and a grid: a row a line; None if no run kept what is needed."""
    rows, series, users = [], [], None
    for colour, line in enumerate(figure.lines):
        found = hits(results, figure, dataset, Key(line.model, line.variant))
        if found is None:
            continue
        masks = [(found.similar >= low) & (found.similar <= high) for low, high in BINS]
        groups = [found.inside, ~found.inside, *masks]
        users = [Text("users"), *(Text(f"{int(mask.sum()):,}", "muted") for mask in groups), MISSING, MISSING]
        means = [Text(f"{mean:.2f}") if np.isfinite(mean) else MISSING for mean in found.mean_similar()]
        shares = [Text(f"{found.hits[mask].mean():.4f}") if mask.any() else MISSING for mask in groups]
        rows.append((Text(line.label), *shares, *means))
        filled = [mask for mask in masks if mask.any()]
        x = [float(found.similar[mask].mean()) for mask in filled]
        series.append(Series(line.label, x, [float(found.hits[mask].mean()) for mask in filled], colour))
    if not rows:
        return None
    bins = tuple(str(low) if low == high else f"{low}-{high}" for low, high in BINS)
    header = (figure.metric, "In", "Out", *bins, "hits", "misses")
    titles = (("", 1), ("target's category", 2), ("similar items among the last fifty", len(bins)))
    titles = (*titles, ("similar items, mean of", 2))
    text = caption(f"{figure.title}. {_diversity(figure, results, dataset)}", results, dataset)
    grid = Grid(header, (*rows, tuple(users)), text, titles)
    heading = results.place(dataset) + profile_mark(results)
    chart = line_chart(series, "similar items among the last fifty", figure.metric, heading)
    return Plot(chart, f"{figure.title}, {heading}: the numbers are in the table"), grid


def _diversity(figure: Figure, results: Results, dataset: str) -> str:
    known = facts(results, figure, dataset)
    return (
        f"Distinct categories in a user's last fifty events: mean {known.categories.mean():.1f}, median "
        f"{np.median(known.categories):g} (of {known.events.mean():.1f} events on average)"
    )
