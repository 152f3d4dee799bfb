"""The test against exact enumeration, Holm against a worked example, and the error rates both promise."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tf_utils.cli import UserError
from tf_utils.significance import (
    Variance,
    bootstrap_interval,
    compare,
    holm,
    mean_over_seeds,
    p_value,
    paired,
    sign_flip_test,
)


def exact_p(difference):
    """The share of all 2 ** n sign patterns whose mean is at least as far from 0."""
    means = [abs(np.dot(signs, difference)) for signs in product((-1, 1), repeat=len(difference))]
    return np.mean([mean >= abs(sum(difference)) - 1e-9 for mean in means])


@pytest.mark.parametrize(
    "difference",
    [
        [0.3, 0.1, -0.05, 0.2, 0.4, 0.15, -0.1, 0.25],
        [1, 1, 1, 1, 1, 1, 1, 1],  # both patterns without a change of sign: 2 / 256
        [1, -1, 1, 0, 0, 1, 0, 1],  # many equal means
        [0.1, -0.3, 0.2, 0.05, -0.1, 0.02, 0.3, -0.27],
    ],
)
def test_against_enumeration(difference):
    p, draws = exact_p(difference), 40_000
    found = sign_flip_test(np.array(difference, float), seed=1, draws=draws)
    assert abs(found - p) < 4 * np.sqrt(p * (1 - p) / draws) + 1 / draws


def test_by_hand():
    """b + 1 over m + 1: with no difference every draw is as extreme; with 50 equal wins none is."""
    assert sign_flip_test(np.zeros(5)) == 1.0
    assert sign_flip_test(np.ones(50), draws=999) == 1 / 1000
    assert sign_flip_test(np.array([0.0] * 100 + [1.0]), draws=99) == 1.0


def test_chunks_change_no_distribution():
    """n large enough for hundreds of chunks; the normal approximation is close here."""
    difference = np.random.default_rng(0).normal(0.012, 1, 50_000)
    z = difference.sum() / np.sqrt(np.square(difference).sum())
    assert sign_flip_test(difference, draws=2000) == pytest.approx(2 * stats.norm.sf(abs(z)), rel=0.5, abs=2e-3)


def test_same_seed_same_answer_and_antisymmetric():
    rng = np.random.default_rng(3)
    a, b = rng.random(200), rng.random(200)
    first, again, other = compare(a, b), compare(a, b), compare(b, a)
    assert first == again and first != compare(a, b, seed=1)
    assert other.difference == -first.difference and other.p == first.p and first.users == 200
    assert (other.low, other.high) == pytest.approx((-first.high, -first.low), abs=0.005)
    assert first.low < first.difference < first.high


def test_false_alarms_and_coverage():
    """300 experiments on 60 users without a true difference: 5% alarms, 95% coverage, within four standard errors."""
    rng, alarms, covered = np.random.default_rng(5), 0, 0
    for seed in range(300):
        difference = rng.exponential(1, 60) * rng.choice((-1, 1), 60)
        alarms += sign_flip_test(difference, seed, draws=199) <= 0.05
        low, high = bootstrap_interval(difference, seed, draws=400)
        covered += low <= 0 <= high
    assert 0 < alarms < 15 + 4 * np.sqrt(300 * 0.05 * 0.95)
    assert 285 - 5 * np.sqrt(300 * 0.05 * 0.95) < covered < 300


def test_runs_that_differ_by_training_alone_raise_no_alarm():
    """Users of a run share its training: over 300 pairs of models without a difference, three seeds each, the test over
    users is alarmed by a third of them or more, the one with the seeds' variance by 5% or so."""
    rng, naive, whole = np.random.default_rng(7), 0, 0
    for seed in range(300):
        runs = 0.5 + rng.normal(0, 0.02, 6)[:, None] + rng.normal(0, 0.3, 1000) + rng.normal(0, 0.2, (6, 1000))
        difference = runs[:3].mean(0) - runs[3:].mean(0)
        training = [Variance(runs[half].mean(1).var(ddof=1) / 3, 2) for half in (slice(3), slice(3, 6))]
        naive += sign_flip_test(difference, seed, draws=199) <= 0.05
        whole += p_value(difference, training, seed, draws=199) <= 0.05
    assert naive > 100 and whole < 15 + 4 * np.sqrt(300 * 0.05 * 0.95)


