"""Tests of SAIR's claims that are no plain ordering of a table's rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from experiments.papers.claim_tests import ROUNDED, Test, Where, over_best, p_text, places, verdict, within_noise
from experiments.papers.group_tests import across
from experiments.papers.sair_data import ANIME, ARTEFACT, ordered
from experiments.papers.schema import HOLDS, Finding, Key
from tf_utils import significance


def by_id_order(test: Test) -> Test:
    """The same findings; what rests on Anime says that its order is no time (ledger R22)."""

    def marked(results) -> list[Finding]:
        label = results.paper.datasets[ANIME].label
        return [replace(f, evidence=f"{f.evidence} [{ARTEFACT}]") if label in f.where else f for f in test(results)]

    return marked


def gain_with_categories(table: str, key: Key, rival: Key, metric: str) -> Test:
    """Over the data sets, in the order of their numbers of categories, the gain over `rival` rises and is positive."""

    def of(source, names):
        known = [(source.statistic(n, "categories"), over_best(source, n, key, [rival], metric), n) for n in names]
        known = sorted(each for each in known if None not in each)
        if len(known) < 2:
            return None
        gains = [gain for _, gain, _ in known]
        told = ", ".join(f"{source.place(n)} ({count:.0f} categories) {100 * g:+.1f}%" for count, g, n in known)
        holds = gains[0] < gains[-1] and gains[-1] > 0 and all(a <= b for a, b in zip(gains, gains[1:], strict=False))
        return holds, f"{metric}: {told}", [n for _, _, n in known]

    return across(table, of, ordered)


def drop(table: str, key: Key, variant: Key, metric: str, least: float, where: Where) -> Test:
    """`variant` has at least `least` per cent less than `key`. Noise: of the distance from that."""

    def test(results) -> list[Finding]:
        findings = []
        for source, dataset in places(results, table, where):
            gain = over_best(source, dataset, variant, [key], metric)
            if gain is not None:
                p = source.p_value(dataset, variant, key, metric, 1 - (least - ROUNDED) / 100)
                told = f"{metric} {100 * gain:+.1f}%{p_text(p)}"
                holds = verdict(-100 * gain >= least - ROUNDED)
                findings.append(source.finding(dataset, holds, told, within_noise(p)))
        return findings

    return test


def larger_drop(table: str, key: Key, variants: Sequence[Key], metric: str, simple: str, complex_: str) -> Test:
    """Each of `variants` loses a larger share on the data set `complex_` than on `simple`, and loses there at all."""

    def of(source, names):
        if not {simple, complex_} <= set(names):
            return None
        gains = {v: [over_best(source, n, v, [key], metric) for n in (simple, complex_)] for v in variants}
        if any(None in pair for pair in gains.values()):
            return None
        told = "; ".join(
            f"{source.results.label(v, table)}: "
            + ", ".join(f"{source.place(n)} {100 * g:+.1f}%" for n, g in zip((simple, complex_), pair, strict=True))
            for v, pair in gains.items()
        )
        return all(second < min(first, 0) for first, second in gains.values()), f"{metric}, {told}", (simple, complex_)

    return across(table, of, ordered)


def parameters_below(table: str, key: Key, rival: Key, times: float) -> Test:
    """`key` trains less than `times` as many numbers as `rival`."""

    def test(results) -> list[Finding]:
        findings = []
        for source, dataset in places(results, table, ordered):
            runs = [source.records(dataset, k) for k in (key, rival)]
            if all(runs) and runs[1][0].parameters:
                ours, theirs = (records[0].parameters for records in runs)
                told = f"{ours:,} trained numbers, {results.label(rival, table)} {theirs:,}: {ours / theirs:.2f} times"
                findings.append(source.finding(dataset, verdict(ours < times * theirs), told))
        return findings

    return test


def compared(keys: Sequence[Key], first: str, second: str, higher: bool) -> Test:
    """Figures 2 and 3, over the measured users: the mean of `second` is above (`higher`) or below that of `first`.

    first, second: "<measure>.<side>" of the kept arrays. Noise: sign-flip test over the users, their values averaged
    over seeds.
    """
    names = (first, second)

    def test(results) -> list[Finding]:
        source, findings = results.measured("figure2"), []
        for dataset in (d for d in results.paper.figure("figure2").datasets if d in source.datasets):
            for key in keys:
                runs = [r for r in results.arrays(dataset, key) if f"interests.{names[0]}" in r]
                if not runs:
                    continue
                one, two = (np.mean([r[f"interests.{name}"] for r in runs], axis=0, dtype=np.float64) for name in names)
                there = ~np.isnan(one) & ~np.isnan(two)
                if not there.any():
                    continue
                difference = two[there] - one[there]
                p = significance.sign_flip_test(difference)
                told = (
                    f"{results.label(key, 'table2')}: {_told(names[0])} {one[there].mean():.3g}, {_told(names[1])} "
                    f"{two[there].mean():.3g}, {there.sum()} users{p_text(p)}"
                )
                holds = difference.mean() > 0 if higher else difference.mean() < 0
                findings.append(source.finding(dataset, verdict(bool(holds)), told, within_noise(p)))
        return findings

    return test


def _told(name: str) -> str:
    return ", ".join(name.rsplit(".", 1))


def all_of(*tests: Test) -> Test:
    """A data set and model satisfy all of several tests of `compared`, asked of the same runs in one order.

    Refuted, it is within noise if all its lost parts are; confirmed, if any part is.
    """

    def test(results) -> list[Finding]:
        joined = []
        for parts in zip(*(each(results) for each in tests), strict=True):
            lost = [f for f in parts if f.verdict != HOLDS]
            noises = [f.noise for f in lost or parts]
            within = all(noises) if lost else any(noises)
            joined.append(
                replace(
                    (lost or parts)[0],
                    evidence="; ".join(f.evidence for f in parts),
                    noise=None if None in noises else within,
                )
            )
        return joined

    return test


def strongest_changes(keys: Sequence[Key], least: float = 2.0) -> Test:
    """The mean number of interests that are the strongest somewhere in a history, after the interaction."""

    def test(results) -> list[Finding]:
        source, findings = results.measured("figure2"), []
        for dataset in (d for d in results.paper.figure("figure2").datasets if d in source.datasets):
            for key in keys:
                runs = [r for r in results.arrays(dataset, key) if "interests.strongest.after" in r]
                if runs:
                    mean = float(np.mean([r["interests.strongest.after"] for r in runs]))
                    told = f"{results.label(key, 'table2')}: {mean:.2f} interests a history"
                    findings.append(source.finding(dataset, verdict(mean >= least), told))
        return findings

    return test
