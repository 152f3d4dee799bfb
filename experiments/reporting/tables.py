"""A table of results: the paper's own data, stand-ins and synthetic data apart, and the test of the table's subject."""

from __future__ import annotations

from experiments.papers.schema import KEPT, Row, Table
from experiments.reporting.collect import Results
from experiments.reporting.contests import contest_blocks
from experiments.reporting.document import Block, Bullets, Grid, Heading, Paragraph, Text
from experiments.reporting.fit import fit_notes
from experiments.reporting.headings import caption, folded, not_run, profile_mark, reason, title
from experiments.reporting.numbers import MISSING, estimate_text, printed_text
from experiments.reporting.sources import SAME, STAND_IN, SYNTHETIC
from experiments.reporting.verdicts import WITHIN, averaged, impossible, number_verdict, printed_counts

APART = {
    STAND_IN: "Stand-ins, not comparable number by number",
    SYNTHETIC: "Synthetic data, not comparable number by number",
}


def table_blocks(table: Table, results: Results) -> list[Block]:
    """The whole section of one table."""
    blocks: list[Block] = [
        title(2, table.title, table.id, results),
        Paragraph(
            f"Section {table.section}. {_measure(table)}; checkpoints selected by {table.selection}. A cell is mean "
            f"± sample standard deviation over seeds (number of seeds){', in per cent' if table.percent else ''}."
        ),
        Heading(3, "The same data as the paper's" + profile_mark(results), f"{table.id}-same"),
    ]
    printed = _published(table)
    if printed:
        allowed = f"{100 * table.tolerance:g}%" if table.relative else f"{table.tolerance:g}"
        text = f"Within: at most {allowed} from the published number. Where ours is not within: {table.cause}."
        blocks.append(Paragraph(text, "note"))
    there = [name for name in printed if name in results.datasets and results.kind(name) == SAME]
    for name in there:
        blocks += _comparable(table, results, name)
    blocks += folded([(n, _comparable(table, results, n)) for n in printed if n not in there], results)
    blocks += _unprinted(table, results, [name for name in table.datasets if name not in printed])
    for kind, heading in APART.items():
        names = [name for name in table.datasets if name in results.datasets and results.kind(name) == kind]
        missing = [
            n for n in table.datasets if kind == STAND_IN and not results.paper.datasets[n].published and n not in names
        ]
        if names or missing:
            blocks.append(Heading(3, heading + profile_mark(results), f"{table.id}-{kind.replace(' ', '-')}"))
        blocks += [_side_by_side(table, results, name) for name in names]
        if missing:
            blocks.append(Bullets(tuple(f"{results.paper.datasets[n].label}: {reason(results, n)}." for n in missing)))
    blocks += contest_blocks(table, results)
    notes = (*table.notes, *_row_notes(table, results))
    return [*blocks, Heading(3, "Notes", f"{table.id}-notes"), Bullets(notes)]


def _measure(table: Table) -> str:
    if table.protocol == KEPT:
        return "Numbers that runs keep"
    return f"Protocol {' and '.join((table.protocol, *table.also))}"


def _unprinted(table: Table, results: Results, names: list[str]) -> list[Block]:
    """The paper's own data sets for which this table has no printed number: ours alone, or why there is none."""
    own = [name for name in names if results.paper.datasets[name].published]
    there = [name for name in own if name in results.datasets and results.kind(name) == SAME]
    absent = [f"{results.paper.datasets[n].label}: {reason(results, n)}." for n in own if n not in there]
    return [*(_side_by_side(table, results, name) for name in there), *([Bullets(tuple(absent))] if absent else [])]


def _published(table: Table) -> list[str]:
    printed = {name for row in table.rows for name in row.published}
    return [name for name in table.datasets if name in printed]


def _rows(table: Table, results: Results, dataset: str) -> list[Row]:
    return [row for row in table.rows if row.is_for(results.paper.datasets[dataset])]


def _comparable(table: Table, results: Results, dataset: str) -> list[Block]:
    """published | ours | difference | verdict, two metrics a grid; or the printed numbers and why ours are missing."""
    label = results.paper.datasets[dataset].label
    if dataset not in results.datasets or results.kind(dataset) != SAME:
        why = Text(reason(results, dataset), "muted")
        rows = tuple(
            (Text(row.label), *(printed_text(row.published[dataset][m]) for m in table.metrics), why)
            for row in table.printed_rows()
            if dataset in row.published
        )
        groups = (("", 1), ("published", len(table.metrics)), ("", 1))
        text = f"{table.title}: {label}, as published{profile_mark(results)}"
        return [Grid(("", *table.metrics, "ours"), rows, text, groups)]
    blocks, protocols, width = [], (table.protocol, *table.also), 1 if table.also else 2
    for start in range(0, len(table.metrics), width):
        metrics = table.metrics[start : start + width]
        rows = tuple(
            (Text(row.label), *(text for m in metrics for text in _compared(table, results, dataset, row, m)))
            for row in _rows(table, results, dataset)
        )
        groups = (("", 1), *((metric, 1 + 3 * len(protocols)) for metric in metrics))
        if table.also:
            groups = (("", 2), *((protocol, 3) for protocol in protocols))
        header = ("", *("published", *("ours", "difference", "verdict") * len(protocols)) * len(metrics))
        blocks.append(Grid(header, rows, caption(f"{table.title}, {' and '.join(metrics)}", results, dataset), groups))
    return blocks


