"""Tunes models of a paper on validation: the same number of trials for each model, the test set untouched.

    python -m experiments.search --paper=attrec --datasets=ml-100k --models=attrec,fpmc

The trials are those of the paper's configuration file (`trials(dataset, model)`); each is trained with early stopping
and scored by the best validation value of `config.eval.select`. They are written to experiments/tuning, where the
configurations find them. A trial that is there is not repeated, so the command may be stopped and started at will.
"""

from __future__ import annotations

import importlib
import os
import tempfile
from pathlib import Path

from absl import flags

from experiments import tuning
from tf_utils import cli

PAPER = flags.DEFINE_string("paper", None, "Paper whose models are tuned: attrec.")
DATASETS = flags.DEFINE_list("datasets", None, "Data sets.")
MODELS = flags.DEFINE_list("models", None, "Models, model[-variant] (default: all that have trials).")
DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the raw data sets (default: $DATA_DIR).")
THREADS = flags.DEFINE_integer("threads", 0, "Intra-op threads; 0: one a core.", 0)


def main(argv) -> None:
    if not PAPER.value or not DATASETS.value:
        raise cli.UserError("--paper and --datasets are needed, e.g. --paper=attrec --datasets=ml-100k")
    from experiments import console, papers, runner, setup
    from tf_utils.run_record import environment

    papers.load(PAPER.value)  # a wrong name is told with the right ones
    configs = importlib.import_module(f"experiments.configs.{PAPER.value}")
    if not hasattr(configs, "trials"):
        raise cli.UserError(f"{PAPER.value} has nothing to tune: its paper gives every value")
    unknown = sorted(set(MODELS.value or ()) - set(configs.GRIDS))
    if unknown:
        raise cli.UserError(f"no trials for {unknown[0]!r}; choose from {', '.join(configs.GRIDS)}")
    data_dir = DATA_DIR.value or os.environ.get("DATA_DIR")
    strategy = setup.devices("none", 0, "float32", False, THREADS.value)
    commit = environment([])["commit"]
    for dataset in DATASETS.value:
        split, loaded = None, None
        for model in MODELS.value or configs.GRIDS:
            found = tuning.load(PAPER.value, dataset, model)
            done = [trial["values"] for trial in found["trials"]]
            wanted = configs.trials(dataset, model)
            for number, values in enumerate(wanted, 1):
                if values in done:
                    continue
                config = configs.untuned(dataset, *model.split("-"))
                tuning.apply(config, values)
                if (arguments := config.dataset_args.to_dict()) != loaded:
                    split, loaded = runner.load_split(config, data_dir), arguments
                title = f"{dataset} {model} [{number}/{len(wanted)}] {values}"
                with (
                    tempfile.TemporaryDirectory() as workdir,
                    console.progress(title, config.train.max_epochs, config.eval.select) as show,
                ):
                    built = runner.make_model(config, split)
                    progress = runner.train(config, split, built, Path(workdir), strategy, show)
                found["trials"].append(
                    {
                        "values": values,
                        "score": round(progress.best, 6),
                        "best_epoch": progress.best_epoch,
                        "epochs": progress.epoch,
                        "stopped_by": progress.stopped_by,
                        "seed": config.train.seed,
                        "data_fingerprint": split.sequences.provenance.fingerprint,
                        "commit": commit,
                    }
                )
                found["select"] = f"validation {config.eval.select}"
                tuning.save(PAPER.value, dataset, model, found)
            best = max(found["trials"], key=lambda trial: trial["score"])
            print(f"{dataset} {model}: {best['values']}, {found['select']} {best['score']:.4f}")


if __name__ == "__main__":
    cli.run(main)
