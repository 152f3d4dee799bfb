"""Trains each row on one replica and on two, and prints the largest difference as JSON: {row: difference}.

Run in a process of its own (`python -m tests.conformance.replicas`): logical devices come before TensorFlow runs.
"""

import json

import numpy as np

from tests import tiny
from tests.conformance.table import trained_rows
from tf_utils.keras_gate import tf
from tf_utils.optimizers import DenseAdam
from tf_utils.strategy import make_strategy
from tf_utils.training import Stepper

STEPS = 3


def queries_after_training(row, split, strategy) -> list[np.ndarray]:
    """Loss of each step, and the item matrix and queries afterwards. Dropout is off."""
    with strategy.scope():
        model = tiny.make_model(row.name, split, **row.hyper)
        optimizer = DenseAdam(0.01)
    feed = tiny.make_feed(model, split, batch_size=7)  # the replicas get four rows and three
    stepper = Stepper(model, optimizer, feed, strategy, seed=1, groups=1)
    stepper.build()
    loss = stepper.run(STEPS)
    batch = feed.batch(tf.constant(0, tf.int64))
    batch.setdefault("items", batch["positives"][:, None])
    return [np.array(loss), model.item_matrix().numpy(), model.encode(batch)[0].numpy()]


def main() -> None:
    mirrored = make_strategy("mirrored", logical_cpus=2)
    assert mirrored.num_replicas_in_sync == 2
    split, found = tiny.make_split(), {}
    for parameter in trained_rows():
        if parameter.marks:
            continue
        row = parameter.values[0]
        one = queries_after_training(row, split, make_strategy("none"))
        two = queries_after_training(row, split, mirrored)
        found[str(row)] = max(float(np.abs(a - b).max()) for a, b in zip(one, two, strict=True))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
