"""Caser against a float64 twin written from its equations and values derived by hand."""

import numpy as np
import pytest

import models
from data.splits import leave_one_out
from models.base import DataSpec
from models.baselines.caser import HorizontalFilters, VerticalFilters
from tests import tiny
from tests.oracles import caser_oracle as oracle
from tf_utils import ranking
from tf_utils.evaluation import Evaluator
from tf_utils.keras_gate import tf
from tf_utils.optimizers import adam
from tf_utils.rng import step_rng
from tf_utils.training import Stepper

SPEC = DataSpec(4, 9, 1, 1)
SMALL = {"dim": 3, "max_length": 4, "targets": 2, "vertical": 2, "horizontal": 3}
HISTORIES = [[3, 1, 4, 1, 5, 9], [9, 2], [6], [5, 3, 5, 8]]
USERS = [3, 1, 4, 1]


@pytest.fixture(autouse=True)
def float64():
    with tiny.precision("float64"):
        yield


def build(spec=SPEC, perturb=True, **settings):
    """A model whose weights are random, padding rows and biases included."""
    config = models.default_config("caser")
    config.update(settings)
    tf.keras.utils.set_random_seed(0)
    model = models.build("caser", config, spec)
    model.encode(history([[1, 2]]))
    if perturb:
        tiny.perturb_weights(model, 0.5)
    return model


def weights(model):
    """In the form that the oracle takes."""
    n_v, n_h = model.config.vertical, model.config.horizontal
    bias = lambda layer, size: np.zeros(size) if layer.bias is None else layer.bias.numpy()  # noqa: E731
    return {
        **{table.name: table.table.numpy() for table in model.tables},
        "vertical": model.vertical.kernel.numpy(),
        "vertical_bias": bias(model.vertical, n_v),
        "horizontal": [layer.kernel.numpy() for layer in model.horizontal],
        "horizontal_bias": [bias(layer, n_h) for layer in model.horizontal],
        "dense": model.dense.kernel.numpy(),
        "dense_bias": model.dense.bias.numpy(),
    }


def padded(rows, width=None):
    width = width or max(map(len, rows))
    return tf.constant([[0] * (width - len(row)) + list(row) for row in rows], tf.int32)


def history(rows, width=None):
    return {"user": tf.constant(USERS[: len(rows)], tf.int32), "items": padded(rows, width)}


@pytest.mark.parametrize("settings", [{}, {"filter_bias": True}, {"max_length": 1}])
def test_scores(settings):
    model = build(**SMALL | settings)
    w, length = weights(model), model.config.max_length
    expected = np.array(
        [
            [oracle.score(w, user, row[-length:], length, j) for j in range(1, 10)]
            for user, row in zip(USERS, HISTORIES, strict=True)
        ]
    )
    for width in (6, 9):
        queries, _ = model.encode(history(HISTORIES, width), positions="last")
        assert queries.shape == (4, 1, 1, 7)
        tiny.close(model.score_all(queries)[:, 1:], expected)
    listed = np.array([[2, 7], [1, 9], [9, 3], [5, 5]], np.int32)
    tiny.close(model.score(queries, listed), np.take_along_axis(expected, listed - 1, 1))
    query, matrix = model.retrieval_factors()
    tiny.close((query(history(HISTORIES))[:, 0] @ tf.transpose(matrix))[:, 1:], expected)


@pytest.mark.parametrize("filter_bias", [False, True])
def test_each_position_sees_the_newest_items_up_to_it(filter_bias):
    model = build(**SMALL, filter_bias=filter_bias)
    row = [3, 1, 4, 1, 5, 9, 2]
    every = model.encode(history([row], 9))[0]
    for t in range(1, 8):
        tiny.close(every[:, t + 1], model.encode(history([row[:t]]), positions="last")[0][:, 0])
    moved = [*[9] * 3, *row[3:]]
    np.testing.assert_array_equal(every[:, -1], model.encode(history([moved], 9))[0][:, -1])
    assert np.abs(every[:, -1] - model.encode(history([[*row[:3], 7, *row[4:]]], 9))[0][:, -1]).max() > 1e-3


def test_filters_by_hand():
    """Items (1, 0), (2, 1), (0, 3), oldest first."""
    x = tf.constant([[[1.0, 0.0], [2.0, 1.0], [0.0, 3.0]]], tf.float64)
    seen = tf.constant([[True, True, True]])
    pairs = HorizontalFilters(2, height=2, length=3, use_bias=False)
    pairs(x, seen)
    pairs.kernel.assign(np.array([[[1.0, -1], [0, -1]], [[0, -1], [1, -1]]]))
    # Filter 1 takes x of the older item and y of the newer: 1 + 1, 2 + 3. Filter 2 is minus the sum: never above 0.
    tiny.close(pairs(x, seen), [[[5.0, 0.0]]])
    weighted = VerticalFilters(1, length=3, use_bias=False)
    weighted(x)
    weighted.kernel.assign([[1.0], [10.0], [100.0]])
    tiny.close(weighted(x), [[[21.0, 310.0]]])


def test_a_filter_that_sees_no_item_is_left_out_of_the_maximum():
    layer = HorizontalFilters(1, height=2, length=4, use_bias=True)
    x = tf.constant([[[0.0], [0.0], [0.0], [1.0]]], tf.float64)
    seen = tf.constant([[False, False, False, True]])
    layer(x, seen)
    layer.kernel.assign([[[1.0]], [[-3.0]]])
    layer.bias.assign([2.0])
    # On padding the bias alone would give 2; the only placing on an item gives -3 + 2.
    tiny.close(layer(x, seen), [[[0.0]]])
    layer.bias.assign([4.0])
    tiny.close(layer(x, seen), [[[1.0]]])
    tiny.close(layer(x, tf.zeros_like(seen)), [[[0.0]]])


