"""The sinusoidal time signal of the Transformer."""

import numpy as np

LAYOUTS = ("interleaved", "concat")


def time_signal(length: int, dim: int, layout: str = "interleaved") -> np.ndarray:
    """float64 [length, dim]: row t is the signal of time step t.

    Args:
        layout: "interleaved": sin(t / 10000^(2i/d)) at 2i and the cosine at 2i + 1 (AttRec eq. 7 and 8); "concat": the
            sines of d/2 timescales from 1 to 10000 in a geometric series, then their cosines (tensor2tensor's form,
            AttRec's code; LEDGER T3). An odd last column is 0 in the latter.

    Raises:
        ValueError: unknown layout.
    """
    t = np.arange(length)[:, None]
    if layout == "interleaved":
        column = np.arange(dim)
        angle = t / 10000.0 ** (2 * (column // 2) / dim)
        return np.where(column % 2 == 0, np.sin(angle), np.cos(angle))
    if layout != "concat":
        raise ValueError(f"time layout must be one of {', '.join(LAYOUTS)}, got {layout!r}")
    half = dim // 2
    angle = t / 10000.0 ** (np.arange(half) / max(half - 1, 1))
    return np.concatenate([np.sin(angle), np.cos(angle), np.zeros((length, dim % 2))], axis=1)
