"""Sequences -> batches. A batch is a pure function of (seed, step): nothing is kept between steps.

Every builder returns a `Feed`; `Feed.dataset(start_step)` is a tf.data.Dataset that begins at any step. One file,
because the regimes share the permutation, the trimming and the negatives; a new regime is a new `*_feed` function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data.negatives import ComplementSampler
from data.pools import PoolSampler
from data.schema import Sequences, places
from data.splits import EvalSet, Split
from data.windows import target_windows, training_windows
from tf_utils.cli import UserError
from tf_utils.keras_gate import tf

Batch = dict[str, tf.Tensor]
_FIELDS = ("items", "categories", "actions")


@dataclass(frozen=True)
class Feed:
    """Training batches.

    batch: function of an int64 step -> the batch of that step, in graph.
    steps_per_epoch: batches until every instance has been seen once; the last one of an epoch may be smaller.
    instances, targets: number of training instances and of targets an epoch.
    packable: every field but the scalars and `user` is [B, T, ...], left-padded, and the rows are sorted by length.
    """

    batch: Callable[[tf.Tensor], Batch]
    steps_per_epoch: int
    instances: int
    targets: int
    packable: bool = False

    def dataset(self, start_step: int = 0, replicas: int = 1) -> tf.data.Dataset:
        """Batches from `start_step` on, without end; for several replicas, `replicas` slices of each in turn.

        Slices interleave the rows. `valid_count` stays that of the global batch.
        """
        steps = tf.data.Dataset.range(start_step, np.iinfo(np.int64).max)
        batches = steps.map(
            tf.autograph.experimental.do_not_convert(self.batch), num_parallel_calls=1, deterministic=True
        )
        if replicas > 1:
            batches = batches.flat_map(
                lambda batch: tf.data.Dataset.range(replicas).map(lambda r: slice_rows(batch, r, replicas))
            )
        options = tf.data.Options()
        options.autotune.enabled = False  # its start-up sleeps stall short runs
        options.threading.private_threadpool_size = 1
        return batches.prefetch(2 * replicas).with_options(options)


def slice_rows(batch: Batch, start: tf.Tensor | int, stride: int) -> Batch:
    """Rows start, start + stride, ... of every field but scalars and pools, which belong to the global batch."""
    whole = lambda name, x: x.shape.rank == 0 or name.startswith("pool")  # noqa: E731
    return {name: x if whole(name, x) else x[start::stride] for name, x in batch.items()}


class Store:
    """The flat arrays of a `Sequences` as tensors, and windows cut out of them."""

    def __init__(self, sequences: Sequences):
        self._flat = {name: tf.constant(getattr(sequences, name), tf.int32) for name in _FIELDS}

    def window(self, first: tf.Tensor, end: tf.Tensor, width: tf.Tensor, prefix: str = "") -> Batch:
        """Events first..end-1 of each row, left-padded with 0 to `width`; the newest `width` ones if there are more.

        first, end: int64 [B]. Returns fields [B, width], their names prefixed by `prefix`.
        """
        index = end[:, None] - tf.cast(width, tf.int64) + tf.range(tf.cast(width, tf.int64))[None, :]
        inside = index >= first[:, None]
        index = tf.where(inside, index, 0)
        return {prefix + name: tf.where(inside, tf.gather(x, index), 0) for name, x in self._flat.items()}


def epoch_rows(step: tf.Tensor, batch_size: int, instances: int, seed: int) -> tf.Tensor:
    """int64 [<= batch_size]: the instances of a step: a slice of the permutation of its epoch."""
    steps_per_epoch = -(-instances // batch_size)
    epoch, position = step // steps_per_epoch, step % steps_per_epoch
    first = position * batch_size
    index = tf.range(first, tf.minimum(first + batch_size, instances))
    key = tf.stack([tf.constant(seed, tf.int64), epoch])
    return tf.random.experimental.index_shuffle(index, tf.cast(key, tf.int32), max_index=instances - 1)


def step_seed(seed: int, step: tf.Tensor, draw: int) -> tf.Tensor:
    """int32 [2]: the seed of the draw-th random draw of a step of the pipeline."""
    key = tf.stack([tf.constant(seed, tf.int32), tf.cast(step, tf.int32)])
    return tf.random.experimental.stateless_fold_in(key, draw)


def _item_sampler(
    split: Split, exclude: str, known: tuple[str, ...], users: np.ndarray, first: np.ndarray, end: np.ndarray
) -> tuple[ComplementSampler, np.ndarray]:
    """The sampler of item negatives and, for each instance, the row of the sampler that excludes its items.

    exclude: one of `known`: what the user did in training ("train"), the instance's own targets, the events
    first..end-1 ("targets"), or nothing ("none").  Raises UserError for another.
    """
    seq = split.sequences
    if exclude not in known:
        raise UserError(f"exclude must be one of {', '.join(known)}, got {exclude!r}")
    n_items = seq.size("item")
    if exclude == "train":
        mask = split.train_mask()
        return ComplementSampler(seq.users_of_events()[mask], seq.items[mask], seq.size("user"), n_items), users
    if exclude == "targets":
        rows, sizes = np.arange(1, len(users) + 1), end - first
        items = seq.items[np.repeat(first, sizes) + places(sizes)]
        return ComplementSampler(np.repeat(rows, sizes), items, len(users), n_items), rows
    return ComplementSampler(np.array([], np.int64), np.array([], np.int64), 0, n_items), np.zeros(len(users), np.int64)


def next_item_feed(
    split: Split,
    length: int,
    batch_size: int,
    seed: int,
    windows: str = "last",
    exclude: str = "train",
    interaction_negatives: str = "none",
) -> Feed:
    """Inputs at each position, with the next event and one negative as targets.

    Fields beside the history: positives, positive_categories, positive_actions, negatives [B, T] int32, and with
    interaction negatives negative_categories, negative_actions [B, T]. T is the longest window of the batch, at most
    `length`; rows are sorted by the length of their window, shortest first (packing: tf_utils/training.py).

    Args:
        split: the data; only training events are used.
        length: n, the longest input.
        batch_size: rows of the global batch.
        seed: of order and negatives.
        windows: see `training_windows`.
        exclude: item negatives are drawn from outside what the user did in training ("train") or the targets of the
            batch's window alone ("targets"). Held-out items are never excluded: that would leak them.
        interaction_negatives: "none"; "pair": uniform over (category, action) pairs that the user did not do in
            training (ASLI section 3.4.5, LEDGER A16); "code": a category the user did not touch, and independently an
            action other than the positive's, as ASLI's released code draws them.
    """
    seq = split.sequences
    users, first, end = training_windows(split, length, windows)
    if not len(users):
        raise UserError(f"{seq.provenance.name}: no user has two training events; check the filters and the split")
    n_users, n_categories, n_actions = seq.size("user"), max(seq.size("category"), 1), seq.size("action")

    items, rows = _item_sampler(split, exclude, ("train", "targets"), users, first + 1, end)
    in_training = split.train_mask()
    done = {"user": seq.users_of_events()[in_training]}
    done |= {name: getattr(seq, name)[in_training].astype(np.int64) for name in ("categories", "actions")}
    known = done["categories"] > 0
    if interaction_negatives == "pair":
        pair = (done["categories"] - 1) * n_actions + done["actions"]  # 1..C*A
        pairs = ComplementSampler(done["user"][known], pair[known], n_users, n_categories * n_actions)
    elif interaction_negatives == "code":
        categories = ComplementSampler(done["user"][known], done["categories"][known], n_users, n_categories)
        actions = ComplementSampler(np.array([], np.int64), np.array([], np.int64), 0, max(n_actions - 1, 1))
    elif interaction_negatives != "none":
        raise UserError(f'interaction_negatives must be "none", "pair" or "code", got {interaction_negatives!r}')

    store = Store(seq)
    order = {"user": users, "row": rows, "first": first, "end": end}
    table = {name: tf.constant(x) for name, x in order.items()}

    def batch(step: tf.Tensor) -> Batch:
        chosen = epoch_rows(step, batch_size, len(users), seed)
        lengths = tf.gather(table["end"], chosen) - tf.gather(table["first"], chosen) - 1
        chosen = tf.gather(chosen, tf.argsort(lengths, stable=True))
        user, row, lo, hi = (tf.gather(table[name], chosen) for name in ("user", "row", "first", "end"))
        width = tf.reduce_max(lengths)
        fields = {"user": user} | store.window(lo, hi - 1, width)
        target = store.window(lo + 1, hi, width)
        fields |= {"positives": target["items"]}
        fields |= {"positive_categories": target["categories"], "positive_actions": target["actions"]}
        is_target = target["items"] > 0
        masked = lambda x: tf.where(is_target, x, 0)  # noqa: E731
        fields["negatives"] = masked(items(row, target["items"], step_seed(seed, step, 0)))
        if interaction_negatives == "pair":
            positive = (tf.maximum(target["categories"], 1) - 1) * n_actions + target["actions"]
            drawn = pairs(user, positive, step_seed(seed, step, 1)) - 1
            fields["negative_categories"] = masked(drawn // n_actions + 1)
            fields["negative_actions"] = masked(drawn % n_actions + 1)
        elif interaction_negatives == "code":
            drawn = categories(user, target["categories"], step_seed(seed, step, 1))
            other = actions(tf.zeros_like(user), target["actions"], step_seed(seed, step, 2))
            other += tf.cast(other >= target["actions"], tf.int32)
            fields["negative_categories"] = masked(drawn)
            fields["negative_actions"] = masked(tf.minimum(other, n_actions))
        fields["valid_count"] = tf.reduce_sum(tf.cast(is_target, tf.float32))
        return fields

    return Feed(batch, -(-len(users) // batch_size), len(users), int(np.sum(end - first - 1)), packable=True)


def window_feed(
    split: Split, length: int, targets: int, batch_size: int, seed: int, exclude: str = "train", negatives: int = 0
) -> Feed:
    """Sliding windows: `length` events and the `targets` events after them (Caser section 3, AttRec eq. 11).

    Fields: user [B]; items, categories, actions [B, length]; positives [B, targets]; negatives [B, negatives]; all
    int32, left-padded (a row with fewer targets has as many negatives less); valid_count, the number of targets.

    Args:
        split: the data; only training events are used.
        length: L; 1 for models of the transition from the previous item.
        targets: T.
        batch_size: windows of the global batch.
        seed: of order and negatives.
        exclude: negatives are drawn, with replacement, from outside what the user did in training ("train"), the
            targets of the window alone ("targets", LEDGER T9), or from all items ("none").
        negatives: a window; 0: as many as targets.
    """
    seq = split.sequences
    users, first, middle, end = target_windows(split, length, targets)
    if not len(users):
        raise UserError(f"{seq.provenance.name}: no user has two training events; check the filters and the split")
    sampler, rows = _item_sampler(split, exclude, ("train", "targets", "none"), users, middle, end)
    negatives = negatives or targets

    store = Store(seq)
    order = {"user": users, "row": rows, "first": first, "middle": middle, "end": end}
    table = {name: tf.constant(x) for name, x in order.items()}

    def batch(step: tf.Tensor) -> Batch:
        chosen = epoch_rows(step, batch_size, len(users), seed)
        user, row, lo, mid, hi = (tf.gather(table[name], chosen) for name in order)
        positives = store.window(mid, hi, tf.constant(targets))["items"]
        missing = targets - (hi - mid)
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
        sampler, _ = _item_sampler(split, "train", ("train",), owners[targets], targets, targets + 1)
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


def pairwise_feed(split: Split, batch_size: int, seed: int) -> Feed:
    """(user, item, other item) triples: each training event once an epoch, with one item the user has not touched.

    Fields: user, positives, negatives int32 [B]; valid_count. Reference: Rendle et al., UAI 2009, D_S.
    """
    seq = split.sequences
    chosen = np.flatnonzero(split.train_mask())
    users, positives = seq.users_of_events()[chosen], seq.items[chosen]
    sampler = ComplementSampler(users, positives.astype(np.int64), seq.size("user"), seq.size("item"))
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


def make_feed(
    regime: str,
    split: Split,
    length: int,
    batch_size: int,
    seed: int,
    options: dict,
    targets: int = 1,
    windows: str = "last",
    exclude: str = "train",
) -> Feed:
    """The training batches of a model's regime.

    length: n (window: L).  options: the model's own, `models.base.Recommender.feed_options`.  targets: T of the window
    regime.  windows, exclude: of the next_item regime, windows of cloze too.  Raises ValueError for an unknown regime.
    """
    if regime == "pairwise":
        return pairwise_feed(split, batch_size, seed)
    if regime == "window":
        return window_feed(split, length, targets, batch_size, seed, **options)
    if regime == "prefix":
        return prefix_feed(split, length, batch_size, seed, **options)
    if regime == "cloze":
        return cloze_feed(split, length, batch_size, seed, windows, **options)
    if regime == "next_item":
        return next_item_feed(split, length, batch_size, seed, windows, exclude, **options)
    raise ValueError(f"unknown training regime {regime!r}")


def evaluation_batches(
    sequences: Sequences, targets: EvalSet, length: int, batch_size: int, trim: bool
) -> tuple[tf.data.Dataset, np.ndarray]:
    """Histories of an EvalSet.

    Args:
        sequences, targets: the data.
        length: n.
        batch_size: rows of a batch.
        trim: histories sorted by length and cut to the batch's longest; otherwise always [B, n].

    Returns:
        a dataset of {row int64 [B] (index into `targets`), user, items, categories, actions}, and those rows in the
        order in which they come, int64 [len(targets)].
    """
    lengths = np.minimum(targets.targets - targets.starts, length)
    rows = np.argsort(lengths, kind="stable") if trim else np.arange(len(targets))
    store = Store(sequences)
    row_table, lengths = tf.constant(rows), tf.constant(lengths)
    users, starts, ends = tf.constant(targets.users), tf.constant(targets.starts), tf.constant(targets.targets)

    def batch(step: tf.Tensor) -> Batch:
        row = row_table[step * batch_size : (step + 1) * batch_size]
        width = tf.maximum(tf.reduce_max(tf.gather(lengths, row)), 1) if trim else length
        history = store.window(tf.gather(starts, row), tf.gather(ends, row), width)
        return {"row": row, "user": tf.gather(users, row)} | history

    steps = -(-len(rows) // batch_size)
    return tf.data.Dataset.range(steps).map(batch).prefetch(2), rows
