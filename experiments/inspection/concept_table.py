"""The nearest items of learned concepts as text: one table for reports and for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

WIDTH = 40  # characters of a name


def table(arrays: Mapping[str, np.ndarray], width: int = WIDTH) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The header, and a row a concept: its number, how many items are its own, the nearest ones, their cosines.

    arrays: "concepts.ids" and so on, of `concepts.listing`.  width: characters of a name.
    """
    rows = []
    for place, number in enumerate(arrays["concepts.ids"]):
        names = zip(arrays["concepts.items"][place], arrays["concepts.categories"][place], strict=True)
        cells = (f"{_short(item, width)} [{_short(kind, width) or '-'}]" for item, kind in names)
        cosines = arrays["concepts.cosines"][place]
        closeness = f"{cosines[0]:.2f} to {cosines[-1]:.2f}"
        rows.append((str(number), f"{int(arrays['concepts.sizes'][place]):,}", *cells, closeness))
    count = len(rows[0]) - 3 if rows else 0
    return ("concept", "items", *(f"nearest {k + 1}" for k in range(count)), "cosines"), rows


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"
