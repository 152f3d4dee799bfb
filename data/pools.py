"""Pools of negatives shared by a batch, drawn without replacement, with what a sampled softmax must know of them.

The one place where the log-uniform sampler meets popularity: items are ranked by their number of training events, and
the item of rank r (from 0) has probability log((r + 2) / (r + 1)) / log(N + 1), as in TensorFlow's
`log_uniform_candidate_sampler`, which presumes ids sorted so (LEDGER S12).

TensorFlow draws with replacement until the pool has enough distinct items. Here each item i gets an exponential clock
of rate p_i and the S that ring first are the pool: the same distribution, as a pure function of a seed. Given the S-th
clock t of the *other* items, item i is in the pool with probability 1 - exp(-p_i t) (bottom-k sampling: Cohen and
Kaplan, PODC 2007), which is TensorFlow's expected count, 1 - (1 - p_i)^tries, with t in place of the tries.
"""

from __future__ import annotations

import numpy as np

from tf_utils.cli import UserError
from tf_utils.keras_gate import tf

PROPOSALS = ("log_uniform", "uniform")


class PoolSampler:
    """Draws pools of distinct items.

    Args:
        counts: int [n_items + 1], training events of each item; index 0 is padding.
        size: S, items of a pool, below the number of items.
        proposal: one of `PROPOSALS`.

    Attributes:
        probabilities: float64 [n_items + 1], 0 for padding.

    Raises:
        UserError: size or proposal out of range.
    """

    def __init__(self, counts: np.ndarray, size: int, proposal: str = "log_uniform"):
        n = len(counts) - 1
        if proposal not in PROPOSALS:
            raise UserError(f"proposal must be one of {', '.join(PROPOSALS)}, got {proposal!r}")
        if not 0 < size < n:
            raise UserError(f"a pool of {size} negatives cannot be drawn from {n} items; use fewer negatives")
        self.size = size
        self.probabilities = np.zeros(n + 1)
        if proposal == "uniform":
            self.probabilities[1:] = 1 / n
        else:
            by_popularity = 1 + np.argsort(-counts[1:], kind="stable")
            rank = np.arange(n)
            self.probabilities[by_popularity] = np.log((rank + 2) / (rank + 1)) / np.log(n + 1)
        self._p = tf.constant(self.probabilities, tf.float32)

    def __call__(self, positives: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """positives: int32 [B].  seed: int32 [2].

        Returns:
            pool: int32 [S], distinct items in no particular order; pool_log_expected: float32 [S] and
            positive_log_expected: float32 [B], the logarithms of the items' expected numbers in a pool.
        """
        uniform = tf.random.stateless_uniform([tf.shape(self._p)[0] - 1], seed, minval=2.0**-24, maxval=1.0)
        clocks = -tf.math.log(uniform) / self._p[1:]
        first, index = tf.math.top_k(-clocks, self.size + 1)
        last, next_one = -first[-2], -first[-1]

        def expected(ids):
            # Without an item of the pool, the next one's clock is the S-th.
            t = tf.where(tf.gather(clocks, ids - 1) <= last, next_one, last)
            return tf.math.log(-tf.math.expm1(-tf.gather(self._p, ids) * t))

        pool = index[: self.size] + 1
        return {
            "pool": pool,
            "pool_log_expected": expected(pool),
            "positive_log_expected": expected(positives),
        }
