"""By how much one model is above another as a parameter grows (CAFE's Figure 4)."""

from __future__ import annotations

from experiments.papers.gains import gains
from experiments.papers.schema import Figure
from experiments.papers.sweep_tests import at
from experiments.reporting.collect import Results
from experiments.reporting.document import Block, Grid, Plot, Text
from experiments.reporting.headings import caption, profile_mark
from experiments.reporting.numbers import MISSING, estimate_text, quantity
from experiments.reporting.plots import Series, line_chart

FACTS = (("users tested", None), ("items", "items"), ("interactions an item", "events_per_item"))


def gain_blocks(figure: Figure, results: Results, dataset: str) -> tuple[Block, ...] | None:
    """A chart of the gain, and a grid: both models, the gain, and what the data is at each value; None without runs."""
    source = results.measured(figure.id)
    cells = {
        line.label: {v: source.estimate(dataset, at(figure, line, v), figure.metric) for v in figure.values}
        for line in figure.lines[:2]
    }
    values = [v for v in figure.values if any(found[v] for found in cells.values())]
    if not values:
        return None
    rows = [(Text(label), *(estimate_text(found[v]) for v in values)) for label, found in cells.items()]
    gained = gains(source, figure, dataset)
    shares = (Text(f"{100 * gained[v]:+.1f}%") if v in gained else MISSING for v in values)
    rows.append((Text("gain", "strong"), *shares))
    for name, key in FACTS:
        rows.append((Text(name, "muted"), *(Text(_fact(figure, source, dataset, v, key), "muted") for v in values)))
    header = (f"{figure.metric} at {figure.parameter_label}", *map(str, values))
    grid = Grid(header, tuple(rows), caption(figure.title, results, dataset))
    if len(gained) < 2:
        return (grid,)
    heading = results.place(dataset) + profile_mark(results)
    series = [Series("gain", list(gained), [100 * share for share in gained.values()])]
    label = f"gain in {figure.metric}, %"
    chart = line_chart(series, figure.parameter_label, label, heading, figure.log_x, tuple(gained))
    return Plot(chart, f"{figure.title}, {heading}: the numbers are in the table"), grid


def _fact(figure: Figure, source, dataset: str, value, key: str | None) -> str:
    """A number of the data that the runs at one value saw; key: of their statistics, None: their users."""
    for line in figure.lines:
        for record in source.records(dataset, at(figure, line, value)):
            return quantity(record.statistics.get(key) if key else record.n_users)
    return "-"
