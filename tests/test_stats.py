"""Statistics by hand, against slow twins, and against the published facts about the real files."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import catalog, stats
from data.filters import keep_first
from tests import data_files as files
from tests import tiny
from tests.test_filters import events
from tests.test_schema import table

# User 1: items 1 2 1 (the test target was seen before); user 2: 3 3 4 3 (validation is new, test was seen); user 4: 1.
ROWS = [
    (1, 1, 1, 1, 10), (1, 2, 0, 2, 10), (1, 1, 1, 1, 11),
    (2, 3, 2, 1, 5), (2, 3, 2, 1, 6), (2, 4, 2, 3, 7), (2, 3, 2, 1, 7),
    (4, 1, 3, 1, 1),
]  # fmt: skip


def test_by_hand():
    found = stats.statistics(table(ROWS).compact().sequences())
    assert found == {
        "users": 3,
        "items": 4,
        "categories": 3,
        "actions": 3,
        "interactions": 8,
        "mean_length": 8 / 3,
        "mean_per_action": {"a1": 2.0, "a2": 1 / 3, "a3": 1 / 3},
        "events_per_item": 2.0,
        "density_user_item": 5 / 12,  # 1-1 1-2 2-3 2-4 4-1
        "density_user_category": 3 / 9,  # 1-1 2-2 4-3
        "ties": 2,
        "tied_share": 2 / 5,
        "repeated_target_share": 1.0,
        "repeated_validation_share": 0.0,
        "unseen_target_share": 0.0,
        "short_users": 1,
        "uncategorised": 1,
    }
    assert json.loads(json.dumps(found)) == found


def test_ids_that_never_occur_are_not_counted():
    whole, compact = table(ROWS).sequences(), table(ROWS).compact().sequences()
    assert stats.statistics(whole) == stats.statistics(compact)


def test_without_users_to_hold_out():
    found = stats.statistics(table([(1, 1, 1, 1, 1)]).compact().sequences())
    assert (found["repeated_target_share"], found["tied_share"], found["short_users"]) == (0.0, 0.0, 1)


@settings(max_examples=60, deadline=None)
@given(events)
def test_repeats_equal_their_definition(rows):
    sequences = table(rows).sequences()
    test, validation = [], []
    for user in range(1, 6):
        items = sequences.items[sequences.offsets[user - 1] : sequences.offsets[user]].tolist()
        if len(items) >= 3:
            test.append(items[-1] in items[:-1])
            validation.append(items[-2] in items[:-2])
    found = stats.statistics(sequences)
    assert found["repeated_target_share"] == pytest.approx(np.mean(test) if test else 0)
    assert found["repeated_validation_share"] == pytest.approx(np.mean(validation) if validation else 0)
    once = stats.statistics(keep_first(table(rows), ("user", "item")).sequences())
    assert once["repeated_target_share"] == once["repeated_validation_share"] == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 9), st.integers(1, 9))
def test_compare_gives_the_difference_and_its_sign(ours, published):
    row = stats.compare({"users": ours}, {"users": published})[0]
    assert (row.difference, row.relative) == (ours - published, (ours - published) / published)
    assert row.remark == "equal" if ours == published else row.remark.endswith("more" if ours > published else "fewer")


def test_compare_tells_what_differs():
    ours = {"users": 9_883, "interactions": 2_440_000, "mean_per_action": {"click": 100.0}, "short_users": 3}
    published = {
        "users": 9_883,
        "interactions": 2_450_000,
        "mean_per_action": {"click": 211.32},
        "mean_per_action.cart": 17.15,
        "short_users": 0,
    }
    rows = stats.compare(ours, published)
    assert [(row.key, row.remark) for row in rows] == [
        ("users", "equal"),
        ("interactions", "agrees"),  # 0.4% off: the published number is rounded
        ("mean_per_action.click", "52.7% fewer"),
        ("mean_per_action.cart", "not in this data"),
        ("short_users", "differs by +3"),
    ]
    assert (rows[3].ours, rows[3].difference, rows[3].relative) == (None, None, None)
    assert rows[2].difference == pytest.approx(-111.32)


@pytest.mark.parametrize(
    "name, expected",
    [
        ("ml-1m", {"users": 6_040, "items": 3_706, "interactions": 1_000_209, "categories": 18, "short_users": 0}),
        ("ml-1m-sasrec", {"users": 6_040, "items": 3_416, "interactions": 999_611}),
        ("ml-100k", {"users": 943, "items": 1_682, "interactions": 100_000}),
        ("jd_appliances", {"users": 1_000, "items": 9_134, "categories": 71, "repeated_target_share": 0.0}),
        ("jd_computers", {"users": 1_000, "items": 9_289, "categories": 77, "repeated_target_share": 0.0}),
        ("jd_appliances-uia", {"users": 1_000, "repeated_target_share": 0.661, "actions": 10}),
        ("jd_computers-uia", {"users": 1_000, "repeated_target_share": 0.549, "actions": 10}),
    ],
)
def test_published_facts(name, expected):
    files.official(catalog.RECIPES[name.removesuffix("-uia")].source)
    raw = {"min_user": 0, "min_item": 0} if name.startswith("jd_") else {}  # the facts are those of the whole logs
    found = stats.statistics(catalog.load(name, download=False, **raw))
    assert {key: found[key] for key in expected} == expected


def test_targets_that_training_never_shows():
    """Of 4 and 1 the first occurs in no training event (1; 3), the second does."""
    histories = [[(item, 1, 1) for item in items] for items in ((1, 2, 4), (3, 1, 1))]
    assert stats.statistics(tiny.sequences_of(histories))["unseen_target_share"] == 0.5