# The second row lacks its first target.
EXAMPLES = [(3, [3, 1, 4, 1], [(2, [7]), (6, [9])]), (1, [9, 2], [(9, [7])]), (4, [6], [(8, [2]), (1, [2])])]
TRIPLES = [(3, [3, 1, 4, 1], [(2, [7, 8, 9]), (6, [9, 9, 5])]), (1, [9, 2], [(9, [7, 1, 3])])]


def training(examples, negatives=1):
    users, windows, positives, others = zip(
        *((u, window, [t for t, _ in pairs], sum((n for _, n in pairs), [])) for u, window, pairs in examples),
        strict=True,
    )
    return {
        "user": tf.constant(users, tf.int32),
        "items": padded(windows, 4),
        "positives": padded(positives, 2),
        "negatives": padded(others, 2 * negatives),
        "valid_count": tf.constant(float(sum(len(pairs) for _, _, pairs in examples))),
    }


@pytest.mark.parametrize(("examples", "negatives"), [(EXAMPLES, 1), (TRIPLES, 3)])
def test_loss(examples, negatives):
    model = build(**SMALL, negatives=negatives)
    expected = oracle.objective(weights(model), examples, 4)
    batch = training(examples, negatives)
    tiny.close(model.compute_loss(batch, training=False), expected)
    parts = [{k: v if v.shape.rank == 0 else v[rows] for k, v in batch.items()} for rows in (slice(1), slice(1, 9))]
    tiny.close(sum(model.compute_loss(part, training=False) for part in parts), expected)
    if negatives == 3:  # the feed leaves out one draw a missing target, and the model the other two
        batch["negatives"] = tf.constant([[7, 8, 9, 9, 9, 5], [0, 4, 5, 7, 1, 3]])
        tiny.close(model.compute_loss(batch, training=False), expected)


def test_with_as_many_negatives_as_targets_the_loss_is_the_codes_two_means():
    model = build(**SMALL)
    batch = training([EXAMPLES[0], EXAMPLES[2]])
    queries = model.encode(batch, positions="last")[0]
    mean = lambda ids, sign: np.mean(np.log1p(np.exp(sign * model.score(queries, ids).numpy())))  # noqa: E731
    expected = mean(batch["positives"], -1) + mean(batch["negatives"], 1)
    tiny.close(model.compute_loss(batch, training=False), expected)


def test_l2_is_half_the_squares_of_all_parameters_but_padding():
    model = build(**SMALL, filter_bias=True, l2=0.3)
    tables = {table.name for table in model.tables}
    total = 0.0
    for name, weight in tiny.weights_of(model).items():
        total += np.sum(weight.numpy()[1 if name.split("/")[0] in tables else 0 :] ** 2)
    tiny.close(model.regularisation(), 0.15 * total)
    with tf.GradientTape() as tape:
        loss = model.regularisation()
    gradients = tape.gradient(loss, model.trainable_variables)
    for weight, gradient in zip(model.trainable_variables, gradients, strict=True):
        own = tf.convert_to_tensor(gradient).numpy()
        first = 1 if weight.name.split("/")[0] in tables else 0
        tiny.close(own[first:], 0.3 * weight.numpy()[first:])
        assert not own[:first].any()


def test_dropout_is_on_the_filters_alone_and_repeats_with_the_step():
    model = build(**SMALL, dropout=0.5)
    batch = training(EXAMPLES)
    values = []
    for step in (1, 2, 1):
        with step_rng(7, step):
            values.append(model.encode(batch, training=True, positions="last")[0].numpy())
    np.testing.assert_array_equal(values[0], values[2])
    assert np.abs(values[0] - values[1])[..., :3].max() > 1e-3
    np.testing.assert_array_equal(values[0][..., 3:], values[1][..., 3:])  # P_u and 1


def test_learns_the_order():
    """Each user walks round a cycle of 12; negatives may come from the history, which is nearly everything here."""
    rows = [[((start + t) % 12 + 1, 0, 1) for t in range(9 + start % 4)] for start in range(24)]
    split = leave_one_out(tiny.sequences_of(rows, 12, 0, 1))
    model = build(tiny.spec_of(split), perturb=False, dim=16, targets=1, dropout=0.0, exclude="targets")
    stepper = Stepper(
        model, adam(0.02), tiny.make_feed(model, split, 64), tf.distribute.get_strategy(), seed=1, groups=1
    )
    stepper.build()
    stepper.run(60)
    protocols = ("full_with_seen",)
    ranks = Evaluator(model, split.sequences, split.test, 5, protocols, {}).ranks()["full_with_seen"]
    assert ranking.metrics(ranks)["HR@1"] == 1.0


def test_feed(tiny_split):
    for negatives in (1, 3):
        model = tiny.make_model("caser", tiny_split, max_length=5, negatives=negatives)
        batch = tiny.arrays(tiny.make_feed(model, tiny_split).batch(tf.constant(0, tf.int64)))
        assert model.feed_options() == {"exclude": "train", "negatives": 3 * negatives}
        assert batch["items"].shape == (8, 5) and batch["positives"].shape == (8, 3)
        assert batch["negatives"].shape == (8, 3 * negatives)


@pytest.mark.parametrize("key", ["max_length", "targets", "negatives", "vertical", "horizontal"])
def test_bad_settings_are_refused(key):
    with pytest.raises(ValueError, match=f"config.model.{key} must be"):
        build(**{key: 0})
