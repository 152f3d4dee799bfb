"""Tests of what AttRec's text reads off its Figures 3, 4 and 5."""

from __future__ import annotations

from statistics import mean, median

import numpy as np
from scipy.stats import ttest_1samp

from experiments.papers.attrec_claim_tests import sides
from experiments.papers.claim_tests import ALPHA, Test, p_text, verdict, within_noise
from experiments.papers.group_tests import across
from experiments.papers.kept_maps import column_means, column_share, mean_maps
from experiments.papers.schema import Finding, Key
from experiments.papers.sweep_tests import at, p_between, shown, swept


def dense_wants_lower(results) -> list[Finding]:
    """Figure 4a: the mean of the best omegas is lower on dense than on sparse data."""
    figure = results.paper.figure("figure4a")

    def of(source, names):
        found = swept(results, "figure4a", figure.lines[0])
        best = {n: max(v, key=v.get) for _, n, v in found if n in names and len(v) >= 3}
        dense, sparse = ([best[n] for n in side] for side in sides(list(best)))
        if source.kind(names[0]) == "published" or not dense or not sparse:
            return None
        told = ", ".join(f"{source.place(n)} {omega:g}" for n, omega in best.items())
        return mean(dense) < mean(sparse), f"best omega: {told}", best

    return across("table2", of)(results)


def _by_dimension(results) -> dict[str, dict[str, dict]]:
    """{data set: {label: {d: HR@50}}} of Figure 5, means over the seeds that all that was run has."""
    figure, source = results.paper.figure("figure5"), results.measured("figure5")
    found: dict[str, dict[str, dict]] = {}
    for dataset in source.datasets:
        means = iter(source.means(dataset, _every_dimension(figure), figure.metric))
        lines = {line.label: dict(zip(figure.values, means, strict=False)) for line in figure.lines}
        lines = {label: {d: hit for d, hit in values.items() if hit is not None} for label, values in lines.items()}
        if any(lines.values()):
            found[dataset] = {label: values for label, values in lines.items() if values}
    return found


def _every_dimension(figure) -> list[Key]:
    return [at(figure, line, value) for line in figure.lines for value in figure.values]


def best_at_every_dimension(results) -> list[Finding]:
    """Figure 5: AttRec above the eight others at every d; the narrowest lead or the worst loss decides."""
    figure, source, findings = results.paper.figure("figure5"), results.measured("figure5"), []
    lines = {line.label: line for line in figure.lines}
    for dataset, found in _by_dimension(results).items():
        own = found.get("AttRec", {})
        gaps = [
            (own[d] - values[d], label, d)
            for label, values in found.items()
            if label != "AttRec"
            for d in values
            if d in own
        ]
        lost = sum(gap <= 0 for gap, _, _ in gaps)
        complete = len(gaps) == (len(figure.lines) - 1) * len(figure.values)
        if not gaps or not (complete or lost):
            continue
        gap, label, d = min(gaps)
        pair = (at(figure, lines[each], d) for each in ("AttRec", label))
        p = source.p_value(dataset, *pair, figure.metric, among=_every_dimension(figure))
        evidence = f"{lost} of {len(gaps)} comparisons lost; narrowest or worst: {gap:+.4f} against {label} at d = {d}"
        findings.append(source.finding(dataset, verdict(not lost), evidence + p_text(p), within_noise(p)))
    return findings


def larger_not_always_better(results) -> list[Finding]:
    """Figure 5: at least one of the models has its best HR@50 below the largest d.

    Noise: none of these is above its own largest d beyond it.
    """
    figure, source, findings = results.paper.figure("figure5"), results.measured("figure5"), []
    lines = {line.label: line for line in figure.lines}
    for dataset, found in _by_dimension(results).items():
        best = {label: max(v, key=v.get) for label, v in found.items() if len(v) >= 3}
        if best:
            ps = {}
            for label in (label for label in best if best[label] < max(found[label])):
                pair = (at(figure, lines[label], d) for d in (best[label], max(found[label])))
                ps[label] = source.p_value(dataset, *pair, figure.metric, among=_every_dimension(figure))
            told = ", ".join(f"{label} {d}{p_text(ps.get(label))}" for label, d in best.items())
            noise = None if not ps or None in ps.values() else min(ps.values()) > ALPHA
            findings.append(source.finding(dataset, verdict(bool(ps)), f"best d: {told}", noise))
    return findings


