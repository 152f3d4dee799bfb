"""Optimiser, early stopping, budget, divergence, and resume: an interrupted run ends where a whole one ends."""

import math
import time
from types import SimpleNamespace

import numpy as np
import pytest

from experiments import runner
from experiments.configs import asli
from experiments.inspection.loading import precision_of
from tests import tiny
from tf_utils.cli import TrainingDiverged, UserError
from tf_utils.keras_gate import tf
from tf_utils.optimizers import adam, make_optimizer
from tf_utils.strategy import make_strategy
from tf_utils.training import Stepper, fit, restore_best

ADAM = dict(learning_rate=0.05, beta_1=0.9, beta_2=0.98, epsilon=1e-8)


class NumpyAdam:
    """Kingma and Ba, algorithm 1, in the form at the end of section 2 (epsilon outside the corrected root)."""

    def __init__(self, learning_rate, beta_1, beta_2, epsilon):
        self.rate, self.b1, self.b2, self.eps = learning_rate, beta_1, beta_2, epsilon
        self.t = 0

    def step(self, x, gradient):
        if not self.t:
            self.m, self.v = np.zeros_like(x), np.zeros_like(x)
        self.t += 1
        self.m = self.b1 * self.m + (1 - self.b1) * gradient
        self.v = self.b2 * self.v + (1 - self.b2) * gradient**2
        rate = self.rate * math.sqrt(1 - self.b2**self.t) / (1 - self.b1**self.t)
        return x - rate * self.m / (np.sqrt(self.v) + self.eps)


def test_adam_with_repeated_and_missing_rows():
    """Rows that a step does not touch still move by their momentum; an id that comes twice counts twice."""
    rng = np.random.default_rng(0)
    table = tf.Variable(rng.normal(size=(6, 3)))
    dense = tf.Variable(rng.normal(size=(3,)))
    twins, expected = (NumpyAdam(**ADAM), NumpyAdam(**ADAM)), [table.numpy(), dense.numpy()]
    optimizer = adam(**ADAM)
    for _ in range(4):
        ids = rng.integers(0, 5, 8)  # row 5 never comes
        target = rng.normal(size=(8, 3))
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.gather(table, ids) * target) + tf.reduce_sum(dense**2)
        gradients = tape.gradient(loss, [table, dense])
        assert isinstance(gradients[0], tf.IndexedSlices)
        rows = np.zeros((6, 3))
        np.add.at(rows, ids, target)
        expected = [twins[0].step(expected[0], rows), twins[1].step(expected[1], 2 * expected[1])]
        optimizer.apply_gradients(zip(gradients, [table, dense], strict=True))
    tiny.close(table, expected[0], 1e-6)  # the optimiser keeps its own constants in float32
    tiny.close(dense, expected[1], 1e-6)


def test_optimizers_by_name():
    settings = dict(optimizer="adam", learning_rate=0.1, beta_2=0.9, clip_norm=0.0)
    make = lambda **changes: make_optimizer(SimpleNamespace(**settings | changes))  # noqa: E731
    assert float(make().beta_2) == pytest.approx(0.9)
    # Two weights of one norm, 130, which is clipped to 1.3; the accumulators start at .1, or where they are told to.
    for start, settings_of in ((0.1, {}), (0.05, {"initial_accumulator": 0.05})):
        x, y = tf.Variable([3.0, 4.0]), tf.Variable([5.0])
        clipped = make(optimizer="adagrad", clip_norm=1.3, **settings_of)
        clipped.apply_gradients([(tf.constant([30.0, 40.0]), x), (tf.constant([120.0]), y)])
        expected = [w - 0.1 * g / math.sqrt(start + g**2) for w, g in ((3, 0.3), (4, 0.4), (5, 1.2))]
        np.testing.assert_allclose([*x.numpy(), *y.numpy()], expected, rtol=1e-5)
    with pytest.raises(ValueError, match="optimizer must be"):
        make(optimizer="sgd")


def test_strategies_by_name():
    assert make_strategy("none").num_replicas_in_sync == 1
    with pytest.raises(UserError, match="unknown strategy"):
        make_strategy("tpu")


