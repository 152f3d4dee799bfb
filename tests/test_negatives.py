"""Negatives: exactly the complement, exactly uniform, a pure function of the seed, and no leak of held-out items."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from data.feeds.next_item import next_item_feed
from data.negatives import ComplementSampler, draw_int63
from data.splits import leave_one_out
from tests.tiny import sequences_of
from tf_utils.keras_gate import tf

SEED = tf.constant([3, 4])


def sampler_of(done: dict[int, list[int]], size: int, n_users: int = 9) -> ComplementSampler:
    pairs = [(user, value) for user, values in done.items() for value in values]
    users, values = np.array(pairs, np.int64).reshape(-1, 2).T
    return ComplementSampler(users, values, n_users, size)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 12).flatmap(
        lambda size: st.tuples(
            st.just(size), st.dictionaries(st.integers(1, 9), st.lists(st.integers(1, size), max_size=15))
        )
    ),
    st.integers(0, 2**31 - 1),
)
def test_only_the_complement(case, seed):
    size, done = case
    sampler = sampler_of(done, size)
    users = np.arange(1, 10)
    positives = np.tile(np.arange(30) % size + 1, (9, 1))
    drawn = sampler(users, positives, tf.constant([seed, 1])).numpy()
    assert drawn.dtype == np.int32 and drawn.shape == positives.shape
    saturated = {user for user, values in done.items() if len(set(values)) == size}
    assert set(sampler.saturated.tolist()) == saturated
    for user in users:
        row = drawn[user - 1]
        assert row.min() >= 1 and row.max() <= size
        if user not in saturated:
            assert not set(row.tolist()) & set(done.get(int(user), []))
        elif size > 1:
            assert (row != positives[user - 1]).all()


def test_uniform():
    done = {1: [1, 2, 3], 2: [4], 3: [20, 1, 10, 11, 20], 4: list(range(1, 20)), 5: list(range(1, 21))}
    sampler = sampler_of(done, 20)
    users, n = np.array([1, 2, 3, 4, 5, 6]), 20_000
    drawn = sampler(users, np.full((6, n), 7), SEED).numpy()
    for user, row in zip(users, drawn, strict=True):
        own = set(done.get(user, [])) if user != 5 else {7}  # user 5 did everything: only the positive is excluded
        allowed = [value for value in range(1, 21) if value not in own]
        counts = np.bincount(row, minlength=21)
        assert counts[allowed].sum() == n
        if len(allowed) > 1:
            assert chisquare(counts[allowed]).pvalue > 1e-4
    # Neighbouring cells and neighbouring users are independent.
    assert abs(np.corrcoef(drawn[5, 1:], drawn[5, :-1])[0, 1]) < 5 / np.sqrt(n)
    assert abs(np.corrcoef(drawn[5], drawn[1])[0, 1]) < 5 / np.sqrt(n)


def test_large_ids():
    """(user, value) keys beyond 2^31: 100,000 users, ten million values."""
    size = 10_000_000
    sampler = ComplementSampler(np.array([1, 100_000, 100_000]), np.array([size, 1, size]), 100_000, size)
    drawn = sampler(np.array([1, 100_000]), np.ones((2, 4000), int), SEED).numpy()
    for row in drawn:
        assert 1 < row.max() < size and abs(row.mean() / size - 0.5) < 5 / np.sqrt(12 * 4000)
    one_left = ComplementSampler(
        np.full(size // 100 - 1, 7), np.delete(np.arange(1, size // 100 + 1), 4321), 9, size // 100
    )
    assert set(one_left(np.array([7]), np.ones((1, 5), int), SEED).numpy()[0].tolist()) == {4322}


def test_deterministic():
    sampler = sampler_of({1: [1]}, 50)
    draw = lambda *seed: sampler(np.array([1, 2]), np.ones((2, 40), int), tf.constant(seed)).numpy()  # noqa: E731
    np.testing.assert_array_equal(draw(1, 2), draw(1, 2))
    assert (draw(1, 2) != draw(1, 3)).any() and (draw(1, 2) != draw(2, 2)).any()


def test_int63():
    x = draw_int63(tf.constant([10_000]), SEED).numpy()
    assert x.min() >= 0 and x.max() > 2**62 and len(np.unique(x)) == len(x)
    assert abs(x.mean() / 2**63 - 0.5) < 5 / np.sqrt(12 * len(x))


# One user who saw items 1..4 of 8, in categories 1 and 2 of 3 with actions 1 and 2 of 2; 5 and 6 are held out.
HISTORY = [(1, 1, 1), (2, 1, 2), (3, 2, 1), (4, 2, 1), (5, 3, 1), (6, 3, 2)]
OTHER = [(7, 1, 1), (8, 2, 2), (7, 1, 1)]


def drawn_for_user_1(steps=60, **options):
    split = leave_one_out(sequences_of([HISTORY, OTHER], n_items=8, n_categories=3, n_actions=2))
    feed = next_item_feed(split, 12, 2, 5, **options)
    rows = []
    for step in range(steps):
        batch = {name: x.numpy() for name, x in feed.batch(tf.constant(step, tf.int64)).items()}
        row = int(np.flatnonzero(batch["user"] == 1)[0])
        valid = batch["positives"][row] > 0
        rows.append({name: x[row][valid] for name, x in batch.items() if x.ndim == 2})
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


def test_held_out_items_are_drawn():
    """Excluding a user's validation and test items from the training negatives would tell the model about them."""
    drawn = drawn_for_user_1()["negatives"]
    counts = np.bincount(drawn, minlength=9)
    assert counts[:5].sum() == 0 and chisquare(counts[5:]).pvalue > 1e-4


