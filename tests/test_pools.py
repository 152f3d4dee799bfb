"""Pools of negatives: the distribution of TensorFlow's sampler, exact odds, and the loss they correct."""

import numpy as np
import pytest

from data.feeds.prefix import prefix_feed
from data.pipeline import slice_rows
from data.pools import PoolSampler
from models.losses import sampled_softmax
from tests import tiny
from tf_utils.cli import UserError
from tf_utils.keras_gate import tf

COUNTS = np.array([0, 5, 9, 1, 7, 0, 3, 2, 8, 4, 6])  # of items 1..10; by popularity: 2 8 4 10 1 9 6 7 3 5


def test_log_uniform_by_popularity():
    p = PoolSampler(COUNTS, 3).probabilities
    for rank, item in enumerate((2, 8, 4, 10, 1, 9, 6, 7, 3, 5)):
        assert p[item] == pytest.approx(np.log((rank + 2) / (rank + 1)) / np.log(11))
    assert p[0] == 0 and p.sum() == pytest.approx(1)


def draws(sampler, times):
    positives = tf.range(1, 11)

    @tf.function
    def many():
        seeds = tf.stack([tf.ones(times, tf.int32), tf.range(times)], axis=1)
        kinds = {"pool": tf.int32, "pool_log_expected": tf.float32, "positive_log_expected": tf.float32}
        return tf.map_fn(lambda seed: sampler(positives, seed), seeds, fn_output_signature=kinds)

    return {name: x.numpy() for name, x in many().items()}


@pytest.mark.parametrize("proposal", ["log_uniform", "uniform"])
def test_pools_are_distinct_and_as_likely_as_tensorflow_s(proposal):
    """Against draws with replacement until 4 are distinct, in NumPy; and Horvitz-Thompson sums are unbiased."""
    times, size = 20_000, 4
    sampler = PoolSampler(COUNTS, size, proposal)
    found = draws(sampler, times)
    assert all(len(set(pool)) == size for pool in found["pool"].tolist()) and found["pool"].min() == 1
    share = np.bincount(found["pool"].ravel(), minlength=11)[1:] / times

    rng = np.random.default_rng(0)
    expected = np.zeros(10)
    for _ in range(4_000):
        pool = set()
        while len(pool) < size:
            pool.add(int(rng.choice(10, p=sampler.probabilities[1:])))
        expected[list(pool)] += 1 / 4_000
    np.testing.assert_allclose(share, expected, atol=4 * np.sqrt(0.25 / 4_000 + 0.25 / times))

    # Given the threshold the odds are exact: sum over the pool of value / odds estimates the sum over all items.
    value = np.arange(1.0, 11)
    estimates = np.sum(value[found["pool"] - 1] / np.exp(found["pool_log_expected"]), axis=1)
    assert abs(estimates.mean() - value.sum()) < 4 * estimates.std() / np.sqrt(times)
    # ... and an item's odds average to its share of the pools.
    np.testing.assert_allclose(np.exp(found["positive_log_expected"]).mean(0), share, atol=0.015)


@pytest.mark.parametrize(("size", "proposal"), [(0, "uniform"), (10, "uniform"), (3, "zipf")])
def test_arguments(size, proposal):
    with pytest.raises(UserError):
        PoolSampler(COUNTS, size, proposal)


def test_sampled_softmax():
    rng = np.random.default_rng(0)
    queries, table = rng.normal(size=(3, 4)), rng.normal(size=(11, 4))
    positives, pool = np.array([2, 5, 9]), np.array([7, 5, 1])
    log_pool, log_positive = rng.normal(size=3), rng.normal(size=3)
    expected = 0.0
    for q, p, lp in zip(queries, positives, log_positive, strict=True):
        own = q @ table[p] - lp
        rest = [q @ table[j] - lj for j, lj in zip(pool, log_pool, strict=True) if j != p]
        expected += np.log(np.exp([own, *rest]).sum()) - own
    batch = dict(positives=positives, pool=pool, pool_log_expected=log_pool, positive_log_expected=log_positive)
    batch = {k: tf.constant(x, tf.int32 if x.dtype == np.int64 else tf.float64) for k, x in batch.items()}
    batch["valid_count"] = tf.constant(3.0)
    tiny.close(sampled_softmax(tf.constant(queries), lambda ids: tf.gather(table, ids), batch), expected / 3)


@pytest.mark.parametrize("min_history", [1, 3])
def test_prefixes(tiny_split, min_history):
    """Every training event with enough before it is a target once; its history is what came before, newest last."""
    seq, length = tiny_split.sequences, 5
    expected = []
    for user, (start, end) in enumerate(zip(seq.offsets[:-1], tiny_split.train_ends, strict=True), 1):
        history = seq.items[start:end].tolist()
        for t in range(min_history, len(history)):
            before = history[:t][-length:]
            expected.append((user, (0,) * (length - len(before)) + tuple(before), history[t]))
    feed = prefix_feed(tiny_split, length, 16, seed=2, pooled=2, negatives=3, min_history=min_history)
    assert feed.instances == len(expected)
    found, in_training = [], tiny_split.train_mask()
    done = {u: set(seq.items[in_training & (seq.users_of_events() == u)]) for u in range(1, tiny.N_USERS + 1)}
    for step in range(feed.steps_per_epoch):
        batch = tiny.arrays(feed.batch(tf.constant(step, tf.int64)))
        assert batch["pool"].shape == (32,) and batch["valid_count"] == len(batch["user"])
        for user, items, positive, negatives in zip(
            *(batch[name].tolist() for name in ("user", "items", "positives", "negatives")), strict=True
        ):
            found.append((user, tuple(items), positive))
            assert not done[user] & set(negatives)
    assert sorted(found) == sorted(expected)


def test_replicas_share_the_pool(tiny_split):
    batch = prefix_feed(tiny_split, 5, 16, seed=2, pooled=2).batch(tf.constant(0, tf.int64))
    parts = [slice_rows(batch, r, 2) for r in range(2)]
    assert all((part["pool"].numpy() == batch["pool"].numpy()).all() for part in parts)
    assert [len(part["positive_log_expected"]) for part in parts] == [8, 8]
