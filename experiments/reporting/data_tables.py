"""The data: what was run on, Table-2-like statistics against the published ones, and notes a reader must know."""

from __future__ import annotations

from collections.abc import Mapping

from experiments.papers.consistency import checks
from experiments.papers.schema import Cell, Key, Statistics
from experiments.reporting.collect import Results
from experiments.reporting.document import Block, Bullets, Fold, Grid, Heading, Paragraph, Text
from experiments.reporting.headings import IN_WORDS, folded, profile_mark, reason, title
from experiments.reporting.numbers import MISSING, like_printed, percent, printed_text, quantity
from experiments.reporting.sources import SAME
from experiments.reporting.verdicts import WITHIN, number_verdict

_UNTOLD = ("seed", "groups")  # the first is varied, the second changes dropout's draws alone
_COLUMNS = ("users", "items", "categories", "actions", "interactions", "mean_length")


def overview(results: Results) -> list[Block]:
    """One line a data set: its kind in plain words, its size, and the share of repeated targets."""
    if not results.datasets:
        return []
    rows = []
    for name in results.datasets:
        records = results.of_dataset(name)
        stands = next((r.stand_in_for for r in records if r.stand_in_for), "-")
        numbers = [Text(quantity(results.statistic(name, column))) for column in _COLUMNS]
        repeated = Text(percent(results.statistic(name, "repeated_target_share")))
        kind = Text(IN_WORDS[results.kind(name)], "warn" if results.kind(name) != SAME else "good")
        evaluated = Text(f"{max(r.n_users for r in records):,}")
        rows.append((Text(results.place(name)), kind, Text(stands), *numbers, evaluated, repeated))
    header = ("data", "kind", "stands in for", "users", "items", "categories", "action types", "interactions")
    header += ("mean length", "users tested", "repeated targets")
    blocks: list[Block] = [
        title(2, "Data", "data", results),
        Grid(header, tuple(rows), f"Data sets of this report{profile_mark(results)}", numbers_from=3),
        Paragraph(
            "Repeated targets: the share of test targets that are already in the user's history. Where it is high, a "
            "scorer "
            "that only knows the history is a strong rival; its row is in the tables.",
            "note",
        ),
    ]
    for name in results.datasets:
        records = results.of_dataset(name)
        plain = [record for record in records if not record.sweep] or records  # a sweep may vary the data themselves
        notes = list(dict.fromkeys(note for record in plain for note in record.data_notes))
        notes += results.data_notes.get(name, [])
        prints = sorted({record.data_fingerprint for record in plain})
        if len(prints) > 1:
            notes.append(
                f"WARNING: the records come from {len(prints)} different versions of this data; rerun the older ones."
            )
        for key in results.mixed(name):
            label = results.label(key, results.paper.tables[0].id)
            notes.append(f"WARNING: the seeds of {label} have different configurations; rerun the older ones.")
        if notes:
            blocks += [Heading(3, f"Notes on {results.place(name)}", f"data-{name}"), Bullets(tuple(notes))]
    return blocks


def settings(results: Results) -> list[Block]:
    """The numbers of the paper's own model as it was run on each data set: widths, lengths, rates, limits. Those of the
    other trained models, a data set each, under a fold."""
    key, mark = Key(results.paper.name), profile_mark(results)
    rows = [row for table in results.paper.tables for row in table.rows if not row.deterministic]
    label = next(row.label for row in rows if row.model == key.model)
    labels = {row.key: row.label for row in reversed(rows) if not row.sweep and row.key != key}  # of the first table
    own = {results.place(name): _config(results, name, key) for name in results.datasets}
    blocks: list[Block] = []
    if any(own.values()):
        caption = f"{label} as run: its own numbers and those of its training{mark}"
        blocks.append(_settings_grid(own, caption))
    others = []
    for name in results.datasets:
        found = {text: _config(results, name, other) for other, text in reversed(labels.items())}
        if any(found.values()):
            others.append(_settings_grid(found, f"The other models as run: {results.place(name)}{mark}"))
    if others:
        blocks.append(Fold("Settings of the other models", tuple(others)))
    return [Heading(3, f"Settings of {label}", "settings"), *blocks] if blocks else []


