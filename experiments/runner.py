"""One run: data, model, training, evaluation, record. `run.py` and `reproduce.py` both call `execute`."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

import models
from data import candidates, catalog, feeds
from data.feeds.next_item import EXCLUDE
from data.pipeline import Feed
from data.splits import Split, leave_one_out
from data.stats import statistics
from data.windows import WINDOWS
from experiments.ceiling import ceilings
from experiments.differences import MAY_DIFFER, differences
from experiments.identity import given
from experiments.inspection import keeping
from models import ranges
from models.base import DataSpec, Recommender
from tf_utils import ranking, run_record
from tf_utils.cli import UserError
from tf_utils.evaluation import FULL, Evaluator
from tf_utils.files import write_atomically
from tf_utils.keras_gate import tf
from tf_utils.machine import OtherWork
from tf_utils.optimizers import OPTIMIZERS, make_optimizer
from tf_utils.training import Progress, Stepper, fit

VALIDATION_CUTOFFS = (5, 10, 50)
SELECTION = "selection"  # sub-folder of the run that chose the epoch, where the model was refitted after it
USUAL = {"precision": "float32", "replicas": 1}
CHOICES = {"optimizer": OPTIMIZERS, "windows": WINDOWS, "exclude": EXCLUDE}
_SEED = (lambda x: 0 <= x < 2**31, "must be in 0..2^31 - 1")
_ABOVE_0 = ("batch_size", "max_epochs", "eval_every", "patience", "groups", "learning_rate")
TRAIN_RULES = (
    (_ABOVE_0, lambda x: 0 < x < math.inf, "must be above 0"),
    (("budget_minutes", "clip_norm"), lambda x: x >= 0, "must not be negative"),
    (("beta_2",), lambda x: 0 <= x < 1, "must be in [0, 1)"),
    (("seed",), *_SEED),
)
EVAL_RULES = ((("batch_size",), lambda x: x > 0, "must be above 0"), (("candidate_seed",), *_SEED))
SELECTABLE = ("MRR", "AUC", *(f"{name}@{k}" for name in ("HR", "NDCG") for k in VALIDATION_CUTOFFS))


def load_split(config, data_dir: str | None) -> Split:
    """The data set of a configuration, split. Raises UserError if it is not to be had or has nobody to evaluate."""
    sequences = catalog.load(config.dataset, data_dir, **given(config.dataset_args))
    split = leave_one_out(sequences)
    if not len(split.test):
        raise UserError(f"{config.dataset}: no user has three events, so nothing can be held out; loosen the filters")
    counts = fitted_on(config, split).item_counts(train_only=True)
    unknown = int(np.sum(counts[sequences.items[split.test.targets]] == 0))
    if unknown:
        note = f"{unknown} of {len(split.test)} test targets never occur in training: only as negatives, if at all."
        noted = dataclasses.replace(sequences, provenance=sequences.provenance.noting(note))
        split = dataclasses.replace(split, sequences=noted)
    return split


def fitted_on(config, split: Split) -> Split:
    """The split whose training events the tested model has: with those of validation where it is refitted."""
    return split.with_validation() if config.train.get("refit", False) else split


def make_model(config, split: Split) -> Recommender:
    """The unbuilt model of a configuration. Raises UserError for bad hyper-parameters."""
    tf.keras.utils.set_random_seed(config.train.seed)
    try:
        return models.build(config.model_name, config.model, DataSpec.of(split.sequences))
    except ValueError as error:
        raise UserError(str(error)) from None


def make_feed(config, split: Split, model: Recommender) -> Feed:
    """The training batches of a model's regime."""
    train, hyper = config.train, config.model
    return feeds.make_feed(
        *(model.regime, split, hyper.get("max_length", 1), train.batch_size, train.seed, model.feed_options()),
        targets=hyper.get("targets", 1),
        windows=train.windows,
        exclude=train.exclude,
    )


def make_stepper(config, model: Recommender, feed: Feed, strategy: tf.distribute.Strategy) -> Stepper:
    """Training steps as config.train has them, with all weights and slots made."""
    with strategy.scope():
        optimizer = make_optimizer(config.train)
    stepper = Stepper(model, optimizer, feed, strategy, config.train.seed, config.train.groups)
    stepper.build()
    return stepper


def make_evaluator(config, split: Split, model: Recommender, part: str, protocols: tuple[str, ...]) -> Evaluator:
    """Ranks the validation or test targets under the given protocols."""
    lists = {
        name: candidates.draw(name, split, part, config.eval.candidate_seed) for name in protocols if name not in FULL
    }
    return Evaluator(
        model,
        split.sequences,
        split.validation if part == "validation" else split.test,
        config.model.get("max_length", 1) if model.regime else int(split.sequences.lengths.max()),
        protocols,
        lists,
        config.eval.batch_size,
    )