class Script:
    """A stepper whose run is scripted: each epoch adds 1 to the only weight."""

    def __init__(self, losses=()):
        self.model, self.optimizer = tf.Module(), tf.Module()
        self.model.weight, self.optimizer.iterations = tf.Variable(0.0), tf.Variable(0)
        self.feed = SimpleNamespace(steps_per_epoch=3)
        self.losses = losses

    def trace(self):
        """No step, so no change."""

    def run(self, steps):
        assert steps == 3
        self.model.weight.assign_add(1.0)
        epoch = int(self.model.weight.numpy())
        return self.losses[epoch - 1] if epoch <= len(self.losses) else 0.5

    def validate(self, values):
        return lambda: {"full": {"NDCG@10": values[int(self.model.weight.numpy()) - 1]}}


def run_script(script, workdir, values, max_epochs=10, **options):
    return fit(script, script.validate(values), "full/NDCG@10", workdir, max_epochs, **options)


def test_early_stopping_keeps_the_best(tmp_path):
    script, entries = Script(), []
    values = [0.1, 0.3, 0.2, 0.3, 0.9]  # equal is no improvement
    progress = run_script(script, tmp_path, values, patience=2, on_epoch=entries.append)
    assert (progress.stopped_by, progress.epoch, progress.best_epoch, progress.best) == ("patience", 4, 2, 0.3)
    assert float(script.model.weight) == 2.0  # the best weights are back
    assert [entry["validation"]["full"]["NDCG@10"] for entry in progress.history] == values[:4]
    assert entries == progress.history and [entry["epoch"] for entry in entries] == [1, 2, 3, 4]
    # A finished run is not continued; its best weights are read.
    again = Script()
    repeated = run_script(again, tmp_path, values, patience=2)
    assert float(again.model.weight) == 2.0 and repeated.history == progress.history


def test_validation_every_few_epochs_or_once_at_the_end(tmp_path):
    progress = run_script(Script(), tmp_path / "a", [0.1, 0.2, 0.3, 0.4, 0.5], max_epochs=5, eval_every=2)
    assert ["validation" in entry for entry in progress.history] == [False, True, False, True, False]
    assert (progress.stopped_by, progress.best_epoch) == ("max_epochs", 4)
    short = run_script(Script(), tmp_path / "b", [0.1, 0.2], max_epochs=2, eval_every=5)
    assert ["validation" in entry for entry in short.history] == [False, True] and short.best_epoch == 2


def test_a_wider_limit_gives_the_run_that_had_it_from_the_start(tmp_path):
    """The limit of 7 epochs falls between two validations, where the best value of all would have been."""
    values = [0.1, 0.1, 0.1, 0.1, 0.3, 0.1, 0.9, 0.1, 0.1, 0.5, 0.1, 0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1, 0.1, 0.4]
    options = {"eval_every": 5, "patience": 3}
    assert run_script(Script(), tmp_path / "a", values, max_epochs=7, **options).stopped_by == "max_epochs"
    widened = run_script(Script(), tmp_path / "a", values, max_epochs=20, **options)
    whole = run_script(Script(), tmp_path / "b", values, max_epochs=20, **options)
    assert (widened.stopped_by, widened.best_epoch, widened.bad) == (whole.stopped_by, whole.best_epoch, whole.bad)
    assert whole.best_epoch == 10
    with pytest.raises(UserError, match="a run of 20 epochs, and max_epochs is 8 now"):
        run_script(Script(), tmp_path / "a", values, max_epochs=8, **options)


def test_a_validation_that_only_the_end_called_for_is_forgotten(tmp_path):
    """Epoch 2 has the best value, and is validated only where the run ends there."""
    values, options = [0.1, 0.9, 0.1, 0.1, 0.3, 0.1, 0.1, 0.1, 0.1, 0.2], {"eval_every": 5, "patience": 3}
    assert run_script(Script(), tmp_path / "a", values, max_epochs=2, **options).best_epoch == 2
    model = Script()
    widened = run_script(model, tmp_path / "a", values, max_epochs=10, **options)
    whole = run_script(Script(), tmp_path / "b", values, max_epochs=10, **options)
    told = lambda history: [{k: v for k, v in entry.items() if k != "seconds"} for entry in history]  # noqa: E731
    assert (widened.best, widened.best_epoch, widened.bad) == (whole.best, whole.best_epoch, whole.bad) == (0.3, 5, 1)
    assert told(widened.history) == told(whole.history) and float(model.model.weight) == 5.0


