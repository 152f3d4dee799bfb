"""Tests of SINE's claims that are no plain ordering of a table's rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from scipy.stats import mannwhitneyu

from experiments.inspection.recent import WINDOW
from experiments.papers.claim_tests import (
    Test,
    Where,
    any_of,
    everywhere,
    ordering,
    over_best,
    p_text,
    places,
    verdict,
    within_noise,
)
from experiments.papers.group_tests import across
from experiments.papers.recent import facts, hits
from experiments.papers.schema import Finding, Key
from experiments.papers.sine_data import MOVIELENS, movies, shopping
from experiments.papers.sweep_tests import shown, swept


def both(higher: Sequence[Key], lower: Sequence[Key], significant: bool = False) -> Test:
    """An ordering on all metrics of Table 1, on MovieLens and in the shops."""
    return any_of(
        ordering("table1", higher, lower, where=movies, significant=significant),
        ordering("table1-shops", higher, lower, where=shopping, significant=significant),
    )


def comparable(table: str, key: Key, rivals: Sequence[Key], where: Where, share: float = 0.9) -> Test:
    """`key` has at least `share` of the best rival, on every metric of the table."""

    def test(results) -> list[Finding]:
        findings, metrics = [], results.paper.table(table).metrics
        for source, dataset in places(results, table, where):
            gains = {m: over_best(source, dataset, key, rivals, m) for m in metrics}
            if None in gains.values():
                continue
            told = "of the best rival: " + ", ".join(f"{m} {100 + 100 * x:.1f}%" for m, x in gains.items())
            # Both sides of a printed ratio are rounded.
            findings.append(source.finding(dataset, verdict(1 + min(gains.values()) >= share - 5e-4), told))
        return findings

    return test


def generally(table: str, higher: Sequence[Key], lower: Sequence[Key], where: Where, share: float = 0.75) -> Test:
    """The comparisons of `higher` with `lower`, metric by metric, are won in at least `share` of all."""

    def test(results) -> list[Finding]:
        findings, metrics = [], results.paper.table(table).metrics
        for source, dataset in places(results, table, where):
            pairs = [
                (source.estimate(dataset, a, m), source.estimate(dataset, b, m))
                for a, b, m in product(higher, lower, metrics)
            ]
            if any(None in pair for pair in pairs):
                continue
            won = sum(a.mean > b.mean for a, b in pairs)
            told = f"{won} of {len(pairs)} comparisons won"
            findings.append(source.finding(dataset, verdict(won >= share * len(pairs)), told))
        return findings

    return test


def more_in_shops(key: Key, rivals: Sequence[Key], metric: str = "HR@50") -> Test:
    """The share by which `key` is above the best of `rivals` is larger on each shopping data set than on MovieLens."""

    def of(source, names):
        movie, *found = (over_best(source, name, key, rivals, metric) for name in (MOVIELENS, *names))
        gains = {name: gain for name, gain in zip(names, found, strict=True) if gain is not None}
        if movie is None or not gains:
            return None
        told = ", ".join(f"{source.place(n)} {100 * g:+.1f}%" for n, g in gains.items())
        return min(gains.values()) > movie, f"{metric}: MovieLens {100 * movie:+.1f}%, {told}", gains

    return across("table1-shops", of, shopping, beside=(MOVIELENS,))


def stable(figure: str, around: Sequence[float], most: float = 0.05) -> Test:
    """Over the values `around`, the metric's range is at most `most` of its maximum there."""

    def test(results) -> list[Finding]:
        findings, drawn = [], results.paper.figure(figure)
        for source, dataset, values in swept(results, figure, drawn.lines[0]):
            near = [values[v] for v in around if v in values]
            if len(near) == len(around) and max(near) > 0:
                spread = (max(near) - min(near)) / max(near)
                told = f"range {100 * spread:.1f}% around {around[len(around) // 2]}; {shown(values, drawn)}"
                findings.append(source.finding(dataset, verdict(spread <= most), told))
        return findings

    return test


def numbers(table: str, keys: Sequence[Key], names: Sequence[str], holds, where: Where = everywhere) -> Test:
    """`holds(*values)` for the numbers `names` that runs keep, for each of `keys`."""

    def test(results) -> list[Finding]:
        findings = []
        for source, dataset in places(results, table, where):
            for key in keys:
                found = [source.estimate(dataset, key, name) for name in names]
                if None not in found:
                    values = ", ".join(f"{name} {e.mean:.3f}" for name, e in zip(names, found, strict=True))
                    told = f"{results.label(key, table)}: {values}"
                    findings.append(source.finding(dataset, verdict(holds(*(e.mean for e in found))), told))
        return findings

    return test