def check(config) -> None:
    """Raises UserError for settings that would otherwise fail late, after data were loaded or a model trained."""
    protocol, _, metric = config.eval.select.partition("/")
    known = (*FULL, *candidates.PROTOCOLS)
    for name in (protocol, *config.eval.protocols):
        if name not in known:
            raise UserError(f"unknown protocol {name!r}; choose from {', '.join(known)}")
    if metric not in SELECTABLE:
        raise UserError(f"config.eval.select={config.eval.select!r}: the metric must be one of {', '.join(SELECTABLE)}")
    if not config.eval.protocols:
        raise UserError("config.eval.protocols names none; give at least one, e.g. ('full',)")
    try:
        ranges.check("train", config.train, TRAIN_RULES, CHOICES)
        ranges.check("eval", config.eval, EVAL_RULES, {})
        missing = set(models.default_config(config.model_name)) - set(config.model)
    except ValueError as error:
        raise UserError(str(error)) from None
    if missing:
        raise UserError(
            f"config.model is not {config.model_name}'s ({min(missing)!r} is missing); choose a model behind the file, "
            "e.g. --config=experiments/configs/asli.py:synthetic-demo,sasrec"
        )
    variant = config.model.get("variant", "paper")
    key = run_record.Key(config.paper, config.dataset, config.model_name, variant, "paper", config.train.seed, {})
    run_record.path_for("", key)  # names that no file could have


def execute(
    config,
    workdir: Path,
    data_dir: str | None = None,
    strategy: tf.distribute.Strategy | None = None,
    on_epoch: Callable[[dict, dict], None] = lambda entry, config: None,
    profile: str = "paper",
    sweep: dict | None = None,
) -> run_record.RunRecord:
    """Trains (or continues), evaluates and records one run.

    Args:
        config: see experiments/configs/common.py.
        workdir: checkpoints, config.json, and in the end the record and its ranks.
        data_dir: folder of the raw data sets.
        strategy: of tf_utils.strategy; None for the default device.
        on_epoch: called with each epoch's entry and the configuration; those of a refit hold "refit", its epochs.
        profile, sweep: go into the record.

    Returns:
        the run record; it lies under workdir/record too, with its ranks.

    Raises:
        UserError: bad data, configuration or workdir, or a configuration other than that of the run found there.
    """
    strategy = strategy or tf.distribute.get_strategy()
    check(config)
    environment = run_record.environment([gpu.name for gpu in tf.config.list_physical_devices("GPU")])
    environment["device"] |= conditions(strategy)
    if threads := tf.config.threading.get_intra_op_parallelism_threads():
        environment["device"]["threads"] = threads
    others = OtherWork()
    split = load_split(config, data_dir)
    # What follows raises now what would else be raised after the training.
    keeping.check(config, split)
    if candidates.PAIRED in config.eval.protocols:
        candidates.item_intents(split.sequences)
    with strategy.scope():
        model = make_model(config, split)
    # After data and configuration have proved good: nothing is left behind by a mistake.
    claim_workdir(workdir, config, conditions(strategy) | {"data_fingerprint": split.sequences.provenance.fingerprint})
    refit = config.train.get("refit", False)
    note = lambda entry: on_epoch(entry, config)  # noqa: E731
    progress = train(config, split, model, workdir / SELECTION if refit else workdir, strategy, note, busy=others.busy)
    selected = model
    if refit:
        with strategy.scope():
            model = make_model(config, split)
        again = {"refit": progress.best_epoch}
        note = lambda entry: on_epoch(entry | again, config)  # noqa: E731
        train(config, fitted_on(config, split), model, workdir, strategy, note, progress.best_epoch, others.busy)
    environment["device"]["busy"] = progress.busy or others.busy()
    return finish(config, split, model, progress, workdir, profile, sweep or {}, environment, selected, data_dir)


