"""The statistics of ASLI Table 2, and what else decides how a result may be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from data.schema import Sequences
from data.splits import EvalSet, Split, leave_one_out


def statistics(sequences: Sequences) -> dict:
    """A JSON-able dict of counts over all events (training, validation and test).

    users, items, categories: those that occur.  actions: action types that occur.  interactions: events.
    mean_length: events a user (Table 2's "avg. actions/user").  mean_per_action: {label: events a user}.
    density_user_item, density_user_category: distinct pairs that occur / possible pairs (section 2.1).
    events_per_item.  ties: neighbouring events of a user with the same timestamp; tied_share: of all such pairs.
    repeated_target_share, repeated_validation_share: targets that already occur in the user's history.
    unseen_target_share: test targets whose item occurs in no training event.
    short_users: users with fewer than 3 events, who are for training only.  uncategorised: events without a category.
    """
    users, lengths = sequences.users_of_events(), sequences.lengths
    n_users = int(np.count_nonzero(lengths))
    n_items, n_categories = _distinct(sequences.items), _distinct(sequences.categories)
    per_action = np.bincount(sequences.actions, minlength=sequences.size("action") + 1)[1:]
    categorised = sequences.categories > 0
    user_item = _pairs(users, sequences.items, sequences.size("item"))
    user_category = _pairs(users[categorised], sequences.categories[categorised], sequences.size("category"))
    split = leave_one_out(sequences)
    return {
        "users": n_users,
        "items": n_items,
        "categories": n_categories,
        "actions": int(np.count_nonzero(per_action)),
        "interactions": len(sequences),
        "mean_length": _ratio(len(sequences), n_users),
        "mean_per_action": {
            str(label): _ratio(int(count), n_users)
            for label, count in zip(sequences.labels["action"], per_action, strict=True)
            if count
        },
        "events_per_item": _ratio(len(sequences), n_items),
        "density_user_item": _ratio(user_item, n_users * n_items),
        "density_user_category": _ratio(user_category, n_users * n_categories),
        "ties": sequences.ties,
        "tied_share": _ratio(sequences.ties, len(sequences) - n_users),
        "repeated_target_share": _repeated(sequences, split.test),
        "repeated_validation_share": _repeated(sequences, split.validation),
        "unseen_target_share": _unseen(split),
        "short_users": int(np.sum((lengths > 0) & (lengths < 3))),
        "uncategorised": int(np.sum(~categorised)),
    }


@dataclass(frozen=True)
class Comparison:
    """A published statistic beside ours; ours, difference (ours - published) and relative are None if not measured."""

    key: str
    published: float
    ours: float | None
    difference: float | None
    relative: float | None
    remark: str


def compare(stats: Mapping, published: Mapping, tolerance: float = 0.005) -> list[Comparison]:
    """One row a published value, in its order; `a.b` (or a nested dict) names an entry of a nested dict.

    tolerance: the largest relative difference that is told as "agrees" (published values are rounded).
    """
    ours_by_key, rows = _flat(stats), []
    for key, value in _flat(published).items():
        ours = ours_by_key.get(key)
        if ours is None:
            rows.append(Comparison(key, value, None, None, None, "not in this data"))
            continue
        difference = ours - value
        relative = difference / value if value else None
        if difference == 0:
            remark = "equal"
        elif relative is not None and abs(relative) <= tolerance:
            remark = "agrees"
        elif relative is None:
            remark = f"differs by {difference:+g}"
        else:
            remark = f"{abs(relative):.1%} {'more' if difference > 0 else 'fewer'}"
        rows.append(Comparison(key, value, ours, difference, relative, remark))
    return rows


def _flat(values: Mapping, prefix: str = "") -> dict[str, float]:
    flat = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        elif value is not None:
            flat[f"{prefix}{key}"] = value
    return flat


def _repeated(sequences: Sequences, targets: EvalSet) -> float:
    """The share of targets that occur among the events `starts : targets` of their user."""
    if not len(targets):
        return 0.0
    lengths = targets.targets - targets.starts
    first = np.cumsum(lengths) - lengths
    events = np.arange(lengths.sum()) + np.repeat(targets.starts - first, lengths)
    same = sequences.items[events] == np.repeat(sequences.items[targets.targets], lengths)
    return float(np.mean(np.logical_or.reduceat(same, first)))


def _unseen(split: Split) -> float:
    if not len(split.test):
        return 0.0
    return float(np.mean(split.item_counts(train_only=True)[split.sequences.items[split.test.targets]] == 0))


def _pairs(users: np.ndarray, values: np.ndarray, size: int) -> int:
    """The number of distinct (user, value) pairs."""
    key = users.astype(np.int64) * (size + 1) + values
    key.sort()
    return int(np.count_nonzero(np.diff(key)) + (len(key) > 0))


def _distinct(ids: np.ndarray) -> int:
    return int(np.count_nonzero(np.bincount(ids, minlength=1)[1:]))


def _ratio(numerator: float, denominator: float) -> float:
    return float(numerator / denominator) if denominator else 0.0
