"""Tuning trials as files: `experiments/tuning/<paper>/<dataset>/<model>.json`, written by experiments/search.py.

Every model of a table gets the same number of trials, selected by validation alone. The configuration of a run is a
function of the committed trials.
"""

from __future__ import annotations

import json
from pathlib import Path

from experiments.differences import LIMITS
from experiments.identity import science
from tf_utils.cli import UserError
from tf_utils.files import make_folder, write_atomically

TRIED = ("dataset", "dataset_args", "model_name", "model", "train")
ROOT = Path(__file__).resolve().parent / "tuning"


def path(paper: str, dataset: str, model: str) -> Path:
    """Where the trials of a model (or model-variant) on a data set lie."""
    return ROOT / paper / dataset / f"{model}.json"


def load(paper: str, dataset: str, model: str) -> dict:
    """{config: `settings`, wanted: their number, trials: [{values, score, ...}]}; no trials if there is no file.

    Raises UserError if it is malformed.
    """
    file = path(paper, dataset, model)
    if not file.exists():
        return {"config": {}, "trials": []}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError:
        found = None
    if not _is_tuning(found):
        raise UserError(f"{file}: not a tuning file; restore it or run experiments.search again")
    return found


def _is_tuning(found) -> bool:
    if not (
        isinstance(found, dict) and isinstance(found.get("config"), dict) and isinstance(found.get("trials"), list)
    ):
        return False
    return all(
        isinstance(trial, dict) and isinstance(trial.get("values"), dict) and "score" in trial
        for trial in found["trials"]
    )


def save(paper: str, dataset: str, model: str, config, trials: list[dict], wanted: int) -> None:
    """Writes the trials around a configuration in one step, if they are not there already.

    wanted: how many there will be in the end.
    """
    file = path(paper, dataset, model)
    make_folder(file.parent)
    text = json.dumps({"config": settings(config), "wanted": wanted, "trials": trials}, indent=1, sort_keys=True) + "\n"
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        write_atomically(file, text)


def finished(paper: str, dataset: str, model: str) -> list[dict]:
    """The trials; [] if not all are run."""
    found = load(paper, dataset, model)
    return found["trials"] if len(found["trials"]) >= found.get("wanted", 0) else []


def best(trials: list[dict]) -> dict:
    """The values of the best trial, the earliest of equals; {} if there is none."""
    return max(trials, key=lambda trial: trial["score"])["values"] if trials else {}


def settings(config) -> dict:
    """What of a configuration stays around its trials, as JSON has it."""
    content = science(json.loads(config.to_json_best_effort()))
    return {name: content[name] for name in TRIED} | {"select": content["eval"]["select"]}


def of_these(stored: dict, config) -> bool:
    """Whether trials with the `settings` that were stored are trials of this configuration, but for its `LIMITS`."""
    return bool(stored) and _unlimited(science(stored)) == _unlimited(settings(config))


def reusable(found: dict, config) -> list[dict]:
    """Of the trials of a file, those that this configuration would give again: all if nothing has changed; of a
    configuration that differs in its `LIMITS` alone, those that ended by themselves within the limits of now."""
    stored, train = found["config"], config.train
    if not of_these(stored, config):
        return []
    if all(stored["train"].get(name) == train[name] for name in LIMITS):
        return found["trials"]
    return [t for t in found["trials"] if t.get("stopped_by") == "patience" and t["epochs"] <= train.max_epochs]


def _unlimited(settings: dict) -> dict:
    return settings | {"train": {name: value for name, value in settings["train"].items() if name not in LIMITS}}


def apply(config, values: dict) -> None:
    """Sets dotted names of a configuration. Raises UserError for one that it does not have."""
    for name, value in values.items():
        section, key = name.split(".")
        if key not in config[section]:
            raise UserError(f"tuning: {config.model_name} has no {name}; run experiments.search again")
        config[section][key] = value
