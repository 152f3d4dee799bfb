"""The data that the measurements run on: MovieLens-1M where it is at hand, else histories of the same lengths."""

from __future__ import annotations

import numpy as np

from data import catalog
from data.download import locate
from data.schema import Provenance, Sequences
from data.splits import Split, leave_one_out
from experiments.benchmarks.settings import Settings

# Log-normal by the moments of ML-1M's log lengths (items rated 5 times and more: 6,040 users, 18 to 2,277 events).
LOG_MEAN, LOG_SD, SHORTEST = 4.605, 0.991, 18
TMALL_MEAN_LENGTH = 2_454_115 / 9_883  # ASLI section 4.1
CATEGORIES, ACTIONS = 100, 4


def movielens(settings: Settings) -> tuple[Split, str]:
    """ML-1M as SASRec prepares it, split, and a sentence that says what it is."""
    if locate("ml-1m", settings.data_dir) is not None:
        sequences, source = catalog.load("ml-1m-sasrec", settings.data_dir, download=False), "MovieLens-1M"
    else:
        lengths = log_normal_lengths(settings.users, LOG_MEAN)
        sequences, source = generated(lengths, settings.items), "generated histories with MovieLens-1M's lengths"
    sizes = f"{sequences.size('user'):,} users, {sequences.size('item'):,} items, {len(sequences):,} events"
    return leave_one_out(sequences), f"{source} ({sizes})"


def log_normal_lengths(users: int, log_mean: float) -> np.ndarray:
    """int64 [users]: history lengths with ML-1M's spread."""
    drawn = np.random.default_rng(0).lognormal(log_mean, LOG_SD, users)
    return np.maximum(np.round(drawn), SHORTEST).astype(np.int64)


def tmall_lengths(users: int) -> np.ndarray:
    """int64 [users]: history lengths with the mean of ASLI's Tmall; the spread, which is not published, is ML-1M's."""
    return log_normal_lengths(users, np.log(TMALL_MEAN_LENGTH) - LOG_SD**2 / 2)


def generated(lengths: np.ndarray, items: int) -> Sequences:
    """Histories of the given lengths; items and actions are uniform (timing is indifferent to it)."""
    rng, events = np.random.default_rng(1), int(np.sum(lengths))
    sizes = {"user": len(lengths), "item": items, "category": CATEGORIES, "action": ACTIONS}
    draw = lambda name: rng.integers(1, sizes[name] + 1, events).astype(np.int32)  # noqa: E731
    drawn = draw("item")
    return Sequences(
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        items=drawn,
        categories=1 + drawn % CATEGORIES,
        actions=draw("action"),
        timestamps=np.arange(events, dtype=np.int64),
        labels={name: np.arange(1, size + 1).astype(str) for name, size in sizes.items()},
        provenance=Provenance("benchmark", synthetic=True),
    )
