"""How ASLI's training step grows with the history length n, the width d and the number of items N.

Reference: ASLI section 4.8, O(n^2 d + n d l + n d^2), and its measurement on Tmall: 7 seconds an epoch at n = 50, 45 at
n = 600.
"""

from __future__ import annotations

import numpy as np

import models
from data.feeds.next_item import next_item_feed
from data.splits import Split, leave_one_out
from experiments.benchmarks import steps, workload
from experiments.benchmarks.measure import Block, Row, interleaved, ratios
from experiments.benchmarks.settings import Settings
from models.base import DataSpec

PUBLISHED = 45 / 7


def asli_block(settings: Settings, split: Split, dim: int, length: int, groups: int = 1) -> Block:
    """Steps of ASLI at its published dropout and kernel size, over batches in memory.

    groups: length groups; where all histories are equally long, more than one saves nothing.
    """
    config = models.default_config("asli")
    config.update(dict(dim=dim, max_length=length))
    model = models.build("asli", config, DataSpec.of(split.sequences))
    feed = next_item_feed(split, length, settings.growth_batch, seed=1, **model.feed_options())
    batches = steps.full_batches(feed, settings.growth_batch, settings.steps)
    return steps.step_block(steps.our_step(model, feed, groups), batches)


def run(settings: Settings) -> list[Row]:
    s = settings
    longest = max(s.growth_lengths)
    filled = lambda length, items=s.items: leave_one_out(  # noqa: E731  every row has n events
        workload.generated(np.full(2 * s.growth_batch, length + 3), items)
    )
    tmall = leave_one_out(workload.generated(workload.tmall_lengths(4 * s.growth_batch), s.items))
    rows = []

    def series(symbol, values, make, target_of_last=None, note="", where=""):
        """Every setting over the first one; `make` is called only if there are two."""
        if len(values) < 2:
            return
        blocks = {value: make(value) for value in values}
        seconds = interleaved({str(value): block for value, block in blocks.items()}, s.growth_rounds, s.clock)
        base, *others = blocks
        for value in others:
            target = target_of_last if value == others[-1] else None
            found = ratios(seconds[str(value)], seconds[str(base)])
            name = f"ASLI step at {symbol} = {value:,} / at {symbol} = {base:,}{where}"
            rows.append(Row("growth", name, found, target, note=note))
            note = ""

    size = f"ASLI, d {s.growth_dim}, batch {s.growth_batch}"
    long_histories = filled(longest)
    series(
        "n",
        s.growth_lengths,
        lambda n: asli_block(s, long_histories, s.growth_dim, n),
        PUBLISHED,
        f"{size}, the same users, all with over {longest} events; the paper: 12 times n costs 6.4 times an epoch",
        ", every history full",
    )
    series(
        "n",
        (min(s.growth_lengths), longest),
        lambda n: asli_block(s, tmall, s.growth_dim, n, s.groups),
        PUBLISHED,
        f"{size}, mean length {tmall.sequences.lengths.mean():.0f} as on the paper's Tmall, spread as on MovieLens-1M",
        ", lengths as on Tmall",
    )
    series(
        "d",
        s.growth_dims,
        lambda d: asli_block(s, filled(s.growth_length), d, s.growth_length),
        note=f"ASLI, n {s.growth_length}, batch {s.growth_batch}",
    )
    series(
        "N",
        s.growth_items,
        lambda n: asli_block(s, filled(s.growth_length, n), s.growth_dim, s.growth_length),
        note=f"{size}, n {s.growth_length}; Adam moves every row of the table at every step",
    )
    return rows
