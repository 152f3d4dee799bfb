"""Batches: pure in (seed, step), every instance once an epoch, hand-made windows, and nothing held out in training."""

import numpy as np
import pytest

from data.feeds.next_item import next_item_feed
from data.feeds.pairwise import pairwise_feed
from data.feeds.window import window_feed
from data.pipeline import Feed, Store, epoch_rows, evaluation_batches
from data.splits import leave_one_out
from data.windows import training_windows
from tests import tiny
from tests.tiny import arrays, sequences_of
from tf_utils.cli import UserError
from tf_utils.keras_gate import tf

# (item, category, action); the last two of users 1 and 4 are held out, users 2 and 3 are for training only.
A = [(1, 1, 1), (2, 2, 1), (3, 1, 2), (4, 2, 2), (5, 1, 1), (6, 2, 1), (7, 1, 2)]
B, C, D = [(8, 1, 1)], [(9, 2, 2), (1, 1, 1)], [(2, 2, 1), (4, 2, 1), (6, 2, 2), (8, 1, 1)]


def toy():
    return leave_one_out(sequences_of([A, B, C, D], n_items=9, n_categories=2, n_actions=2))


def windows_of(split, *arguments):
    items = split.sequences.items
    return [(u, items[a:b].tolist()) for u, a, b in zip(*training_windows(split, *arguments), strict=True)]


def test_windows_by_hand():
    split = toy()
    assert windows_of(split, 10, "last") == [(1, [1, 2, 3, 4, 5]), (3, [9, 1]), (4, [2, 4])]
    assert windows_of(split, 2, "last") == [(1, [3, 4, 5]), (3, [9, 1]), (4, [2, 4])]
    assert windows_of(split, 2, "sliding") == [(1, [3, 4, 5]), (1, [1, 2, 3]), (3, [9, 1]), (4, [2, 4])]
    assert windows_of(split, 3, "sliding") == [(1, [2, 3, 4, 5]), (1, [1, 2]), (3, [9, 1]), (4, [2, 4])]
    with pytest.raises(UserError, match="windows must be one of"):
        training_windows(split, 3, "all")


@pytest.mark.parametrize("length", [1, 2, 5, 12, 40])
def test_sliding_windows_have_every_target_once(tiny_split, length):
    users, first, end = training_windows(tiny_split, length, "sliding")
    assert (end - first <= length + 1).all() and (end - first >= 2).all()
    targets = np.concatenate([np.arange(a + 1, b) for a, b in zip(first, end, strict=True)])
    wanted = tiny_split.train_mask()
    wanted[tiny_split.sequences.offsets[:-1]] = False  # a user's first event has no history
    np.testing.assert_array_equal(np.sort(targets), np.flatnonzero(wanted))
    np.testing.assert_array_equal(users, tiny_split.sequences.users_of_events()[first])


def test_batch_by_hand():
    feed = next_item_feed(toy(), 3, 4, seed=0)
    assert (feed.steps_per_epoch, feed.instances, feed.targets, feed.packable) == (1, 3, 5, True)
    batch = arrays(feed.batch(tf.constant(0, tf.int64)))
    order = np.argsort(batch["user"])  # rows come sorted by length, users 3 and 4 in any order
    assert batch["user"][-1] == 1 and batch["valid_count"] == 5
    hand = {
        "user": [1, 3, 4],
        "items": [[2, 3, 4], [0, 0, 9], [0, 0, 2]],
        "categories": [[2, 1, 2], [0, 0, 2], [0, 0, 2]],
        "actions": [[1, 2, 2], [0, 0, 2], [0, 0, 1]],
        "positives": [[3, 4, 5], [0, 0, 1], [0, 0, 4]],
        "positive_categories": [[1, 2, 1], [0, 0, 1], [0, 0, 2]],
        "positive_actions": [[2, 2, 1], [0, 0, 1], [0, 0, 1]],
    }
    for name, expected in hand.items():
        assert batch[name][order].tolist() == expected, name
    assert ((batch["negatives"] > 0) == (batch["positives"] > 0)).all()


def test_a_user_may_do_one_thing_twice():
    """Repeated items, and a category that is unknown (0), leave positions and lengths alone."""
    split = leave_one_out(sequences_of([[(3, 0, 1), (3, 1, 1), (3, 0, 2), (3, 1, 1), (3, 1, 1)]], n_items=4))
    for kind in ("none", "pair", "code"):
        batch = arrays(next_item_feed(split, 5, 2, 0, interaction_negatives=kind).batch(tf.constant(0, tf.int64)))
        assert batch["items"].tolist() == [[3, 3]] and batch["positive_categories"].tolist() == [[1, 0]]
        assert (batch["negatives"] != 3).all()


