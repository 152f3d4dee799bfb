"""Paired, interleaved timing. A shared machine's speed drifts by tens of per cent within a minute, so a time by itself
says little; two things timed in turn (A B A B ...) see the same drift, and the median of their ratios is steady."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

AGREEMENT = 0.75  # share of the pairs that must lie on the median's side of the target for a clear verdict


@dataclass(frozen=True)
class Block:
    """What is timed: `run()` does `units` units of work (steps, batches, passes) and waits for their result.

    warm_up: what is run once beforehand, untimed (tracing, allocation); `run` itself if None.
    """

    run: Callable[[], Any]
    units: float = 1.0
    warm_up: Callable[[], Any] | None = None


@dataclass(frozen=True)
class Row:
    """One comparison.

    part: the part of the benchmark.  name: what over what.  ratios: one a pair, in the order of the measurement.
    target: the bound the median is held to, None where there is none.  at_most: whether the target is an upper bound.
    note: sizes and rates that help to read the ratio.
    """

    part: str
    name: str
    ratios: tuple[float, ...]
    target: float | None = None
    at_most: bool = True
    note: str = ""

    @property
    def median(self) -> float:
        return float(np.median(self.ratios))

    @property
    def verdict(self) -> str:
        """ "met" or "missed" by the median; "unclear" if too few pairs agree with it; "" without a target."""
        if self.target is None:
            return ""
        holds = (lambda x: x <= self.target) if self.at_most else (lambda x: x >= self.target)
        agreeing = np.mean([holds(x) == holds(self.median) for x in self.ratios])
        if agreeing < AGREEMENT:
            return "unclear"
        return "met" if holds(self.median) else "missed"

    def to_json(self) -> dict:
        """The row with its median, lowest and highest ratio and its verdict."""
        derived = {"median": self.median, "lowest": min(self.ratios), "highest": max(self.ratios)}
        return asdict(self) | derived | {"pairs": len(self.ratios), "verdict": self.verdict}


def interleaved(
    blocks: Mapping[str, Block], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, np.ndarray]:
    """Times every block once a round, in turn, after a warm-up that is not counted.

    clock: seconds; `time.process_time` counts what this process computes and not what it waits for, so that it serves
    on a machine that is busy with other work, provided that TensorFlow has one thread (idle threads spin).

    Returns {name: seconds a unit, float64 [rounds]}; entries of the same index were measured side by side.
    """
    for block in blocks.values():
        (block.warm_up or block.run)()
    seconds = {name: np.empty(rounds) for name in blocks}
    for i in range(rounds):
        for name, block in blocks.items():
            began = clock()
            block.run()
            seconds[name][i] = (clock() - began) / block.units
    return seconds


def ratios(numerator: np.ndarray, denominator: np.ndarray) -> tuple[float, ...]:
    """Pairwise ratios of two series of `interleaved`."""
    return tuple(float(x) for x in np.asarray(numerator) / np.asarray(denominator))
