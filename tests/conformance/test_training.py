"""What training every registered model must keep. A file of its own: test workers share the suite file by file."""

import numpy as np
import pytest

from tests import tiny
from tests.conformance.table import Trainer, trained_rows
from tf_utils.keras_gate import tf


def slow_variants() -> list:
    """What takes many steps is tried on the other variants of a model in `make test-slow` alone."""
    rows = [param.values[0] for param in trained_rows()]
    return [pytest.param(r, id=str(r), marks=() if r.variant == "paper" else pytest.mark.slow) for r in rows]


@pytest.fixture(scope="module", params=slow_variants())
def trainer(request, tiny_split):
    return Trainer(request.param, tiny_split)


def test_one_batch_overfits(trainer):
    trainer.reset()
    losses = trainer.run(150)
    assert np.mean(losses[-10:]) < 0.5 * losses[0], (losses[0], losses[-10:])


def test_resume(trainer, tmp_path):
    """A checkpoint of model and optimiser is all there is: a run continued from it equals the one that went on."""
    trainer.reset()
    trainer.run(2)
    path = tf.train.Checkpoint(model=trainer.model, optimizer=trainer.optimizer).write(str(tmp_path / "state"))
    losses, expected = trainer.run(2), trainer.state()
    trainer.run(1)
    tf.train.Checkpoint(model=trainer.model, optimizer=trainer.optimizer).read(path).assert_consumed()
    assert trainer.run(2) == losses
    for found, wanted in zip(trainer.state(), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_eager_is_graph(trainer):
    """Two steps with dropout: the second loss shows the first one's gradient."""
    trainer.reset()
    graph = trainer.run(2)
    trainer.reset()
    eager = [float(trainer.eager_step(trainer.batch)) for _ in range(2)]
    np.testing.assert_allclose(eager, graph, rtol=1e-5)
    assert graph[0] != graph[1]


@pytest.mark.parametrize("trained_row", trained_rows())
def test_gradient_reach(trained_row, tiny_split):
    """Every weight is trained, but those that a softmax cancels and the class lists."""
    model = trained_row.make(tiny_split, "float64")
    tiny.perturb_weights(model)
    named = tiny.weights_of(model)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(trained_row.batch(model, tiny_split), training=False)
    gradients = tape.gradient(loss, named)
    missing = [name for name, g in gradients.items() if g is None]
    assert not missing, f"no gradient: {missing}"
    sizes = {name: float(np.abs(tf.convert_to_tensor(g)).max()) for name, g in gradients.items()}
    listed = {name for name in sizes if name.endswith(tuple(model.shift_invariant_weights))}
    assert all(sizes[name] < 1e-6 for name in listed), {name: sizes[name] for name in listed}
    silent = {name for name, size in sizes.items() if size < 1e-6}
    assert silent == listed, f"not listed in shift_invariant_weights, but not trained: {sorted(silent - listed)}"
    assert all(any(name.endswith(ending) for name in named) for ending in model.shift_invariant_weights)
