"""Sliding windows of L events with T targets (Caser, AttRec)."""

from __future__ import annotations

import numpy as np

from data.negatives import item_sampler
from data.pipeline import Batch, Feed, Store, epoch_rows, step_seed
from data.splits import Split
from data.windows import target_windows
from tf_utils.cli import UserError
from tf_utils.keras_gate import tf


def window_feed(
    split: Split, length: int, targets: int, batch_size: int, seed: int, exclude: str = "train", negatives: int = 0
) -> Feed:
    """Sliding windows: `length` events and the `targets` events after them (Caser section 3, AttRec eq. 11).

    Fields: user [B]; items, categories, actions [B, length]; positives [B, targets]; negatives [B, negatives]; all
    int32, left-padded (each missing target leaves out its share of the negatives); valid_count, the number of targets.

    Args:
        split: the data; only training events are used.
        length: L; 1 for models of the transition from the previous item.
        targets: T.
        batch_size: windows of the global batch.
        seed: of order and negatives.
        exclude: negatives are drawn, with replacement, from outside what the user did in training ("train"), the
            targets of the window alone ("targets", LEDGER T9), or from all items ("none").
        negatives: a window; 0: as many as targets.

    Raises:
        UserError: no user has two training events, or `negatives` is no multiple of `targets`.
    """
    seq = split.sequences
    users, first, middle, end = target_windows(split, length, targets)
    if not len(users):
        raise UserError(f"{seq.provenance.name}: no user has two training events; check the filters and the split")
    sampler, rows = item_sampler(split, exclude, ("train", "targets", "none"), users, middle, end)
    negatives = negatives or targets
    if negatives % targets:
        raise UserError(f"{negatives} negatives cannot be shared by {targets} targets; take a multiple")

    store = Store(seq)
    order = {"user": users, "row": rows, "first": first, "middle": middle, "end": end}
    table = {name: tf.constant(x) for name, x in order.items()}

    def batch(step: tf.Tensor) -> Batch:
        chosen = epoch_rows(step, batch_size, len(users), seed)
        user, row, lo, mid, hi = (tf.gather(table[name], chosen) for name in order)
        positives = store.window(mid, hi, tf.constant(targets))["items"]
        missing = (targets - (hi - mid)) * (negatives // targets)
        column = tf.range(negatives, dtype=tf.int64)[None, :]
        # The sampler needs a positive for users who have every item; the newest target will do.
        against = tf.repeat(positives[:, -1:], negatives, axis=1)
        drawn = sampler(row, against, step_seed(seed, step, 0))
        return {
            "user": user,
            **store.window(lo, mid, tf.constant(length)),
            "positives": positives,
            "negatives": tf.where(column >= missing[:, None], drawn, 0),
            "valid_count": tf.reduce_sum(tf.cast(positives > 0, tf.float32)),
        }

    return Feed(batch, -(-len(users) // batch_size), len(users), int(np.sum(end - middle)))
