"""Tests of AttRec's claims that are no plain ordering of a table's rows: dense against sparse data, and time."""

from __future__ import annotations

from statistics import mean, median

from experiments.papers.attrec_data import MOVIELENS
from experiments.papers.claim_tests import Test, p_text, places, verdict, within_noise
from experiments.papers.costs import printed_ratio, ratio
from experiments.papers.group_tests import MANY, across, place
from experiments.papers.schema import Finding, Key, sweep_of

KINDS = ("mean", "sum", "max", "min")


def sides(names: list[str]) -> tuple[list[str], list[str]]:
    """The paper's dense data sets, MovieLens, and the others."""
    return [n for n in names if n in MOVIELENS], [n for n in names if n not in MOVIELENS]


def aggregation(variant: str, kind: str) -> Key:
    return Key("attrec", variant, sweep_of(aggregation=kind))


def movielens_denser(results) -> list[Finding]:
    """Table 1: every MovieLens data set is denser than every other one."""

    def of(source, names):
        density = {n: d for n in names if (d := source.statistic(n, "density")) is not None}
        dense, sparse = sides(list(density))
        if not dense or not sparse:
            return None
        low, high = min(density[n] for n in dense), max(density[n] for n in sparse)
        return low > high, f"least dense MovieLens {100 * low:.3g}%, densest other {100 * high:.3g}%", density

    return across("table1", of)(results)


def _places(source, names: list[str], key: Key, among: tuple[Key, ...]) -> dict[str, int]:
    """{data set: place of `key`, one of `among`}, by HR@50; the data sets that have all of them, whatever the key."""
    return {n: p for n in names if (p := place(source, n, key, among, "HR@50")) is not None}


def consistent(keys: tuple[Key, ...], among: tuple[Key, ...], apart: float = 2) -> Test:
    """The mean place of each of `keys` on dense and on sparse data sets differs by at most `apart`."""

    def of(source, names):
        told, holds = [], True
        for key in keys:
            found = _places(source, names, key, among)
            dense, sparse = ([found[n] for n in side] for side in sides(list(found)))
            if not dense or not sparse:
                return None
            holds = holds and abs(mean(dense) - mean(sparse)) <= apart
            told.append(
                f"{source.results.label(key, 'table2')} {mean(dense):.1f} on dense, {mean(sparse):.1f} on sparse"
            )
        return holds, f"mean place of {len(among)} by HR@50: " + ", ".join(told), found

    return across("table2", of)


def sometimes_low(keys: tuple[Key, ...], among: tuple[Key, ...], lowest: int = 3) -> Test:
    """Each of `keys` is among the `lowest` last by HR@50 on at least one data set; not refuted by fewer than `MANY`."""

    def of(source, names):
        low = {}
        for key in keys:
            found = _places(source, names, key, among)
            if not found:
                return None
            low[key] = (sum(p > len(among) - lowest for p in found.values()), len(found))
        told = (f"{source.results.label(key, 'table2')} on {count} of {n}" for key, (count, n) in low.items())
        holds = all(count for count, _ in low.values())
        if not holds and min(n for _, n in low.values()) < MANY:
            return None
        return holds, f"among the last {lowest}: " + ", ".join(told), found

    return across("table2", of)


def mean_desirable(variant: str, share: float = 0.98) -> Test:
    """The mean's HR@50 is at least `share` of the best aggregation's. Noise: of the distance from that share."""

    def test(results) -> list[Finding]:
        findings = []
        for source, dataset in places(results, "table4"):
            found = {kind: source.estimate(dataset, aggregation(variant, kind), "HR@50") for kind in KINDS}
            if None in found.values():
                continue
            best = max(found, key=lambda kind: found[kind].mean)
            reached = found["mean"].mean / found[best].mean if found[best].mean else 1.0
            holds, own = reached >= share, found["mean"].mean
            others = [kind for kind in KINDS if kind != "mean" and (holds or own < share * found[kind].mean)]
            keys = [aggregation(variant, kind) for kind in ("mean", *others)]
            ps = [source.p_value(dataset, keys[0], other, "HR@50", share) for other in keys[1:]]
            p = None if None in ps else max(ps) if holds else min(ps)
            name = results.label(keys[0], "table4")
            evidence = f"{name} {own:.4f}, {100 * reached:.1f}% of the best ({best}){p_text(p)}"
            findings.append(source.finding(dataset, verdict(holds), evidence, within_noise(p)))
        return findings

    return test


def worse_on_sparse(variant: str) -> Test:
    """Sum, max and min together fall behind the mean by a larger share of it on sparse than on dense data."""

    def of(source, names):
        losses = {}
        for name in names:
            found = [source.estimate(name, aggregation(variant, kind), "HR@50") for kind in KINDS]
            if None not in found and found[0].mean:
                losses[name] = 1 - mean(estimate.mean for estimate in found[1:]) / found[0].mean
        dense, sparse = ([losses[n] for n in side] for side in sides(list(losses)))
        if not dense or not sparse:
            return None
        name = source.results.label(aggregation(variant, "mean"), "table4")
        told = f"behind {name}: {100 * mean(sparse):.1f}% on sparse, {100 * mean(dense):.1f}% on dense"
        return mean(sparse) > mean(dense), told, losses

    return across("table4", of)


def cheap_beside_caser(results, most: float = 1.1) -> list[Finding]:
    """Table 5: an epoch of AttRec takes at most `most` times Caser's."""
    figure, source, findings = results.paper.figure("table5"), results.measured("table5"), []
    for dataset in figure.datasets:
        printed, ours = printed_ratio(figure, dataset), ratio(source, figure, dataset, figure.values[0])
        if ours is not None:
            findings.append(source.finding(dataset, verdict(ours <= most), f"{ours:.3f} times"))
        if printed is not None:
            where = f"the paper's own {results.paper.datasets[dataset].label}"
            findings.append(Finding(verdict(printed <= most), f"{printed:.3f} times", where, "published"))
    return findings


def few_epochs(key: Key, fewer_than: int = 30) -> Test:
    """On MovieLens-100K, the epoch that validation chose (median over seeds) is before `fewer_than`."""

    def test(results) -> list[Finding]:
        source, dataset = results.sources("table2")[0], "ml-100k"
        epochs = [record.best_epoch for record in source.records(dataset, key)]
        if not epochs:
            return []
        told = f"{results.label(key, 'table2')}: best epoch {median(epochs):g}, {min(epochs)} to {max(epochs)}"
        return [source.finding(dataset, verdict(median(epochs) < fewer_than), told)]

    return test


def alike_in_epochs(results, most: float = 2.0) -> list[Finding]:
    """The median best epochs of AttRec and Caser are within a factor of `most`."""
    source, findings = results.sources("table2")[0], []
    for dataset in source.datasets:
        runs = [source.records(dataset, Key(model)) for model in ("attrec", "caser")]
        if all(runs):
            ours, caser = (median(record.best_epoch for record in records) for records in runs)
            holds = max(ours, caser) <= most * max(min(ours, caser), 1)
            findings.append(
                source.finding(dataset, verdict(holds), f"AttRec {ours:g}, Caser {caser:g} epochs to the best")
            )
    return findings
