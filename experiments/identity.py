"""Which configurations are of the same run."""

from __future__ import annotations

import json

from experiments.differences import EVALUATED_AT_ONCE, TOLD
from models import default_config


def given(dataset_args) -> dict:
    """What of a configuration's `dataset_args` is set: the loader's arguments. The rest is the data set's own."""
    return {name: value for name, value in dataset_args.items() if value is not None}


def science(config: dict) -> dict:
    """What of a configuration may change a result beyond chance: not the number of length groups (dropout draws other
    masks then), nor what the data set settles, nor of how many trials its values are the best, nor how many users are
    evaluated at once.

    A flag of the model that came later than the record had its default then: that is what a new flag's default means.
    """
    content = {name: value for name, value in config.items() if name not in TOLD} | {
        "model": json.loads(default_config(config["model_name"]).to_json_best_effort()) | config["model"],
        "train": {name: value for name, value in config["train"].items() if name != "groups"},
        "dataset_args": given(config["dataset_args"]),
    }
    if "eval" in config:  # what tuning keeps has none
        content["eval"] = {name: value for name, value in config["eval"].items() if name != EVALUATED_AT_ONCE}
    return content
