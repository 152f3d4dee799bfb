"""How far attention reaches, of the arrays `scope.*` that runs keep (experiments/inspection/scope.py)."""

from __future__ import annotations

import numpy as np

from experiments.papers.schema import Key


def reaches(results, dataset: str, key: Key) -> np.ndarray | None:
    """float64 [users], the mean over seeds of the distance to what is attended to over that of even attention.

    The sampled users are the same in each seed. None if the runs kept none.
    """
    kept = [arrays["scope.reach"] for arrays in results.arrays(dataset, key) if "scope.reach" in arrays]
    return np.mean(kept, axis=0, dtype=np.float64) if kept and len(kept[0]) else None