def _compared(table: Table, results: Results, dataset: str, row: Row, metric: str) -> tuple[Text, ...]:
    """published, and for each protocol ours | difference | verdict; why ours is missing, once in a row."""
    cell = row.published.get(dataset, {}).get(metric)
    texts, why = [printed_text(cell)], Text(reason(results, dataset), "muted")
    for protocol in (table.protocol, *table.also):
        ours = results.estimate(dataset, row.key, protocol, metric)
        if ours is None:
            texts += [MISSING if why in texts else why, MISSING, MISSING]
        elif cell is None:
            texts += [estimate_text(ours, percent=table.percent), MISSING, Text("not published", "muted")]
        else:
            verdict = number_verdict(ours.mean, cell, table.tolerance, table.relative)
            difference = ours.mean - cell.value
            shown = f"{100 * difference:+.2f}" if table.percent else f"{difference:+.4f}"
            tone = "good" if verdict == WITHIN else "warn"
            texts += [estimate_text(ours, percent=table.percent), Text(shown), Text(verdict, tone)]
    return tuple(texts)


def _side_by_side(table: Table, results: Results, dataset: str) -> Grid:
    """Ours, and beside it what was published on the data that this one stands for: no differences, no verdicts."""
    data = results.paper.datasets[dataset]
    beside = results.paper.datasets[data.beside].label
    printed = any(data.beside in row.published for row in table.rows)
    protocols, rows, metrics = (table.protocol, *table.also), [], table.metrics
    if table.protocol == KEPT and not printed:  # what this data cannot have is left out
        has = [m for m in metrics if any(results.estimate(dataset, row.key, KEPT, m) for row in table.rows)]
        metrics = has or metrics
    for row in _rows(table, results, dataset):
        estimates = [results.estimate(dataset, row.key, p, m) for p in protocols for m in metrics]
        why = Text("not in this data", "muted") if any(estimates) else MISSING
        ours = [why if e is None else estimate_text(e, percent=table.percent) for e in estimates]
        if not any(estimates):
            ours[0] = Text(not_run(results), "muted")  # once is enough
        published = row.published.get(data.beside, {})
        cells = (printed_text(published.get(m)) for m in metrics) if printed else ()
        rows.append((Text(row.label), *ours, *cells))
    width = len(metrics)
    place = results.place(dataset)
    named = [f"ours, {place}{f', {protocol}' if table.also else ''}" for protocol in protocols]
    groups = (("", 1), *((name, width) for name in named))
    if printed:
        groups = (*groups, (f"published, {beside} (other data)", width))
    header = ("", *metrics * (len(groups) - 1))
    return Grid(header, tuple(rows), caption(table.title, results, dataset), groups)


def _row_notes(table: Table, results: Results) -> list[str]:
    """Notes of rows and cells, the printed rows that no ranking can produce, and what no single run can print."""
    there = [name for name in table.datasets if name in results.datasets]
    shown = [row for row in table.rows if not there or any(row in _rows(table, results, name) for name in there)]
    notes = [f"{row.label}: {row.note}." for row in shown if row.note]
    marked = {
        f"* {results.paper.datasets[name].label}, {row.label}, {metric} {cell.printed}: {cell.note}."
        for row in table.printed_rows()
        for name, cells in row.published.items()
        for metric, cell in cells.items()
        if cell.note
    }
    items = printed_counts(results.paper, "items")
    refuted = {row.label: impossible(row, table.protocol, items) for row in table.printed_rows()}
    for label, names in refuted.items():
        if names:
            places = ", ".join(results.paper.datasets[name].label for name in names)
            notes.append(f"{label} as published is arithmetically impossible on {places}.")
    if not any(refuted.values()) and any(row.published for row in table.rows):
        notes.append(
            "Every published row is arithmetically possible (some distribution of ranks gives it, to its rounding)."
        )
    means = averaged(table, results.paper)
    if means:
        listed = "; ".join(f"{results.paper.datasets[n].label}, {label} {cell.printed}" for n, label, cell in means)
        notes.append(
            f"No whole number of users gives these hit ratios, so each is a mean over several runs, or "
            f"other users were counted: {listed}."
        )
    return [*notes, *fit_notes(table, results), *sorted(marked)]
