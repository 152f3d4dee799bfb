"""How far and how far back attention looks: the arrays `scope.*` that runs keep (experiments/inspection/scope.py)."""

from __future__ import annotations

from statistics import fmean

from experiments.papers.schema import Key


def of_users(results, dataset: str, key: Key, name: str) -> dict[str, float]:
    """{raw user label: mean over seeds of the array `name`, "scope.reach" or "scope.age"}."""
    found: dict[str, list[float]] = {}
    for arrays in results.arrays(dataset, key):
        if name in arrays:
            for label, value in zip(arrays["scope.labels"].tolist(), arrays[name].tolist(), strict=True):
                found.setdefault(label, []).append(value)
    return {label: fmean(values) for label, values in found.items()}
