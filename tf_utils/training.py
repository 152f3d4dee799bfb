"""Training: steps in the graph, validation, early stopping, checkpoints, resume.

Every step is a pure function of (seed, step), and the checkpoint holds the step, the optimiser and the stopping state:
a run that was killed and started again ends where the uninterrupted one ends.
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

from data.pipeline import Batch, Feed, slice_rows
from models.base import Recommender
from tf_utils.cli import TrainingDiverged, UserError
from tf_utils.keras_gate import tf
from tf_utils.rng import step_rng


def packed(batch: Batch, groups: int) -> list[Batch]:
    """Cuts a batch whose rows are sorted by length into `groups` slices, each trimmed to its own longest row.

    The losses of the slices add up to the loss of the batch (tests/test_packing.py proves it in float64), for less
    padding.
    """
    # No slice may be empty: some gradient kernels leave their result unset then. Rows of padding cost nothing.
    missing = tf.maximum(groups - tf.shape(batch["items"])[0], 0)
    pad = lambda x: tf.pad(x, [[missing, 0]] + [[0, 0]] * (x.shape.rank - 1))  # noqa: E731
    batch = {name: x if x.shape.rank == 0 else pad(x) for name, x in batch.items()}
    rows = tf.shape(batch["items"])[0]
    slices = []
    for g in range(groups):
        lo, hi = rows * g // groups, rows * (g + 1) // groups
        width = tf.reduce_max(tf.concat([tf.math.count_nonzero(batch["items"][lo:hi], axis=1, dtype=tf.int32), [1]], 0))
        part = {}
        for name, x in batch.items():
            if x.shape.rank == 0:
                part[name] = x
            else:
                part[name] = x[lo:hi] if x.shape.rank == 1 else x[lo:hi, tf.shape(x)[1] - width :]
        slices.append(part)
    return slices


class Stepper:
    """Runs training steps in the graph.

    Args:
        model: the model, made inside the strategy's scope.
        optimizer: made inside the strategy's scope.
        feed: training batches.
        seed: of the model's own random draws.
        groups: length groups that a packable batch is cut into; 1: the padded form.
    """

    def __init__(self, model: Recommender, optimizer, feed: Feed, strategy, seed: int, groups: int = 4):
        self.model, self.optimizer, self.feed, self.strategy = model, optimizer, feed, strategy
        self._seed = seed
        self._groups = groups if feed.packable and model.padding_invariant else 1
        self._iterator, self._position = None, -1
        self._replica_step = tf.autograph.experimental.do_not_convert(self.replica_step)
        self._run = tf.function(self._steps, reduce_retracing=True)

    def build(self) -> None:
        """Makes every weight and optimiser slot, so that a checkpoint can be read in whole."""
        with self.strategy.scope():
            batch = slice_rows(self.feed.batch(tf.constant(0, tf.int64)), 0, self.strategy.num_replicas_in_sync)
            self.model.compute_loss(batch, training=False)
            self.optimizer._create_all_weights(self.model.trainable_variables)

    @property
    def step(self) -> int:
        return int(self.optimizer.iterations.numpy())

    def trace(self) -> None:
        """Makes the graph of a step, which takes longer than an epoch of small data does, and runs no step."""
        self._run(self._batches(), tf.constant(0))

    def run(self, steps: int) -> float:
        """Runs `steps` steps from the optimiser's step count on; returns the mean loss."""
        total = self._run(self._batches(), tf.constant(steps))
        self._position = self.step
        return float(total) / steps

    def _batches(self):
        """The batches from the optimiser's step count on."""
        if self._iterator is None or self._position != self.step:
            replicas = self.strategy.num_replicas_in_sync
            make = lambda _: self.feed.dataset(self.step, replicas)  # noqa: E731
            self._iterator = iter(self.strategy.distribute_datasets_from_function(make))
            self._position = self.step
        return self._iterator

    def _steps(self, iterator, steps):
        total = tf.constant(0.0)
        for _ in tf.range(steps):
            losses = self.strategy.run(self._replica_step, args=(next(iterator),))
            total += self.strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)
        return total

    def loss(self, batch: Batch, training: bool = True) -> tf.Tensor:
        """[] float32: one replica's share of the global batch's loss."""
        parts = packed(batch, self._groups) if self._groups > 1 else [batch]
        data = tf.cast(self.model.packed_loss(parts, training=training), tf.float32)
        return data + tf.cast(self.model.regularisation(), tf.float32) / self.strategy.num_replicas_in_sync

    def replica_step(self, batch: Batch) -> tf.Tensor:
        """One optimiser step on one replica's slice; returns its share of the loss."""
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        weights = self.model.trainable_variables
        with step_rng(self._seed, self.optimizer.iterations, replica), tf.GradientTape() as tape:
            loss = self.loss(batch)
        # Each replica's loss is divided by the global count, so the optimiser's sum over replicas is the gradient.
        # Dense: replicas touch different numbers of rows of a table, which a sparse all-reduce refuses.
        gradients = [g if g is None else tf.convert_to_tensor(g) for g in tape.gradient(loss, weights)]
        self.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return loss


