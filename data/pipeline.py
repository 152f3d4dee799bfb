"""Sequences -> batches. A batch is a pure function of (seed, step): nothing is kept between steps.

What every training regime (data/feeds) is made of: the `Feed` that each returns, whose `dataset(start_step)` is a
tf.data.Dataset that begins at any step, the permutation of the instances, and windows cut out of the flat arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data.schema import Sequences
from data.splits import EvalSet
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
    """The events of a `Sequences` as a tensor, and windows cut out of it."""

    def __init__(self, sequences: Sequences):
        # The fields of an event side by side: one gather for all costs less than one for each.
        self._events = tf.constant(np.stack([getattr(sequences, name) for name in _FIELDS], axis=1), tf.int32)

    def window(self, first: tf.Tensor, end: tf.Tensor, width: tf.Tensor, prefix: str = "") -> Batch:
        """Events first..end-1 of each row, left-padded with 0 to `width`; the newest `width` ones if there are more.

        first, end: int64 [B]. Returns fields [B, width], their names prefixed by `prefix`.
        """
        index = end[:, None] - tf.cast(width, tf.int64) + tf.range(tf.cast(width, tf.int64))[None, :]
        inside = index >= first[:, None]
        events = tf.unstack(tf.gather(self._events, tf.where(inside, index, 0)), axis=-1)
        return {prefix + name: tf.where(inside, x, 0) for name, x in zip(_FIELDS, events, strict=True)}


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


def evaluation_batches(
    store: Store, targets: EvalSet, length: int, batch_size: int, trim: bool
) -> tuple[tf.data.Dataset, np.ndarray]:
    """Histories of an EvalSet.

    Args:
        store, targets: the events, and whose histories to cut out of them.
        length: n.
        batch_size: rows of a batch.
        trim: histories sorted by length and cut to the batch's longest; otherwise always [B, n].

    Returns:
        a dataset of {row int64 [B] (index into `targets`), user, items, categories, actions}, and those rows in the
        order in which they come, int64 [len(targets)].
    """
    lengths = np.minimum(targets.targets - targets.starts, length)
    rows = np.argsort(lengths, kind="stable") if trim else np.arange(len(targets))
    row_table, lengths = tf.constant(rows), tf.constant(lengths)
    users, starts, ends = tf.constant(targets.users), tf.constant(targets.starts), tf.constant(targets.targets)

    def batch(step: tf.Tensor) -> Batch:
        row = row_table[step * batch_size : (step + 1) * batch_size]
        width = tf.maximum(tf.reduce_max(tf.gather(lengths, row)), 1) if trim else length
        history = store.window(tf.gather(starts, row), tf.gather(ends, row), width)
        return {"row": row, "user": tf.gather(users, row)} | history

    steps = -(-len(rows) // batch_size)
    return tf.data.Dataset.range(steps).map(batch).prefetch(2), rows
