"""Which configurations are of the same run."""

from __future__ import annotations

import json

from models import default_config


def science(config: dict) -> dict:
    """What of a configuration may change a result: not the number of length groups, nor what the data set settles, nor
    how many trials its values were chosen from.

    A flag of the model that came later than the record had its default then: that is what a new flag's default means.
    """
    return {name: value for name, value in config.items() if name != "trials"} | {
        "model": json.loads(default_config(config["model_name"]).to_json_best_effort()) | config["model"],
        "train": {name: value for name, value in config["train"].items() if name != "groups"},
        "dataset_args": {name: value for name, value in config["dataset_args"].items() if value is not None},
    }