@dataclasses.dataclass
class Progress:
    """What early stopping and a run record know; saved inside the checkpoint as JSON."""

    epoch: int = 0
    seconds: float = 0.0  # of training steps
    elapsed: float = 0.0  # with validation
    best: float = -math.inf
    best_epoch: int = 0
    bad: int = 0
    stopped_by: str = ""
    busy: bool = False  # some of the seconds were measured beside other work
    history: list = dataclasses.field(default_factory=list)


class _ProgressState(tf.train.experimental.PythonState):
    def __init__(self, progress: Progress):
        self.progress = progress

    def serialize(self):
        return json.dumps(dataclasses.asdict(self.progress))

    def deserialize(self, string):
        for name, value in json.loads(string).items():
            setattr(self.progress, name, value)


def fit(
    stepper: Stepper,
    validate: Callable[[], dict[str, dict[str, float]]] | None,
    select: str,
    workdir: Path,
    max_epochs: int,
    eval_every: int = 1,
    patience: int = 5,
    budget_seconds: float = math.inf,
    on_epoch: Callable[[dict], None] = lambda entry: None,
    busy: Callable[[], bool] = lambda: False,
) -> Progress:
    """Trains until validation stops improving or epochs or time are used up; leaves the best weights in the model.

    Args:
        stepper: built.
        validate: returns {protocol: {metric: value}} on the validation set; None: the last epoch is the best.
        select: "protocol/metric", greater is better, e.g. "uniform100/NDCG@10".
        workdir: holds checkpoints/latest and checkpoints/best; a run found there is continued, also one that had
            ended, if it ended for a limit that is wider now.
        max_epochs: epochs at most.
        eval_every: epochs between validations.
        patience: validations without improvement before stopping.
        budget_seconds: stops after the epoch in which training and validation together exceed it.
        on_epoch: called with each entry of the history as it is made.
        busy: whether other work shares the machine; kept, so that a run that is continued knows it of its past.

    Raises:
        TrainingDiverged: the loss is not finite.
        UserError: the run in `workdir` has gone beyond `max_epochs`.
    """
    protocol, metric = select.split("/")
    progress = Progress()
    model, optimizer = stepper.model, stepper.optimizer
    for name in ("latest", "best"):
        latest_checkpoint(workdir / "checkpoints" / name)  # whether it can be read
    latest = tf.train.CheckpointManager(
        tf.train.Checkpoint(model=model, optimizer=optimizer, progress=_ProgressState(progress)),
        str(workdir / "checkpoints" / "latest"),
        max_to_keep=1,
    )
    best = tf.train.CheckpointManager(
        tf.train.Checkpoint(model=model), str(workdir / "checkpoints" / "best"), max_to_keep=1
    )
    if latest.latest_checkpoint:
        _read(latest.checkpoint, latest.latest_checkpoint)
        if progress.epoch > max_epochs:
            raise UserError(
                f"{workdir} holds a run of {progress.epoch} epochs, and max_epochs is {max_epochs} now; "
                "allow as many or choose another workdir"
            )
        more_epochs = progress.stopped_by == "max_epochs" and progress.epoch < max_epochs
        if more_epochs or (progress.stopped_by == "budget" and progress.elapsed < budget_seconds):
            progress.stopped_by = ""  # it had only run out of what it now has more of
            if validate and progress.best_epoch % eval_every:  # a validation that only its end called for
                progress.best, progress.best_epoch, progress.bad = -math.inf, 0, 0
                del progress.history[-1]["validation"]
        if progress.best_epoch == progress.epoch:
            best.save(checkpoint_number=progress.epoch)  # the run may have been killed before it came to that

    steps, was_busy = stepper.feed.steps_per_epoch, progress.busy
    if not progress.stopped_by:
        stepper.trace()  # before the clock: seconds are those of training
    while not progress.stopped_by:
        began = time.perf_counter()
        loss = stepper.run(steps)
        progress.epoch += 1
        progress.seconds += time.perf_counter() - began
        if not math.isfinite(loss):
            raise TrainingDiverged(
                f"the loss is not finite in epoch {progress.epoch}; lower config.train.learning_rate or set "
                "config.train.clip_norm, and start in a new workdir"
            )
        entry = {"epoch": progress.epoch, "seconds": round(progress.seconds, 3), "loss": round(loss, 6)}
        last = progress.epoch >= max_epochs
        over = progress.elapsed + (time.perf_counter() - began) > budget_seconds
        # Off the grid only where nothing would be validated at all: a run that goes on with a wider limit forgets that.
        due = progress.epoch % eval_every == 0 or ((last or over) and progress.best == -math.inf)
        if validate is None and last:
            progress.best_epoch = progress.epoch
        elif validate is not None and due:
            entry["validation"] = validate()
            value = entry["validation"][protocol][metric]
            if value > progress.best:
                progress.best, progress.best_epoch, progress.bad = value, progress.epoch, 0
            else:
                progress.bad += 1
        progress.elapsed += time.perf_counter() - began
        over = over or progress.elapsed > budget_seconds
        progress.history.append(entry)
        if progress.bad >= patience:
            progress.stopped_by = "patience"
        elif last:
            progress.stopped_by = "max_epochs"
        elif over:
            progress.stopped_by = "budget"
        on_epoch(entry)
        if due or progress.stopped_by:
            progress.busy = was_busy or busy()  # of this process, what all its time says by now
            latest.save(checkpoint_number=progress.epoch)
        if progress.best_epoch == progress.epoch:  # after `latest`, which can make good for it where it is missing
            best.save(checkpoint_number=progress.epoch)

    restore_best(model, workdir)
    return progress


