"""Events whose items have a list of categories (genres, tags, a category path): the first one is the item's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from data.schema import Interactions
from data.sources.assemble import assemble, attributes_from_lists


def assemble_attributed(
    name: str,
    raw: dict[str, np.ndarray],
    action_labels: Sequence[str],
    fingerprint: str,
    notes: Sequence[str],
    categories: Mapping[int, Sequence],
    names: Mapping[int, str] | None = None,
) -> Interactions:
    """As `assemble`, with raw["category"] filled in from `categories`, and without the categories that nobody met.

    raw: user, item (raw ids), action, timestamp.  categories: raw item id -> its categories (str or int, no repeats),
    the main one first; an item without any has category 0.  names: raw item id -> its name, for people.
    """
    met = np.unique(raw["item"]).tolist()
    known = sorted({category for item in met for category in categories.get(item, ())})
    number = {category: i for i, category in enumerate(known, 1)}
    lists = [[number[category] for category in categories.get(item, ())] for item in met]
    main = np.array([ids[0] if ids else 0 for ids in lists], np.int32)
    raw["category"] = main[np.searchsorted(met, raw["item"])]
    data = assemble(name, raw, action_labels, fingerprint, notes, category_labels=known)
    data = replace(data, attributes=attributes_from_lists(lists))
    if names is not None:
        data = replace(data, item_names=np.array([names.get(item) or f"item {item}" for item in met]))
    return data
