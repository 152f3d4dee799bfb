"""Is one model better than another on the same users? A randomisation test, an interval, and Holm's correction.

Inputs are one number a user and model: a metric from `tf_utils.ranking.per_user`, averaged over seeds first
(`mean_over_seeds`), because runs of different seeds on the same users are no further users. And users of one run are no
independent draws of a model: they share how its training went. So the spread between runs counts beside that of users
(`Variance`); without it p is about the runs at hand alone.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy import stats

from tf_utils.cli import UserError

DRAWS = 10_000
_CELLS = 2**22  # numbers held at once by a chunk of draws
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Variance:
    """Of a model's mean, by how its training went: s^2 / runs.  freedom: runs that s^2 was estimated from, less one."""

    value: float
    freedom: int


@dataclass(frozen=True)
class Comparison:
    """Model a against model b over `users` users, in the metric's own units.

    difference: mean of a - b.  low, high: its 95% interval.  p: two-sided, before any correction.
    """

    difference: float
    low: float
    high: float
    p: float
    users: int


def compare(
    per_user_a: np.ndarray,
    per_user_b: np.ndarray,
    seed: int = 0,
    draws: int = DRAWS,
    training: Iterable[Variance] = (),
) -> Comparison:
    """Compares two models by the difference a - b of each user; both float [n], aligned by user (see `paired`).

    The interval is the users' bootstrap interval, widened by the variances of training; p as in `p_value`.
    """
    a, b = np.asarray(per_user_a, np.float64), np.asarray(per_user_b, np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"one number a user and model is needed, not {a.shape} and {b.shape}")
    difference = _checked(a - b)
    low, high = bootstrap_interval(difference, seed, draws)
    mean, training = float(difference.mean()), tuple(training)
    if sum(each.value for each in training) > 0:
        total, freedom = _joined(difference, training)
        reach = float(stats.t.ppf(0.975, freedom)) * total**0.5
        low, high = min(low, mean - reach), max(high, mean + reach)
    return Comparison(mean, low, high, p_value(difference, training, seed, draws), len(difference))


def p_value(difference: np.ndarray, training: Iterable[Variance] = (), seed: int = 0, draws: int = DRAWS) -> float:
    """Two-sided p of no difference between two models: the greater of two.

    One is `sign_flip_test` over the users. The other, where `training` tells how the means vary between runs, is
    Welch's t with these variances beside the users' own (degrees of freedom: Welch and Satterthwaite).
    """
    difference, training = _checked(difference), tuple(training)
    p = sign_flip_test(difference, seed, draws)
    if sum(each.value for each in training) <= 0:
        return p
    total, freedom = _joined(difference, training)
    return max(p, float(2 * stats.t.sf(abs(difference.mean()) / total**0.5, freedom)))


def _joined(difference: np.ndarray, training: tuple[Variance, ...]) -> tuple[float, float]:
    """The variance of the mean difference and its degrees of freedom."""
    users = len(difference)
    parts = [Variance(float(difference.var(ddof=1)) / users, users - 1)] if users > 1 else []
    parts += [each for each in training if each.value > 0]
    total = sum(each.value for each in parts)
    return total, total**2 / sum(each.value**2 / each.freedom for each in parts)


def sign_flip_test(difference: np.ndarray, seed: int = 0, draws: int = DRAWS) -> float:
    """Two-sided p of "a and b are exchangeable within each user": each user's difference is given a random sign.

    p = (b + 1) / (m + 1), where b of the m draws are at least as far from 0 as the data: Fisher's randomisation test,
    with the correction of Phipson and Smyth (2010), so that p is never 0. `scipy.stats.permutation_test` does the like
    by permuting indices: 4.6 s for 6,040 users, where this takes 0.05 s.
    """
    difference = _checked(difference)
    difference = difference[difference != 0]  # a sign changes nothing there
    total = difference.sum()
    slack = 1e-12 * np.abs(difference).sum()  # sums that are equal but for rounding count as equal
    rng = np.random.default_rng([seed, 1])
    extreme, width = 0, -(-len(difference) // 8)
    chunk = max(1, _CELLS // max(1, len(difference)))
    for start in range(0, draws, chunk):
        size = min(chunk, draws - start)
        bits = np.unpackbits(rng.integers(256, size=(size, width), dtype=np.uint8), axis=1, count=len(difference))
        flipped = total - 2 * (bits.astype(np.float64) @ difference)
        extreme += int(np.sum(np.abs(flipped) >= abs(total) - slack))
    return (extreme + 1) / (draws + 1)


def bootstrap_interval(
    values: np.ndarray, seed: int = 0, draws: int = DRAWS, confidence: float = 0.95
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of `values` (float [n]), users being drawn with replacement."""
    values = _checked(values)
    if len(values) == 1 or np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    result = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=draws,
        batch=max(1, _CELLS // len(values)),
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng([seed, 2]),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def holm(p_values: Mapping[Key, float]) -> dict[Key, float]:
    """Adjusted p-values, in the order given: reject those at most alpha (Holm 1979, controls the family-wise error)."""
    adjusted, worst = {}, 0.0
    for rank, key in enumerate(sorted(p_values, key=p_values.get)):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p_values[key]))
        adjusted[key] = worst
    return {key: adjusted[key] for key in p_values}


def paired(
    users_a: np.ndarray, x_a: np.ndarray, users_b: np.ndarray, x_b: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(users ascending, a's values, b's values) aligned by user id. Raises UserError if the user sets differ."""
    order_a, order_b = _order(users_a, x_a), _order(users_b, x_b)
    users_a, users_b = np.asarray(users_a)[order_a], np.asarray(users_b)[order_b]
    if not np.array_equal(users_a, users_b):
        apart = len(np.setxor1d(users_a, users_b))
        raise UserError(
            f"two runs were evaluated on different users ({len(users_a)} and {len(users_b)}, {apart} of them in only "
            "one run); rerun both on the same data and split"
        )
    return users_a, np.asarray(x_a)[order_a], np.asarray(x_b)[order_b]


def mean_over_seeds(runs: Iterable[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """(users ascending, mean value of each) over runs of one model, each (users [n], values [n])."""
    runs = list(runs)
    if not runs:
        raise UserError("there is no run to compare; train the model first")
    first_users, first_values = runs[0]
    aligned = [paired(first_users, first_values, users, values) for users, values in runs]
    return aligned[0][0], np.mean([values for _, _, values in aligned], axis=0, dtype=np.float64)


def _checked(difference: np.ndarray) -> np.ndarray:
    difference = np.asarray(difference, np.float64)
    if difference.ndim != 1 or not len(difference):
        raise UserError("there is no user to compare two models on")
    if not np.isfinite(difference).all():
        raise UserError("a user's metric is not a finite number; evaluate the run again")
    return difference


def _order(users: np.ndarray, values: np.ndarray) -> np.ndarray:
    if np.shape(users) != np.shape(values):
        raise ValueError(f"{np.shape(users)} users but {np.shape(values)} values")
    order = np.argsort(users, kind="stable")
    ordered = np.asarray(users)[order]
    if len(ordered) and (ordered[1:] == ordered[:-1]).any():
        raise UserError("a user occurs twice in one run; evaluate the run again")
    return order
