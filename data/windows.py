"""Which training events make an instance: windows as ranges of the flat arrays."""

from __future__ import annotations

import numpy as np

from data.schema import places
from data.splits import Split
from tf_utils.cli import UserError

WINDOWS = ("last", "sliding")


def training_windows(
    split: Split, length: int, windows: str, overlap: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Windows of at most length + overlap training events; with overlap 1, `length` inputs with their next events.

    Args:
        split: the data.
        length: n.
        windows: "last": each user's newest window; "sliding": windows n apart that together have every training event
            but the first `overlap` of each user once at a place behind the overlap (LEDGER R14).
        overlap: events that a window shares with the one before it.

    Returns:
        users int32, first int64, end int64, each [instances]; users with no more than `overlap` training events have
        none.
    """
    starts, ends = split.sequences.offsets[:-1], split.train_ends
    users = np.flatnonzero(ends - starts > overlap)
    starts, ends = starts[users], ends[users]
    if windows == "sliding":
        counts = -(-(ends - starts - overlap) // length)
        users, starts = np.repeat(users, counts), np.repeat(starts, counts)
        ends = np.repeat(ends, counts) - places(counts) * length
    elif windows not in WINDOWS:
        raise UserError(f"windows must be one of {', '.join(WINDOWS)}, got {windows!r}")
    return (users + 1).astype(np.int32), np.maximum(starts, ends - length - overlap), ends


def target_windows(split: Split, length: int, targets: int) -> tuple[np.ndarray, ...]:
    """Every run of `length` training events with the `targets` training events after it.

    A user with fewer training events than that has one shorter window (LEDGER T14: padded, not dropped): the last
    `targets` events as targets, or all but the first if there are fewer, and what comes before them as inputs.

    Returns:
        users int32, first, middle, end int64, each [instances]: inputs first..middle-1, targets middle..end-1.
    """
    starts, ends = split.sequences.offsets[:-1], split.train_ends
    users = np.flatnonzero(ends - starts >= 2)
    starts, ends = starts[users], ends[users]
    counts = np.maximum(ends - starts - (length + targets) + 1, 1)
    users, starts, ends = np.repeat(users, counts), np.repeat(starts, counts), np.repeat(ends, counts) - places(counts)
    middle = ends - np.minimum(targets, ends - starts - 1)
    return (users + 1).astype(np.int32), np.maximum(starts, middle - length), middle, ends
