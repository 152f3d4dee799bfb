"""Which of several protocols the published numbers look like: how far ours are from them under each."""

from __future__ import annotations

from statistics import fmean

from experiments.papers.schema import Row, Table
from experiments.reporting.collect import Results
from experiments.reporting.sources import SAME


def fit_notes(table: Table, results: Results) -> list[str]:
    """A sentence for each data set of the paper's own that has runs under every protocol of the table."""
    if not table.also:
        return []
    notes = []
    for name in (name for name in table.datasets if name in results.datasets and results.kind(name) == SAME):
        rows = [row for row in table.printed_rows() if name in row.published]
        by_row = {row.label: r for row in rows if (r := ratios(table, results, name, row)) is not None}
        if not by_row:
            continue
        protocols = (table.protocol, *table.also)
        apart = {p: fmean(abs(x - 1) for found in by_row.values() for x in found[p]) for p in protocols}
        best = min(apart, key=apart.get)
        estimates = [results.estimate(name, r.key, table.protocol, table.metrics[0]) for r in rows if r.label in by_row]
        cut = any(any(estimate.cut.values()) for estimate in estimates)
        told = ", ".join(f"{100 * apart[p]:.1f}% under {p}" for p in protocols)
        notes.append(
            f"{results.place(name)}, which protocol fits: ours differ from the published numbers by {told} (mean over "
            f"{', '.join(by_row)} and the table's metrics). {best} is nearer"
            + (", on runs that a limit ended." if cut else ".")
        )
        if table.subject in by_row:
            parts = (f"{p}: {', '.join(f'{x:.2f}' for x in by_row[table.subject][p])}" for p in protocols)
            notes.append(
                f"{results.place(name)}, {table.subject}, ours over published, {', '.join(table.metrics)}: "
                f"{'; '.join(parts)}."
            )
    return notes


def ratios(table: Table, results: Results, dataset: str, row: Row) -> dict[str, list[float]] | None:
    """{protocol: [ours over published, metric by metric]}; None where a number is missing."""
    cells = row.published.get(dataset, {})
    found: dict[str, list[float]] = {}
    for protocol in (table.protocol, *table.also):
        for metric in table.metrics:
            ours, cell = results.estimate(dataset, row.key, protocol, metric), cells.get(metric)
            if ours is None or cell is None or not cell.value:
                return None
            found.setdefault(protocol, []).append(ours.mean / cell.value)
    return found
