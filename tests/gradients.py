"""A model's loss and gradient against a float64 objective written in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from models.base import Recommender
from tests import tiny
from tests.oracles.layers_oracle import slope
from tf_utils.keras_gate import tf


def check_loss_and_gradient(
    model: Recommender,
    batch,
    weights: dict[str, np.ndarray],
    objective: Callable[[dict[str, np.ndarray]], float],
    groups: Iterable[Iterable[str]] | None = None,
    tolerance: float = 1e-10,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    still: tuple[str, ...] = (),
    regularised: bool = False,
) -> dict[str, np.ndarray]:
    """The loss is objective(weights), and its gradient along random directions is the objective's slope.

    weights: of `model`, by name.  groups: names of weights that share a direction; None: each weight alone.  tolerance:
    of the loss.  rtol, atol: of the slopes.  still: tables whose row 0, padding, does not move.  regularised: the
    regularisation is part of the loss.  Returns the gradients.
    """
    named = tiny.weights_of(model)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(batch, training=False)
        if regularised:
            loss += model.regularisation()
    tiny.close(loss, objective(weights), tolerance)
    gradients = {name: tf.convert_to_tensor(g).numpy() for name, g in tape.gradient(loss, named).items()}
    rng = np.random.default_rng(0)
    for names in groups if groups is not None else ([name] for name in weights):
        along = {name: rng.normal(size=weights[name].shape) for name in names}
        for name in along.keys() & set(still):
            along[name][0] = 0
        found = sum(np.sum(gradients[name] * x) for name, x in along.items())
        np.testing.assert_allclose(found, slope(objective, weights, along), rtol=rtol, atol=atol, err_msg=str([*along]))
    return gradients
