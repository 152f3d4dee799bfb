"""Runs the trials of models that are still missing; see experiments/search.py."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

from experiments import console, papers, runner, tuning
from tf_utils.cli import UserError
from tf_utils.run_record import environment


def run(paper: str, datasets: Sequence[str], models: Sequence[str] | None, data_dir: str | None, strategy=None) -> None:
    """Trains and scores each trial that has no entry in experiments/tuning, and writes it there.

    Trials of another grid, of another configuration around it, or on other data (another source, filter or order of
    ties) are dropped; if its limits alone are others, those that a limit ended. Until all are run the file holds what
    there is, and configurations do not read it.

    Args:
        paper: its configuration file has `GRIDS`, `trials` and `untuned`.
        datasets: names of the catalogue.
        models: model[-variant]; None: all of `GRIDS`.
        data_dir: folder of the raw data sets.
        strategy: of tf_utils.strategy; None for the default device.

    Raises:
        UserError: a paper or model that has no trials; bad data.
    """
    papers.load(paper)  # a wrong name is told with the right ones
    configs = importlib.import_module(f"experiments.configs.{paper}")
    if not hasattr(configs, "trials"):
        raise UserError(f"{paper} has nothing to tune here: its configuration has no trials")
    unknown = sorted(set(models or ()) - set(configs.GRIDS))
    if unknown:
        raise UserError(f"no trials for {unknown[0]!r}; choose from {', '.join(configs.GRIDS)}")
    commit = environment([])["commit"]
    for dataset in datasets:
        split, loaded = None, None
        for model in models or configs.GRIDS:
            plain = configs.untuned(dataset, *model.split("-"))
            found = tuning.load(paper, dataset, model)
            old = tuning.reusable(found, plain)
            wanted = configs.trials(dataset, model)
            done = []
            for number, values in enumerate(wanted, 1):
                config = configs.untuned(dataset, *model.split("-"))
                tuning.apply(config, values)
                if (arguments := config.dataset_args.to_dict()) != loaded:
                    split, loaded = runner.load_split(config, data_dir), arguments
                same = {"values": values, "data_fingerprint": split.sequences.provenance.fingerprint}
                there = [trial for trial in old if all(trial.get(name) == value for name, value in same.items())]
                if there:
                    done.append(there[0])
                    continue
                progress = _trial(config, split, strategy, f"{dataset} {model} [{number}/{len(wanted)}] {values}")
                done.append(
                    same
                    | {
                        "score": round(progress.best, 6),
                        "best_epoch": progress.best_epoch,
                        "epochs": progress.epoch,
                        "stopped_by": progress.stopped_by,
                        "seed": config.train.seed,
                        "commit": commit,
                    }
                )
                later = [trial for trial in old if trial["values"] in wanted[number:]]  # for a call that goes on here
                tuning.save(paper, dataset, model, plain, done + later, len(wanted))
            tuning.save(paper, dataset, model, plain, done, len(wanted))
            score = max(trial["score"] for trial in done)
            print(f"{dataset} {model}: {tuning.best(done)}, validation {plain.eval.select} {score:.4f}")


def _trial(config, split, strategy, title: str):
    """The Progress of a run that is thrown away."""
    with (
        tempfile.TemporaryDirectory() as workdir,
        console.progress(title, config.train.max_epochs, config.eval.select) as show,
    ):
        strategy = strategy or runner.tf.distribute.get_strategy()
        with strategy.scope():
            model = runner.make_model(config, split)
        return runner.train(config, split, model, Path(workdir), strategy, show)
