"""A number over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from experiments.papers.schema import LIMITS
from tf_utils.run_record import RunRecord


@dataclass(frozen=True)
class Estimate:
    """Mean and sample standard deviation (None for one run) over `n` seeds.

    cut: those that ended before early stopping could end them: limit -> how many, of "budget" (minutes) and "epochs".
    """

    mean: float
    sd: float | None
    n: int
    cut: Mapping[str, int] = field(default_factory=dict)


def summary(values: Sequence[float], records: Sequence[RunRecord]) -> Estimate | None:
    if not values:
        return None
    cut = {name: sum(record.stopped_by == by for record in records) for by, name in LIMITS.items()}
    sd = statistics.stdev(values) if len(values) > 1 else None
    return Estimate(statistics.fmean(values), sd, len(values), cut)