@pytest.mark.parametrize("instances", [1, 7, 32])
def test_permutation(instances):
    steps = -(-instances // 5)

    def epoch(e, seed):
        return np.concatenate(
            [epoch_rows(tf.constant(e * steps + s, tf.int64), 5, instances, seed) for s in range(steps)]
        )

    for e in range(3):
        assert np.sort(epoch(e, 0)).tolist() == list(range(instances))
    if instances == 32:
        orders = {epoch(e, seed).tobytes() for e in range(3) for seed in range(3)}
        assert len(orders) == 9


FEEDS = {
    "next item": lambda split: next_item_feed(split, 12, 8, 1, interaction_negatives="pair"),
    "sliding": lambda split: next_item_feed(split, 4, 8, 1, windows="sliding", exclude="targets"),
    "pairwise": lambda split: pairwise_feed(split, 16, 1),
}


@pytest.mark.parametrize("make", FEEDS.values(), ids=FEEDS)
def test_feed(tiny_split, make):
    """Pure in the step; each instance once an epoch; a stream from any step; replica slices; only training events."""
    feed, again = make(tiny_split), make(tiny_split)
    n = feed.steps_per_epoch
    batches = [arrays(feed.batch(tf.constant(step, tf.int64))) for step in range(n + 2)]

    def same(a, b):
        assert set(a) == set(b)
        for name in a:
            np.testing.assert_array_equal(a[name], b[name])

    for step in (n + 1, 0, 2):  # out of order, from another object
        same(arrays(again.batch(tf.constant(step, tf.int64))), batches[step])
    for found, expected in zip(feed.dataset(2).take(n).as_numpy_iterator(), batches[2:], strict=True):
        same(found, expected)
    assert (batches[0]["negatives"].shape != batches[n]["negatives"].shape) or (
        batches[0]["negatives"] != batches[n]["negatives"]
    ).any()

    # Replica slices recombine to the batch; each keeps the global count.
    sliced = list(feed.dataset(1, replicas=3).take(3).as_numpy_iterator())
    rows = len(batches[1]["user"])
    for name, whole in batches[1].items():
        if whole.ndim == 0:
            assert all(part[name] == whole for part in sliced)
        else:
            rebuilt = np.zeros_like(whole)
            for r, part in enumerate(sliced):
                rebuilt[r:rows:3] = part[name]
            np.testing.assert_array_equal(rebuilt, whole)

    first_epoch = batches[:n]
    assert sum(len(batch["user"]) for batch in first_epoch) == feed.instances
    assert sum(np.count_nonzero(batch["positives"]) for batch in first_epoch) == feed.targets
    assert all(batch["valid_count"] == np.count_nonzero(batch["positives"]) for batch in batches)
    check_no_leak(tiny_split, first_epoch)


def check_no_leak(split, batches):
    """Everything a batch tells of a user is in the user's training events; held-out items appear as negatives only."""
    seq = split.sequences
    counts = {
        u: np.bincount(seq.items[seq.offsets[u - 1] : split.train_ends[u - 1]], minlength=99) for u in range(1, 31)
    }
    for batch in batches:
        for row, user in enumerate(batch["user"]):
            for field in ("items", "positives"):
                if field in batch:
                    shown = np.bincount(np.atleast_1d(batch[field][row]), minlength=99)
                    assert (shown[1:] <= counts[user][1:]).all()


def test_history_precedes_its_target(tiny_split):
    """Inputs are the events right before the target, in time order, on the right side of the row."""
    seq = tiny_split.sequences
    for batch in next_item_feed(tiny_split, 12, 8, 1).dataset().take(4).as_numpy_iterator():
        lengths = (batch["items"] > 0).sum(1)
        assert (np.diff(lengths) >= 0).all() and batch["items"].shape[1] == lengths.max()
        for row, (user, length) in enumerate(zip(batch["user"], lengths, strict=True)):
            end = tiny_split.train_ends[user - 1]
            np.testing.assert_array_equal(batch["items"][row, -length:], seq.items[end - length - 1 : end - 1])
            np.testing.assert_array_equal(batch["positives"][row, -length:], seq.items[end - length : end])
            assert (batch["items"][row, :-length] == 0).all() and (batch["positives"][row, :-length] == 0).all()


def test_pairwise_triples():
    split = toy()
    feed = pairwise_feed(split, 4, seed=3)
    assert (feed.instances, feed.targets, feed.steps_per_epoch, feed.packable) == (10, 10, 3, False)
    wanted = [(1, i) for i in (1, 2, 3, 4, 5)] + [(2, 8), (3, 1), (3, 9), (4, 2), (4, 4)]
    own = {1: {1, 2, 3, 4, 5}, 2: {8}, 3: {9, 1}, 4: {2, 4}}
    negatives = {user: set() for user in own}
    for epoch in range(20):
        seen = []
        for batch in feed.dataset(epoch * 3).take(3).as_numpy_iterator():
            seen += zip(batch["user"].tolist(), batch["positives"].tolist(), strict=True)
            for user, negative in zip(batch["user"], batch["negatives"], strict=True):
                negatives[int(user)].add(int(negative))
        assert sorted(seen) == wanted
    # All items but the user's training items come up, the held-out ones too.
    assert negatives == {user: set(range(1, 10)) - items for user, items in own.items()}


@pytest.mark.parametrize("trim", [True, False])
def test_evaluation_histories(tiny_split, trim):
    seq, targets = tiny_split.sequences, tiny_split.test
    dataset, rows = evaluation_batches(Store(seq), targets, 12, 8, trim)
    batches = list(dataset.as_numpy_iterator())
    assert np.concatenate([batch["row"] for batch in batches]).tolist() == rows.tolist()
    assert sorted(rows.tolist()) == list(range(len(targets)))
    for batch in batches:
        lengths = (batch["items"] > 0).sum(1)
        assert batch["items"].shape[1] == (lengths.max() if trim else 12)
        for k, row in enumerate(batch["row"]):
            start, target = targets.starts[row], targets.targets[row]
            first = max(start, target - 12)
            assert batch["user"][k] == targets.users[row] and lengths[k] == target - first
            for name in ("items", "categories", "actions"):
                np.testing.assert_array_equal(batch[name][k, -lengths[k] :], getattr(seq, name)[first:target])
                assert (batch[name][k, : -lengths[k]] == 0).all()


def test_store_windows():
    store = Store(toy().sequences)
    found = arrays(store.window(tf.constant([0, 7], tf.int64), tf.constant([3, 8], tf.int64), 2, prefix="x_"))
    assert found["x_items"].tolist() == [[2, 3], [0, 8]] and found["x_actions"].tolist() == [[1, 2], [0, 1]]


def test_unknown_options():
    for options in (dict(windows="all"), dict(exclude="test"), dict(interaction_negatives="some")):
        with pytest.raises(UserError, match="|".join(options)):
            next_item_feed(toy(), 3, 4, 0, **options)


def test_feed_without_slices():
    feed = Feed(lambda step: {"x": step * 2}, 1, 1, 1)
    assert [int(b["x"]) for b in feed.dataset(5).take(3)] == [10, 12, 14]


def windows_by_hand(history, length, targets):
    """(inputs, targets) of a user's training events, newest window first, written from the definition."""
    if len(history) < 2:
        return []
    if len(history) < length + targets:
        count = min(targets, len(history) - 1)
        return [(history[: len(history) - count][-length:], history[len(history) - count :])]
    ends = range(len(history), length + targets - 1, -1)
    return [(history[e - targets - length : e - targets], history[e - targets : e]) for e in ends]


@pytest.mark.parametrize(("length", "targets"), [(5, 3), (1, 1), (2, 4)])
@pytest.mark.parametrize("exclude", ["train", "targets", "none"])
def test_windows_are_all_runs_of_inputs_and_targets(tiny_split, length, targets, exclude):
    split = tiny_split
    seq = split.sequences
    expected, done = [], {}
    for user, (start, end) in enumerate(zip(seq.offsets[:-1], split.train_ends, strict=True), 1):
        history = seq.items[start:end].tolist()
        done[user] = set(history)
        pad = lambda x, n: (0,) * (n - len(x)) + tuple(x)  # noqa: E731
        expected += [(user, pad(a, length), pad(b, targets)) for a, b in windows_by_hand(history, length, targets)]
    feed = window_feed(split, length, targets, 7, seed=3, exclude=exclude, negatives=2 * targets)
    assert feed.instances == len(expected)
    assert feed.targets == sum(np.count_nonzero(t) for _, _, t in expected)
    found = []
    for step in range(feed.steps_per_epoch):
        batch = tiny.arrays(feed.batch(tf.constant(step, tf.int64)))
        assert batch["valid_count"] == np.count_nonzero(batch["positives"])
        rows = zip(*(batch[name].tolist() for name in ("user", "items", "positives", "negatives")), strict=True)
        for user, items, positives, negatives in rows:
            found.append((user, tuple(items), tuple(positives)))
            missing = 2 * positives.count(0)
            assert negatives[:missing] == [0] * missing and 0 not in negatives[missing:]
            excluded = {"train": done[user], "targets": set(positives), "none": set()}[exclude]
            assert not excluded & set(negatives[missing:])
    assert sorted(found) == sorted(expected)


def test_window_negatives_are_shared_evenly(tiny_split):
    with pytest.raises(UserError, match="4 negatives cannot be shared by 3 targets"):
        window_feed(tiny_split, 2, 3, 7, seed=3, negatives=4)


def test_window_negatives_are_uniform_outside_the_targets(tiny_split):
    """Items of the user that are no target of the window are drawn as often as any other."""
    feed = window_feed(tiny_split, 3, 2, 64, seed=1, exclude="targets", negatives=200)
    batch = tiny.arrays(feed.batch(tf.constant(0, tf.int64)))
    for positives, negatives in zip(batch["positives"][:8], batch["negatives"][:8], strict=True):
        room = np.setdiff1d(np.arange(1, tiny.N_ITEMS + 1), positives)
        counts = np.bincount(negatives, minlength=tiny.N_ITEMS + 1)[room]
        assert counts.sum() == np.count_nonzero(negatives)
        chi_square = np.sum((counts - counts.mean()) ** 2) / counts.mean()
        assert chi_square < 2 * len(room)


def test_refit_trains_on_the_validation_target_and_never_on_the_test_target(tiny_split):
    wider = tiny_split.with_validation()
    added = np.flatnonzero(wider.train_mask() & ~tiny_split.train_mask())
    assert sorted(added) == sorted(tiny_split.validation.targets)
    assert not wider.train_mask()[wider.test.targets].any()


def test_category_negatives_are_uniform_over_what_the_user_did_not_touch():
    """User 1 trains on categories 1, 2 and an unknown one (3 and 4 are held out), user 2 on all five, user 3 on two
    steps fewer than the others."""
    users = [[1, 2, 0, 1, 2, 1, 3, 4], [1, 2, 3, 4, 5, 1, 1, 1], [5, 4, 5, 5, 1, 1]]
    split = leave_one_out(sequences_of([[(i + 1, c, 1) for i, c in enumerate(u)] for u in users], 9, 5, 1))
    feed = next_item_feed(split, 5, 3, seed=1, interaction_negatives="category")
    drawn = {user: [] for user in (1, 2, 3)}
    for batch in feed.dataset().take(600).as_numpy_iterator():
        assert "negative_actions" not in batch and batch["negative_categories"].dtype == np.int32
        np.testing.assert_array_equal(batch["negative_categories"] > 0, batch["positives"] > 0)
        for user, negatives, positives in zip(
            *(batch[name] for name in ("user", "negative_categories", "positive_categories")), strict=True
        ):
            there = negatives > 0
            drawn[user] += zip(negatives[there].tolist(), positives[there].tolist(), strict=True)
    assert {user: len(pairs) for user, pairs in drawn.items()} == {1: 3000, 2: 3000, 3: 1800}

    def is_uniform(values, over):
        counts = np.bincount(values, minlength=6)
        assert counts[over].sum() == len(values)
        expected = len(values) / len(over)
        assert np.sum((counts[over] - expected) ** 2) / expected < 20  # chi-square of at most 4 degrees: p = 5e-4

    is_uniform([n for n, _ in drawn[1]], [3, 4, 5])  # the held-out ones too
    is_uniform([n for n, _ in drawn[3]], [1, 2, 3])
    for positive in range(1, 6):  # a user with every category gets one of the others
        is_uniform([n for n, p in drawn[2] if p == positive], [other for other in range(1, 6) if other != positive])


def test_category_negatives_with_a_single_category():
    """Nothing is left to draw: the feed does not hang, and gives the one there is."""
    split = leave_one_out(sequences_of([[(1, 1, 1), (2, 1, 1), (3, 1, 1), (4, 1, 1)]], 4, 1, 1))
    feed = next_item_feed(split, 3, 1, 0, interaction_negatives="category")
    assert arrays(feed.batch(tf.constant(0, tf.int64)))["negative_categories"].tolist() == [[1]]