@pytest.mark.parametrize("killed_in", ["latest", "best"])
def test_weights_and_epoch_agree_wherever_a_run_is_killed(tmp_path, monkeypatch, killed_in):
    """Killed before one of the two checkpoints of epoch 2 is written; what follows has other weights than before."""
    save = tf.train.CheckpointManager.save

    def save_or_die(manager, checkpoint_number):
        if checkpoint_number == 2 and manager.directory.endswith(killed_in):
            raise Killed
        return save(manager, checkpoint_number)

    with monkeypatch.context() as patch:
        patch.setattr(tf.train.CheckpointManager, "save", save_or_die)
        with pytest.raises(Killed):
            run_script(Script(), tmp_path, [0.1, 0.9, 0.2, 0.3], max_epochs=4)
    script = Script()
    values = [0.1, 0.9, 0.2, 0.3] if killed_in == "best" else [0.1, 0.1, 0.2, 0.3]  # another run of the same epoch
    progress = run_script(script, tmp_path, values, max_epochs=4)
    assert progress.best_epoch == (2 if killed_in == "best" else 4) == float(script.model.weight)


def test_a_validation_may_use_up_the_budget(tmp_path):
    script = Script()
    slow = script.validate([0.4] * 9)
    validate = lambda: (time.sleep(0.2), slow())[1]  # noqa: E731
    progress = fit(script, validate, "full/NDCG@10", tmp_path, 9, budget_seconds=0.1)
    assert (progress.stopped_by, progress.epoch) == ("budget", 1)


def test_budget(tmp_path):
    script = Script()
    progress = run_script(script, tmp_path, [0.4, 0.5], eval_every=5, budget_seconds=0.0)
    assert (progress.stopped_by, progress.epoch, progress.best_epoch) == ("budget", 1, 1)
    assert "validation" in progress.history[0]


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_divergence(tmp_path, loss):
    with pytest.raises(TrainingDiverged, match="epoch 3.*learning_rate") as caught:
        run_script(Script([0.7, 0.6, loss]), tmp_path, [0.1, 0.2, 0.3])
    assert "\n" not in str(caught.value)
    script = Script()  # what is left is a run that can be looked at: the best weights before
    restore_best(script.model, tmp_path)
    assert float(script.model.weight) == 2.0


def test_a_continued_run_knows_that_it_was_timed_beside_other_work(tmp_path):
    values, limits = [0.1, 0.2, 0.3, 0.4], {"max_epochs": 2}
    assert not run_script(Script(), tmp_path / "a", values, busy=lambda: False, **limits).busy
    assert run_script(Script(), tmp_path / "b", values, busy=lambda: True, **limits).busy
    for max_epochs in (2, 4):  # nothing left to train; two epochs more on a quiet machine
        assert run_script(Script(), tmp_path / "b", values, max_epochs, busy=lambda: False).busy


def test_a_moment_beside_other_work_does_not_mark_a_run(tmp_path):
    """`busy` is of all the process's time so far: what it says last counts."""
    said = iter([True, False])
    assert not run_script(Script(), tmp_path, [0.1, 0.2], max_epochs=2, busy=lambda: next(said)).busy


@pytest.mark.parametrize("name", ["latest", "best"])
def test_a_damaged_list_of_checkpoints_is_one_line(tmp_path, name):
    run_script(Script(), tmp_path, [0.1, 0.2], max_epochs=2)
    (tmp_path / "checkpoints" / name / "checkpoint").write_bytes(b'model_checkpoint_path: "ck\xff\xfept-2"\n')
    with pytest.raises(UserError, match="checkpoint: damaged .*train in a new workdir"):
        run_script(Script(), tmp_path, [0.1, 0.2], max_epochs=2)


