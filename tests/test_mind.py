"""MIND against its float64 twin: routing, number of interests, readouts, and what is random and what is not."""

import numpy as np
import pytest

from models.layers.capsules import DynamicRouting, label_aware, squash
from tests import prefix_cases as cases
from tests import tiny
from tests.oracles import mind_oracle as oracle
from tests.oracles import pooled_oracle
from tf_utils.keras_gate import tf
from tf_utils.rng import step_rng


@pytest.fixture(autouse=True)
def float64():
    with tiny.precision("float64"):
        yield


def weights(model):
    return {"items": model.items.table.numpy(), "bilinear": model.routing.bilinear.numpy()}


def fixed_logits(model):
    """[K, n], by routing nothing: with a map of zeros the logits never move, and their softmax shows them."""
    routing = DynamicRouting(1, model.config.interests, model.config.max_length)
    x = tf.zeros([1, model.config.max_length, 1], tf.float64)
    shares = routing(x, tf.ones([1, model.config.max_length], tf.bool))[1][0]
    return np.log(shares.numpy())  # up to a number a cell, which the softmax cancels


def interests(model, w, row):
    config = model.config
    logits = fixed_logits(model)[:, config.max_length - len(row) :]
    return oracle.capsules(w, row, logits, config.iterations, config.adaptive_interests)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"readout": "hard", "adaptive_interests": False},
        {"power": 3, "iterations": 2, "interests": 3},
        {"power": 2, "iterations": 1, "interests": 2},
        {"readout": "hard", "interests": 1},
    ],
)
def test_scores_and_loss(settings):
    model = cases.build("mind", perturb=1.0, **settings)
    w = weights(model)
    found = [interests(model, w, row)[0] for row in cases.HISTORIES]
    expected = [[max(v @ w["items"][item] for v in vectors) for item in range(1, 10)] for vectors in found]
    cases.check_scores(model, expected)

    def score(row, item):
        target = w["items"][cases.TARGETS[row]]
        return float(oracle.user(found[row], target, model.config.readout, model.config.power) @ w["items"][item])

    cases.check_loss(model, pooled_oracle.loss(score, tiny.arrays(cases.batch())))
    cases.check_prefixes(model)


def test_routing_weights():
    model = cases.build("mind", perturb=1.0)
    w = weights(model)
    shown = model.encode(cases.history(cases.HISTORIES))[1]["routing_weights"].numpy()
    for row, items in enumerate(cases.HISTORIES):
        expected = interests(model, w, items)[1]  # 2, 1, 1, 2 interests for 6, 2, 1, 4 items
        assert len(expected) == (2, 1, 1, 2)[row]
        first = cases.LENGTH - len(items)
        tiny.close(shown[row, : len(expected), first:], expected)
        assert not shown[row, :, :first].any() and not shown[row, len(expected) :].any()


def test_number_of_interests_by_hand():
    model = cases.build("mind", max_length=40, interests=4)
    for events, expected in ((1, 1), (2, 1), (3, 1), (4, 2), (7, 2), (8, 3), (15, 3), (16, 4), (31, 4), (40, 4)):
        active = model.interests(cases.padded([[1] * events], 40), False)[1]
        assert active.numpy().tolist() == [[k < expected for k in range(4)]]


def test_an_interest_that_a_row_lacks_never_decides():
    """All items point away from the candidate: an interest of zeros would win."""
    model = cases.build("mind", perturb=0)
    model.items.table.assign(np.tile([[-1.0, -2.0, -3.0]], [10, 1]))
    model.routing.bilinear.assign(-np.eye(3))
    queries = model.encode(cases.history([[4, 5]]), positions="last")[0]
    assert (model.score_all(queries).numpy()[:, 1:] < -1).all()


def test_squash_by_hand():
    """(3, 4) has length 5: 25 / 26 of its direction."""
    tiny.close(squash(tf.constant([[3.0, 4.0], [0.0, 0.0]], tf.float64)), [[15 / 26, 20 / 26], [0, 0]], 1e-9)


def test_one_iteration_by_hand():
    """One behaviour: its shares of two capsules add up to 1, and each capsule is its share, squashed."""
    layer = DynamicRouting(1, 2, 1, iterations=1)
    x, mask = tf.constant([[[2.0]]], tf.float64), tf.ones([1, 1], tf.bool)
    layer(x, mask)
    layer.bilinear.assign([[3.0]])
    found, shares = (a.numpy()[0, :, 0] for a in layer(x, mask))
    tiny.close(shares.sum(), 1.0)
    tiny.close(found, (6 * shares) ** 2 / (1 + (6 * shares) ** 2), 1e-8)
    assert abs(shares[0] - shares[1]) > 1e-3  # the logits differ: the capsules do not stay equal


