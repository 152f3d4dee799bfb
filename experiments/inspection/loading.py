"""A workdir of experiments.run -> its configuration, data and model with the best weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import ml_collections

from data.splits import Split
from experiments import runner
from models.base import Recommender
from tf_utils import run_record
from tf_utils.cli import UserError
from tf_utils.keras_gate import tf
from tf_utils.training import latest_checkpoint, restore_best

EXAMPLE = "python -m experiments.run --config=experiments/configs/asli.py:jd_appliances --workdir=runs/first"


@dataclass(frozen=True)
class TrainedRun:
    """config: of the run.  epoch: of the best weights, 0 for a fitted model.  record: None if the run did not end."""

    config: ml_collections.ConfigDict
    split: Split
    model: Recommender
    epoch: int
    record: run_record.RunRecord | None

    @property
    def title(self) -> str:
        """Model, variant and data set, and whether the data is generated."""
        model, variant = self.config.model_name, self.config.model.get("variant", "paper")
        made = " (generated data)" if self.split.sequences.provenance.synthetic else ""
        return f"{model}{'' if variant == 'paper' else '-' + variant} on {self.config.dataset}{made}"


def load_run(workdir: Path, data_dir: str | None = None) -> TrainedRun:
    """Reads a run back.

    Args:
        workdir: of experiments.run or experiments.reproduce.
        data_dir: folder of the raw data sets.

    Raises:
        UserError: the workdir is missing or holds no run, there is no checkpoint, or data or code are not those of
            the run.
    """
    config = load_config(workdir)
    record = load_record(workdir, config)
    split = runner.load_split(config, data_dir)
    found = split.sequences.provenance.fingerprint
    if record is not None and record.data_fingerprint != found:
        raise UserError(
            f"{workdir}: {config.dataset} is not the data that the run was trained on (fingerprint {found[:12]}, the "
            f"run's is {record.data_fingerprint[:12]}); give the --data_dir of then or train in a new workdir"
        )
    try:
        model = runner.make_model(config, split)
    except (AttributeError, KeyError) as error:
        raise UserError(f"{workdir / 'config.json'}: not of this version of the suite ({error}); train again") from None
    epoch = 0
    if model.regime is None:
        model.fit_counts(runner.fitted_on(config, split))
    else:
        build(model)
        epoch = _restore(model, workdir)
    return TrainedRun(config, split, model, epoch, record)


def load_config(workdir: Path) -> ml_collections.ConfigDict:
    """The configuration in <workdir>/config.json. Raises UserError if there is none or it cannot be read."""
    if not workdir.is_dir():
        raise UserError(f"{workdir}: no such workdir; train first: {EXAMPLE}")
    path = workdir / "config.json"
    try:
        config = ml_collections.ConfigDict(json.loads(path.read_text(encoding="utf-8")))
        missing = {"dataset", "dataset_args", "model_name", "model", "train", "eval"} - set(config)
    except FileNotFoundError:
        raise UserError(f"{workdir}: not a workdir, there is no config.json in it; train first: {EXAMPLE}") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: not a run's configuration ({error}); train again in a new workdir") from None
    if missing:
        raise UserError(f"{path}: not a run's configuration ({min(missing)!r} is missing); train in a new workdir")
    return config


def precision_of(workdir: Path) -> str:
    """The Keras dtype policy that the run in a workdir was trained with."""
    try:
        return dict(json.loads((workdir / "setting.json").read_text()))["precision"]
    except (OSError, ValueError, TypeError, KeyError):
        return runner.USUAL["precision"]


def load_record(workdir: Path, config) -> run_record.RunRecord | None:
    """The record that the run of this configuration left in its workdir, None before the run has ended."""
    wanted = json.loads(config.to_json_best_effort())
    return next((r for r in run_record.find(workdir / "record") if not runner.changes(r.config, wanted)), None)


def build(model: Recommender) -> None:
    """Makes every weight that encoding and scoring need."""
    one = tf.ones([1, 1], tf.int32)
    batch = {"user": one[0], "items": one, "categories": one, "actions": one}
    batch["categories"] = tf.minimum(one, model.spec.n_categories)
    queries, _ = model.encode(batch, training=False, positions="last")
    model.score_all(queries)


def _restore(model: Recommender, workdir: Path) -> int:
    """Reads the best weights; returns their epoch."""
    best = workdir / "checkpoints" / "best"
    found = latest_checkpoint(best)
    if found is None:
        raise UserError(f"{workdir}: no checkpoint yet; let experiments.run reach its first validation")
    restore_best(model, workdir)
    return int(found.rpartition("-")[2])
