"""Checks the arithmetic of published tables: no data, no models, no runs.

    python -m experiments.audit                              every paper
    python -m experiments.audit --paper=sair --out=sair.md   one, and as Markdown too

For each row of results: can any ranking of one relevant item a user give these HR@k, NDCG@k and MRR? A linear
programme over the shares of users at each rank decides, with the rounding of every number allowed for. For each table
of data statistics: do averages, densities and counts agree with each other, with the filter that the text states, and
with the public file? A row that is impossible as printed is no target for a reproduction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from absl import flags
from rich.console import Console
from rich.table import Table as RichTable

from experiments import papers
from experiments.papers.consistency import checks
from experiments.papers.feasibility import contradictions, excess, of_a_ranking
from experiments.papers.schema import Cell, Paper
from experiments.reporting.document import Block, Bullets, Grid, Heading, Paragraph, Text
from experiments.reporting.markdown import to_markdown
from experiments.reporting.verdicts import averaged, impossible, list_length, printed_counts
from tf_utils import cli
from tf_utils.cli import UserError
from tf_utils.files import write_atomically

FLAGS = flags.FLAGS
flags.DEFINE_enum("paper", "", ("", *papers.NAMES), "The paper to check; empty: all of them.")
flags.DEFINE_string("out", "", "File to write the verdicts to as Markdown; empty: they are only printed.")

STYLES = {"bad": "red", "good": "green", "warn": "yellow", "muted": "dim", "strong": "bold"}
CONVENTION = (
    "A row is possible if some distribution of ranks, one relevant item a user, gives all its numbers to their "
    "rounding. A number alone cannot contradict itself."
)


@dataclass(frozen=True)
class Verdict:
    """A printed row of a table on one data set. numbers: how many of its cells a ranking decides."""

    table: str
    dataset: str
    row: str
    numbers: int
    possible: bool
    why: str = ""


def row_verdicts(paper: Paper) -> list[Verdict]:
    """Every printed row of the paper, each once: a table of ours may show again what another one has."""
    found, seen, tables = [], set(), list(paper.tables)
    items = printed_counts(paper, "items")
    for table, own in [(t, True) for t in tables] + [(t, False) for t in tables]:  # first the data sets that it shows
        for row in table.printed_rows():
            broken = impossible(row, table.protocol, items)
            for name, cells in row.published.items():
                wanted = of_a_ranking(cells)
                if not wanted or (name, row.label, wanted) in seen or (name in table.datasets) != own:
                    continue
                seen.add((name, row.label, wanted))
                why = reason(dict(wanted), list_length(table.protocol, items.get(name))) if name in broken else ""
                found.append(Verdict(table.title, name, row.label, len(wanted), name not in broken, why))
    return found


def reason(row: dict[str, Cell], length: int | None = None) -> str:
    """Why a row is impossible and by how much."""
    sentences = contradictions(row) or ["no two of its cut-offs contradict each other, all together do"]
    unit = 100.0 if any(cell.hundredths for cell in row.values()) else 1.0
    return f"{'; '.join(sentences)}. The nearest possible row is {unit * excess(row, length):.2g} off in a number"


def blocks(paper: Paper) -> list[Block]:
    """The paper's verdicts: impossible rows one by one, possible ones counted; then the data statistics."""
    label = lambda name: paper.datasets[name].label  # noqa: E731
    verdicts, rows = row_verdicts(paper), []
    for table, name in dict.fromkeys((v.table, v.dataset) for v in verdicts):
        here = [v for v in verdicts if (v.table, v.dataset) == (table, name)]
        rows += [
            (Text(table), Text(label(name)), Text(v.row), Text("impossible", "bad"), Text(v.why))
            for v in here
            if not v.possible
        ]
        tested, alone = (sum(v.possible and (v.numbers > 1) == many for v in here) for many in (True, False))
        if tested:
            rows.append((Text(table), Text(label(name)), Text(_rows(tested)), Text("possible", "good"), Text("")))
        if alone:
            rows.append((Text(table), Text(label(name)), Text(_rows(alone)), Text("one number", "muted"), Text("")))
    broken, tested = sum(not v.possible for v in verdicts), sum(v.numbers > 1 for v in verdicts)
    header = ("table", "data", "row", "verdict", "why")
    caption = f"Results: {broken} of {tested} rows with several numbers are impossible as printed"
    found: list[Block] = [Heading(2, paper.title, paper.name), Grid(header, tuple(rows), caption, numbers_from=5)]
    shares = dict.fromkeys(
        f"{label(n)}, {row} {cell.printed}" for table in paper.tables for n, row, cell in averaged(table, paper)
    )
    if shares:
        text = "hit ratios that no whole number of users gives (a mean over runs, or other users)"
        found.append(Bullets((f"{len(shares)} {text}: {'; '.join(shares)}",)))
    return found + statistics_blocks(paper)


def statistics_blocks(paper: Paper) -> list[Block]:
    """Every relation between the printed statistics that can be tested."""
    found: list[Block] = []
    for table in paper.statistics:
        done = checks(paper, table)
        words = {True: Text("agrees", "good"), False: Text("does not agree", "bad")}
        rows = tuple((Text(paper.datasets[c.dataset].label), words[c.holds], Text(c.text)) for c in done)
        caption = f"{table.title}: {sum(not c.holds for c in done)} of {len(done)} relations do not hold"
        found.append(Grid(("data", "verdict", "relation"), rows, caption, numbers_from=3))
    return found


def _rows(count: int) -> str:
    return f"{count} row{'s' if count > 1 else ''}"


def show(document: Sequence[Block], console: Console) -> None:
    """Prints blocks to a terminal."""
    for block in document:
        match block:
            case Heading(_, text, _):
                console.rule(text)
            case Paragraph(text, _):
                console.print(text, markup=False)
            case Bullets(items):
                for item in items:
                    console.print(f"* {item}", markup=False)
            case Grid(header, rows, caption):
                table = RichTable(*header, title=caption, title_justify="left")
                for row in rows:
                    table.add_row(*(f"[{STYLES[x.tone]}]{x.text}[/]" if x.tone else x.text for x in row))
                console.print(table)


def main(argv: Sequence[str]) -> None:
    del argv
    path = Path(FLAGS.out) if FLAGS.out else None
    if path and (path.is_dir() or not path.parent.is_dir()):
        raise UserError(f"--out={FLAGS.out}: give a file in a folder that exists, e.g. --out=audit.md")
    chosen = [papers.load(name) for name in papers.NAMES if FLAGS.paper in ("", name)]
    document: list[Block] = [Heading(1, "Arithmetic of the published tables", "audit"), Paragraph(CONVENTION)]
    document += [block for paper in chosen for block in blocks(paper)]
    show(document, Console())
    if path:
        write_atomically(path, to_markdown(tuple(document)))
        print(path)


if __name__ == "__main__":
    cli.run(main)