def test_welch_by_hand():
    """Differences 1, 3: mean 2, variance of it 1 with one degree; training adds 2 with 4: 3 in all, 9 / (1 + 4 / 4)."""
    difference, training = np.array([1.0, 3.0]), [Variance(2.0, 4), Variance(0.0, 9)]
    expected = 2 * stats.t.sf(2 / np.sqrt(3), 4.5)
    assert p_value(difference, training, draws=9) == pytest.approx(max(expected, sign_flip_test(difference, draws=9)))
    found = compare(difference, np.zeros(2), training=training)
    assert found.high - 2 == pytest.approx(stats.t.ppf(0.975, 4.5) * np.sqrt(3)) == 2 - found.low
    assert p_value(np.ones(50), [], draws=999) == p_value(np.ones(50), [Variance(0.0, 3)], draws=999) == 1 / 1000


def test_a_true_difference_is_found():
    rng = np.random.default_rng(0)
    b = rng.random(2000)
    found = compare(b + 0.02 + rng.normal(0, 0.1, 2000), b)
    assert found.p == 1 / 10_001 and 0 < found.low < 0.02 < found.high
    half_width = 1.96 * 0.1 / np.sqrt(2000)
    assert found.high - found.low == pytest.approx(2 * half_width, rel=0.1)


def test_interval_of_a_constant():
    assert bootstrap_interval(np.full(9, 0.25)) == (0.25, 0.25)
    assert compare(np.array([1.0]), np.array([0.5])).low == 0.5


def test_holm_by_hand():
    """.005, .01, .03, .04 times 4, 3, 2, 1 are .02, .03, .06, .04; the last is raised to the one before it."""
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert list(found) == ["a", "b", "c", "d"]
    assert found == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert holm({}) == {} and holm({"only": 0.2}) == {"only": 0.2} and holm({1: 0.9, 2: 0.8}) == {1: 1.0, 2: 1.0}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_decides_as_the_step_down_procedure(p_values):
    adjusted = holm(dict(enumerate(p_values)))
    for alpha in (0.01, 0.05, 0.2):
        rejected = set()
        for rank, key in enumerate(sorted(range(len(p_values)), key=lambda k: p_values[k])):
            if (len(p_values) - rank) * p_values[key] > alpha:
                break
            rejected.add(key)
        assert rejected == {key for key, p in adjusted.items() if p <= alpha}


@settings(deadline=None)
@given(st.permutations(range(8)), st.permutations(range(8)))
def test_pairs_are_aligned_by_user(order_a, order_b):
    users, a, b = np.arange(1, 9) * 10, np.arange(8) / 8, np.arange(8) / 4
    order_a, order_b = list(order_a), list(order_b)
    found = paired(users[order_a], a[order_a], users[order_b], b[order_b])
    for got, wanted in zip(found, (users, a, b), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_mean_over_seeds():
    users, values = mean_over_seeds(
        [(np.array([3, 1]), np.array([0.5, 1.0])), (np.array([1, 3]), np.array([0.0, 1.5]))]
    )
    np.testing.assert_array_equal(users, [1, 3])
    np.testing.assert_array_equal(values, [0.5, 1.0])


def test_bad_input():
    one, two = np.array([1.0]), np.array([1.0, 2.0])
    with pytest.raises(UserError, match=r"different users \(2 and 2, 2 of them"):
        paired(np.array([1, 2]), two, np.array([1, 3]), two)
    with pytest.raises(UserError, match="twice"):
        paired(np.array([1, 1]), two, np.array([1, 1]), two)
    with pytest.raises(UserError, match="not a finite number"):
        compare(np.array([np.nan]), one)
    with pytest.raises(UserError, match="no user"):
        compare(np.zeros(0), np.zeros(0))
    with pytest.raises(UserError, match="no run"):
        mean_over_seeds([])
    with pytest.raises(ValueError, match="one number a user"):
        compare(one, two)
    with pytest.raises(ValueError, match="users but"):
        paired(np.array([1, 2]), one, np.array([1]), one)
