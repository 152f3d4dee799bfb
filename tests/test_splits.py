"""Leave-one-out by hand values (ASLI section 4.1, LEDGER A21)."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from data.schema import Provenance, Sequences
from data.splits import leave_one_out


def sequences_of(*histories, n_items=9):
    lengths = [len(history) for history in histories]
    items = np.array([item for history in histories for item in history], np.int32)
    labels = {
        "user": np.arange(1, len(histories) + 1),
        "item": np.arange(1, n_items + 1),
        "category": np.array([1]),
        "action": np.array(["view"]),
    }
    ones = np.ones(len(items), np.int32)
    times = np.arange(len(items), dtype=np.int64)
    offsets = np.cumsum([0, *lengths]).astype(np.int64)
    return Sequences(offsets, items, ones, ones, times, labels, Provenance("test"))


def test_last_is_test_and_the_one_before_validation():
    split = leave_one_out(sequences_of([1, 2, 3, 4], [5], [6, 7], [], [8, 9, 1]))
    assert split.test.users.tolist() == [1, 5]
    assert split.test.starts.tolist() == [0, 7]
    assert split.test.targets.tolist() == [3, 9]
    assert split.validation.users.tolist() == [1, 5]
    assert split.validation.starts.tolist() == [0, 7]
    assert split.validation.targets.tolist() == [2, 8]
    assert split.sequences.items[split.test.targets].tolist() == [4, 1]
    assert split.sequences.items[split.validation.targets].tolist() == [3, 9]


def test_short_users_are_for_training_only():
    split = leave_one_out(sequences_of([1, 2, 3, 4], [5], [6, 7], [], [8, 9, 1]))
    assert split.train_ends.tolist() == [2, 5, 7, 7, 8]
    assert np.flatnonzero(split.train_mask()).tolist() == [0, 1, 4, 5, 6, 7]


def test_item_counts_over_training_or_everything():
    split = leave_one_out(sequences_of([1, 1, 2, 3], [3, 4], n_items=5))
    assert split.item_counts(train_only=True).tolist() == [0, 2, 0, 1, 1, 0]
    assert split.item_counts(train_only=False).tolist() == [0, 2, 1, 2, 1, 0]


def test_select_keeps_the_chosen_users():
    split = leave_one_out(sequences_of([1, 2, 3], [4, 5, 6], [7, 8, 9]))
    assert split.test.select(np.array([True, False, True])).targets.tolist() == [2, 8]
    assert len(split.test.select(np.array([1]))) == 1


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(1, 9), max_size=7), min_size=1, max_size=6))
def test_every_event_has_exactly_one_place(histories):
    split = leave_one_out(sequences_of(*histories))
    places = split.train_mask().astype(int)
    np.add.at(places, split.validation.targets, 1)
    np.add.at(places, split.test.targets, 1)
    assert (places == 1).all()
    for k, user in enumerate(split.test.users):
        history = histories[user - 1]
        seen = split.sequences.items[split.test.starts[k] : split.test.targets[k]]
        assert seen.tolist() == history[:-1]
        assert split.sequences.items[split.test.targets[k]] == history[-1]
