"""Square arrays that runs keep for some users (attention weights, say) as heat maps, with their columns' means."""

from __future__ import annotations

from experiments.papers.kept_maps import column_means, mean_maps
from experiments.papers.schema import Figure, Key
from experiments.reporting.collect import Results
from experiments.reporting.document import Block, Grid, Plot, Text
from experiments.reporting.headings import caption, profile_mark
from experiments.reporting.numbers import MISSING
from experiments.reporting.plots import heat_map


def maps(figure: Figure, results: Results, dataset: str) -> tuple[Block, ...] | None:
    """A heat map a line and user, and a grid of the columns' means; None if no run kept the array."""
    plots, rows = [], []
    for line in figure.lines:
        kept = results.arrays(dataset, Key(line.model, line.variant))
        for user, weights in mean_maps(kept, figure.array, figure.users).items():
            name = f"{line.label}, user {user}"
            heading = f"{name}{profile_mark(results)}"
            chart = heat_map(weights, "key (oldest first)", "query", heading, results.place(dataset))
            plots.append(
                Plot(
                    chart,
                    f"{figure.title}, {heading}, {results.place(dataset)}: the means of its columns are in the table",
                )
            )
            rows.append((Text(name), *(Text(f"{mean:.3f}") for mean in column_means(weights))))
    if not rows:
        return None
    width = max(map(len, rows))
    rows = [(*row, *[MISSING] * (width - len(row))) for row in rows]
    header = ("mean weight off the diagonal, key", *(str(place + 1) for place in range(width - 1)))
    return *plots, Grid(header, tuple(rows), caption(figure.title, results, dataset))
