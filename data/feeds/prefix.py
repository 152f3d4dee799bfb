"""Prefix -> next item, with pooled negatives or some a row (SINE, MIND, ComiRec, GRU4Rec)."""

from __future__ import annotations

import numpy as np

from data.negatives import item_sampler
from data.pipeline import Batch, Feed, Store, epoch_rows, step_seed
from data.pools import PoolSampler
from data.schema import places
from data.splits import Split
from tf_utils.cli import UserError
from tf_utils.keras_gate import tf


def prefix_feed(
    split: Split,
    length: int,
    batch_size: int,
    seed: int,
    pooled: int = 0,
    proposal: str = "log_uniform",
    negatives: int = 0,
    min_history: int = 1,
) -> Feed:
    """Prefix -> next item: each training event is the target of an instance of its own (SINE eq. 9; GRU4Rec, MIND).

    Fields: user, positives [B]; items, categories, actions [B, length], the newest events before the target,
    left-padded; negatives [B, negatives]; all int32. With a pool, shared by the global batch (data/pools.py): pool
    int32 [S], pool_log_expected float32 [S], positive_log_expected float32 [B]. valid_count: rows.

    Args:
        split: the data; only training events are used.
        length: n, the longest history.
        batch_size: rows of the global batch.
        seed: of order, pool and negatives.
        pooled: negatives a row that are pooled: S = pooled * batch_size, at most all items but one; 0: none.
        proposal: of the pool, "log_uniform" by rank of popularity or "uniform".
        negatives: a row, uniform outside what the user did in training; 0: none.
        min_history: events that a target must have before it (LEDGER S13).
    """
    seq = split.sequences
    in_training = split.train_mask()
    place = places(seq.lengths)
    targets = np.flatnonzero(in_training & (place >= min_history))
    if not len(targets):
        raise UserError(f"{seq.provenance.name}: no user has {min_history + 1} training events; loosen the filters")
    owners = seq.users_of_events()
    sampler = None
    if negatives:
        sampler, _ = item_sampler(split, "train", ("train",), owners[targets], targets, targets + 1)
    size = min(pooled * batch_size, seq.size("item") - 1)
    pools = PoolSampler(split.item_counts(train_only=True), size, proposal) if size else None
    store = Store(seq)
    table = {"target": tf.constant(targets), "first": tf.constant(targets - place[targets])}
    users, items = tf.constant(owners[targets]), tf.constant(seq.items[targets], tf.int32)

    def batch(step: tf.Tensor) -> Batch:
        chosen = epoch_rows(step, batch_size, len(targets), seed)
        first, target = tf.gather(table["first"], chosen), tf.gather(table["target"], chosen)
        user, positive = tf.gather(users, chosen), tf.gather(items, chosen)
        fields = {"user": user, **store.window(first, target, tf.constant(length)), "positives": positive}
        if sampler:
            against = tf.repeat(positive[:, None], negatives, axis=1)
            fields["negatives"] = sampler(user, against, step_seed(seed, step, 0))
        if pools:
            fields |= pools(positive, step_seed(seed, step, 1))
        fields["valid_count"] = tf.cast(tf.shape(user)[0], tf.float32)
        return fields

    return Feed(batch, -(-len(targets) // batch_size), len(targets), len(targets))
