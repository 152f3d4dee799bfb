"""What the tests of the models of the prefix regime share: a float64 model of random weights, histories, a batch."""

import numpy as np

import models
from data.splits import leave_one_out
from models.base import DataSpec
from tests import tiny
from tf_utils import ranking
from tf_utils.evaluation import Evaluator
from tf_utils.keras_gate import tf
from tf_utils.optimizers import adam
from tf_utils.training import Stepper

SPEC = DataSpec(4, 9, 1, 1)
LENGTH = 6
HISTORIES = [[3, 1, 4, 1, 5, 9], [9, 2], [6], [5, 3, 5, 8]]
TARGETS = [2, 7, 1, 8]


def build(name, perturb=0.5, **settings):
    """A model of d 3 and n 6 in the precision in force, whose weights are random, padding rows included."""
    config = models.default_config(name)
    config.update({"dim": 3, "max_length": LENGTH} | settings)
    tf.keras.utils.set_random_seed(0)
    model = models.build(name, config, SPEC)
    model.compute_loss(batch(), training=False)
    if perturb:
        tiny.perturb_weights(model, perturb)
    return model


def padded(rows, width=LENGTH):
    return tf.constant([[0] * (width - len(row)) + list(row) for row in rows], tf.int32)


def history(rows, width=LENGTH):
    items = padded(rows, width)
    return {"user": tf.range(1, len(rows) + 1), "items": items, "categories": items, "actions": items}


def batch():
    """Four rows with a pool of three; the second row's target is in it. And two negatives a row."""
    rng = np.random.default_rng(5)
    return history(HISTORIES) | {
        "positives": tf.constant(TARGETS, tf.int32),
        "pool": tf.constant([7, 3, 6], tf.int32),
        "pool_log_expected": tf.constant(-rng.uniform(0, 2, 3), tf.float64),
        "positive_log_expected": tf.constant(-rng.uniform(0, 2, 4), tf.float64),
        "negatives": tf.constant([[6, 7], [1, 5], [8, 9], [1, 2]], tf.int32),
        "valid_count": tf.constant(4.0, tf.float64),
    }


def check_loss(model, expected):
    """The loss of `batch()`, and that those of its slices add up to it."""
    data = batch()
    tiny.close(model.compute_loss(data, training=False), expected)
    whole = lambda name, x: x.shape.rank == 0 or name.startswith("pool")  # noqa: E731
    parts = [
        {name: x if whole(name, x) else x[rows] for name, x in data.items()} for rows in (slice(0, 1), slice(1, 4))
    ]
    tiny.close(sum(model.compute_loss(part, training=False) for part in parts), expected)


def check_scores(model, expected, widths=(LENGTH, LENGTH + 3)):
    """expected: [4, 9], the scores of all items for HISTORIES; padding moves none, and all ways to score agree.

    widths: of the padded histories; SASRec, as the pipeline, has none above n.
    """
    for width in widths:
        queries = model.encode(history(HISTORIES, width), positions="last")[0]
        tiny.close(model.score_all(queries)[:, 1:], expected)
    listed = np.array([[2, 7], [1, 9], [9, 3], [5, 5]], np.int32)
    tiny.close(model.score(queries, listed), np.take_along_axis(np.asarray(expected), listed - 1, 1))
    query, matrix = model.retrieval_factors()
    products = tf.einsum("bkd,nd->bkn", query(history(HISTORIES)), matrix)
    tiny.close(tf.reduce_max(products, axis=1)[:, 1:], expected)


def check_prefixes(model):
    """Each position's query is that of the history up to it."""
    row = HISTORIES[0]
    every = model.encode(history([row]))[0]
    for t in range(1, len(row) + 1):
        for width in (t, LENGTH):
            last = model.encode(history([row[:t]], width), positions="last")[0]
            tiny.close(every[:, t - 1], last[:, 0])


def check_gradient(model, names=None):
    """Of the loss along random directions, against a central difference. names: weights; None: all."""
    data, weights = batch(), tiny.weights_of(model)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(data, training=False)
    gradients = tape.gradient(loss, weights)
    rng = np.random.default_rng(1)
    for name in names or weights:
        direction, start = rng.normal(size=weights[name].shape), weights[name].numpy()
        sides = []
        for step in (1e-5, -1e-5):
            weights[name].assign(start + step * direction)
            sides.append(float(model.compute_loss(data, training=False)))
        weights[name].assign(start)
        found = np.sum(tf.convert_to_tensor(gradients[name]).numpy() * direction)
        assert abs(found) > 1e-6, name
        np.testing.assert_allclose(found, (sides[0] - sides[1]) / 2e-5, rtol=1e-5, err_msg=name)


def hit_rate_on_a_cycle(name, steps=80, **settings):
    """HR@1 among all items after training: each user walks round a cycle of 12, so the newest item tells the next."""
    rows = [[((start + t) % 12 + 1, 0, 1) for t in range(9 + start % 4)] for start in range(24)]
    split = leave_one_out(tiny.sequences_of(rows, 12, 0, 1))
    model = tiny.make_model(name, split, **{"dim": 16} | settings)
    feed = tiny.make_feed(model, split, 64)
    stepper = Stepper(model, adam(0.02), feed, tf.distribute.get_strategy(), seed=1, groups=1)
    stepper.build()
    stepper.run(steps)
    protocols = ("full_with_seen",)
    evaluator = Evaluator(model, split.sequences, split.test, tiny.LENGTH, protocols, {})
    return ranking.metrics(evaluator.ranks()["full_with_seen"])["HR@1"]
