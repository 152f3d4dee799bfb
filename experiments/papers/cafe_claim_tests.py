"""Tests of CAFE's claims that are no plain ordering of a table's rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

import numpy as np
from scipy.stats import spearmanr

from experiments.papers.claim_tests import Test, Where, everywhere, over_best, p_text, places, verdict, within_noise
from experiments.papers.gains import gains
from experiments.papers.group_tests import across
from experiments.papers.schema import FAILS, KEPT, Finding, Key
from experiments.papers.scopes import of_users
from experiments.papers.sweep_tests import at
from tf_utils import significance

PAIRED = "cafe_released_pairing"


def mean_gain(table: str, key: Key, rivals: Sequence[Key], metric: str, least: float, where: Where) -> Test:
    """The gain over the best rival, averaged over the data sets, is at least `least` (a share)."""

    def of(source, names):
        found = {name: over_best(source, name, key, rivals, metric) for name in names}
        found = {name: share for name, share in found.items() if share is not None}
        if not found:
            return None
        told = ", ".join(f"{source.place(name)} {100 * share:+.1f}%" for name, share in found.items())
        mean = fmean(found.values())
        # Printed numbers are rounded.
        return mean >= least - 5e-4, f"{metric}: mean {100 * mean:+.1f}% ({told})", found

    return across(table, of, where)


def smaller_gains(
    table: str, small: Sequence[tuple[Key, Key]], large: tuple[Key, Key], metric: str, where: Where = everywhere
) -> Test:
    """Each of `small` (a model over another) gains less than `large` does."""

    def test(results) -> list[Finding]:
        findings = []
        for source, dataset in places(results, table, where):
            shares = [over_best(source, dataset, a, [b], metric) for a, b in (*small, large)]
            if None not in shares:
                told = ", ".join(
                    f"{results.label(a, table)} over {results.label(b, table)} {100 * share:+.1f}%"
                    for (a, b), share in zip((*small, large), shares, strict=True)
                )
                findings.append(source.finding(dataset, verdict(max(shares[:-1]) < shares[-1]), f"{metric}: {told}"))
        return findings

    return test


def step_ups(
    table: str, larger: Sequence[tuple[Key, Key]], smaller: Sequence[tuple[Key, Key]], where: Where = everywhere
) -> Test:
    """On every metric, each step of `larger` (a row minus another) adds more than each of `smaller`."""

    def test(results) -> list[Finding]:
        findings, metrics = [], results.paper.table(table).metrics
        for source, dataset in places(results, table, where):
            steps = {m: [_difference(source, dataset, pair, m) for pair in (*larger, *smaller)] for m in metrics}
            if any(None in found for found in steps.values()):
                continue
            holds = all(min(found[: len(larger)]) > max(found[len(larger) :]) for found in steps.values())
            first = steps[metrics[0]]
            told = ", ".join(
                f"{results.label(a, table)} minus {results.label(b, table)} {value:+.4f}"
                for (a, b), value in zip((*larger, *smaller), first, strict=True)
            )
            findings.append(source.finding(dataset, verdict(holds), f"{metrics[0]}: {told}"))
        return findings

    return test


def _difference(source, dataset: str, pair: tuple[Key, Key], metric: str) -> float | None:
    a, b = (source.estimate(dataset, key, metric) for key in pair)
    return None if a is None or b is None else a.mean - b.mean


def gain_at(figure: str, value, holds: Callable[[float], bool]) -> Test:
    """`holds` for the gain of a figure at one value of its parameter."""

    def of(drawn, found):
        return holds(found[value]) if value in found else None

    return _gains(figure, of)


def falls(figure: str) -> Test:
    """The gain at the smallest value is above that at the largest, and falls in rank correlation over all."""

    def of(drawn, found):
        if len(found) < 3:
            return None
        ends_lower = found[min(found)] > found[max(found)]
        return bool(ends_lower and spearmanr(list(found), list(found.values())).statistic < 0)

    return _gains(figure, of)


def _gains(figure: str, of) -> Test:
    def test(results) -> list[Finding]:
        findings, drawn, source = [], results.paper.figure(figure), results.measured(figure)
        for dataset in (name for name in drawn.datasets if name in source.datasets):
            found = gains(source, drawn, dataset)
            holds = of(drawn, found)
            if holds is not None:
                told = ", ".join(f"{value}: {100 * share:+.1f}%" for value, share in found.items())
                told = f"gain in {drawn.metric} by {drawn.parameter_label}: {told}"
                findings.append(source.finding(dataset, verdict(holds), told))
        return findings

    return test


def newer_when_sparse(figure: str) -> Test:
    """The newest query attends to newer events, against even attention, at the figure's first value than at its last.

    Asked of the users that both have; sign-flip test over them.
    """

    def test(results) -> list[Finding]:
        findings, drawn, source = [], results.paper.figure(figure), results.measured(figure)
        for dataset in (name for name in drawn.datasets if name in source.datasets):
            for line in drawn.lines:
                sparse, dense = (
                    of_users(results, dataset, at(drawn, line, v), "scope.age")
                    for v in (drawn.values[0], drawn.values[-1])
                )
                both = sorted(sparse.keys() & dense.keys())
                if not both:
                    continue
                one, two = (np.array([age[label] for label in both]) for age in (sparse, dense))
                p = significance.sign_flip_test(two - one)
                told = f"age: sparse {one.mean():.3f}, dense {two.mean():.3f} of even attention's, {len(both)} users"
                findings.append(
                    source.finding(dataset, verdict(one.mean() < two.mean()), told + p_text(p), within_noise(p))
                )
        return findings

    return test


def kept(figure: str, names: Sequence[str], holds: Callable[..., bool]) -> Test:
    """`holds` for numbers that the runs of a figure's first line keep."""

    def test(results) -> list[Finding]:
        findings, drawn, source = [], results.paper.figure(figure), results.measured(figure)
        key = Key(drawn.lines[0].model, drawn.lines[0].variant)
        for dataset in (name for name in drawn.datasets if name in source.datasets):
            found = [results.estimate(dataset, key, KEPT, name) for name in names]
            if None not in found:
                told = "; ".join(f"{name} {e.mean:.3f}" for name, e in zip(names, found, strict=True))
                findings.append(source.finding(dataset, verdict(holds(*(e.mean for e in found))), told))
        return findings

    return test


