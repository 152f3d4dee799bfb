"""How far attention reaches, of the arrays `scope.*` that runs keep (experiments/inspection/scope.py)."""

from __future__ import annotations

import numpy as np

from experiments.papers.schema import Key


def reaches(results, dataset: str, key: Key) -> np.ndarray | None:
    """float64 [users of all seeds], distance to what is attended to over that of even attention; None if not kept."""
    kept = [arrays["scope.reach"] for arrays in results.arrays(dataset, key) if "scope.reach" in arrays]
    joined = np.concatenate(kept).astype(np.float64) if kept else np.zeros(0)
    return joined if len(joined) else None
