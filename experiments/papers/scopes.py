"""How far attention reaches, of the arrays `scope.*` that runs keep (experiments/inspection/scope.py)."""

from __future__ import annotations

from statistics import fmean

from experiments.papers.schema import Key


def reaches(results, dataset: str, key: Key) -> dict[str, float]:
    """{raw user label: mean over seeds of the distance to what is attended to over that of even attention}."""
    found: dict[str, list[float]] = {}
    for arrays in results.arrays(dataset, key):
        if "scope.reach" in arrays:
            for label, reach in zip(arrays["scope.labels"].tolist(), arrays["scope.reach"].tolist(), strict=True):
                found.setdefault(label, []).append(reach)
    return {label: fmean(values) for label, values in found.items()}
