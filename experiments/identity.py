"""Which configurations are of the same run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from models import default_config

LIMITS = ("max_epochs", "budget_minutes")  # of config.train: more of them gives the same bits, only more
TOLD = ("trials",)  # says where the values come from, and changes nothing
EVALUATED_AT_ONCE = "batch_size"  # of config.eval: users at a time, a matter of memory
# Between a run and what it is continued with.
MAY_DIFFER = frozenset({*(f"train.{name}" for name in LIMITS), *TOLD, f"eval.{EVALUATED_AT_ONCE}"})


def given(dataset_args) -> dict:
    """What of a configuration's `dataset_args` is set: the loader's arguments. The rest is the data set's own."""
    return {name: value for name, value in dataset_args.items() if value is not None}


def differences(before: Mapping, now: Mapping, missing: Any = None, under: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(dotted name, value before, value now) of what two nested configurations disagree on.

    missing: stands for the value of what one of them does not have.
    """
    for name in {*before, *now}:
        a, b = before.get(name, missing), now.get(name, missing)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            yield from differences(a, b, missing, f"{under}{name}.")
        elif a != b:
            yield f"{under}{name}", a, b


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
