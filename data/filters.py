"""Pure functions from `Interactions` to fewer `Interactions`, or to the same in another order (`order_ties`).

Each adds a note to the provenance: what removes events the counts, `order_ties` what it did. Ids stay as they are (call
`compact` once at the end).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from data.schema import Interactions
from tf_utils.cli import UserError

ORDERS = {"together": (("user", "item"),), "item_user": (("item",), ("user",)), "user_item": (("user",), ("item",))}
TIES = ("row", "item", "random", "first_last")
DEDUP = {"uia": ("user", "item", "action"), "ui": ("user", "item"), "none": ()}


def min_count(
    data: Interactions, user: int = 0, item: int = 0, iterative: bool = True, order: str = "together"
) -> Interactions:
    """Removes users with fewer than `user` and items with fewer than `item` events.

    iterative: repeat until nothing changes (the k-core; it does not depend on `order`), else one pass: `together`
    counts both on the data as it came (as SASRec's preprocessing does), `item_user` and `user_item` one by one.
    Time: O(events) a round.  Raises UserError if nothing is left.
    """
    if order not in ORDERS:
        raise UserError(f"filter order {order!r}: choose one of {', '.join(ORDERS)}")
    limits = {"user": user, "item": item}
    if user <= 1 and item <= 1:
        return data
    keep, rounds = np.ones(len(data), bool), 0
    while True:
        before, rounds = int(keep.sum()), rounds + 1
        for step in ORDERS[order]:
            counts = {field: np.bincount(getattr(data, field)[keep], minlength=data.size(field) + 1) for field in step}
            for field in step:
                if limits[field] > 1:
                    keep &= (counts[field] >= limits[field])[getattr(data, field)]
        if not iterative or int(keep.sum()) == before:
            break
    how = f"{user}-core" if iterative and user == item else f"users >= {user}, items >= {item}"
    how += f" in {rounds} rounds" if iterative else f", one pass, {order.replace('_', ' then ')}"
    return _kept(data, keep, f"Kept users and items with enough events ({how})")


def keep_first(data: Interactions, by: Sequence[str] = ("user", "item", "action")) -> Interactions:
    """Keeps, of all events that agree in the fields `by`, the first in time order: (timestamp, original row).

    ASLI section 4.1, "we consider only the first such action the user has taken": by user, item and action, or by user
    and item (LEDGER A20).
    """
    key = np.zeros(len(data), np.int64)
    for field in by:
        key *= data.size(field) + 1
        key += getattr(data, field)
    order = np.lexsort((data.timestamp, key))  # stable: equal keys keep the row order
    key = key[order]
    first = np.ones(len(data), bool)
    first[1:] = key[1:] != key[:-1]
    keep = np.zeros(len(data), bool)
    keep[order[first]] = True
    return _kept(data, keep, f"Kept the first event of each ({', '.join(by)})")


def keep_actions(data: Interactions, names: Sequence[str]) -> Interactions:
    """Keeps the events whose action is one of `names` (labels).  Raises UserError for an unknown name."""
    labels = data.labels["action"].tolist()
    unknown = [name for name in names if name not in labels]
    if unknown:
        raise UserError(f"unknown action {unknown[0]!r} in {data.provenance.name}; known are {', '.join(labels)}")
    wanted = [labels.index(name) + 1 for name in names]
    return _kept(data, np.isin(data.action, wanted), f"Kept the actions {', '.join(names)}")


def drop_below_rating(data: Interactions, minimum: int) -> Interactions:
    """Keeps the events whose action is a rating (`rating 4`) of at least `minimum`."""
    labels = data.labels["action"].tolist()
    if not all(label.startswith("rating ") for label in labels):
        raise UserError(f"{data.provenance.name} has no ratings; its actions are {', '.join(labels)}")
    good = np.array([False] + [float(label.removeprefix("rating ")) >= minimum for label in labels])
    return _kept(data, good[data.action], f"Kept ratings of at least {minimum}")


def order_ties(data: Interactions, by: str = "row", seed: int = 0) -> Interactions:
    """Puts the rows in the order in which events of one time are to be taken, since time order is (timestamp, row).

    by: "row", as the file has them; "item", by ascending item id; "random", seeded; "first_last": of a user's events at
    their newest time the first row comes last, the others as the file has them (so that it is held out: the
    preprocessing of AttRec's first author takes an event for the newest only if it is later than all rows before it).
    """
    if by not in TIES:
        raise UserError(f"ties={by!r}: choose one of {', '.join(TIES)}")
    if by == "row":
        return data
    if by == "item":
        rows, how = np.argsort(data.item, kind="stable"), "by item id"
    elif by == "random":
        rows, how = np.random.default_rng(seed).permutation(len(data)), f"in a random order (seed {seed})"
    else:
        newest = np.lexsort((-np.arange(len(data)), data.timestamp, data.user))  # the first row of a tie comes last
        newest = newest[np.append(data.user[newest][1:] != data.user[newest][:-1], True)]
        rows = np.append(np.delete(np.arange(len(data)), newest), newest)
        how = "as in the file, but for the first of a user's newest, which comes last"
    ordered = data.select(rows)
    return replace(ordered, provenance=ordered.provenance.noting(f"Events of one time are taken {how}."))


def sample_users(data: Interactions, fraction: float, seed: int = 0) -> Interactions:
    """Keeps the events of a random `fraction` of the users, at least one; a larger sample contains a smaller one."""
    if not 0 < fraction <= 1:
        raise UserError(f"fraction={fraction}: choose a number above 0 and at most 1")
    if fraction == 1:
        return data
    users = data.size("user")
    chosen = np.zeros(users + 1, bool)
    chosen[1 + np.random.default_rng(seed).permutation(users)[: max(1, round(fraction * users))]] = True
    return _kept(data, chosen[data.user], f"Kept a random sample of {fraction:g} of the users (seed {seed})")


def prepare(
    data: Interactions,
    min_user: int = 0,
    min_item: int = 0,
    iterative: bool = True,
    order: str = "together",
    dedup: str = "none",
    filter_order: str = "before",
) -> Interactions:
    """The preprocessing of ASLI section 4.1 with every choice of LEDGER A20.

    dedup: `uia` keeps the first of each (user, item, action), `ui` of each (user, item), `none` everything.
    filter_order: whether users and items are counted `before` the de-duplication (the reading that the paper's own
    numbers allow) or `after` it.
    """
    if dedup not in DEDUP:
        raise UserError(f"dedup={dedup!r}: choose one of {', '.join(DEDUP)}")
    if filter_order not in ("before", "after"):
        raise UserError(f"filter_order={filter_order!r}: choose before or after")
    if filter_order == "before":
        data = min_count(data, min_user, min_item, iterative, order)
    if DEDUP[dedup]:
        data = keep_first(data, DEDUP[dedup])
    if filter_order == "after":
        data = min_count(data, min_user, min_item, iterative, order)
    return data


def _kept(data: Interactions, keep: np.ndarray, what: str) -> Interactions:
    kept = data.select(keep)
    if not len(kept):
        what = what[0].lower() + what[1:]
        raise UserError(f"{data.provenance.name}: no event is left after a filter; loosen it ({what})")
    counts = [f"{len(data)} -> {len(kept)} events"]
    for field in ("user", "item"):
        sizes = [np.count_nonzero(np.bincount(getattr(table, field))[1:]) for table in (data, kept)]
        counts.append(f"{sizes[0]} -> {sizes[1]} {field}s")
    return replace(kept, provenance=kept.provenance.noting(f"{what}: {', '.join(counts)}."))
