"""The k best items: equal to a stable sort of all scores, and to the index of TensorFlow Recommenders."""

import itertools

import numpy as np
import pytest
import tensorflow_recommenders as tfrs
from hypothesis import given, settings
from hypothesis import strategies as st

from tf_utils import topk
from tf_utils.keras_gate import tf


def by_sorting(scores: np.ndarray, k: int, exclude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The definition: all items but padding and the excluded ones, by falling score, then by id."""
    best, ids = np.full((len(scores), k), -np.inf, np.float32), np.zeros((len(scores), k), np.int32)
    for row, values in enumerate(scores):
        left = [i for i in range(1, len(values)) if i not in set(exclude[row])]
        left.sort(key=lambda i: (-values[i], i))
        ids[row, : len(left)] = left[:k]
        best[row, : len(left)] = values[left[:k]]
    return best, ids


def same(found, expected) -> None:
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])


def integers(rng, *shape):
    """float32 whole numbers, so that products are exact and ties frequent."""
    return rng.integers(-3, 4, shape).astype(np.float32)


def test_by_hand():
    """Scores 9 (padding), 1, 3, 3, 2: the tie goes to the smaller id; without 2 and 4 two items are left."""
    matrix = tf.constant([[9.0], [1.0], [3.0], [3.0], [2.0]])
    scores, ids = topk.top_k(tf.ones([2, 1]), matrix, 3, tf.constant([[0, 0], [4, 2]]))
    assert ids.numpy().tolist() == [[2, 3, 4], [3, 1, 0]]
    assert scores.numpy().tolist() == [[3, 3, 2], [3, 1, -np.inf]]


@settings(max_examples=25)
@given(
    seed=st.integers(0, 999),
    rows=st.sampled_from([1, 3, 130]),
    interests=st.sampled_from([0, 1, 3]),
    items=st.sampled_from([1, 31, 64, 700, 1500]),
    k=st.sampled_from([1, 4, 40]),
    width=st.sampled_from([0, 5]),
    held=st.sampled_from([1, 1 << 13, topk.SCORES]),
)
def test_equals_a_stable_sort(seed, rows, interests, items, k, width, held):
    """Any number of blocks, chunks and groups of rows; many ties; lists longer than what is left."""
    rng = np.random.default_rng(seed)
    queries = integers(rng, rows, *([interests] if interests else []), 2)
    matrix = integers(rng, items + 1, 2)
    exclude = rng.integers(0, items + 1, (rows, width)).astype(np.int32)
    scores = queries @ matrix.T
    expected = by_sorting(scores.max(axis=1) if interests else scores, k, exclude)
    arguments = tf.constant(queries), tf.constant(matrix), k, tf.constant(exclude)
    same(topk.top_k(*arguments, scores_at_once=held), expected)
    if interests:
        scores = scores.max(axis=1)
    same(topk.top_k_of_scores(tf.constant(scores), k, tf.constant(exclude)), expected)


def test_chunks_are_used_and_lose_nothing():
    """Few items may fill the list from one chunk or from many; 5,000 items at k = 10 are cut into chunks."""
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(6, 5001)).astype(np.float32)
    scores[0, 64:96] += 100  # one chunk has them all
    scores[1, ::160] += 100  # every one in another chunk
    scores[2] = 0.5  # all tie
    assert topk._chunk(5001, 10) == topk.CHUNK
    same(topk.top_k_of_scores(tf.constant(scores), 10), by_sorting(scores, 10, np.zeros((6, 0))))


def test_excluded_items_never_appear_however_high_their_score():
    """An index that subtracts 1e5 would return item 1."""
    matrix = tf.constant([[0.0], [1e7], [-1e6], [-2e6]])
    for found in (
        topk.top_k(tf.ones([1, 1]), matrix, 3, tf.constant([[1]])),
        topk.top_k_of_found(tf.constant([[1e7, 0.0, -1e6, -2e6]]), tf.constant([[1, 0, 2, 3]]), 3, tf.constant([[1]])),
    ):
        assert found[1].numpy().tolist() == [[2, 3, 0]]


def test_equals_the_index_of_tensorflow_recommenders():
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(3001, 16)).astype(np.float32)
    queries = rng.normal(size=(40, 16)).astype(np.float32)
    matrix[0] = 0
    index = tfrs.layers.factorized_top_k.BruteForce(k=20).index(tf.constant(matrix[1:]), tf.range(1, 3001))
    scores, ids = index(tf.constant(queries))
    found = topk.top_k(tf.constant(queries), tf.constant(matrix), 20, scores_at_once=1 << 16)
    np.testing.assert_array_equal(found[1], ids)
    np.testing.assert_allclose(found[0], scores, rtol=1e-5)


@pytest.mark.parametrize("width", [0, 7])
def test_lists_of_interests_merge_to_the_best_of_all(width):
    """K lists of k + S + 1 items each, from the index, are enough: an item found twice appears once."""
    rng = np.random.default_rng(2)
    rows, interests, items, k = 20, 4, 400, 30
    queries, matrix = integers(rng, rows, interests, 3), integers(rng, items + 1, 3)
    exclude = rng.integers(0, items + 1, (rows, width)).astype(np.int32)
    index = tfrs.layers.factorized_top_k.BruteForce().index(tf.constant(matrix), tf.range(items + 1))
    scores, ids = index(tf.constant(queries.reshape(-1, 3)), k=k + width + 1)
    scores, ids = (tf.reshape(x, [rows, -1]) for x in (scores, ids))
    assert any(len(set(row)) < len(row) for row in ids.numpy())
    expected = by_sorting((queries @ matrix.T).max(axis=1), k, exclude)
    same(topk.top_k_of_found(scores, ids, k, tf.constant(exclude)), expected)
    same(topk.top_k(tf.constant(queries), tf.constant(matrix), k, tf.constant(exclude)), expected)


def test_in_a_graph_with_unknown_sizes():
    """Dimensions that the graph does not know, and no row at all."""
    rng = np.random.default_rng(3)
    spec = lambda *shape: tf.TensorSpec(shape, tf.float32)  # noqa: E731
    graph = tf.function(
        lambda queries, matrix: topk.top_k(queries, matrix, 5, scores_at_once=1 << 12),
        input_signature=[spec(None, None, None), spec(None, None)],
    )
    for rows, interests in itertools.product((0, 1, 200), (1, 2)):
        queries, matrix = integers(rng, rows, interests, 2), integers(rng, 300, 2)
        scores = (queries @ matrix.T).max(axis=1)
        same(graph(tf.constant(queries), tf.constant(matrix)), by_sorting(scores, 5, np.zeros((rows, 0))))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((tf.ones([2, 3]), tf.ones([4, 3]), 0), "k must be"), ((tf.ones([3]), tf.ones([4, 3]), 1), "queries must be")],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        topk.top_k(*arguments)
