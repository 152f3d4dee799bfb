"""Sizes of the benchmark. The defaults are the sizes that the targets are stated for; tests use tiny ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """rounds: pairs a comparison.  steps: training steps a block (10 at least for a steady time).

    The SASRec-size step: batch, length (n), dim (d), blocks, dropout, and the
    length groups of the packed form (groups).  side: of the square product that stands for
    the machine's peak.  users, items: of generated data.  growth_*: ASLI's sizes, the first of each being the base.
    cost_*: of the comparison of models; no models: all that are trained.
    paper_dim, paper_batch: in place of the papers' own where they are above 0.
    top_*: of lists of the best items: users, items, d and the items of a list.
    clock: see `measure.interleaved`.  data_dir: where the raw data sets are, None for $DATA_DIR.
    """

    rounds: int = 5
    steps: int = 10
    batch: int = 128
    length: int = 200
    dim: int = 50
    blocks: int = 2
    dropout: float = 0.2
    groups: int = 4
    side: int = 2048
    users: int = 6040
    items: int = 3416
    growth_rounds: int = 3
    growth_batch: int = 64
    growth_lengths: tuple[int, ...] = (50, 100, 200, 400, 600)
    growth_dims: tuple[int, ...] = (32, 64, 128)
    growth_items: tuple[int, ...] = (3_000, 30_000, 300_000)
    growth_dim: int = 64
    growth_length: int = 200
    cost_models: tuple[str, ...] = ()
    cost_batch: int = 128
    cost_length: int = 50
    cost_dim: int = 64
    paper_dim: int = 0
    paper_batch: int = 0
    top_users: int = 1_000
    top_items: int = 1_000_000
    top_dim: int = 128
    top_n: int = 100
    clock: Callable[[], float] = time.perf_counter
    data_dir: str | None = None
