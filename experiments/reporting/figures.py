"""A figure of the paper: a chart and its numbers for every data set, with what the paper says about it."""

from __future__ import annotations

from experiments.papers.curves import convergence, curve
from experiments.papers.schema import LIMITS, PLAIN_FIGURES, Figure, Key
from experiments.reporting.collect import Results
from experiments.reporting.concepts import concept_blocks
from experiments.reporting.document import Block, Bullets, Grid, Paragraph, Plot, Text
from experiments.reporting.estimates import Estimate, summary
from experiments.reporting.gains import gain_blocks
from experiments.reporting.headings import caption, profile_mark, reason, title
from experiments.reporting.hits import hit_blocks
from experiments.reporting.interests import interest_blocks
from experiments.reporting.maps import maps
from experiments.reporting.numbers import MISSING, estimate_text
from experiments.reporting.plots import Series, line_chart
from experiments.reporting.protocols import CEILINGS
from experiments.reporting.ratios import ratio_blocks
from experiments.reporting.scatter import scatter_blocks
from experiments.reporting.scope import scope_blocks


def figure_blocks(figure: Figure, results: Results) -> list[Block]:
    """The whole section of one figure; data sets without records are listed with the reason."""
    protocol = f" Protocol {figure.protocol}." if figure.protocol else ""
    blocks: list[Block] = [
        title(2, figure.title, figure.id, results),
        Paragraph(f"Section {figure.section}. Published: {figure.published}{protocol}"),
    ]
    if figure.kind == "ratio":
        return [*blocks, *ratio_blocks(figure, results)]
    plots, grids, missing = [], [], []
    for name in figure.datasets:
        drawn = _DRAW[figure.kind](figure, results, name) if name in results.datasets else None
        if drawn is None:
            missing.append(f"{results.paper.datasets[name].label}: {_reason(figure, results, name)}.")
        else:
            plots += [block for block in drawn if isinstance(block, Plot)]
            grids += [block for block in drawn if not isinstance(block, Plot)]
    blocks += [*plots, *grids]
    if missing:
        blocks.append(Bullets(tuple(missing)))
    return blocks + [Paragraph(note, "note") for note in figure.notes]


def _reason(figure: Figure, results: Results, dataset: str) -> str:
    if figure.array and any(results.records(dataset, Key(x.model, x.variant)) for x in figure.lines):
        return f"the runs kept no array `{figure.array}`"
    if dataset in results.datasets or (
        results.profile == "quick" and figure.kind not in PLAIN_FIGURES and not figure.quick_values
    ):
        return f"not run in the {results.profile} profile"
    return reason(results, dataset)


def _swept(figure: Figure, results: Results, dataset: str) -> tuple[Block, ...] | None:
    """Test metric, or seconds an epoch, against the swept parameter; one point is a table and no chart."""
    table: dict[str, dict] = {}
    for line in figure.lines:
        for value in figure.values:
            key = Key(line.model, line.variant, ((figure.parameter, value),))
            if figure.kind == "cost":
                records = results.records(dataset, key)
                estimate = summary([record.seconds_per_epoch for record in records])
            else:
                estimate = results.estimate(dataset, key, figure.protocol, figure.metric)
            if estimate is not None:
                table.setdefault(line.label, {})[value] = estimate
    if not table:
        return None
    for name, label in CEILINGS.items() if figure.kind == "sweep" else ():
        best = {v: _ceiling(figure, results, dataset, name, v) for v in figure.values}
        best = {value: estimate for value, estimate in best.items() if estimate is not None}
        if len({estimate.mean for estimate in best.values()}) > 1:  # a sweep over the generated data themselves
            table[label] = best
    values = [value for value in figure.values if any(value in points for points in table.values())]
    digits = 2 if figure.kind == "cost" else 4
    rows = tuple(
        (Text(label), *(estimate_text(points[v], digits) if v in points else MISSING for v in values))
        for label, points in table.items()
    )
    header = (f"{figure.metric} at {figure.parameter_label}", *map(str, values))
    grid = Grid(header, rows, caption(figure.title, results, dataset))
    if len(values) < 2:
        return (grid,)
    series = [
        Series(label, list(points), [point.mean for point in points.values()], colour)
        for colour, (label, points) in enumerate(table.items())
    ]
    heading = results.place(dataset) + profile_mark(results)
    chart = line_chart(series, figure.parameter_label, figure.metric, heading, figure.log_x, values)
    return Plot(chart, f"{figure.title}, {heading}: the numbers are in the table"), grid


def _ceiling(figure: Figure, results: Results, dataset: str, name: str, value) -> Estimate | None:
    found = results.ceiling(dataset, figure.protocol, figure.metric, name, ((figure.parameter, value),))
    return None if found is None else Estimate(found, None, 1)


def _curves(figure: Figure, results: Results, dataset: str) -> tuple[Block, ...] | None:
    """Validation metric against cumulative training seconds, every seed; and when each run converged."""
    series, rows = [], []
    for colour, line in enumerate(figure.lines):
        for index, record in enumerate(results.records(dataset, Key(line.model, line.variant))):
            points = curve(record.history, figure.protocol, figure.metric)
            reached = convergence(points)
            if reached is None:
                continue
            name = line.label if index == 0 else f"_{line.label}, seed {record.seed}"
            series.append(Series(name, [p.seconds for p in points], [p.value for p in points], colour))
            rows.append(
                (
                    Text(line.label),
                    Text(str(record.seed)),
                    Text(f"{record.seconds_per_epoch:.2f}"),
                    Text(str(record.epochs)),
                    Text(f"{max(p.value for p in points):.4f}"),
                    Text(str(reached.epoch)),
                    Text(f"{reached.seconds:.1f}"),
                    Text(record.stopped_by, "warn" if record.stopped_by in LIMITS else ""),
                )
            )
    if not rows:
        return None
    header = ("model", "seed", "s an epoch", "epochs", f"best {figure.metric}")
    header += ("99% of it at epoch", "99% of it after s", "stopped_by")
    heading = results.place(dataset) + profile_mark(results)
    y_label = f"validation {figure.metric}"
    chart = line_chart(series, "seconds of training", y_label, heading)
    plot = Plot(chart, f"{figure.title}, {heading}: the numbers are in the table")
    return plot, Grid(header, tuple(rows), caption(figure.title, results, dataset))


_DRAW = {
    "sweep": _swept,
    "cost": _swept,
    "curve": _curves,
    "maps": maps,
    "hits": hit_blocks,
    "concepts": concept_blocks,
    "interests": interest_blocks,
    "gain": gain_blocks,
    "scope": scope_blocks,
    "scatter": scatter_blocks,
}
