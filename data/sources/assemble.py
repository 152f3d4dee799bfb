"""From raw columns to `Interactions`: ids in ascending order of the raw ids, so that row order never decides an id."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.schema import Attributes, Interactions, Provenance
from data.sources.tabular import vocabulary


def assemble(
    name: str,
    raw: dict[str, np.ndarray],
    action_labels: Sequence[str],
    fingerprint: str,
    notes: Sequence[str] = (),
    category_labels: Sequence[str] | None = None,
) -> Interactions:
    """Builds the table; `raw` (user, item, category, action, timestamp) is emptied column by column to save memory.

    raw["action"] holds ids from 1 into `action_labels`, the other columns raw ids or seconds; category -1 means none.
    With `category_labels`, raw["category"] holds ids into these labels instead, 0 meaning none.
    """
    columns, labels = {}, {"action": np.array(action_labels)}
    if category_labels is not None:
        columns["category"], labels["category"] = raw.pop("category"), np.array(category_labels, dtype=np.str_)
    for field in [field for field in ("user", "item", "category") if field in raw]:
        columns[field], labels[field] = vocabulary(raw.pop(field))
    missing = columns["category"] == 0
    if missing.any():
        items = len(np.unique(columns["item"][missing]))
        notes = (*notes, f"{int(missing.sum())} events of {items} items have no category (id 0).")
    return Interactions(
        **columns,
        action=raw.pop("action").astype(np.uint8, copy=False),
        timestamp=raw.pop("timestamp").astype(np.int64, copy=False),
        labels=labels,
        provenance=Provenance(name=name, fingerprint=fingerprint, notes=tuple(notes)),
    )


def attributes_from_lists(lists: Sequence[Sequence[int]]) -> Attributes:
    """lists[i - 1]: the category ids of item i, its main category first."""
    counts = [0, 0] + [len(values) for values in lists]
    values = np.array([value for values in lists for value in values], np.int32)
    return Attributes(np.cumsum(counts).astype(np.int64), values)
