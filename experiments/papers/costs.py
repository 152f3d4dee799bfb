"""Seconds an epoch of a figure's first line over those of its second."""

from __future__ import annotations

from statistics import mean

from experiments.papers.schema import Figure, Key


def ratio(source, figure: Figure, dataset: str, value) -> float | None:
    """Ours; None without runs of both on one kind of machine that had nothing else to do."""
    pair = [Key(line.model, line.variant, ((figure.parameter, value),)) for line in figure.lines[:2]]
    runs = source.timed(dataset, pair)
    if not runs:
        return None
    first, second = (mean(record.seconds_per_epoch for record in records) for records in runs)
    return first / second if second else None


def printed_ratio(figure: Figure, dataset: str) -> float | None:
    first, second = (line.printed.get(dataset) for line in figure.lines[:2])
    return first.value / second.value if first and second else None
