"""One row of a table against another, user by user: the subject against its strongest rival, and named pairs."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.papers.schema import Table
from experiments.reporting.collect import Results
from experiments.reporting.document import Block, Grid, Heading, Paragraph, Text
from experiments.reporting.headings import profile_mark
from experiments.reporting.numbers import p_value
from experiments.reporting.verdicts import Contest, contests, pair_contests

_TEST = (
    "Each user's metric is averaged over seeds. p, two-sided, is the greater of a sign-flip test over users (10,000 "
    "draws) and, where a row has several seeds, Welch's t with the variance between seeds beside that between users; "
    "the 95% interval likewise. Where both rows have one seed, it is about these two runs: other seeds would differ "
    "by more. Holm's correction over these {count} comparisons."
)


def contest_blocks(table: Table, results: Results) -> list[Block]:
    """Nothing where no data set has the ranks of both rows."""
    names = [name for name in table.datasets if name in results.datasets]
    mark = profile_mark(results)
    blocks: list[Block] = []
    found = contests(table, results, names) if table.subject else []
    if found:
        text = f"{table.subject} against its strongest rival"
        header = ("data", "metric", "strongest rival", "difference", "95% interval", "p", "p, Holm", "users", "reading")
        rival = (
            " The rival is the row with the highest mean on that metric, and the highest of the paper's own rows where "
            'that is another one; that it was picked by the same numbers makes "behind" easier than p says.'
        )
        rows = tuple(_row(contest, results) for contest in found)
        blocks += [
            Heading(3, text + mark, f"{table.id}-rivals"),
            Paragraph(_TEST.format(count=len(found)) + rival, "note"),
            Grid(header, rows, f"{table.title}: {text}{mark}"),
        ]
    found = pair_contests(table, results, names)
    if found:
        header = ("data", "metric", "row", "against", "difference", "95% interval", "p", "p, Holm", "users", "reading")
        rows = tuple(_row(contest, results, Text(contest.row)) for contest in found)
        blocks += [
            Heading(3, f"Row against row{mark}", f"{table.id}-pairs"),
            Paragraph(_TEST.format(count=len(found)), "note"),
            Grid(header, rows, f"{table.title}: row against row{mark}"),
        ]
    return blocks


def _row(contest: Contest, results: Results, *row: Text) -> Sequence[Text]:
    result = contest.result
    if contest.p_holm > 0.05:
        reading = Text("within noise", "muted")
    else:
        reading = Text("ahead", "good") if result.difference > 0 else Text("behind", "bad")
    return (
        Text(results.place(contest.dataset)),
        Text(contest.metric),
        *row,
        Text(contest.rival),
        Text(f"{result.difference:+.4f}"),
        Text(f"{result.low:+.4f} to {result.high:+.4f}"),
        Text(p_value(result.p)),
        Text(p_value(contest.p_holm)),
        Text(f"{result.users:,}"),
        reading,
    )