def restore_best(model: Recommender, workdir: Path) -> None:
    """Reads the best checkpoint of a run into a built model.

    Raises FileNotFoundError if there is none, UserError if it is damaged or another model's.
    """
    found = latest_checkpoint(workdir / "checkpoints" / "best")
    if found is None:
        raise FileNotFoundError(f"{workdir}: no checkpoint; train first with experiments.run")
    _read(tf.train.Checkpoint(model=model), found)


def latest_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint in a folder. Raises UserError if its list of them is damaged."""
    try:
        return tf.train.latest_checkpoint(str(folder))
    except (ValueError, tf.errors.OpError) as error:  # UnicodeDecodeError is a ValueError
        reason = " ".join(str(error).split())[:160]
        raise UserError(f"{folder / 'checkpoint'}: damaged ({reason}); train in a new workdir") from None


def _read(checkpoint: tf.train.Checkpoint, path: str) -> None:
    try:
        checkpoint.restore(path).assert_existing_objects_matched().expect_partial()
    except (ValueError, AssertionError, IndexError, tf.errors.OpError) as error:
        reason = " ".join(str(error).split())[:160]
        raise UserError(
            f"{path}: the checkpoint does not fit data and code, or is damaged ({reason}); give the --data_dir of the "
            "run, or train in a new workdir"
        ) from None