def _config(results: Results, dataset: str, key: Key) -> dict:
    records = results.records(dataset, key)
    return records[0].config if records else {}


def _settings_grid(configs: Mapping[str, dict], caption: str) -> Grid:
    """A column for each configuration that is not empty, a line for each number of theirs."""
    configs = {name: config for name, config in configs.items() if config}
    found: dict[tuple[str, str], dict[str, float]] = {}
    for name, config in configs.items():
        for section in ("model", "train"):
            for key, value in config.get(section, {}).items():
                if isinstance(value, int | float) and not isinstance(value, bool) and key not in _UNTOLD:
                    found.setdefault((section, key), {})[name] = value
    rows = tuple(
        (Text(f"{section}.{key}"), *(Text(f"{values[n]:g}") if n in values else MISSING for n in configs))
        for (section, key), values in sorted(found.items(), key=lambda entry: entry[0][0])
    )
    return Grid(("", *configs), rows, caption)


def statistics_blocks(table: Statistics, results: Results) -> list[Block]:
    """published | ours | difference | verdict on the same data; then our own data sets beside each other."""
    blocks: list[Block] = [
        title(2, table.title, table.id, results),
        Paragraph(
            f"Section {table.section}. Within: at most {100 * table.tolerance:g}% from the published number. Where "
            f"ours is "
            f"not: {table.cause}."
        ),
    ]
    absent = []
    for name in table.datasets:
        label = results.paper.datasets[name].label
        real = name in results.datasets and results.kind(name) == SAME
        rows = []
        for text, key, cells in table.rows:
            cell = cells.get(name)
            if cell is None:
                continue
            ours = results.statistic(name, key) if real else None
            if ours is None:
                why = Text("not in the records", "muted") if real else MISSING
                rows.append((Text(text), printed_text(cell), why, MISSING, MISSING))
                continue
            verdict = number_verdict(ours, cell, table.tolerance, relative=True)
            tone = "good" if verdict == WITHIN else "warn"
            difference = f"{100 * (ours / cell.value - 1):+.1f}%"
            rows.append(
                (Text(text), printed_text(cell), Text(like_printed(ours, cell)), Text(difference), Text(verdict, tone))
            )
        header = ("", "published", "ours", "difference", "verdict")
        why = "" if real else f" ({reason(results, name)})"  # once, not in each row
        grid = Grid(header, tuple(rows), f"{table.title}: {label}{profile_mark(results)}{why}")
        if real:
            blocks.append(grid)
        else:
            absent.append((name, [grid]))
    blocks += folded(absent, results)
    others = [name for name in results.datasets if results.kind(name) != SAME]
    if others:
        rows = tuple(
            (Text(text), *(Text(_other(results.statistic(name, key), cells)) for name in others))
            for text, key, cells in table.rows
        )
        header = ("", *(results.place(name) for name in others))
        text = f"The same statistics of data that is not the paper's{profile_mark(results)}"
        blocks.append(Grid(header, rows, text))
    marked = [
        f"* {label}, {results.paper.datasets[name].label} {cell.printed}: {cell.note}."
        for label, _, cells in table.rows
        for name, cell in cells.items()
        if cell.note
    ]
    return [*blocks, Bullets((*table.notes, *_agreement(table, results), *marked))]


def _agreement(table: Statistics, results: Results) -> list[str]:
    """The relations between the printed numbers themselves that do not hold, a sentence each."""
    done = checks(results.paper, table)
    broken = [check for check in done if not check.holds]
    if not broken:
        return [f"The printed numbers agree with one another ({len(done)} relations between them were tested)."]
    label = lambda name: results.paper.datasets[name].label  # noqa: E731
    return [
        f"{len(broken)} of {len(done)} relations between the printed numbers do not hold (`python -m experiments.audit "
        f"--paper={results.paper.name}`).",
        *(f"{label(check.dataset)}, as published: {check.text}." for check in broken),
    ]


def _other(value: float | None, cells: Mapping[str, Cell]) -> str:
    """A number of data that is not the paper's: as a percentage without its sign where the row is printed so."""
    like = next((cell for cell in cells.values() if cell.hundredths), None)
    return quantity(value) if like is None or value is None else like_printed(value, like)
