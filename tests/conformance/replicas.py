"""Trains each row on one replica and on two; prints the largest difference, a share of the largest value, as JSON.

Run in a process of its own (`python -m tests.conformance.replicas papers`, or `variants` for all but the papers'
forms): logical devices come before TensorFlow runs.
"""

import json
import sys
from types import SimpleNamespace

import numpy as np

from models.layers.dropout import StatelessDropout
from tests import tiny
from tests.conformance.table import trained_rows
from tf_utils.keras_gate import tf
from tf_utils.optimizers import adam
from tf_utils.strategy import make_strategy
from tf_utils.training import Stepper

STEPS = 3
# Tracing is most of the time. Of the papers' forms these alone are traced for two replicas, the others' steps run
# eagerly; variants (`make test-slow`) are all traced, some of them packed in length groups too.
TRACED = ("attrec", "sine", "sasrec")
PACKED = (*TRACED, "asli-official", "bert4rec-locker_body", "cafe-official", "sair-recbole")


def item_vectors(model) -> np.ndarray:
    """The item matrix, or the table of items where the score is no inner product."""
    matrix = model.items.matrix() if model.retrieval_factors() is None else model.item_matrix()
    return matrix.numpy()


def after_training(row, split, strategy, traced: bool) -> list[np.ndarray]:
    """Mean loss of the steps, and item matrix and queries afterwards. Dropout is off."""
    tf.config.run_functions_eagerly(not traced)
    with strategy.scope():
        model = tiny.make_model(row.name, split, **row.hyper)
        optimizer = adam(0.01, epsilon=1e-3)  # not so small that rounding alone decides on a step
    feed = tiny.make_feed(model, split, batch_size=7)  # the replicas get four rows and three
    # Packed in two length groups, the replicas' slices differ in width too.
    groups = 2 if str(row).removesuffix("-paper") in PACKED else 1
    stepper = Stepper(model, optimizer, feed, strategy, seed=1, groups=groups)
    stepper.build()
    start = item_vectors(model)
    loss, end = stepper.run(STEPS), item_vectors(model)
    assert np.abs(end - start).max() > 1e-4, f"{row} was not trained"
    batch = feed.batch(tf.constant(0, tf.int64))
    batch.setdefault("items", batch["positives"][:, None])
    return [np.array(loss), end, model.encode(batch)[0].numpy()]


class Dropped(tf.Module):
    """A weight for each cell of a dropout mask, whose gradient is the mask."""

    def __init__(self):
        super().__init__()
        self.weight, self.dropout = tf.Variable(tf.zeros(64)), StatelessDropout(0.5)

    def packed_loss(self, parts, training=True):
        return tf.reduce_sum(self.dropout(self.weight, training=training))

    def regularisation(self):
        return tf.constant(0.0)


def drop_alike(strategy) -> bool:
    """Whether two replicas drop the same cells: then none has the gradient of one of them alone."""
    with strategy.scope():
        model, optimizer = Dropped(), tf.keras.optimizers.legacy.SGD(1.0)
    stepper = Stepper(model, optimizer, SimpleNamespace(packable=False), strategy, seed=1)
    strategy.run(stepper.replica_step, args=({},))
    assert set(model.weight.numpy()) <= {0.0, -2.0, -4.0}
    return -2.0 not in model.weight.numpy()


def main(rows: str) -> None:
    # A third of the time goes into optimising graphs, for three steps each; every other test trains optimised ones.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    mirrored = make_strategy("mirrored", logical_cpus=2)
    assert mirrored.num_replicas_in_sync == 2
    assert not drop_alike(mirrored), "the replicas drop the same cells"
    split, found = tiny.make_split(), {}
    for parameter in trained_rows():
        row = parameter.values[0]
        if (row.variant == "paper") != (rows == "papers"):
            continue
        one = after_training(row, split, make_strategy("none"), traced=False)  # as traced: test_training
        two = after_training(row, split, mirrored, traced=row.variant != "paper" or row.name in TRACED)
        apart = lambda a, b: float(np.abs(a - b).max() / max(np.abs(a).max(), 1.0))  # noqa: E731
        found[str(row)] = max(apart(a, b) for a, b in zip(one, two, strict=True))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