def test_excluding_the_targets_alone():
    drawn = drawn_for_user_1(exclude="targets")["negatives"]  # the targets are 2, 3, 4
    counts = np.bincount(drawn, minlength=9)
    allowed = [1, 5, 6, 7, 8]
    assert counts[allowed].sum() == counts.sum() and chisquare(counts[allowed]).pvalue > 1e-4


def test_excluding_the_positive_of_the_same_cell_alone():
    """RecBole's RepeatableSampler (LEDGER R19): the rest of the history can be drawn."""
    drawn = drawn_for_user_1(steps=300, exclude="target")
    for positive in (2, 3, 4):
        counts = np.bincount(drawn["negatives"][drawn["positives"] == positive], minlength=9)
        allowed = [item for item in range(1, 9) if item != positive]
        assert counts[allowed].sum() == 300 and chisquare(counts[allowed]).pvalue > 1e-4


def test_pairs():
    """A16: uniform over the (category, action) pairs that the user has not done in training."""
    drawn = drawn_for_user_1(interaction_negatives="pair")
    pairs, counts = np.unique(
        np.stack([drawn["negative_categories"], drawn["negative_actions"]], 1), axis=0, return_counts=True
    )
    assert pairs.tolist() == [[2, 2], [3, 1], [3, 2]]  # not done: (2, 2); of category 3 only held-out events tell
    assert chisquare(counts).pvalue > 1e-4


def test_pairs_as_the_released_code_draws_them():
    drawn = drawn_for_user_1(interaction_negatives="code")
    assert set(drawn["negative_categories"].tolist()) == {3}  # the only category without a training event
    np.testing.assert_array_equal(drawn["negative_actions"], 3 - drawn["positive_actions"])  # the other one of two


def test_pairs_of_a_user_who_did_everything():
    history = [(1, category, action) for category in (1, 2) for action in (1, 2)] * 2
    split = leave_one_out(sequences_of([history + HISTORY[:2]], n_items=8, n_categories=2, n_actions=2))
    feed = next_item_feed(split, 12, 1, 5, interaction_negatives="pair")
    batch = {name: x.numpy() for name, x in feed.batch(tf.constant(0, tf.int64)).items()}
    same = (batch["negative_categories"] == batch["positive_categories"]) & (
        batch["negative_actions"] == batch["positive_actions"]
    )
    assert not same.any()
