"""Interactions, Sequences, compact, ties and attributes: by hand, and against slow twins on random tables."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.schema import Attributes, Interactions, Provenance


def table(rows, sizes=(5, 6, 4, 3), attributes=None, names=None):
    """Interactions from (user, item, category, action, timestamp) rows; sizes of the four vocabularies."""
    user, item, category, action, timestamp = np.array(rows).reshape(-1, 5).T
    labels = {
        name: np.array([f"{name[0]}{i}" for i in range(1, size + 1)])
        for name, size in zip(("user", "item", "category", "action"), sizes, strict=True)
    }
    return Interactions(
        user.astype(np.int32),
        item.astype(np.int32),
        category.astype(np.int32),
        action.astype(np.uint8),
        timestamp.astype(np.int64),
        labels,
        Provenance("test"),
        attributes,
        names,
    )


SIZES = (5, 6, 4, 5)
ROWS = [(2, 6, 4, 1, 50), (4, 2, 1, 3, 10), (2, 2, 1, 4, 20), (2, 5, 0, 1, 20), (4, 2, 1, 1, 10)]


def test_columns_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="differ in length"):
        Interactions(*(np.zeros(n) for n in (2, 2, 2, 2, 1)), labels={}, provenance=Provenance("x"))


def test_select_by_mask_and_by_rows():
    data = table(ROWS, SIZES)
    assert data.select(data.user == 4).timestamp.tolist() == [10, 10]
    assert data.select(np.array([3, 0])).item.tolist() == [5, 6]
    assert data.select(data.user == 4).size("user") == 5  # the vocabulary stays


def test_compact_closes_the_gaps_in_order():
    data = table(ROWS, SIZES).compact()
    assert data.user.tolist() == [1, 2, 1, 1, 2]
    assert data.item.tolist() == [3, 1, 1, 2, 1]
    assert data.category.tolist() == [2, 1, 1, 0, 1]  # 0, no category, stays 0
    assert data.action.tolist() == [1, 2, 3, 1, 1]
    assert data.action.dtype == np.uint8
    assert {name: data.labels[name].tolist() for name in data.labels} == {
        "user": ["u2", "u4"],
        "item": ["i2", "i5", "i6"],
        "category": ["c1", "c4"],
        "action": ["a1", "a3", "a4"],  # an action that never occurs would be a negative that teaches nothing
    }


def test_compact_keeps_the_attributes_of_kept_items_and_their_categories():
    # Items 1..6 have the categories: 1: 2; 2: 3, 1; 3: -; 4: 2; 5: -; 6: 4, 3.
    attributes = Attributes(np.array([0, 0, 1, 3, 3, 4, 4, 6]), np.array([2, 3, 1, 2, 4, 3], np.int32))
    names = np.array(["one", "two", "three", "four", "five", "six"])
    data = table(ROWS, SIZES, attributes=attributes, names=names).compact()
    # Categories 1, 3 and 4 are used (2 only by items that are gone) and become 1, 2 and 3.
    assert data.labels["category"].tolist() == ["c1", "c3", "c4"]
    assert data.category.tolist() == [3, 1, 1, 0, 1]
    assert [data.attributes.of(item).tolist() for item in range(4)] == [[], [2, 1], [], [3, 2]]
    assert data.item_names.tolist() == ["two", "five", "six"]


def test_sequences_order_by_time_then_row_and_count_ties():
    sequences = table(ROWS, SIZES).compact().sequences()
    assert sequences.offsets.tolist() == [0, 3, 5]
    assert sequences.items.tolist() == [1, 2, 3, 1, 1]
    assert sequences.timestamps.tolist() == [20, 20, 50, 10, 10]
    assert sequences.actions.tolist() == [3, 1, 1, 2, 1]  # user 4's tie keeps the order of the rows: 2, then 1
    assert sequences.ties == 2
    assert sequences.lengths.tolist() == [3, 2]
    assert sequences.users_of_events().tolist() == [1, 1, 1, 2, 2]
    assert sequences.item_categories().tolist() == [0, 1, 0, 2]


def test_an_equal_timestamp_of_two_users_is_no_tie():
    assert table([(1, 1, 1, 1, 5), (2, 1, 1, 1, 5)]).sequences().ties == 0


def test_users_without_events_have_empty_sequences():
    sequences = table([(2, 1, 1, 1, 5), (4, 1, 1, 1, 5)]).sequences()
    assert sequences.offsets.tolist() == [0, 0, 1, 1, 2, 2]


def test_the_main_category_is_that_of_the_first_event_with_one():
    rows = [(1, 1, 0, 1, 1), (1, 1, 3, 1, 2), (1, 1, 2, 1, 3), (2, 2, 4, 1, 0)]
    assert table(rows).sequences().item_categories().tolist() == [0, 3, 4, 0, 0, 0, 0]


def test_noting_appends_and_leaves_the_original_alone():
    first = Provenance("x", notes=("a",))
    assert first.noting("b", "c").notes == ("a", "b", "c")
    assert first.notes == ("a",)


events = st.lists(
    st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(0, 4), st.integers(1, 3), st.integers(0, 4)),
    min_size=1,
    max_size=40,
)


@settings(max_examples=100, deadline=None)
@given(events)
def test_compact_changes_no_label(rows):
    data, small = table(rows), table(rows).compact()
    for name in ("user", "item", "category", "action"):
        before = [data.labels[name][i - 1] if i else "" for i in getattr(data, name)]
        after = [small.labels[name][i - 1] if i else "" for i in getattr(small, name)]
        assert before == after
    for name in ("user", "item"):  # no gaps, ascending
        assert sorted(set(getattr(small, name).tolist())) == list(range(1, small.size(name) + 1))
    again = small.compact()
    assert all(np.array_equal(getattr(again, name), getattr(small, name)) for name in ("user", "item", "category"))


@settings(max_examples=100, deadline=None)
@given(events)
def test_sequences_hold_every_user_sorted_by_time_and_row(rows):
    sequences, ties = table(rows).sequences(), 0
    for user in range(1, 6):
        mine = sorted((row for row in rows if row[0] == user), key=lambda row: row[4])  # sorted() is stable
        ties += sum(a[4] == b[4] for a, b in zip(mine, mine[1:], strict=False))
        span = slice(sequences.offsets[user - 1], sequences.offsets[user])
        assert sequences.items[span].tolist() == [row[1] for row in mine]
        assert sequences.categories[span].tolist() == [row[2] for row in mine]
        assert sequences.actions[span].tolist() == [row[3] for row in mine]
        assert sequences.timestamps[span].tolist() == [row[4] for row in mine]
    assert sequences.ties == ties
    assert len(sequences) == len(rows)
