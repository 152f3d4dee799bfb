"""Filters and de-duplication: by hand, and against slow twins written from the definition (LEDGER A20)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import filters
from tests.test_schema import table
from tf_utils.cli import UserError


def pairs(data):
    return list(zip(data.user.tolist(), data.item.tolist(), strict=True))


# Item 3 occurs once. Without it user 1 has one event left, and without user 1 item 1 has one.
CHAIN = [
    (1, 1, 1, 1, 1),
    (1, 3, 1, 1, 2),
    (2, 1, 1, 1, 3),
    (2, 2, 1, 1, 4),
    (3, 2, 1, 1, 5),
    (3, 2, 1, 1, 6),
    (2, 2, 1, 1, 7),
]


def test_k_core_repeats_until_nothing_changes():
    data = filters.min_count(table(CHAIN), user=2, item=2)
    assert pairs(data) == [(2, 2), (3, 2), (3, 2), (2, 2)]
    assert data.provenance.notes == (
        "Kept users and items with enough events (2-core in 4 rounds): 7 -> 4 events, 3 -> 2 users, 3 -> 1 items.",
    )


TIED = [(1, 5, 1, 1, 7), (1, 2, 1, 1, 7), (1, 4, 1, 1, 7), (1, 3, 1, 1, 1), (1, 6, 1, 1, 9)]


def test_ties_keep_the_row_order_go_by_item_or_are_drawn():
    items = lambda **how: filters.order_ties(table(TIED), **how).sequences().items.tolist()  # noqa: E731
    assert items() == items(by="row") == [3, 5, 2, 4, 6]
    assert items(by="item") == [3, 2, 4, 5, 6]
    drawn = {tuple(items(by="random", seed=seed)) for seed in range(60)}
    assert {(d[0], d[4]) for d in drawn} == {(3, 6)} and len(drawn) == 6  # all 3! orders, and only of the tied ones
    assert items(by="random", seed=3) == items(by="random", seed=3)
    with pytest.raises(UserError, match="choose one of row, item, random"):
        filters.order_ties(table(TIED), by="title")
    assert "by item id" in filters.order_ties(table(TIED), by="item").provenance.notes[-1]


def test_the_first_of_the_newest_comes_last():
    """User 1 ends in a tie of 2, 4, 6, user 2 in one of 1 and 2; the tie of 5 and 3 is no newest one."""
    rows = [(1, 5, 7), (1, 3, 7), (2, 1, 8), (1, 2, 9), (2, 9, 3), (1, 4, 9), (2, 2, 8), (1, 6, 9)]
    data = table([(user, item, 1, 1, time) for user, item, time in rows])
    assert data.sequences().items.tolist() == [5, 3, 2, 4, 6, 9, 1, 2]
    assert filters.order_ties(data, by="first_last").sequences().items.tolist() == [5, 3, 4, 6, 2, 9, 2, 1]


@pytest.mark.parametrize(
    "order, left",
    [
        ("together", [(1, 1), (2, 1), (2, 2), (3, 2), (3, 2), (2, 2)]),  # only item 3 is rare in the raw data
        ("user_item", [(1, 1), (2, 1), (2, 2), (3, 2), (3, 2), (2, 2)]),  # no user is rare; then item 3 is
        ("item_user", [(2, 1), (2, 2), (3, 2), (3, 2), (2, 2)]),  # item 3 first, which leaves user 1 with one event
    ],
)
def test_one_pass_depends_on_the_order(order, left):
    data = filters.min_count(table(CHAIN), user=2, item=2, iterative=False, order=order)
    assert pairs(data) == left


def test_limits_on_one_side_only():
    assert pairs(filters.min_count(table(CHAIN), item=2)) == [pair for pair in pairs(table(CHAIN)) if pair[1] != 3]
    assert pairs(filters.min_count(table(CHAIN), user=3)) == [(2, 1), (2, 2), (2, 2)]
    assert filters.min_count(table(CHAIN)).provenance.notes == ()


def test_nothing_left_is_an_error():
    with pytest.raises(
        UserError, match="test: no event is left after a filter; loosen it .kept users and items .*5-core"
    ):
        filters.min_count(table(CHAIN), user=5, item=5)


REPEATS = [
    (1, 1, 1, 2, 30),
    (1, 1, 2, 1, 20),  # the first of user 1 and item 1
    (1, 1, 1, 1, 25),
    (2, 1, 1, 1, 20),
    (1, 2, 1, 3, 20),  # a tie with its twin below: the earlier row stays
    (1, 2, 3, 3, 20),
]


def test_first_of_each_user_item_action_in_time_order():
    data = filters.keep_first(table(REPEATS), filters.DEDUP["uia"])
    assert list(zip(pairs(data), data.action.tolist(), data.category.tolist(), strict=True)) == [
        ((1, 1), 2, 1),
        ((1, 1), 1, 2),
        ((2, 1), 1, 1),
        ((1, 2), 3, 1),
    ]
    assert data.provenance.notes == (
        "Kept the first event of each (user, item, action): 6 -> 4 events, 2 -> 2 users, 2 -> 2 items.",
    )


def test_first_of_each_user_item_in_time_order():
    data = filters.keep_first(table(REPEATS), filters.DEDUP["ui"])
    assert data.timestamp.tolist() == [20, 20, 20]
    assert data.category.tolist() == [2, 1, 1]


def test_filter_before_or_after_the_deduplication():
    # Item 1 has three events, two after the de-duplication by user, item and action, of two users.
    rows = [(1, 1, 1, 1, 1), (1, 1, 1, 1, 2), (2, 1, 1, 1, 3), (2, 2, 1, 1, 4), (2, 2, 1, 2, 5), (2, 2, 1, 3, 6)]
    before = filters.prepare(table(rows), min_item=3, dedup="uia", filter_order="before")
    after = filters.prepare(table(rows), min_item=3, dedup="uia", filter_order="after")
    assert pairs(before) == [(1, 1), (2, 1), (2, 2), (2, 2), (2, 2)]
    assert pairs(after) == [(2, 2), (2, 2), (2, 2)]
    assert pairs(filters.prepare(table(rows))) == pairs(table(rows))


def test_unknown_choices_are_refused():
    with pytest.raises(UserError, match="dedup='x': choose one of uia, ui, none"):
        filters.prepare(table(CHAIN), dedup="x")
    with pytest.raises(UserError, match="filter_order='x': choose before or after"):
        filters.prepare(table(CHAIN), filter_order="x")
    with pytest.raises(UserError, match="choose one of together, item_user, user_item"):
        filters.min_count(table(CHAIN), user=2, order="x")


def rated(rows):
    data = table(rows)
    data.labels["action"][:] = ["r1", "r2", "r3"]
    labels = dict(data.labels) | {"action": data.labels["action"].astype("U8")}
    labels["action"][:] = ["rating 1", "rating 3", "rating 5"]
    return type(data)(**{**data.__dict__, "labels": labels})


def test_ratings_below_a_minimum_are_dropped():
    data = rated([(1, 1, 1, 1, 1), (1, 2, 1, 2, 2), (1, 3, 1, 3, 3)])
    assert filters.drop_below_rating(data, 3).item.tolist() == [2, 3]
    with pytest.raises(UserError, match="test has no ratings; its actions are a1, a2, a3"):
        filters.drop_below_rating(table(CHAIN), 3)


def test_actions_are_kept_by_name():
    assert filters.keep_actions(table(REPEATS), ["a3", "a2"]).item.tolist() == [1, 2, 2]
    with pytest.raises(UserError, match="unknown action 'zap' in test; known are a1, a2, a3"):
        filters.keep_actions(table(REPEATS), ["zap"])


def test_samples_of_users_are_whole_seeded_and_nested():
    rows = [(user, item, 1, 1, item) for user in range(1, 41) for item in range(1, 4)]
    data = table(rows, sizes=(40, 6, 4, 3))
    samples = {share: set(filters.sample_users(data, share, seed=3).user.tolist()) for share in (0.1, 0.5)}
    assert {share: len(users) for share, users in samples.items()} == {0.1: 4, 0.5: 20}
    assert samples[0.1] < samples[0.5]
    assert len(filters.sample_users(data, 0.1, seed=3)) == 12
    assert set(filters.sample_users(data, 0.1, seed=4).user.tolist()) != samples[0.1]
    assert filters.sample_users(data, 1.0) is data
    for share in (0, 1.5, -1):
        with pytest.raises(UserError, match="above 0 and at most 1"):
            filters.sample_users(data, share)


events = st.lists(
    st.tuples(st.integers(1, 5), st.integers(1, 6), st.just(1), st.integers(1, 3), st.integers(0, 4)),
    min_size=1,
    max_size=40,
)


def slow_core(rows, user, item):
    while True:
        users, items = [r[0] for r in rows], [r[1] for r in rows]
        left = [r for r in rows if users.count(r[0]) >= user and items.count(r[1]) >= item]
        if left == rows:
            return rows
        rows = left


@settings(max_examples=100, deadline=None)
@given(events, st.integers(1, 4), st.integers(1, 4), st.sampled_from(sorted(filters.ORDERS)))
def test_k_core_equals_its_definition_in_any_order(rows, user, item, order):
    expected = slow_core(rows, user, item)
    if not expected:
        with pytest.raises(UserError):
            filters.min_count(table(rows), user, item, order=order)
        return
    data = filters.min_count(table(rows), user, item, order=order)
    assert list(zip(pairs(data), data.timestamp.tolist(), strict=True)) == [((r[0], r[1]), r[4]) for r in expected]


@settings(max_examples=100, deadline=None)
@given(events, st.sampled_from(["uia", "ui"]))
def test_keep_first_equals_its_definition(rows, dedup):
    chosen = {}
    for place, row in sorted(enumerate(rows), key=lambda pair: (pair[1][4], pair[0])):
        chosen.setdefault(row[:2] + ((row[3],) if dedup == "uia" else ()), place)
    data = filters.keep_first(table(rows), filters.DEDUP[dedup])
    expected = [rows[place] for place in sorted(chosen.values())]
    assert list(zip(pairs(data), data.action.tolist(), data.timestamp.tolist(), strict=True)) == [
        ((r[0], r[1]), r[3], r[4]) for r in expected
    ]
