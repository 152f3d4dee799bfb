"""Exact negative samplers in the graph: uniform over what a user has not done, with no rejection loop.

A draw r in [0, N - k), k the number of values the user has, is shifted past those of the user's values that lie at or
below it: with the values v_0 < ... < v_{k-1} (1-based), the r-th value of the complement is r + 1 + #{j: w_j <= r},
w_j = v_j - 1 - j. All users' w stand in one sorted array of int64 keys (user, w), so one `searchsorted` serves a whole
batch. The only bias is the remainder of a 63-bit integer, below N / 2^63.
"""

from __future__ import annotations

import numpy as np

from data.schema import places
from data.splits import Split
from tf_utils.cli import UserError
from tf_utils.keras_gate import tf


class ComplementSampler:
    """Draws uniformly from {1..size} minus each user's own values.

    Args:
        users, values: int arrays of the same length, the pairs to exclude; repeats are allowed. users in 1..n_users,
            values in 1..size.
        n_users: number of users.
        size: N.

    Attributes:
        saturated: users who have every value. For them only the positive of the same cell is excluded, as in
            `OtherSampler`.
    """

    def __init__(self, users: np.ndarray, values: np.ndarray, n_users: int, size: int):
        stride = np.int64(size) + 1
        pairs = np.unique(users.astype(np.int64) * stride + values)
        owners, values = pairs // stride, pairs % stride
        counts = np.bincount(owners, minlength=n_users + 1).astype(np.int64)
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        shifted = values - 1 - (np.arange(len(pairs)) - starts[owners])
        self.size, self.stride = size, int(stride)
        self.saturated = np.flatnonzero(counts >= size)
        self._keys = tf.constant(owners * stride + shifted, tf.int64)
        self._counts, self._starts = tf.constant(counts, tf.int64), tf.constant(starts, tf.int64)

    def __call__(self, users: tf.Tensor, positives: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """One draw for each cell of `positives`.

        Args:
            users: int [B], ids.
            positives: int [B, ...], the value that each draw stands against; used for saturated users only.
            seed: int32 [2].

        Returns:
            int32, the shape of `positives`, in 1..size.
        """
        shape = tf.shape(positives)
        draws = tf.reshape(draw_int63(shape, seed), [shape[0], -1])
        users = tf.cast(users, tf.int64)
        counts = tf.gather(self._counts, users)[:, None]
        positives = tf.reshape(tf.cast(positives, tf.int64), [shape[0], -1])

        room = tf.maximum(self.size - counts, 1)
        r = draws % room
        found = tf.searchsorted(self._keys, tf.reshape(users[:, None] * self.stride + r, [-1]), side="right")
        below = tf.reshape(tf.cast(found, tf.int64), tf.shape(r)) - tf.gather(self._starts, users)[:, None]
        value = r + 1 + below
        if len(self.saturated):
            value = tf.where(counts >= self.size, _others(draws, positives, self.size), value)
        return tf.reshape(tf.cast(value, tf.int32), shape)


class OtherSampler:
    """Draws uniformly from {1..size} minus the positive of the same cell; called as `ComplementSampler` is."""

    def __init__(self, size: int):
        self.size = size

    def __call__(self, users: tf.Tensor, positives: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        draws = draw_int63(tf.shape(positives), seed)
        return tf.cast(_others(draws, tf.cast(positives, tf.int64), self.size), tf.int32)


def _others(draws: tf.Tensor, positives: tf.Tensor, size: int) -> tf.Tensor:
    """int64: the draw's place among {1..size} without the positive, past which it is shifted; size 1: 1."""
    other = draws % max(size - 1, 1) + 1
    return tf.minimum(other + tf.cast(other >= positives, tf.int64), size)


def draw_int63(shape: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """int64 of the given shape, uniform in [0, 2^63)."""
    bits = tf.random.stateless_uniform(shape, seed, minval=None, maxval=None, dtype=tf.int64)
    return tf.bitwise.bitwise_and(bits, tf.constant(2**63 - 1, tf.int64))


def item_sampler(
    split: Split, exclude: str, known: tuple[str, ...], users: np.ndarray, first: np.ndarray, end: np.ndarray
) -> tuple[ComplementSampler | OtherSampler, np.ndarray]:
    """The sampler of item negatives and, for each instance, the row of the sampler that excludes its items.

    exclude: one of `known`: what the user did in training ("train"), the instance's own targets, the events
    first..end-1 ("targets"), the one target that a negative stands against ("target"), or nothing ("none").
    Raises UserError for another.
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
    if exclude == "target":
        return OtherSampler(n_items), users
    return ComplementSampler(np.array([], np.int64), np.array([], np.int64), 0, n_items), np.zeros(len(users), np.int64)