def closest(table: str, keys: Sequence[Key], names: Sequence[str], wanted: str, by_chance: Sequence[str]) -> Test:
    """Of the numbers `names`, `wanted` is the greatest once what chance gives (`by_chance`, in the same order) is taken
    off. A printed table tells no chance: its numbers stand as they are."""

    def test(results) -> list[Finding]:
        findings = []
        for source, dataset in places(results, table):
            for key in keys:
                found, chance = ([source.estimate(dataset, key, n) for n in each] for each in (names, by_chance))
                known = None not in chance
                if None in found or not (known or source.kind(dataset) == "published"):
                    continue
                values = {n: e.mean for n, e in zip((*names, *by_chance), (*found, *chance), strict=True) if e}
                above = {n: values[n] - values.get(c, 0.0) for n, c in zip(names, by_chance, strict=True)}
                told = ", ".join(f"{name} {value:.3f}" for name, value in values.items())
                holds = verdict(above[wanted] == max(above.values()))
                findings.append(source.finding(dataset, holds, f"{results.label(key, table)}: {told}"))
        return findings

    return test


def _figure_1(results, key: Key, where: Where):
    figure, source = results.paper.figure("figure1"), results.measured("figure1")
    for dataset in figure.datasets:
        if dataset in source.datasets and where(results.paper.datasets[dataset]):
            found = hits(results, figure, dataset, key)
            if found is not None:
                yield source, dataset, figure.metric, found


def inside_easier(key: Key, where: Where = everywhere) -> Test:
    """Figure 1, left: the hit ratio is higher where an item like the target is among the recent ones."""

    def test(results) -> list[Finding]:
        findings = []
        for source, dataset, metric, found in _figure_1(results, key, where):
            near, far = found.hits[found.inside], found.hits[~found.inside]
            if len(near) and len(far):
                p = _p(near, far)
                told = f"{metric}: In {near.mean():.4f} of {len(near)} users, Out {far.mean():.4f} of {len(far)}"
                holds = verdict(near.mean() > far.mean())
                findings.append(source.finding(dataset, holds, told + p_text(p), within_noise(p)))
        return findings

    return test


def frequent_easier(key: Key, where: Where = everywhere) -> Test:
    """Figure 1, right: hits have more similar items among the recent ones than misses."""

    def test(results) -> list[Finding]:
        findings = []
        for source, dataset, metric, found in _figure_1(results, key, where):
            of_hits, of_misses = found.mean_similar()
            if np.isfinite(of_hits) and np.isfinite(of_misses):
                likely = found.hits > found.hits.mean()
                p = _p(found.similar[likely], found.similar[~likely])
                told = f"similar items, mean: {of_hits:.2f} of hits, {of_misses:.2f} of misses ({metric})"
                findings.append(
                    source.finding(dataset, verdict(of_hits > of_misses), told + p_text(p), within_noise(p))
                )
        return findings

    return test


def _p(first: np.ndarray, second: np.ndarray) -> float | None:
    """Two-sided Mann-Whitney test; None where one side is empty or nothing varies."""
    if not len(first) or not len(second) or np.ptp(np.concatenate([first, second])) == 0:
        return None
    return float(mannwhitneyu(first, second).pvalue)


def diverse(where: Where, about: float = 10, off: float = 2.5) -> Test:
    """The mean number of categories among the last fifty events is within `off` of `about`.

    Asked where users have at least four fifths of the fifty on average: fewer events are of fewer categories.
    """

    def test(results) -> list[Finding]:
        figure, source, findings = results.paper.figure("figure1"), results.measured("figure1"), []
        for dataset in figure.datasets:
            if dataset in source.datasets and where(results.paper.datasets[dataset]):
                known = facts(results, figure, dataset)
                if known is not None and known.events.mean() >= 0.8 * WINDOW:
                    mean, events = known.categories.mean(), known.events.mean()
                    told = f"mean {mean:.2f} categories in {events:.1f} events of {len(known.users)} users"
                    findings.append(source.finding(dataset, verdict(abs(mean - about) <= off), told))
        return findings

    return test
