"""LOCKER in each of its local forms against a float64 twin, and the forms by hand."""

import math

import numpy as np
import pytest

from models.layers import local_heads
from models.layers.bidirectional import history
from models.layers.locker_attention import MixedAttention
from tests import tiny
from tests.gradients import check_loss_and_gradient
from tests.oracles import locker_oracle as oracle
from tf_utils.keras_gate import tf

MASK = tiny.N_ITEMS + 1


@pytest.mark.parametrize(
    "local, reach", [("adapt", 1), ("gauss", 1), ("gauss_sigmoid", 1), ("window", 2), ("conv", 2), ("rnn", 2)]
)
def test_states_loss_and_gradient(tiny_split, local, reach):
    flags = {"local": local, "reach": reach}
    model = tiny.make_model("locker", tiny_split, "float64", inner=6, max_length=tiny.LENGTH + 2, **flags)
    batch = tiny.make_feed(model, tiny_split, batch_size=3).batch(tf.constant(0, tf.int64))
    model.compute_loss(batch, training=False)
    weights, data = tiny.perturb_weights(model), tiny.arrays(batch)
    queries = model.encode(batch)[0].numpy()[:, :, 0]
    newest = model.encode(batch, positions="last")[0].numpy()[:, 0, 0]
    for row, items in enumerate(data["items"]):
        own = items[items > 0]
        tiny.close(queries[row][items > 0], oracle.states(weights, own, **flags), 1e-7)  # tf's erf has 9 digits
        tiny.close(newest[row], oracle.states(weights, np.append(own, MASK), **flags)[-1], 1e-7)
    twin = lambda moved: oracle.loss(moved, data, **flags)  # noqa: E731
    local_part = [name for name in weights if "/scores/" in name or f"/{local}/" in name or "_positions" in name]
    groups = [list(weights), ["block_0/attention/value/kernel"], local_part]
    check_loss_and_gradient(model, batch, weights, twin, groups, tolerance=1e-7, rtol=1e-5, atol=1e-7)


def test_window_by_hand():
    np.testing.assert_array_equal(local_heads.within(1, 3, 3), [[1, 1, 0], [1, 1, 1], [0, 1, 1]])
    np.testing.assert_array_equal(local_heads.within(1, 1, 3), [[0, 1, 1]])  # the newest query alone


def test_distances_by_hand():
    """n = 3: row 2 is the event itself, row 4 the one two before it, row 0 the one two after it."""
    table = tf.constant([[0.0], [1.0], [2.0], [3.0], [4.0]])
    np.testing.assert_array_equal(local_heads.relative(table, 3, 3)[0], [[2, 1, 0], [3, 2, 1], [4, 3, 2]])
    np.testing.assert_array_equal(local_heads.relative(table, 1, 2)[0], [[3, 2]])


def test_gauss_begins_as_a_gaussian():
    scores = local_heads.GaussScores(2, 4, 0.5)(tf.constant(1), tf.constant(3))
    expected = [math.exp(-8), math.exp(-2), 1.0]  # distances 2, 1, 0 of a width of a half
    np.testing.assert_allclose(scores, [[expected]] * 2, rtol=1e-6)


def test_adaptive_scores_by_hand():
    """Width 1, V = 1, 2, w = 3, d of distances -1, 0, 1 = 10, 20, 30, user 100, b = 1000."""
    layer = local_heads.AdaptiveScores(1, 1, 2, "zeros")
    values, users = tf.constant([[[[1.0], [2.0]]]]), tf.constant([[1.0]])
    layer(values, users, tf.constant(2))
    layer.kernel.assign([[3.0]])
    layer.bias.assign([1000.0])
    layer.relative_positions.assign([[[10.0]], [[20.0]], [[30.0]]])
    layer.user.kernel.assign([[100.0]])
    of = lambda i, j, d: (i + j + d + 100) * 3 + 1000  # noqa: E731
    expected = [[of(1, 1, 20), of(1, 2, 10)], [of(2, 1, 30), of(2, 2, 20)]]
    np.testing.assert_allclose(layer(values, users, tf.constant(2)), [[expected]])
    np.testing.assert_allclose(layer(values, users, tf.constant(1)), [[expected[1:]]])


def test_convolution_by_hand():
    """1 x_{i-1} + 10 x_i + 100 x_{i+1} of 1, 2, 3; ReLU of the negative is 0."""
    layer = local_heads.LocalConvolution(1, 1, 1, "zeros")
    values = tf.constant([1.0, 2.0, 3.0])[None, None, :, None]
    layer(values)
    layer.kernel.assign(np.reshape([1.0, 10.0, 100.0], [3, 1, 1, 1]))
    np.testing.assert_allclose(tf.reshape(layer(values), [-1]), [210, 321, 32])
    np.testing.assert_allclose(tf.reshape(layer(-values), [-1]), [0, 0, 0])


def test_recurrence_by_hand():
    """Gates of a half and no part of the state in the candidate: h' = h / 2 + tanh(x) / 2, over two events."""
    layer = local_heads.LocalRecurrence(1, 1, 1, "zeros")
    values = tf.constant([1.0, 2.0, 3.0])[None, None, :, None]
    layer(values)
    layer.kernel.assign([[[0.0, 0.0, 1.0]]])
    t = [0.0, *(math.tanh(x) for x in (1, 2, 3))]
    np.testing.assert_allclose(tf.reshape(layer(values), [-1]), [b / 2 + a / 4 for a, b in zip(t, t[1:])], rtol=1e-6)  # noqa: B905


def test_history_vector():
    """(1 + 2) / sqrt(2); where all is hidden, 0."""
    x = tf.constant([[1.0, 2.0, 7.0], [1.0, 2.0, 7.0]])[..., None]
    known = tf.constant([[True, True, False], [False, False, False]])
    np.testing.assert_allclose(history(x, known), [[3 / math.sqrt(2)], [0]], rtol=1e-6)


def test_user_cancels(tiny_split):
    """The released form adds the user to every key alike: the softmax takes it out again (LEDGER B4)."""
    model = tiny.make_model("locker", tiny_split, "float64")
    batch = tiny.make_feed(model, tiny_split, batch_size=4).batch(tf.constant(0, tf.int64))
    model.encode(batch)
    tiny.perturb_weights(model)
    before = model.encode(batch)[0].numpy()
    for weight in model.trainable_variables:
        if "scores/user" in weight.name or "scores/bias" in weight.name:
            weight.assign(weight + 1.0)
    tiny.close(model.encode(batch)[0], before, 1e-12)


@pytest.mark.parametrize(
    "hyper", [{"local": "fixed"}, {"local_heads": 4}, {"local_heads": 0}, {"heads": 3}, {"reach": -1}]
)
def test_arguments(tiny_split, hyper):
    with pytest.raises(ValueError, match="|".join(hyper)):
        tiny.make_model("locker", tiny_split, **hyper)
    assert MixedAttention(8, 4, 3, "window", 5, 1, 0.0, "zeros").global_heads == 1
