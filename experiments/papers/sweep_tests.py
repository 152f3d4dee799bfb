"""Tests of claims about a swept parameter: which of its values is best, line by line of a figure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from experiments.papers.claim_tests import Test, Where, everywhere, p_text, verdict, within_noise
from experiments.papers.schema import Finding, Key, Line


def swept(results, figure: str, line: Line, where: Where = everywhere) -> Iterator[tuple[object, str, dict]]:
    """(source, data set, {value: mean}) of a figure's line, wherever any of its values was run; means over the seeds
    that all of them have, since the plain run often has more."""
    drawn, source = results.paper.figure(figure), results.measured(figure)
    for dataset in source.datasets:
        if dataset in results.paper.datasets and where(results.paper.datasets[dataset]):
            means = source.means(dataset, [at(drawn, line, value) for value in drawn.values], drawn.metric)
            values = {value: mean for value, mean in zip(drawn.values, means, strict=True) if mean is not None}
            if values:
                yield source, dataset, values


def at(figure, line: Line, value) -> Key:
    """The key of a figure's line at one value of its parameter."""
    return Key(line.model, line.variant, ((figure.parameter, value),))


def p_between(source, dataset: str, figure, line: Line, first, second) -> float | None:
    """Of no difference between two values of a line, over the seeds that its means (`swept`) are of."""
    keys = [at(figure, line, value) for value in figure.values]
    return source.p_value(dataset, at(figure, line, first), at(figure, line, second), figure.metric, among=keys)


def best_among(figure: str, wanted: Collection, against: Collection, where: Where = everywhere) -> Test:
    """The best of the values `wanted` is above the best of the values `against`, for every line of the figure.

    Where some were not run it decides only if at least one of either kind and three in all were.
    """

    def test(results) -> list[Finding]:
        findings, drawn = [], results.paper.figure(figure)
        for line in drawn.lines:
            for source, dataset, values in swept(results, figure, line, where):
                named, others = ([v for v in values if v in group] for group in (wanted, against))
                if not named or not others or len(values) < min(3, len({*wanted, *against})):
                    continue
                best, rival = max(named, key=values.get), max(others, key=values.get)
                p = p_between(source, dataset, drawn, line, best, rival)
                evidence = f"{line.label}, {shown(values, drawn)}; {best} against {rival}{p_text(p)}"
                findings.append(
                    source.finding(dataset, verdict(values[best] > values[rival]), evidence, within_noise(p))
                )
        return findings

    return test


def shown(values: dict, figure) -> str:
    listed = ", ".join(f"{value}: {mean:.4f}" for value, mean in sorted(values.items()))
    return f"{figure.metric} by {figure.parameter_label}: {listed}"
