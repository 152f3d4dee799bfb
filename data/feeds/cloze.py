"""Hidden events as targets (BERT4Rec)."""

from __future__ import annotations

import numpy as np

from data.pipeline import Batch, Feed, Store, epoch_rows, step_seed
from data.splits import Split
from data.windows import training_windows
from tf_utils.cli import UserError
from tf_utils.keras_gate import tf


def cloze_feed(
    split: Split,
    length: int,
    batch_size: int,
    seed: int,
    windows: str = "last",
    share: float = 0.2,
    last_share: float = 0.0,
) -> Feed:
    """Histories with some events hidden, which are the targets (BERT4Rec section 3.6).

    Fields: user [B]; items, categories, actions [B, T], hidden ones with item n_items + 1 (the mask token), category 0
    and action 0; positives [B, T], the hidden items, 0 elsewhere; all int32. Rows are sorted by length, T is the
    longest of the batch. valid_count: the number of hidden events.

    Args:
        split: the data; only training events are used.
        length: n, the longest history.
        batch_size: rows of the global batch.
        seed: of order and masks: they differ from epoch to epoch.
        windows: see `training_windows`; sliding ones have every event once.
        share: rho: max(1, round(rho * events)) events of a row are hidden, all sets of so many equally likely.
        last_share: of the rows, only the newest event is hidden instead, as at test time (the released code: one copy
            of a history in eleven).
    """
    seq = split.sequences
    users, starts, ends = training_windows(split, length, windows, overlap=0)
    if not 0 < share <= 1 or not 0 <= last_share <= 1:
        raise UserError(f"shares of masks must be in (0, 1] and [0, 1], got {share} and {last_share}")
    store, mask_token = Store(seq), seq.size("item") + 1
    order = {"user": users, "first": starts, "end": ends}
    table = {name: tf.constant(x) for name, x in order.items()}

    def batch(step: tf.Tensor) -> Batch:
        chosen = epoch_rows(step, batch_size, len(users), seed)
        lengths = tf.gather(table["end"], chosen) - tf.gather(table["first"], chosen)
        by_length = tf.argsort(lengths, stable=True)
        chosen, lengths = tf.gather(chosen, by_length), tf.gather(lengths, by_length)
        user, lo, hi = (tf.gather(table[name], chosen) for name in order)
        fields = store.window(lo, hi, tf.reduce_max(lengths))
        items, there = fields["items"], fields["items"] > 0
        hidden = tf.maximum(tf.cast(tf.round(share * tf.cast(lengths, tf.float32)), tf.int32), 1)
        luck = tf.random.stateless_uniform(tf.shape(items), step_seed(seed, step, 0))
        places = tf.argsort(tf.argsort(tf.where(there, luck, 2.0), axis=1), axis=1)  # padding comes last
        masked = places < hidden[:, None]
        newest = tf.random.stateless_uniform(tf.shape(hidden), step_seed(seed, step, 1)) < last_share
        only_newest = tf.one_hot(tf.fill(tf.shape(hidden), tf.shape(items)[1] - 1), tf.shape(items)[1], True, False)
        masked = tf.where(newest[:, None], only_newest, masked)
        fields = {name: tf.where(masked, 0, x) for name, x in fields.items()}
        fields["items"] = tf.where(masked, mask_token, items)
        positives = tf.where(masked, items, 0)
        count = tf.reduce_sum(tf.cast(masked, tf.float32))
        return {"user": user, **fields, "positives": positives, "valid_count": count}

    hidden = np.maximum(np.round(share * (ends - starts)), 1)
    return Feed(batch, -(-len(users) // batch_size), len(users), int(hidden.sum()), packable=True)