def test_readouts_by_hand():
    """Affinities 1 and -2."""
    vectors, target = tf.constant([[[1.0, 0.0], [0.0, -2.0]]], tf.float64), tf.constant([[1.0, 1.0]], tf.float64)
    soft = 1 / (1 + np.exp(-3.0))
    tiny.close(label_aware(vectors, target, "soft"), [[soft, -2 * (1 - soft)]])
    squared = 1 / (1 + np.exp(3.0))  # 1 against 4
    tiny.close(label_aware(vectors, target, "soft", 2), [[squared, -2 * (1 - squared)]])
    tiny.close(label_aware(vectors, target, "hard"), [[1.0, 0.0]])
    tiny.close(label_aware(vectors, target, "soft", 41), [[1.0, 0.0]])
    signed = 1 / (1 + np.exp(-5.0))  # 1 against -4
    tiny.close(label_aware(vectors, target, "soft", 2, signed=True), [[signed, -2 * (1 - signed)]])
    root = 1 / (1 + np.exp(-1 - np.sqrt(2.0)))
    tiny.close(label_aware(vectors, target, "soft", 0.5, signed=True), [[root, -2 * (1 - root)]])
    second = tf.constant([[False, True]])
    for readout in ("soft", "hard"):
        tiny.close(label_aware(vectors, target, readout, 1, second), [[0.0, -2.0]])


def test_gradient_passes_the_last_iteration_alone():
    """With the last iteration's weights held, the gradient is that of one weighted sum."""
    model = cases.build("mind", perturb=1.0, interests=2, adaptive_interests=False)
    mask = cases.padded(cases.HISTORIES) > 0
    x, kernel = model.items(cases.padded(cases.HISTORIES)), model.routing.bilinear
    with tf.GradientTape() as tape:
        found, shares = model.routing(x, mask)
        value = tf.reduce_sum(found * tf.range(3, dtype=tf.float64))
    gradient = tape.gradient(value, kernel)
    with tf.GradientTape() as tape:
        held = squash(tf.matmul(tf.stop_gradient(shares), tf.matmul(x, kernel)))
        value = tf.reduce_sum(held * tf.range(3, dtype=tf.float64))
    tiny.close(gradient, tape.gradient(value, kernel))
    assert np.abs(gradient).max() > 1e-3


def losses(model, steps):
    found = []
    for step in steps:
        with step_rng(3, step):
            found.append(float(model.compute_loss(cases.batch(), training=True)))
    return found


def test_random_in_training_fixed_at_test():
    model = cases.build("mind", perturb=1.0, adaptive_interests=False)
    first, second, again = losses(model, (1, 2, 1))
    assert first == again and abs(first - second) > 1e-4
    data = cases.batch()
    assert float(model.compute_loss(data, training=False)) == float(model.compute_loss(data, training=False))
    queries = [model.encode(cases.history(cases.HISTORIES))[0].numpy() for _ in range(2)]
    np.testing.assert_array_equal(*queries)
    fixed = cases.build("mind", perturb=1.0, adaptive_interests=False, routing_logits="fixed")
    first, second = losses(fixed, (1, 2))
    assert first == second == float(fixed.compute_loss(data, training=False))


def test_rows_draw_logits_of_their_own():
    """The same history twice: other capsules in training, the same at test."""
    model = cases.build("mind", perturb=1.0)
    twice = cases.history([cases.HISTORIES[0]] * 2)
    with step_rng(3, 1):
        a, b = model.encode(twice, training=True, positions="last")[0].numpy()
    assert np.abs(a - b).max() > 1e-3
    a, b = model.encode(twice, positions="last")[0].numpy()
    np.testing.assert_array_equal(a, b)


def test_relu():
    model = cases.build("mind", perturb=1.0, relu=True, adaptive_interests=False)
    model.dense.bias.assign([0.0, -0.3, 0.3])
    found = model.encode(cases.history(cases.HISTORIES), positions="last")[0].numpy()
    for row, items in enumerate(cases.HISTORIES):
        expected = np.maximum(interests(model, weights(model), items)[0] @ model.dense.kernel + model.dense.bias, 0)
        tiny.close(found[row, 0], expected)
    assert (found == 0).any() and (found > 0).any()
    assert model.feed_options() == {"pooled": 5, "proposal": "log_uniform", "min_history": 1}


def test_arguments(tiny_split):
    for hyper, message in (
        ({"readout": "mean"}, "readout"),
        ({"power": 0}, "power"),
        ({"interests": 0}, "interests"),
        ({"routing_logits": "zero"}, "routing logits"),
    ):
        with pytest.raises(ValueError, match=message):
            tiny.make_model("mind", tiny_split, **hyper)
