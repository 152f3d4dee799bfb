"""A table of results: the paper's own data, stand-ins and synthetic data apart, and the test of the table's subject."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.papers.schema import Row, Table
from experiments.reporting.collect import SAME, STAND_IN, SYNTHETIC, Results
from experiments.reporting.document import Block, Bullets, Grid, Heading, Paragraph, Text
from experiments.reporting.headings import caption, profile_mark, reason, title
from experiments.reporting.numbers import MISSING, estimate_text, p_value, printed_text
from experiments.reporting.verdicts import WITHIN, Contest, contests, impossible, number_verdict

APART = {
    STAND_IN: "Stand-ins, not comparable number by number",
    SYNTHETIC: "Synthetic data, not comparable number by number",
}


def table_blocks(table: Table, results: Results) -> list[Block]:
    """The whole section of one table."""
    blocks: list[Block] = [
        title(2, table.title, table.id, results),
        Paragraph(
            f"Section {table.section}. Protocol {table.protocol}; checkpoints selected by {table.selection}. A cell "
            f"is mean "
            "± sample standard deviation over seeds (number of seeds)."
        ),
        Heading(3, "The same data as the paper's" + profile_mark(results), f"{table.id}-same"),
        Paragraph(
            f"Within: at most {table.tolerance:g} from the published number. Where ours is not within: {table.cause}.",
            "note",
        ),
    ]
    for name in _published(table, results):
        blocks += _comparable(table, results, name)
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
    blocks += _contest_blocks(table, results)
    notes = (*table.notes, *_row_notes(table, results))
    return [*blocks, Heading(3, "Notes", f"{table.id}-notes"), Bullets(notes)]


def _published(table: Table, results: Results) -> list[str]:
    printed = {name for row in table.rows for name in row.published}
    return [name for name in table.datasets if name in printed]


def _rows(table: Table, results: Results, dataset: str) -> list[Row]:
    repeats = results.paper.datasets[dataset].repeats
    return [row for row in table.rows if repeats or not row.only_repeats]


def _comparable(table: Table, results: Results, dataset: str) -> list[Block]:
    """published | ours | difference | verdict, two metrics a grid; or the printed numbers and why ours are missing."""
    label = results.paper.datasets[dataset].label
    if dataset not in results.datasets or results.kind(dataset) != SAME:
        why = Text(reason(results, dataset), "muted")
        rows = tuple(
            (Text(row.label), *(printed_text(row.published[dataset][m]) for m in table.metrics), why)
            for row in table.rows
            if dataset in row.published and row.variant == "paper"
        )
        groups = (("", 1), ("published", len(table.metrics)), ("", 1))
        text = f"{table.title}: {label}, as published{profile_mark(results)}"
        return [Grid(("", *table.metrics, "ours"), rows, text, groups)]
    blocks = []
    for start in range(0, len(table.metrics), 2):
        metrics = table.metrics[start : start + 2]
        rows = tuple(
            (Text(row.label), *(text for m in metrics for text in _compared(table, results, dataset, row, m)))
            for row in _rows(table, results, dataset)
        )
        groups = (("", 1), *((metric, 4) for metric in metrics))
        header = ("", *("published", "ours", "difference", "verdict") * len(metrics))
        blocks.append(Grid(header, rows, caption(f"{table.title}, {' and '.join(metrics)}", results, dataset), groups))
    return blocks


def _compared(table: Table, results: Results, dataset: str, row: Row, metric: str) -> tuple[Text, Text, Text, Text]:
    cell = row.published.get(dataset, {}).get(metric)
    ours = results.estimate(dataset, row.key, table.protocol, metric)
    if ours is None:
        return printed_text(cell), Text(reason(results, dataset), "muted"), MISSING, MISSING
    if cell is None:
        return MISSING, estimate_text(ours), MISSING, Text("not published", "muted")
    verdict = number_verdict(ours.mean, cell, table.tolerance)
    tone = "good" if verdict == WITHIN else "warn"
    return printed_text(cell), estimate_text(ours), Text(f"{ours.mean - cell.value:+.4f}"), Text(verdict, tone)


def _side_by_side(table: Table, results: Results, dataset: str) -> Grid:
    """Ours, and beside it what was published on the data that this one stands for: no differences, no verdicts."""
    data = results.paper.datasets[dataset]
    beside = results.paper.datasets[data.beside].label
    rows = []
    for row in _rows(table, results, dataset):
        estimates = [results.estimate(dataset, row.key, table.protocol, m) for m in table.metrics]
        ours = [Text(reason(results, dataset), "muted") if e is None else estimate_text(e) for e in estimates]
        published = row.published.get(data.beside, {})
        rows.append((Text(row.label), *ours, *(printed_text(published.get(m)) for m in table.metrics)))
    width = len(table.metrics)
    return Grid(
        ("", *table.metrics * 2),
        tuple(rows),
        caption(table.title, results, dataset),
        (("", 1), (f"ours, {results.place(dataset)}", width), (f"published, {beside} (other data)", width)),
    )


def _contest_blocks(table: Table, results: Results) -> list[Block]:
    names = [name for name in table.datasets if name in results.datasets]
    found = contests(table, results, names) if table.subject else []
    if not found:
        return []
    rows = tuple(_contest_row(contest, results) for contest in found)
    header = ("data", "metric", "strongest rival", "difference", "95% interval", "p", "p, Holm", "users", "reading")
    return [
        Heading(3, f"{table.subject} against its strongest rival" + profile_mark(results), f"{table.id}-rivals"),
        Paragraph(
            "Each user's metric is averaged over seeds; two-sided sign-flip test over users (10,000 draws), Holm's "
            "correction "
            f"over these {len(found)} comparisons, 95% bootstrap interval. The rival is the row with the highest "
            f"mean on that "
            "metric, and the highest of the paper's own rows where that is another one.",
            "note",
        ),
        Grid(header, rows, f"{table.title}: {table.subject} against its strongest rival{profile_mark(results)}"),
    ]


def _contest_row(contest: Contest, results: Results) -> Sequence[Text]:
    result = contest.result
    if contest.p_holm > 0.05:
        reading = Text("within noise", "muted")
    else:
        reading = Text("ahead", "good") if result.difference > 0 else Text("behind", "bad")
    return (
        Text(results.place(contest.dataset)),
        Text(contest.metric),
        Text(contest.rival),
        Text(f"{result.difference:+.4f}"),
        Text(f"{result.low:+.4f} to {result.high:+.4f}"),
        Text(p_value(result.p)),
        Text(p_value(contest.p_holm)),
        Text(f"{result.users:,}"),
        reading,
    )


def _row_notes(table: Table, results: Results) -> list[str]:
    """Notes of rows and cells, and the printed rows that no ranking can produce."""
    notes = [f"{row.label}: {row.note}." for row in table.rows if row.note]
    marked = {
        f"* {results.paper.datasets[name].label}, {row.label}, {metric} {cell.printed}: {cell.note}."
        for row in table.rows
        for name, cells in row.published.items()
        for metric, cell in cells.items()
        if cell.note and row.variant == "paper"
    }
    for row in table.rows:
        places = [results.paper.datasets[name].label for name in impossible(row, table.protocol)]
        if places:
            notes.append(f"{row.label} as published is arithmetically impossible on {', '.join(places)}.")
    if not any(impossible(row, table.protocol) for row in table.rows):
        notes.append(
            "Every published row is arithmetically possible (some distribution of ranks gives it, to its rounding)."
        )
    return [*notes, *sorted(marked)]
