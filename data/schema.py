"""The two types everything speaks: `Interactions` (a table of events) and `Sequences` (the same, grouped by user).

Ids are int32 and start at 1 in every vocabulary; 0 is padding. `labels[field][id - 1]` is the raw label of an id.
Time order is (timestamp, original row): ties keep the order of the file unless `filters.order_ties` changed it, and are
counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

PAD = 0
FIELDS = ("user", "item", "category", "action")


@dataclass(frozen=True)
class Attributes:
    """Several categories an item (genres, tags): item i has `values[offsets[i] : offsets[i + 1]]`; item 0 has none.

    offsets: int64 [n_items + 2].  values: int32 [total], category ids, the first one being the item's main category.
    """

    offsets: np.ndarray
    values: np.ndarray

    def of(self, item: int) -> np.ndarray:
        return self.values[self.offsets[item] : self.offsets[item + 1]]


@dataclass(frozen=True)
class Provenance:
    """Where a data set came from; goes into run records and reports.

    name: the data set's name (`ml-1m`, `jd_appliances`, ...).  fingerprint: hex digest of the source files and of every
    argument that shaped the data.  synthetic: True if the generator made it (every table made from it says so).
    stand_in_for: what it replaces, or "".  notes: sentences a reader of a report must know, in order.  made_by: the
    fingerprint of the generator's process, or "".
    """

    name: str
    fingerprint: str = ""
    synthetic: bool = False
    stand_in_for: str = ""
    notes: tuple[str, ...] = ()
    made_by: str = ""

    def noting(self, *notes: str) -> Provenance:
        return replace(self, notes=self.notes + notes)


@dataclass(frozen=True)
class Interactions:
    """Events in their original row order, one entry an event in each column, all of the same length.

    user, item, category: int32.  action: uint8.  timestamp: int64 seconds (or any increasing integer).
    category is the event's own category (0 where the source has none); attributes, if given, are the items'.
    """

    user: np.ndarray
    item: np.ndarray
    category: np.ndarray
    action: np.ndarray
    timestamp: np.ndarray
    labels: Mapping[str, np.ndarray]
    provenance: Provenance
    attributes: Attributes | None = None
    item_names: np.ndarray | None = None  # str [n_items], for people: film titles

    def __post_init__(self):
        sizes = {len(self.user), len(self.item), len(self.category), len(self.action), len(self.timestamp)}
        if len(sizes) != 1:
            raise ValueError(f"columns differ in length: {sorted(sizes)}")

    def __len__(self) -> int:
        return len(self.user)

    def size(self, name: str) -> int:
        """The number of labels of a field of `FIELDS` (padding not counted)."""
        return len(self.labels[name])

    def select(self, keep: np.ndarray) -> Interactions:
        """The events where `keep` (bool [len], or row indices) says so; ids stay as they are."""
        columns = {name: getattr(self, name)[keep] for name in (*FIELDS, "timestamp")}
        return replace(self, **columns)

    def compact(self) -> Interactions:
        """The same events with ids that leave no gaps; the order of the ids is kept.

        Categories are kept if an event or an attribute of a kept item uses them.
        """
        items = _used(self.item, self.size("item"))
        categories = _used(self.category, self.size("category"))
        if self.attributes is not None:
            counts = np.diff(self.attributes.offsets)
            kept = np.repeat(np.concatenate([[False], items[1:]]), counts)
            categories[self.attributes.values[kept]] = True
        users, actions = _used(self.user, self.size("user")), _used(self.action, self.size("action"))
        keep = {"user": users, "item": items, "category": categories, "action": actions}
        lookup = {name: (np.cumsum(mask) * mask).astype(getattr(self, name).dtype) for name, mask in keep.items()}
        labels = dict(self.labels) | {name: self.labels[name][mask[1:]] for name, mask in keep.items()}
        attributes = self.attributes
        if attributes is not None:
            offsets = np.concatenate([[0, 0], np.cumsum(counts[1:][items[1:]])]).astype(np.int64)
            attributes = Attributes(offsets, lookup["category"][attributes.values[kept]])
        return replace(
            self,
            **{name: lookup[name][getattr(self, name)] for name in keep},
            labels=labels,
            attributes=attributes,
            item_names=None if self.item_names is None else self.item_names[items[1:]],
        )

    def sequences(self) -> Sequences:
        """The events grouped by user, in time order: (timestamp, original row)."""
        order = np.lexsort((self.timestamp, self.user))  # stable: equal keys keep the row order
        user = self.user[order]
        offsets = np.searchsorted(user, np.arange(1, self.size("user") + 2)).astype(np.int64)
        timestamp = self.timestamp[order]
        ties = int(np.sum((timestamp[1:] == timestamp[:-1]) & (user[1:] == user[:-1])))
        return Sequences(
            offsets=offsets,
            items=self.item[order],
            categories=self.category[order],
            actions=self.action[order].astype(np.int32),
            timestamps=timestamp,
            labels=self.labels,
            provenance=self.provenance,
            ties=ties,
            attributes=self.attributes,
            item_names=self.item_names,
        )


@dataclass(frozen=True)
class Sequences:
    """User u (1..n_users) has events `offsets[u - 1] : offsets[u]` of the flat arrays, oldest first.

    offsets: int64 [n_users + 1].  items, categories, actions: int32 [events].  timestamps: int64 [events].
    ties: the number of neighbouring events of one user with the same timestamp.
    """

    offsets: np.ndarray
    items: np.ndarray
    categories: np.ndarray
    actions: np.ndarray
    timestamps: np.ndarray
    labels: Mapping[str, np.ndarray]
    provenance: Provenance
    ties: int = 0
    attributes: Attributes | None = None
    item_names: np.ndarray | None = field(default=None)

    def __len__(self) -> int:
        return len(self.items)

    def size(self, name: str) -> int:
        """The number of labels of a field of `FIELDS` (padding not counted)."""
        return len(self.labels[name])

    @property
    def lengths(self) -> np.ndarray:
        """int64 [n_users]: events a user."""
        return np.diff(self.offsets)

    def users_of_events(self) -> np.ndarray:
        """int32 [events]: the user id of every event."""
        return np.repeat(np.arange(1, len(self.offsets), dtype=np.int32), self.lengths)

    def item_categories(self) -> np.ndarray:
        """int32 [n_items + 1]: the main category of each item, by its first event with a category, users in the
        order of their ids (0: none seen)."""
        table = np.zeros(self.size("item") + 1, np.int32)
        known = np.flatnonzero(self.categories)[::-1]  # reversed, so that the first event is written last and stays
        table[self.items[known]] = self.categories[known]
        return table

    def item_category_lists(self) -> np.ndarray:
        """int32 [n_items + 1, most categories of an item]: the categories of each item, the main one first, then 0.

        An item's attributes where the source has them, else its main category alone.
        """
        if self.attributes is None:
            return self.item_categories()[:, None]
        counts = np.diff(self.attributes.offsets)
        table = np.zeros((len(counts), max(int(counts.max()), 1)), np.int32)
        table[np.arange(table.shape[1])[None, :] < counts[:, None]] = self.attributes.values
        return table


def places(counts: np.ndarray) -> np.ndarray:
    """int64 [sum of counts]: 0..count - 1 of each group, one group after the other."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def _used(ids: np.ndarray, size: int) -> np.ndarray:
    used = np.zeros(size + 1, bool)
    used[ids] = True
    used[PAD] = False
    return used
