"""Seconds an epoch of one model over another's: a ratio travels between machines, seconds do not."""

from __future__ import annotations

from experiments.papers.costs import printed_ratio, ratio
from experiments.papers.schema import Figure, Key, Line
from experiments.reporting.collect import Results
from experiments.reporting.document import Block, Grid, Paragraph, Text
from experiments.reporting.estimates import summary
from experiments.reporting.headings import IN_WORDS, profile_mark, reason
from experiments.reporting.numbers import MISSING, estimate_text, printed_text

NOT_TESTED = "not tested: the machine was busy, or the two ran on different ones"


def ratio_blocks(figure: Figure, results: Results) -> list[Block]:
    """One grid: a row a data set (and value), published seconds and ratio beside ours."""
    rows = []
    for name in figure.datasets:
        for value in figure.values:
            rows.append(_row(figure, results, name, value))
    labels = [line.label for line in figure.lines]
    columns = (*(f"{label}, s" for label in labels), "ratio")
    groups = (("", 2), ("published", 3), ("ours", 3))
    header = ("", figure.parameter_label, *columns * 2)
    text = f"{figure.title}{profile_mark(results)}"
    return [
        Grid(header, tuple(rows), text, groups, numbers_from=1),
        *(Paragraph(note, "note") for note in figure.notes),
    ]


def _row(figure: Figure, results: Results, dataset: str, value) -> tuple[Text, ...]:
    printed = [printed_text(line.printed.get(dataset)) for line in figure.lines]
    known = printed_ratio(figure, dataset)
    ours = ratio(results.measured(figure.id), figure, dataset, value)
    seconds = [_seconds(figure, results, dataset, line, value) for line in figure.lines]
    if MISSING in seconds:
        last = Text(reason(results, dataset), "muted")
    else:
        last = Text(NOT_TESTED, "muted") if ours is None else Text(f"{ours:.3f}")
    name = results.paper.datasets[dataset].label
    if dataset in results.datasets:
        name += f" ({IN_WORDS[results.kind(dataset)]})"
    return Text(name), Text(f"{value:,}"), *printed, Text(f"{known:.3f}") if known else MISSING, *seconds, last


def _seconds(figure: Figure, results: Results, dataset: str, line: Line, value) -> Text:
    runs = results.records(dataset, Key(line.model, line.variant, ((figure.parameter, value),)))
    return estimate_text(summary([run.seconds_per_epoch for run in runs]), 3)
