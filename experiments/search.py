"""Tunes models of a paper on validation: the same number of trials for each model, the test set untouched.

    python -m experiments.search --paper=attrec --datasets=ml-100k --models=attrec,fpmc

The trials are those of the paper's configuration file (`trials(dataset, model)`); each is trained with early stopping
and scored by the best validation value of `config.eval.select`. They are written to experiments/tuning, where the
configurations find them. A trial that is there is not repeated, so the command may be stopped and started at will.
"""

from __future__ import annotations

import os

from absl import flags

from tf_utils import cli

PAPER = flags.DEFINE_string("paper", None, "Paper whose models are tuned: attrec.")
DATASETS = flags.DEFINE_list("datasets", None, "Data sets.")
MODELS = flags.DEFINE_list("models", None, "Models, model[-variant] (default: all that have trials).")
DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the raw data sets (default: $DATA_DIR).")
THREADS = flags.DEFINE_integer("threads", 0, "Intra-op threads; 0: one a core.", 0)


def main(argv) -> None:
    if not PAPER.value or not DATASETS.value:
        raise cli.UserError("--paper and --datasets are needed, e.g. --paper=attrec --datasets=ml-100k")
    from experiments import setup, trials

    strategy = setup.devices("none", 0, "float32", False, THREADS.value)
    trials.run(PAPER.value, DATASETS.value, MODELS.value, DATA_DIR.value or os.environ.get("DATA_DIR"), strategy)


if __name__ == "__main__":
    cli.run(main)