def between(table: str, key: Key, metric: str, low: float, high: float) -> Test:
    """The mean of the metric is in [low, high]."""

    def test(results) -> list[Finding]:
        findings = []
        for source, dataset in places(results, table):
            found = source.estimate(dataset, key, metric)
            if found is not None:
                told = f"{results.label(key, table)}, {metric} {found.mean:.4f}"
                findings.append(source.finding(dataset, verdict(low <= found.mean <= high), told))
        return findings

    return test


def denser(statistics: str, items: str = "items", intents: str = "categories", least: float = 10.0) -> Test:
    """There are at least `least` times as many items as intents."""

    def test(results) -> list[Finding]:
        findings = []
        for source, dataset in places(results, statistics):
            counts = [source.statistic(dataset, name) for name in (items, intents)]
            if None not in counts and counts[1]:
                told = f"{counts[0]:,.0f} items, {counts[1]:,.0f} intents: {counts[0] / counts[1]:.1f} items an intent"
                findings.append(source.finding(dataset, verdict(counts[0] >= least * counts[1]), told))
        return findings

    return test


def pairing_worth(table: str, keys: Sequence[Key], metric: str, holds: Callable[[float, float], bool]) -> Test:
    """`holds(own, released)` for each of `keys`: the metric with own intents and under the released pairing.

    With a key missing, a data set can refute it but not confirm it.
    """

    def test(results) -> list[Finding]:
        findings = []
        source = results.sources(table)[0]
        for dataset in source.datasets:
            there = []
            for key in keys:
                own, released = source.estimate(dataset, key, metric), results.estimate(dataset, key, PAIRED, metric)
                if own is not None and released is not None:
                    told = f"{results.label(key, table)}, {metric}: own intents {own.mean:.4f}, released pairing "
                    told += f"{released.mean:.4f}"
                    there.append(source.finding(dataset, verdict(holds(own.mean, released.mean)), told))
            if len(there) == len(keys) or any(f.verdict == FAILS for f in there):
                findings += there
        return findings

    return test
