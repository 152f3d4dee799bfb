"""Tests of ASLI's claims that are no plain ordering of a table's rows: history lengths, categories, kernels, time."""

from __future__ import annotations

import math
from statistics import mean, median

from scipy.stats import spearmanr

from experiments.papers.claim_tests import p_text, places, verdict, within_noise
from experiments.papers.curves import Point, convergence, curve
from experiments.papers.schema import Finding, Key, sweep_of
from experiments.papers.sweep_tests import p_between, shown, swept

ASLI, SAS, NEXT, POP = Key("asli"), Key("sasrec"), Key("nextitnet"), Key("pop")
PUBLISHED_COST = 45 / 7  # section 4.8: seconds an epoch at n = 600 over those at n = 50
LONGER = 2.0  # times as long: Tmall-Small's histories are 2.1 times Etsy's, in the paper's smallest comparison
TMALL_BATCHES = 78  # an epoch's on Tmall, 9,883 users in batches of 128


def denser_by_category(results) -> list[Finding]:
    """Section 2.1: users and categories meet more densely than users and items."""
    findings = []
    for source, dataset in places(results, "table2"):
        item = source.statistic(dataset, "density_user_item")
        category = source.statistic(dataset, "density_user_category")
        if item is not None and category is not None:
            evidence = f"user-item {100 * item:.3g}%, user-category {100 * category:.3g}%"
            findings.append(source.finding(dataset, verdict(category > item), evidence))
    return findings


def shorter_suits(results) -> list[Finding]:
    """Section 4.5: NextItRec relative to SASRec, on the shortest against the longest histories of one kind of data.

    Stand-ins are compared within one source alone: others differ in far more than the length of histories. Nothing is
    found where the longest are not `LONGER` times the shortest.
    """
    findings = []
    for source in results.sources("table3"):
        kinds: dict[tuple[str, str], list[tuple[float, float, str]]] = {}
        for dataset in source.datasets:
            length = source.statistic(dataset, "mean_length")
            a, b = source.estimate(dataset, NEXT, "NDCG@10"), source.estimate(dataset, SAS, "NDCG@10")
            if length is not None and a is not None and b is not None and b.mean > 0:
                kind = source.kind(dataset)
                of = kind, _source(dataset) if kind == "stand-in" else ""
                kinds.setdefault(of, []).append((length, a.mean / b.mean, dataset))
        for (kind, _), measured in kinds.items():
            if len(measured) < 2:
                continue
            (short, r_short, d_short), (long, r_long, d_long) = min(measured), max(measured)
            if long < LONGER * short:
                continue
            evidence = (
                f"NextItRec / SASRec in NDCG@10: {r_short:.3f} on {source.place(d_short)} (mean length {short:.0f}), "
                f"{r_long:.3f} on {source.place(d_long)} ({long:.0f})"
            )
            where = f"{source.place(d_short)} against {source.place(d_long)}"
            unfinished = source.unfinished(d_short) + source.unfinished(d_long)
            findings.append(Finding(verdict(r_short > r_long), evidence, where, kind, unfinished=unfinished))
    return findings


def _source(dataset: str) -> str:
    """JD's two sets are of one, as long as repeated items are treated alike in both."""
    return dataset.replace("_appliances", "").replace("_computers", "")


def fewer_categories_hurt(results) -> list[Finding]:
    """Section 4.5's explanation: ASLI's lead over SASRec against the generator's number of categories.

    Other categories are other items and another difficulty, so the lead is counted as a share of what the data allow:
    of what a scorer that knows the process has over chance. A model that has not come above popularity has not begun to
    learn: such a number of categories is left out.
    """
    source, findings = results.measured("categories"), []
    figure = results.paper.figure("categories")
    for dataset in source.datasets:
        leads, left_out = {}, []
        for count in figure.values:
            sweep = sweep_of(n_categories=count)
            a, b, pop = (source.estimate(dataset, Key(m, "paper", sweep), "NDCG@10") for m in ("asli", "sasrec", "pop"))
            best, chance = (
                results.ceiling(dataset, figure.protocol, "NDCG@10", name, sweep)
                for name in ("ceiling", "ceiling_chance")
            )
            if None not in (a, b, pop, best, chance) and best > chance:
                if min(a.mean, b.mean) > pop.mean:
                    leads[count] = (a.mean - b.mean) / (best - chance)
                else:
                    left_out.append(str(count))
        if len(leads) < 3:
            continue
        counts = sorted(leads)
        rho = float(spearmanr(counts, [leads[c] for c in counts]).statistic)
        holds = leads[counts[0]] < leads[counts[-1]] and rho >= 0.5
        told = ", ".join(f"{c}: {100 * leads[c]:+.1f}%" for c in counts)
        evidence = f"lead, of what can be had over chance, by number of categories: {told}; rank correlation {rho:.2f}"
        if left_out:
            evidence += f"; with {', '.join(left_out)} one of the two is not above popularity"
        findings.append(source.finding(dataset, verdict(holds), evidence))
    return findings


