"""A number over seeds."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Estimate:
    """Mean and sample standard deviation (None for one run) over `n` seeds.

    cut: those that ended before early stopping could end them: limit -> how many, of "budget" (minutes) and "epochs".
    """

    mean: float
    sd: float | None
    n: int
    cut: Mapping[str, int] = field(default_factory=dict)


def summary(values: Sequence[float], cut: Iterable[str] = ()) -> Estimate | None:
    """cut: of each run that a limit ended, its name."""
    if not values:
        return None
    sd = statistics.stdev(values) if len(values) > 1 else None
    return Estimate(statistics.fmean(values), sd, len(values), Counter(sorted(cut)))
