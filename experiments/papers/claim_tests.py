"""Tests that claims of any paper can use: orderings and gains between rows of a table, on every data set that has them.

Each function returns a test: collected results -> findings, one a data set. A test reads the measured results and, as a
check on the paper itself, its own printed table. It decides by the means; whether that is beyond noise is told apart
(p < 0.05, two-sided, unadjusted; tf_utils/significance.py): a refuted ordering, if any of the lost comparisons is; a
confirmed one, if all are. With rows missing, an ordering can be refuted but not confirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product

from experiments.papers.schema import FAILS, HOLDS, DataSet, Finding, Key

ALPHA = 0.05
ROUNDED = 0.05  # printed per cents are: 4.8 is met by 4.75 and above
Where = Callable[[DataSet], bool]
Test = Callable[[object], list[Finding]]


def everywhere(_: DataSet) -> bool:
    return True


def places(results, table: str, where: Where = everywhere) -> Iterator[tuple[object, str]]:
    """(source, data set) for every data set of the measured and of the printed results that `where` admits."""
    for source in results.sources(table):
        for name in source.datasets:
            if where(results.paper.datasets[name]):
                yield source, name


def ordering(
    table: str,
    higher: Sequence[Key],
    lower: Sequence[Key],
    metrics: Sequence[str] = (),
    where: Where = everywhere,
    significant: bool = False,
) -> Test:
    """Every one of `higher` above every one of `lower`, on every metric (default: the table's).

    significant: where per-user ranks are at hand, the difference must also be beyond noise.
    """

    def test(results) -> list[Finding]:
        findings = []
        names = metrics or results.paper.table(table).metrics
        for source, dataset in places(results, table, where):
            pairs = []
            complete = True
            for a, b, metric in product(higher, lower, names):
                first, second = source.estimate(dataset, a, metric), source.estimate(dataset, b, metric)
                if first is None or second is None:
                    complete = False
                else:
                    pairs.append((first.mean - second.mean, first.mean, second.mean, a, b, metric))
            lost = [pair for pair in pairs if pair[0] <= 0]
            if not pairs or not (complete or lost):
                continue
            # The comparison that decides: the surest of the losses, or the least sure of the leads.
            ps = {pair: source.p_value(dataset, *pair[3:]) for pair in lost or pairs}
            known = [pair for pair in ps if ps[pair] is not None]
            deciding = min(known, key=lambda pair: (ps[pair] if lost else -ps[pair], pair[0])) if known else min(ps)
            noise = None if None in ps.values() else ps[deciding] > ALPHA
            _, x, y, a, b, metric = deciding
            p = ps[deciding]
            evidence = (
                f"{metric}: {results.label(a, table)} {x:.4f}, {results.label(b, table)} {y:.4f}{p_text(p)}; "
                + (
                    f"{len(lost)} of {len(pairs)} comparisons lost"
                    if lost
                    else f"least sure of {len(pairs)} leads"
                    if known
                    else f"narrowest of {len(pairs)} leads"
                )
            )
            holds = not lost and not (significant and noise)
            findings.append(source.finding(dataset, HOLDS if holds else FAILS, evidence, noise))
        return findings

    return test


def gain(table: str, subject: Key, rivals: Sequence[Key], least: dict[str, float], where: Where = everywhere) -> Test:
    """`subject` above the best of `rivals` by at least `least[metric]` per cent of the rival, on each metric named.

    Noise: of the distance from that threshold, on the metric that is met least surely or missed most surely.
    """

    def test(results) -> list[Finding]:
        findings = []
        for source, dataset in places(results, table, where):
            gains, ps = {}, {}
            for metric in least:
                own = source.estimate(dataset, subject, metric)
                others = {rival: source.estimate(dataset, rival, metric) for rival in rivals}
                if own is None or None in others.values():
                    break
                best = max(others, key=lambda rival: others[rival].mean)
                mean = others[best].mean
                gains[metric] = 100 * (own.mean / mean - 1) if mean > 0 else float("inf")
                ps[metric] = source.p_value(dataset, subject, best, metric, 1 + (least[metric] - ROUNDED) / 100)
            else:
                missed = [metric for metric in least if gains[metric] < least[metric] - ROUNDED]
                deciding = [ps[metric] for metric in missed or least]
                noise = None if None in deciding else (min(deciding) if missed else max(deciding)) > ALPHA
                evidence = ", ".join(f"{metric} {value:+.1f}%" for metric, value in gains.items())
                findings.append(source.finding(dataset, FAILS if missed else HOLDS, evidence, noise))
        return findings

    return test


def over_best(source, dataset: str, key: Key, rivals: Sequence[Key], metric: str) -> float | None:
    """By what share `key` is above the best of `rivals`; None where one is missing or the best is 0."""
    own, *others = (source.estimate(dataset, each, metric) for each in (key, *rivals))
    best = 0.0 if None in others else max(other.mean for other in others)
    return own.mean / best - 1 if own is not None and best > 0 else None


def gain_falls(
    table: str,
    key: Key,
    rivals: Sequence[Key],
    metrics: Sequence[str],
    where: Where = everywhere,
    ahead: bool = False,
) -> Test:
    """The share by which `key` is above the best of `rivals` falls from each metric to the next.

    ahead: it must also be above it on every one.
    """

    def test(results) -> list[Finding]:
        findings = []
        for source, dataset in places(results, table, where):
            gains = [over_best(source, dataset, key, rivals, metric) for metric in metrics]
            if None in gains:
                continue
            told = ", ".join(f"{m} {100 * gain:+.1f}%" for m, gain in zip(metrics, gains, strict=True))
            falls = all(a > b for a, b in zip(gains, gains[1:], strict=False))
            holds = falls and (min(gains) > 0 or not ahead)
            findings.append(source.finding(dataset, verdict(holds), f"over the best rival: {told}"))
        return findings

    return test


def loss(table: str, subject: Key, rival: Key, metrics: Sequence[str], where: Where = everywhere) -> Test:
    """`subject` below `rival` on every one of `metrics`; the evidence gives the loss in per cent."""
    below = ordering(table, [rival], [subject], metrics, where)

    def test(results) -> list[Finding]:
        found = {(finding.kind, finding.where): finding for finding in below(results)}
        findings = []
        for source, dataset in places(results, table, where):
            finding = found.get((source.kind(dataset), source.place(dataset)))
            if finding is None:
                continue
            losses = {metric: over_best(source, dataset, subject, [rival], metric) for metric in metrics}
            told = ", ".join(f"{metric} {100 * share:+.1f}%" for metric, share in losses.items() if share is not None)
            findings.append(source.finding(dataset, finding.verdict, told, finding.noise))
        return findings

    return test


def any_of(*tests: Test) -> Test:
    """The findings of several tests, one after the other; the paper's own table is told once for each data set."""

    def test(results) -> list[Finding]:
        findings = [finding for each in tests for finding in each(results)]
        told = [(f.where, f.verdict) if f.kind == "published" else None for f in findings]
        return [f for i, f in enumerate(findings) if told[i] is None or told[i] not in told[:i]]

    return test


def p_text(p: float | None) -> str:
    return "" if p is None else " (p < 0.001)" if p < 0.001 else f" (p = {p:.3f})"


def within_noise(p: float | None) -> bool | None:
    """Whether a difference of this p-value is; None without one."""
    return None if p is None else p > ALPHA


def verdict(holds: bool) -> str:
    return HOLDS if holds else FAILS
