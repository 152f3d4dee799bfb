"""Attention averaged over users, aligned at the newest event."""

from __future__ import annotations

import numpy as np


def is_causal(maps: np.ndarray) -> bool:
    """Whether no query looks at a later key. maps: [..., T, T], queries by keys."""
    return not np.triu(maps, 1).any()


class AverageMaps:
    """Sums maps of batches; cell (q, k) counts the users for which both events exist.

    Maps of different widths are aligned at their last cell, the newest event.
    """

    def __init__(self, heads: int, width: int):
        """width: T, the widest map to come."""
        self._sum = np.zeros((heads, width, width))
        self._uniform = np.zeros((width, width))
        self._count = np.zeros((width, width), np.int64)

    def add(self, maps: np.ndarray, valid: np.ndarray) -> None:
        """maps: [B, heads, T, T].  valid: bool [B, T], False at padding."""
        width = maps.shape[-1]
        both = valid[:, :, None] & valid[:, None, :]
        visible = both & np.tri(width, dtype=bool) if is_causal(maps) else both
        seen = np.maximum(visible.sum(axis=-1, keepdims=True), 1)
        corner = np.s_[..., -width:, -width:]
        self._sum[corner] += np.where(both[:, None], maps, 0).sum(axis=0, dtype=np.float64)
        self._uniform[corner] += (visible / seen).sum(axis=0)
        self._count[corner] += both.sum(axis=0)

    def mean(self) -> np.ndarray:
        """float64 [heads, T, T]; NaN where no user has both events."""
        return self._divided(self._sum, self._count)

    def by_distance(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean weight on the key that lies 0, 1, ..., T - 1 events before the query.

        Returns:
            (float64 [heads, T], float64 [T]: the same for attention spread evenly over what a query sees); the mean is
            over all pairs of events of all users, NaN at distances that do not occur.
        """
        width = self._count.shape[-1]
        along = lambda x: np.stack([np.trace(x, -d, axis1=-2, axis2=-1) for d in range(width)], axis=-1)  # noqa: E731
        count = along(self._count)
        return self._divided(along(self._sum), count), self._divided(along(self._uniform), count)

    @staticmethod
    def _divided(total: np.ndarray, count: np.ndarray) -> np.ndarray:
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)