def train(
    config,
    split: Split,
    model: Recommender,
    workdir: Path,
    strategy,
    on_epoch,
    epochs: int = 0,
    busy: Callable[[], bool] = lambda: False,
) -> Progress:
    """Trains (or continues, or only counts) on the split's training events; leaves the chosen weights in the model.

    epochs: train for just so many, without validation; 0: choose the epoch by validation.  busy: see `fit`.
    """
    if model.regime is None:
        model.fit_counts(split)
        return Progress(stopped_by="fitted")
    settings = config.train
    feed = make_feed(config, split, model)
    left = feed.instances % settings.batch_size
    if 0 < left < strategy.num_replicas_in_sync:
        raise UserError(
            f"the last batch of an epoch has {left} of {settings.batch_size} rows, fewer than the "
            f"{strategy.num_replicas_in_sync} replicas; choose another config.train.batch_size"
        )
    stepper = make_stepper(config, model, feed, strategy)
    if epochs:
        more = {"on_epoch": on_epoch, "busy": busy}
        return fit(stepper, None, config.eval.select, workdir, epochs, settings.eval_every, **more)
    validator = make_evaluator(config, split, model, "validation", (config.eval.select.split("/")[0],))
    return fit(
        stepper,
        lambda: {name: ranking.metrics(ranks, VALIDATION_CUTOFFS) for name, ranks in validator.ranks().items()},
        config.eval.select,
        workdir,
        settings.max_epochs,
        settings.eval_every,
        settings.patience,
        60 * settings.budget_minutes or float("inf"),
        on_epoch,
        busy,
    )


def finish(
    config,
    split: Split,
    model: Recommender,
    progress: Progress,
    workdir: Path,
    profile: str,
    sweep: dict,
    environment: dict,
    selected: Recommender,
    data_dir: str | None = None,
) -> run_record.RunRecord:
    """Evaluates a trained model on the test set, and the one that was `selected` (the same but after a refit) on the
    validation set, under every protocol; writes the record under workdir/record."""
    protocols = tuple(config.eval.protocols)
    validation = make_evaluator(config, split, selected, "validation", protocols).ranks()
    evaluator = make_evaluator(config, split, model, "test", protocols)
    test = evaluator.ranks()
    provenance = split.sequences.provenance
    record = run_record.RunRecord(
        paper=config.paper,
        dataset=config.dataset,
        model=config.model_name,
        variant=config.model.get("variant", "paper"),
        profile=profile,
        seed=config.train.seed,
        sweep=sweep,
        config=json.loads(config.to_json_best_effort()),
        **environment,
        data_fingerprint=provenance.fingerprint,
        data_notes=[*provenance.notes, *evaluator.notes],
        synthetic=provenance.synthetic,
        stand_in_for=provenance.stand_in_for,
        statistics=statistics(split.sequences) | ceilings(config, split, data_dir),
        n_users=len(split.test),
        parameters=int(sum(np.prod(w.shape) for w in model.trainable_variables)),
        epochs=progress.epoch,
        best_epoch=progress.best_epoch,
        seconds_per_epoch=progress.seconds / max(progress.epoch, 1),
        stopped_by=progress.stopped_by,
        metrics={name: ranking.metrics(r) for name, r in test.items()},
        validation={name: ranking.metrics(r) for name, r in validation.items()},
        history=progress.history,
    )
    run_record.save(workdir / "record", record, test, keeping.kept_arrays(config, split, model))
    return record


def conditions(strategy: tf.distribute.Strategy | None = None) -> dict[str, str | int]:
    """What beside the configuration changes a run's numbers, where it is not the usual: precision and replicas."""
    strategy = strategy or tf.distribute.get_strategy()
    found = {"precision": tf.keras.mixed_precision.global_policy().name, "replicas": strategy.num_replicas_in_sync}
    return {name: value for name, value in found.items() if value != USUAL[name]}


def claim_workdir(workdir: Path, config, setting: dict | None = None) -> None:
    """Makes the workdir and writes config.json and setting.json, or finds those of the run that is to be continued:
    they stay as they are (the record tells the limits that a run ended with).

    setting: `conditions` and the data's fingerprint.  Raises UserError if the workdir holds a run of another setting,
    or of a configuration that differs in more than `MAY_DIFFER`.
    """
    wanted = {"config.json": json.loads(config.to_json_best_effort()), "setting.json": setting or {}}
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        for name, content in wanted.items():
            path = workdir / name
            if not path.exists():
                write_atomically(path, json.dumps(content, indent=1, sort_keys=True))
                continue
            if changed := changes(json.loads(path.read_text()), content):
                raise UserError(
                    f"{workdir} holds a run with another configuration ({', '.join(changed[:4])}); "
                    "choose another --workdir or delete it"
                )
    except (OSError, ValueError) as error:
        raise UserError(
            f"{workdir}: cannot be used as a workdir ({error}); choose another --workdir (of make: RUNS)"
        ) from None


def changes(before: dict, now: dict) -> list[str]:
    """What makes two configurations (or settings) those of different runs: all but `MAY_DIFFER`, a phrase each."""
    found = differences(before, now)
    return sorted(f"{name}: {a} before, {b} now" for name, a, b in found if name not in MAY_DIFFER)
