"""Tests of claims that several data sets answer together: usually, no clear winner, dense against sparse; and places.

Real data, synthetic data and the paper's own printed tables are told apart: one finding for each kind.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from experiments.papers.claim_tests import Test, Where, everywhere, ordering, places, verdict
from experiments.papers.schema import HOLDS, Finding, Key

MANY = 3  # data sets that a claim about most or some of them needs
_KINDS = (("same data", "stand-in"), ("synthetic",), ("published",))


def usually(test: Test) -> Test:
    """`test` holds on more than half of the data sets, of which there must be `MANY`.

    One finding each for real, synthetic and printed ones. Noise: whether those within noise, all held or all lost,
    would decide otherwise.
    """

    def counted(results) -> list[Finding]:
        findings = []
        for group in _by_kind(test(results)):
            if len(group) < MANY:
                continue
            held = sum(finding.verdict == HOLDS for finding in group)
            unsure = [finding.verdict == HOLDS for finding in group if finding.noise]
            least, most = held - sum(unsure), held + len(unsure) - sum(unsure)
            noise = (2 * least > len(group)) != (2 * most > len(group))
            lost = [finding.where for finding in group if finding.verdict != HOLDS]
            evidence = f"on {held} of {len(group)}" + (f"; not on {', '.join(lost)}" if lost else "")
            findings.append(_joint(group, verdict(2 * held > len(group)), evidence, noise))
        return findings

    return counted


def no_clear_winner(table: str, a: Key, b: Key, metric: str, share: float = 2 / 3) -> Test:
    """Neither of `a` and `b` is ahead on more than `share` of the data sets, of which there must be `MANY`.

    A lead within noise is nobody's; noise: whether all of these to one of the two would refute it.
    """

    def test(results) -> list[Finding]:
        findings = []
        names = [results.label(key, table) for key in (a, b)]
        for group in _by_kind(ordering(table, [a], [b], [metric])(results)):
            clear = [finding.verdict == HOLDS for finding in group if not finding.noise]
            won, lost, unclear = sum(clear), len(clear) - sum(clear), len(group) - len(clear)
            evidence = f"{metric}: {names[0]} ahead on {won}, {names[1]} on {lost}"
            evidence += f", within noise on {unclear}" if unclear else ""
            if len(group) >= MANY:
                most, allowed = max(won, lost), share * len(group) + 1e-9
                noise = most <= allowed < most + unclear
                findings.append(_joint(group, verdict(most <= allowed), evidence, noise))
        return findings

    return test


def place(source, dataset: str, key: Key, keys: Sequence[Key], metric: str) -> int | None:
    """1 for the best of `keys` by the mean of `metric`; None if one of them was not run."""
    estimates = {other: source.estimate(dataset, other, metric) for other in (*keys, key)}
    if None in estimates.values():
        return None
    return 1 + sum(estimate.mean > estimates[key].mean for estimate in estimates.values())


def placed(table: str, key: Key, keys: Sequence[Key], metric: str, among: Collection[int], where: Where) -> Test:
    """The place of `key` among `keys` (1: the best) is one of `among`."""

    def test(results) -> list[Finding]:
        findings = []
        for source, dataset in places(results, table, where):
            found = place(source, dataset, key, keys, metric)
            if found is not None:
                evidence = f"{results.label(key, table)} is number {found} of {len({*keys, key})} by {metric}"
                findings.append(source.finding(dataset, verdict(found in among), evidence))
        return findings

    return test


def across(
    table: str,
    of: Callable[[object, list[str]], tuple[bool, str, Collection[str]] | None],
    where: Where = everywhere,
    beside: Sequence[str] = (),
) -> Test:
    """One finding each on all real, all synthetic and all printed data sets: `of(source, names)` -> (holds, evidence,
    the names that the answer rests on).

    of: None where the data sets cannot answer.  beside: data sets that the answer rests on too.
    """

    def test(results) -> list[Finding]:
        findings = []
        for source in results.sources(table):
            for kinds in _KINDS:
                names = [n for n in source.datasets if where(results.paper.datasets[n]) and source.kind(n) in kinds]
                answer = of(source, names) if names else None
                if answer is not None:
                    holds, evidence, used = answer
                    read = [n for n in source.datasets if n in {*used, *beside}]
                    findings.append(_joint([source.finding(n, HOLDS, "") for n in read], verdict(holds), evidence))
        return findings

    return test


def _by_kind(findings: Sequence[Finding]) -> Iterator[list[Finding]]:
    for kinds in _KINDS:
        group = [finding for finding in findings if finding.kind in kinds]
        if group:
            yield group


def _joint(group: Sequence[Finding], decided: str, evidence: str, noise: bool | None = None) -> Finding:
    """One finding on the data sets of a group."""
    kinds = {finding.kind for finding in group}
    where = ", ".join(dict.fromkeys(finding.where for finding in group))
    kind = kinds.pop() if len(kinds) == 1 else "stand-in"
    return Finding(decided, evidence, where, kind, noise, sum(finding.unfinished for finding in group))
