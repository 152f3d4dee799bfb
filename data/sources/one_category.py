"""Item -> category as a function: where a log gives an item several categories, one is kept, and that is told.

CAFE section 2.1: "Each item v has a unique corresponding intent c"; its code asserts it (LEDGER C17). Logs break it:
a shop that sells the same item as another, a category that was renamed.
"""

from __future__ import annotations

import numpy as np

from data.sources.tabular import MISSING, vocabulary


def one_category(items: np.ndarray, categories: np.ndarray, kind: str = "category") -> tuple[np.ndarray, str]:
    """The category of most of an item's events (ties: the smaller raw id), for all of its events.

    Args:
        items: raw ids [events], 0 or more.
        categories: raw ids [events], `MISSING` where an event has none; such an event takes its item's.
        kind: what a category is, for the sentence.

    Returns:
        raw ids [events], `MISSING` where the item never had one; and a sentence that tells what was done.
    """
    item, names = vocabulary(items)
    category, values = vocabulary(categories)
    known = category > 0
    pairs, counts = np.unique(item[known] * np.int64(len(values) + 1) + category[known], return_counts=True)
    of_item, of_category = np.divmod(pairs, len(values) + 1)
    best = np.zeros(len(names) + 1, np.int64)
    order = np.lexsort((-of_category, counts, of_item))  # the last of an item is its best: written last, it stays
    best[of_item[order]] = of_category[order]
    several = np.count_nonzero(np.bincount(of_item, minlength=1) > 1)
    if not several and np.array_equal(best[item], category):
        return categories, f"Every item has one {kind} in the source."
    chosen = np.concatenate([[MISSING], values])[best[item]]
    changed, filled = int(np.sum(known & (best[item] != category))), int(np.sum(~known & (best[item] > 0)))
    note = f"{several} of {len(names)} items had more than one {kind}; the one of most of their events was kept"
    note += f" ({changed} events changed"
    return chosen, note + (f", {filled} without one filled in)." if filled else ").")
