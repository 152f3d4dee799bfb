"""Verdicts: a number against the published one, a claim over its findings, a model against its strongest rival."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.papers.consistency import PUBLIC
from experiments.papers.feasibility import feasible, share
from experiments.papers.schema import FAILS, HOLDS, UNTESTED, Cell, Claim, Finding, Key, Paper, Row, Table
from experiments.reporting.collect import Results
from experiments.reporting.sources import PRINTED, SYNTHETIC
from tf_utils import significance

WITHIN, ABOVE, BELOW = "within", "above", "below"
# Candidates a list, the target included.
SAMPLED = dict.fromkeys(("uniform100", "popularity100", "recbole_uni100", "cafe_released_pairing"), 101)


def number_verdict(ours: float, published: Cell, tolerance: float, relative: bool = False) -> str:
    """`within` if ours is at most `tolerance` (a share of the published number if `relative`) away, else the side.

    The rounding of the printed number is granted on top.
    """
    allowed = tolerance * abs(published.value) if relative else tolerance
    difference = ours - published.value
    if abs(difference) <= allowed + published.half_unit + 1e-12:
        return WITHIN
    return ABOVE if difference > 0 else BELOW


def list_length(protocol: str, items: int | None) -> int | None:
    """How many candidates a list has at most, the target included: the protocol's own, else the number of items."""
    return SAMPLED.get(protocol, items)


def impossible(row: Row, protocol: str, items: Mapping[str, int] | None = None) -> list[str]:
    """The data sets on which the printed row cannot come from any ranking.

    items: data set -> number of items, which bounds a list where the protocol itself does not.
    """
    items = items or {}
    return [n for n, cells in row.published.items() if not feasible(cells, list_length(protocol, items.get(n)))]


def printed_counts(paper: Paper, key: str) -> dict[str, int]:
    """{data set: count} as printed in the paper's tables of statistics, e.g. of `items`."""
    return {n: int(c.value) for t in paper.statistics for _, k, cells in t.rows if k == key for n, c in cells.items()}


def averaged(table: Table, paper: Paper) -> list[tuple[str, str, Cell]]:
    """(data set, label, cell) of every printed hit ratio that no whole number of users gives.

    Users: as many as are printed, or as the public file has (a printed count may include a padding id). One run on
    those users cannot print it: it is a mean over runs, or other users were counted. Holds for rows whose protocol
    evaluates every user once.
    """
    users = {n: {count, PUBLIC.get(n, {}).get("users", count)} for n, count in printed_counts(paper, "users").items()}
    cells = [(n, r.label, m, c) for r in table.printed_rows() for n, by in r.published.items() for m, c in by.items()]
    hits = [(n, label, c) for n, label, m, c in cells if m.startswith("HR@") and n in users]
    return [(n, label, c) for n, label, c in hits if not any(share(c, count) for count in users[n])]


@dataclass(frozen=True)
class Decision:
    """A claim's overall verdict, in words, and what it rests on. noise: other runs could turn it: it does not hold only
    within noise, or holds so somewhere."""

    verdict: str
    summary: str
    findings: tuple[Finding, ...]
    noise: bool = False

    @property
    def words(self) -> str:
        return self.verdict + (", within noise" if self.noise else "")


def decide(claim: Claim, results: Results) -> Decision:
    """A claim holds if it holds on every real data set where it was tested; on synthetic ones if there is no real one.

    The paper's own printed table is shown, and decides nothing.
    """
    results.begin()
    findings = tuple(claim.test(results))
    measured = [f for f in findings if f.kind != PRINTED]
    real = [f for f in measured if f.kind != SYNTHETIC]
    deciding = real or measured
    if not deciding:
        return Decision(UNTESTED, "the runs of this profile do not answer it", findings)
    held = sum(f.verdict == HOLDS for f in deciding)
    kind = "real data" if real else "synthetic data only"
    noise = sum(bool(f.noise) for f in deciding)
    unfinished = sum(bool(f.unfinished) for f in deciding)
    summary = f"{kind}: holds in {held} of {len(deciding)} finding" + ("" if len(deciding) == 1 else "s")
    summary += f", {noise} within noise" if noise else ""
    summary += f", {unfinished} on unfinished runs" if unfinished else ""
    against = [finding for finding in deciding if finding.verdict != HOLDS]
    unsure = all(f.noise for f in against) if against else any(f.noise for f in deciding)
    return Decision(FAILS if against else HOLDS, summary, findings, unsure)


@dataclass(frozen=True)
class Contest:
    """One row against another on one data set and metric; p_holm is corrected over all comparisons shown together."""

    dataset: str
    metric: str
    row: str
    rival: str
    result: significance.Comparison
    p_holm: float


def contests(table: Table, results: Results, datasets: Sequence[str]) -> list[Contest]:
    """The subject against the strongest other row, and the strongest of the paper's own rows if that is another one.

    Strongest: by the mean of the metric at hand. Only rows with ranks take part, and none until one of the paper's own
    rivals was run.
    """
    subject = next(row for row in table.rows if row.label == table.subject)
    found = []
    for dataset in datasets:
        for metric in table.metrics:
            for rival in _rivals(table, results, dataset, metric, subject):
                result = results.compare(dataset, subject.key, rival.key, table.protocol, metric)
                if result is not None:
                    found.append((dataset, metric, subject.label, rival.label, result))
    return _corrected(found)


def pair_contests(table: Table, results: Results, datasets: Sequence[str]) -> list[Contest]:
    """The rows of `table.pairs` against each other, where both have ranks."""
    rows = {row.label: row for row in table.rows}
    found = []
    for dataset in datasets:
        for metric in table.metrics:
            for a, b in table.pairs:
                result = results.compare(dataset, rows[a].key, rows[b].key, table.protocol, metric)
                if result is not None:
                    found.append((dataset, metric, a, b, result))
    return _corrected(found)


def _corrected(found: Sequence[tuple]) -> list[Contest]:
    adjusted = significance.holm({index: contest[-1].p for index, contest in enumerate(found)})
    return [Contest(*contest, adjusted[index]) for index, contest in enumerate(found)]


def _rivals(table: Table, results: Results, dataset: str, metric: str, subject: Row) -> list[Row]:
    def mean(row: Row) -> float:
        return results.estimate(dataset, row.key, table.protocol, metric).mean

    def canonical(row: Row) -> Key:
        return results.key(dataset, row.key)

    if results.estimate(dataset, subject.key, table.protocol, metric) is None:
        return []
    rows = [
        row
        for row in table.rows
        if canonical(row) != canonical(subject)
        and not (row.aside and row.model == subject.model)  # another form of the paper's own model
        and results.estimate(dataset, row.key, table.protocol, metric)
    ]
    own = [row for row in rows if not row.extra]
    best = [max(group, key=mean) for group in (rows, own) if own]  # of counting models alone none is a rival
    return [row for index, row in enumerate(best) if row not in best[:index]]