def unstable(labels: tuple[str, ...]) -> Test:
    """Figure 5: the falls of HR@50 from one d to the next, over its maximum, add up to more than the models' median."""

    def test(results) -> list[Finding]:
        source, findings = results.measured("figure5"), []
        for dataset, found in _by_dimension(results).items():
            falls = {label: _falls(v) for label, v in found.items() if len(v) >= 3}
            if len(falls) < len(results.paper.figure("figure5").lines):
                continue
            middle = median(falls.values())
            told = ", ".join(f"{label} {100 * falls[label]:.1f}%" for label in labels)
            holds = all(falls[label] > middle for label in labels)
            findings.append(source.finding(dataset, verdict(holds), f"falls: {told}, median {100 * middle:.1f}%"))
        return findings

    return test


def _falls(values: dict) -> float:
    line = [values[d] for d in sorted(values)]
    return sum(max(a - b, 0) for a, b in zip(line, line[1:], strict=False)) / max(line) if max(line) > 0 else 0.0


def short_term_wins(results) -> list[Finding]:
    """Figure 4a: omega = 0 above omega = 1."""
    figure, findings = results.paper.figure("figure4a"), []
    for line in figure.lines:
        for source, dataset, values in swept(results, "figure4a", line):
            if 0.0 in values and 1.0 in values:
                p = p_between(source, dataset, figure, line, 0.0, 1.0)
                holds = verdict(values[0.0] > values[1.0])
                findings.append(source.finding(dataset, holds, shown(values, figure) + p_text(p), within_noise(p)))
    return findings


def _kept(results, users: tuple[str, ...] = ()):
    """(source, data set, line, {user: weights}) of Figure 3, where runs kept them."""
    figure, source = results.paper.figure("figure3"), results.measured("figure3")
    for dataset in (d for d in figure.datasets if d in source.datasets):
        for line in figure.lines:
            kept = mean_maps(results.arrays(dataset, Key(line.model, line.variant)), figure.array, users)
            if kept:
                yield source, dataset, line, kept


def columns_differ(results, least: float = 0.5) -> list[Finding]:
    """Figure 3: most of the variance of the weights lies between columns (median over the users kept)."""
    findings = []
    for source, dataset, line, kept in _kept(results):
        share = median(column_share(weights) for weights in kept.values())
        told = f"{line.label}: {100 * share:.0f}% of the variance between columns, median of {len(kept)} users"
        findings.append(source.finding(dataset, verdict(share > least), told))
    return findings


def newest_first(user: str) -> Test:
    """Figure 3: the two newest items have more weight on average than the older ones."""

    def test(results) -> list[Finding]:
        return [
            _columns(found, user, columns, columns[-2:].mean() > columns[:-2].mean())
            for *found, kept in _kept(results, (user,))
            if len(columns := column_means(kept[user])) > 2
        ]

    return test


def not_recency_alone(results) -> list[Finding]:
    """Figure 3: for one of the users at least, the column with the most weight is not the newest.

    Noise: whether the heaviest column is above the newest (where that is it, above the second) in every seed, t-test.
    """
    findings = []
    for source, dataset, line, kept in _kept(results):
        older, newest, told = [], [], []
        for user in (u for u, weights in kept.items() if len(weights) > 2):
            runs = results.arrays(dataset, Key(line.model, line.variant))
            maps = [found[user] for run in runs if (found := mean_maps([run], results.paper.figure("figure3").array))]
            columns = np.array([column_means(weights) for weights in maps])
            heaviest, second = columns.mean(axis=0).argsort()[::-1][:2]
            last = columns.shape[1] - 1
            lead = columns[:, heaviest] - columns[:, second if heaviest == last else last]
            p = float(ttest_1samp(lead, 0).pvalue) if len(lead) > 1 else None
            (newest if heaviest == last else older).append(p)
            told.append(f"user {user} item {heaviest + 1} of {last + 1}{p_text(p)}")
        if told:
            ps = older or newest
            decisive = None if None in ps else min(ps) if older else max(ps)
            noise = within_noise(decisive)
            evidence = f"{line.label}, most weight, oldest first: {', '.join(told)}"
            findings.append(source.finding(dataset, verdict(bool(older)), evidence, noise))
    return findings


def highest(user: str, positions: frozenset[int]) -> Test:
    """Figure 3: the columns with the highest mean weights are those at `positions`, 1 being the oldest item."""

    def test(results) -> list[Finding]:
        findings = []
        for *found, kept in _kept(results, (user,)):
            columns = column_means(kept[user])
            top = {int(i) + 1 for i in columns.argsort()[::-1][: len(positions)]}
            findings.append(_columns(found, user, columns, top == positions))
        return findings

    return test


def _columns(found, user: str, columns, holds: bool) -> Finding:
    source, dataset, line = found
    told = f"{line.label}, user {user}, oldest first: " + ", ".join(f"{weight:.3f}" for weight in columns)
    return source.finding(dataset, verdict(bool(holds)), told)