def _kernels(results) -> list[tuple[object, str, dict]]:
    """(source, data set, {kernel size: mean NDCG@5}) where every size of the figure was run; see `swept`."""
    figure = results.paper.figure("figure2")
    sizes = figure.quick_values if results.profile == "quick" else figure.values
    return [found for found in swept(results, "figure2", figure.lines[0]) if set(sizes) <= set(found[2])]


def _against(source, dataset: str, values: dict, best: int, other: int) -> tuple[str, bool | None]:
    figure = source.results.paper.figure("figure2")
    p = p_between(source, dataset, figure, figure.lines[0], best, other)
    return f"{shown(values, figure)}; {best} against {other}{p_text(p)}", within_noise(p)


def kernel_not_monotone(results) -> list[Finding]:
    """Section 4.7: the largest kernel is not the best."""
    findings = []
    for source, dataset, values in _kernels(results):
        best, largest = max(values, key=values.get), max(values)
        other = largest if best != largest else sorted(values)[-2]
        evidence, noise = _against(source, dataset, values, best, other)
        findings.append(source.finding(dataset, verdict(best != largest), evidence, noise))
    return findings


def best_kernel(results) -> list[Finding]:
    """Section 4.7: the best kernel is 10 (Tmall) or 20 (Etsy)."""
    findings = []
    for source, dataset, values in _kernels(results):
        wanted = {"tmall": {10}, "etsy": {20}}.get(dataset, {10, 20})
        best = max((s for s in values if s in wanted), key=values.get)
        rival = max((s for s in values if s not in wanted), key=values.get)
        evidence, noise = _against(source, dataset, values, best, rival)
        findings.append(source.finding(dataset, verdict(values[best] > values[rival]), evidence, noise))
    return findings


def _converged(source, dataset: str, records: list) -> list[Point]:
    """Where each run that learnt has converged. One that stayed below popularity on validation did not learn, and
    whether it did cannot be told without a record of that."""
    figure = source.results.paper.figure("figure3")
    pop = next(iter(source.records(dataset, POP)), None)
    floor = pop.validation.get(figure.protocol, {}).get(figure.metric) if pop else None
    curves = [curve(record.history, figure.protocol, figure.metric) for record in records]
    learnt = [points for points in curves if points and floor is not None and max(p.value for p in points) > floor]
    return [convergence(points) for points in learnt]


def converges_within(results, epochs: int = 20) -> list[Finding]:
    """In as many steps as `epochs` are on Tmall: an epoch of a stand-in may be a tenth of that."""
    source, findings = results.measured("figure3"), []
    for dataset in source.datasets:
        records = source.records(dataset, ASLI)
        points, users = _converged(source, dataset, records), source.statistic(dataset, "users")
        if points and users:
            at = median(point.epoch for point in points)
            steps = at * math.ceil(users / records[0].config["train"]["batch_size"])
            evidence = f"99% of its maximum at epoch {at:g}, {steps:,.0f} steps, "
            evidence += f"after {median(p.seconds for p in points):.0f} s"
            findings.append(source.finding(dataset, verdict(steps <= epochs * TMALL_BATCHES), evidence))
    return findings


def converges_faster(results) -> list[Finding]:
    source, findings = results.measured("figure3"), []
    for dataset in source.datasets:
        keys = (ASLI, SAS, NEXT)
        points = [_converged(source, dataset, records) for records in source.timed(dataset, keys) or ()]
        if points and all(points):
            seconds = {key: median(p.seconds for p in found) for key, found in zip(keys, points, strict=True)}
            evidence = ", ".join(f"{results.label(key, 'table3')} {seconds[key]:.0f} s" for key in keys)
            holds = seconds[ASLI] < min(seconds[SAS], seconds[NEXT])
            findings.append(source.finding(dataset, verdict(holds), evidence))
    return findings


def epoch_costs_more(results) -> list[Finding]:
    source, findings = results.measured("figure3"), []
    for dataset in source.datasets:
        if runs := source.timed(dataset, (ASLI, SAS)):
            ours, sasrec = (mean(record.seconds_per_epoch for record in records) for records in runs)
            evidence = f"ASLI {ours:.2f} s, SASRec {sasrec:.2f} s an epoch"
            findings.append(source.finding(dataset, verdict(ours > sasrec), evidence))
    return findings


def length_cost(results) -> list[Finding]:
    source, findings = results.measured("scaling"), []
    for dataset in source.datasets:
        keys = [Key("asli", "paper", sweep_of(max_length=n)) for n in (50, 600)]
        if runs := source.timed(dataset, keys):
            short, long = (mean(r.seconds_per_epoch for r in records) for records in runs)
            if short > 0:
                evidence = f"{short:.2f} s at n = 50, {long:.2f} s at n = 600: {long / short:.1f} times"
                findings.append(source.finding(dataset, verdict(long / short <= PUBLISHED_COST), evidence))
    return findings
