"""Losses against values by hand and against plain NumPy."""

import numpy as np
import pytest

from models.losses import (
    binary_cross_entropy,
    bpr,
    full_cross_entropy,
    literal_cross_entropy,
    softmax_cross_entropy,
)
from tests.tiny import close
from tf_utils.keras_gate import tf

RNG = np.random.default_rng(0)
POSITIVE, NEGATIVE = RNG.normal(scale=3, size=(2, 3, 4))
VALID = np.array([[0, 0, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0]], bool)
COUNT = tf.constant(6.0)
sigmoid = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731


@pytest.mark.parametrize(
    ("loss", "definition"),
    [
        (binary_cross_entropy, lambda p, n: np.log(sigmoid(p)) + np.log(1 - sigmoid(n))),
        (literal_cross_entropy, lambda p, n: np.log(sigmoid(p)) + np.log(sigmoid(1 - n))),
        (bpr, lambda p, n: np.log(sigmoid(p - n))),
    ],
)
def test_pairs(loss, definition):
    expected = -definition(POSITIVE, NEGATIVE)[VALID].sum() / 6
    close(loss(tf.constant(POSITIVE), tf.constant(NEGATIVE), VALID, COUNT), expected)
    # Nothing overflows, and what is not valid costs nothing, whatever stands there.
    extreme = np.where(VALID, 1e4, np.inf)
    assert float(loss(tf.constant(extreme), tf.constant(-extreme), VALID, COUNT)) == 0.0
    assert np.isfinite(float(loss(tf.constant(-extreme), tf.constant(extreme), VALID, COUNT)))


def test_by_hand():
    zero, valid = tf.zeros([1, 1]), tf.constant([[True]])
    close(binary_cross_entropy(zero, zero, valid, 1.0), 2 * np.log(2), 1e-6)
    close(literal_cross_entropy(zero, tf.ones([1, 1]), valid, 1.0), 2 * np.log(2), 1e-6)
    close(bpr(zero, zero, valid, 1.0), np.log(2), 1e-6)
    close(full_cross_entropy(tf.zeros([1, 1, 2]), tf.ones([5, 2]), tf.constant([[3]]), valid, 1.0), np.log(4), 1e-6)


def test_several_negatives_add_up():
    negatives = np.stack([NEGATIVE, 2 * NEGATIVE], axis=-1)
    expected = -(np.log(sigmoid(POSITIVE)) + np.log(1 - sigmoid(negatives)).sum(-1))[VALID].sum() / 6
    close(binary_cross_entropy(tf.constant(POSITIVE), tf.constant(negatives), VALID, COUNT), expected)


def test_full_cross_entropy():
    queries, matrix = RNG.normal(size=(3, 4, 5)), RNG.normal(size=(8, 5))
    targets = np.where(VALID, RNG.integers(1, 8, size=(3, 4)), 0)
    queries[~VALID] = np.nan  # never read
    total = 0.0
    for row, step in np.argwhere(VALID):
        p = np.exp(matrix[1:] @ queries[row, step])
        total -= np.log(p[targets[row, step] - 1] / p.sum())
    arguments = (tf.constant(queries), tf.constant(matrix), tf.constant(targets), VALID, COUNT)
    close(full_cross_entropy(*arguments), total / 6)
    assert float(full_cross_entropy(*arguments[:3], np.zeros_like(VALID), COUNT)) == 0.0


def test_softmax_cross_entropy_is_that_of_tensorflow():
    """Values and gradients, at ordinary logits, at ones far apart, and where all but the label are minus infinity."""
    logits = RNG.normal(size=(5, 7)) * np.array([1, 10, 100, 1000, 1])[:, None]
    logits[4, 1:] = np.finfo(np.float64).min
    logits, labels = tf.constant(logits), tf.constant([0, 3, 6, 2, 0])
    upstream = tf.constant(RNG.normal(size=5))
    found = []
    for loss in (softmax_cross_entropy, lambda x, y: tf.nn.sparse_softmax_cross_entropy_with_logits(y, x)):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            values = loss(logits, labels)
        found.append((values, tape.gradient(values, logits, output_gradients=upstream)))
    close(*(values for values, _ in found))
    close(*(gradient for _, gradient in found))


@pytest.mark.parametrize("first, last", [(0, None), (1, 6), (2, 7)])
def test_full_cross_entropy_over_some_rows_with_a_bias(first, last):
    """Rows outside first..last neither compete nor get a gradient."""
    queries, table, bias = RNG.normal(size=(3, 4, 5)), tf.Variable(RNG.normal(size=(8, 5))), RNG.normal(size=8)
    targets = RNG.integers(first, (last or 7) + 1, size=(3, 4))
    total, classes = 0.0, np.arange(first, (last or 7) + 1)
    for row, step in np.argwhere(VALID):
        p = np.exp(table.numpy() @ queries[row, step] + bias)
        total -= np.log(p[targets[row, step]] / p[classes].sum())
    with tf.GradientTape() as tape:
        some = tf.constant(bias[: (last or 7) + 1])
        loss = full_cross_entropy(tf.constant(queries), table, targets, VALID, COUNT, some, first)
    close(loss, total / 6)
    touched = np.abs(tape.gradient(loss, table)).max(axis=1) > 0
    np.testing.assert_array_equal(np.flatnonzero(touched), classes)


@pytest.mark.parametrize("loss", [binary_cross_entropy, literal_cross_entropy, bpr])
def test_slices_add_up(loss):
    whole = loss(tf.constant(POSITIVE), tf.constant(NEGATIVE), VALID, COUNT)
    parts = [loss(tf.constant(POSITIVE[k::2]), tf.constant(NEGATIVE[k::2]), VALID[k::2], COUNT) for k in (0, 1)]
    close(tf.add_n(parts), whole, 1e-14)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_sums_in_float32(dtype):
    logits = tf.cast(tf.zeros([64, 200]), dtype)  # 12,800 terms: a half-precision sum would stall
    loss = binary_cross_entropy(logits, logits, tf.ones([64, 200], tf.bool), tf.constant(12800.0))
    assert loss.dtype == tf.float32
    np.testing.assert_allclose(loss, 2 * np.log(2), rtol=5e-3)