def test_nothing_to_restore(tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        restore_best(tf.Module(), tmp_path)


class Killed(Exception):
    pass


def trained(split, workdir, kill_at=None, max_epochs=4):
    """A SASRec with dropout, in new objects, trained in `workdir`; `kill_at`: stops in that epoch, before its save."""
    model = tiny.make_model("sasrec", split, dropout=0.3, blocks=1)
    stepper = Stepper(model, adam(), tiny.make_feed(model, split), make_strategy("none"), seed=3, groups=2)
    stepper.build()

    def validate():
        return {"full": {"NDCG@10": -float(tf.reduce_sum(model.item_matrix() ** 2))}}  # any function of the weights

    def on_epoch(entry):
        if entry["epoch"] == kill_at:
            raise Killed

    try:
        progress = fit(stepper, validate, "full/NDCG@10", workdir, max_epochs, eval_every=2, on_epoch=on_epoch)
    except Killed:
        return None
    state = {w.name: w.numpy() for w in (*model.trainable_variables, *stepper.optimizer.variables())}
    history = [{k: v for k, v in entry.items() if k != "seconds"} for entry in progress.history]
    return state, history, progress.best_epoch, stepper.step


def test_resume_is_bit_exact(tiny_split, tmp_path):
    """Killed in epoch 4, where the last save was after epoch 2; continued by new objects."""
    whole = trained(tiny_split, tmp_path / "whole")
    assert trained(tiny_split, tmp_path / "parts", kill_at=4) is None
    parts = trained(tiny_split, tmp_path / "parts")
    assert parts[1:] == whole[1:]
    assert whole[3] == 4 * 4  # four epochs of four steps
    for name, expected in whole[0].items():
        np.testing.assert_array_equal(parts[0][name], expected, err_msg=name)
    assert len({entry["loss"] for entry in whole[1]}) == 4


def test_fewer_rows_than_replicas_are_refused_before_training(tmp_path, tiny_split):
    config = asli.get_config("synthetic-demo,sasrec")
    config.train.batch_size = 7
    model = runner.make_model(config, tiny_split)
    left = runner.make_feed(config, tiny_split, model).instances % 7
    assert 0 < left < 7
    with pytest.raises(UserError, match=f"has {left} of 7 rows, fewer than the 7 replicas"):
        runner.train(config, tiny_split, model, tmp_path, SimpleNamespace(num_replicas_in_sync=7), None)
    assert not list(tmp_path.iterdir())


def test_the_configuration_reaches_the_feed_and_the_loop(tmp_path, tiny_split, monkeypatch):
    config = asli.get_config("synthetic-demo,sasrec")
    config.train.update(windows="sliding", exclude="target", batch_size=8, seed=9)
    config.train.update(max_epochs=7, eval_every=3, patience=2, budget_minutes=0.5)
    model, real = (
        runner.make_model(config, tiny_split),
        runner.make_feed(config, tiny_split, runner.make_model(config, tiny_split)),
    )
    told = {}
    monkeypatch.setattr(runner.feeds, "make_feed", lambda *args, **options: told.update(feed=(args, options)) or real)
    monkeypatch.setattr(runner, "fit", lambda *args: told.update(fit=args))
    runner.train(config, tiny_split, model, tmp_path, make_strategy("none"), None)
    args, options = told["feed"]
    assert (args[0], *args[2:5]) == ("next_item", config.model.max_length, 8, 9)
    assert options == {"targets": 1, "windows": "sliding", "exclude": "target"}
    assert told["fit"][2:8] == ("uniform100/NDCG@10", tmp_path, 7, 3, 2, 30.0)  # seconds


def test_a_workdir_keeps_its_data_precision_and_replicas(tmp_path):
    config = asli.get_config("synthetic-demo,sasrec")
    runner.claim_workdir(tmp_path, config, {"data_fingerprint": "a"})
    runner.claim_workdir(tmp_path, config, {"data_fingerprint": "a"})
    for setting in ({"data_fingerprint": "b"}, {"data_fingerprint": "a", "precision": "mixed_bfloat16"}):
        with pytest.raises(UserError, match="holds a run with another configuration"):
            runner.claim_workdir(tmp_path, config, setting)
    assert precision_of(tmp_path) == "float32"
    runner.claim_workdir(tmp_path / "half", config, {"precision": "mixed_bfloat16"})
    assert precision_of(tmp_path / "half") == "mixed_bfloat16"


def test_a_refused_run_leaves_the_workdir_as_it_was(tmp_path):
    config = asli.get_config("synthetic-demo,sasrec")
    runner.claim_workdir(tmp_path, config, {"data_fingerprint": "a"})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    config.train.max_epochs = 1  # a limit alone may differ; whether it is too narrow, `fit` finds out later
    runner.claim_workdir(tmp_path, config, {"data_fingerprint": "a"})
    config.eval.batch_size = 64  # a matter of memory
    runner.claim_workdir(tmp_path, config, {"data_fingerprint": "a"})
    with config.unlocked():
        config.trials = 12  # that the same values were chosen from
    runner.claim_workdir(tmp_path, config, {"data_fingerprint": "a"})
    with pytest.raises(UserError, match="another configuration"):
        runner.claim_workdir(tmp_path, config, {"data_fingerprint": "b"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
