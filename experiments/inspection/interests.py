"""A distribution over latent interests along a history, before and after their interaction (SAIR eq. 4 and 5).

A row is the softmax over the L interests of one position's scores. What SAIR's Figures 2 and 3 show of one user is
measured here for many: how concentrated the rows are, and how much they change from one event to the next. NumPy and
SciPy alone.
"""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

SIDES = ("before", "after")
AVERAGED = "averaged"  # the control: what a plain average over the history makes of the rows before
MEASURES = (
    *("entropy", "shape entropy", "mass in the top K"),
    *("change", "shape change", "early change", "late change", "early contrast"),
    "strongest",
)
EARLY = 10  # steps that count as "the first few items"


def averaged(rows: np.ndarray) -> np.ndarray:
    """float64 [T, L]: each row the mean of `rows` [T, L] up to it: causal attention that has learnt nothing."""
    return np.cumsum(rows, axis=0, dtype=np.float64) / np.arange(1, len(rows) + 1)[:, None]


def measures(rows: np.ndarray, top: int) -> dict[str, float]:
    """What a history's rows say.

    Args:
        rows: float [T, L], T and L at least 1: scores, any scale.
        top: K.

    Returns:
        "entropy": mean over positions of the row's entropy over log L (1: even, 0: one interest alone; 0 if L = 1);
        "shape entropy": the same after each row was given mean 0 and standard deviation 1, so that the scale of the
        scores, which the softmax turns into sharpness, plays no part; "mass in the top K": mean share of the K largest;
        "change": mean over neighbouring positions of the total variation, half the sum of absolute differences;
        "shape change": the same of the rows of "shape entropy"; "early change", "late change": "change" over the first
        `EARLY` steps and over the others; nan where there are none; "early contrast": their difference over their sum,
        -1 to 1 (nan where that is 0); "strongest": how many different interests are the largest of some position.
    """
    rows = np.asarray(rows, np.float64)
    shares = softmax(rows, axis=1)
    spread = rows.std(axis=1, keepdims=True)
    shape = softmax((rows - rows.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1), axis=1)
    steps, shape_steps = (0.5 * np.abs(np.diff(x, axis=0)).sum(axis=1) for x in (shares, shape))
    mean = lambda x: float(x.mean()) if len(x) else float("nan")  # noqa: E731
    early, late = mean(steps[:EARLY]), mean(steps[EARLY:])
    values = (
        _entropy(shares),
        _entropy(shape),
        float(np.sort(shares, axis=1)[:, -top:].sum(axis=1).mean()),
        mean(steps),
        mean(shape_steps),
        early,
        late,
        (early - late) / (early + late) if early + late > 0 else float("nan"),
        float(len(np.unique(shares.argmax(axis=1)))),
    )
    return dict(zip(MEASURES, values, strict=True))


def _entropy(shares: np.ndarray) -> float:
    if shares.shape[1] == 1:
        return 0.0
    logs = np.log(np.where(shares > 0, shares, 1.0))
    return float(-(shares * logs).sum(axis=1).mean() / np.log(shares.shape[1]))
