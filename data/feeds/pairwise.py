"""Triples of a user, an item and another item (BPR)."""

from __future__ import annotations

import numpy as np

from data.negatives import item_sampler
from data.pipeline import Batch, Feed, epoch_rows, step_seed
from data.splits import Split
from tf_utils.keras_gate import tf


def pairwise_feed(split: Split, batch_size: int, seed: int) -> Feed:
    """(user, item, other item) triples: each training event once an epoch, with one item the user has not touched.

    Fields: user, positives, negatives int32 [B]; valid_count. Reference: Rendle et al., UAI 2009, D_S.
    """
    seq = split.sequences
    chosen = np.flatnonzero(split.train_mask())
    users, positives = seq.users_of_events()[chosen], seq.items[chosen]
    sampler, _ = item_sampler(split, "train", ("train",), users, chosen, chosen + 1)
    user_table, item_table = tf.constant(users), tf.constant(positives)

    def batch(step: tf.Tensor) -> Batch:
        rows = epoch_rows(step, batch_size, len(chosen), seed)
        user, positive = tf.gather(user_table, rows), tf.gather(item_table, rows)
        negative = sampler(user, positive, step_seed(seed, step, 0))
        return {
            "user": user,
            "positives": positive,
            "negatives": negative,
            "valid_count": tf.cast(tf.shape(user)[0], tf.float32),
        }

    return Feed(batch, -(-len(chosen) // batch_size), len(chosen), len(chosen))
