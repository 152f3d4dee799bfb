"""How many floating-point operations a step needs, counted on paper: the products only, on valid cells only.

So a padded batch does more work than is counted, and the rate it achieves is the useful one.
"""

from __future__ import annotations

import numpy as np

BACKWARD = 2  # the gradient of a product is two products of the same size


def sasrec_step(lengths: np.ndarray, dim: int, blocks: int) -> float:
    """Forward and backward of one training step with one negative a target.

    A product of [m, k] with [k, n] is 2 m k n operations. A history of length L costs, a block: five products of
    [L, d] with [d, d] (three projections, two layers of the feed-forward network), and two products over the
    L (L + 1) / 2 pairs that a causal mask leaves (logits, weighted sum); then L scores of a positive and a negative.

    Args:
        lengths: inputs of each row of the batch, [B].
        dim, blocks: d and the number of blocks.
    """
    lengths = np.asarray(lengths, np.float64)
    cells, pairs = lengths.sum(), (lengths * (lengths + 1) / 2).sum()
    block = 5 * 2 * cells * dim**2 + 2 * 2 * pairs * dim
    scores = 2 * 2 * cells * dim
    return float((1 + BACKWARD) * (blocks * block + scores))
