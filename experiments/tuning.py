"""Tuning trials as files: `experiments/tuning/<paper>/<dataset>/<model>.json`, written by experiments/search.py.

Every model of a table gets the same number of trials, selected by validation alone. The configuration of a run is a
function of the committed trials.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from experiments.identity import science
from tf_utils.cli import UserError
from tf_utils.files import make_folder, write_atomically

TRIED = ("dataset", "dataset_args", "model_name", "model", "train")
ROOT = Path(__file__).resolve().parent / "tuning"


def path(paper: str, dataset: str, model: str) -> Path:
    """Where the trials of a model (or model-variant) on a data set lie."""
    return ROOT / paper / dataset / f"{model}.json"


def load(paper: str, dataset: str, model: str) -> dict:
    """{select, trials: [{values, score, epoch, ...}]}; no trials if there is no file. Raises UserError if malformed."""
    file = path(paper, dataset, model)
    if not file.exists():
        return {"select": "", "trials": []}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError:
        found = None
    if not _is_tuning(found):
        raise UserError(f"{file}: not a tuning file; restore it or run experiments.search again")
    return found


def _is_tuning(found) -> bool:
    trials = found.get("trials") if isinstance(found, dict) else None
    return isinstance(trials, list) and all(
        isinstance(trial, dict) and isinstance(trial.get("values"), dict) and "score" in trial for trial in trials
    )


def save(paper: str, dataset: str, model: str, content: dict) -> None:
    """Writes the trials in one step."""
    file = path(paper, dataset, model)
    make_folder(file.parent)
    write_atomically(file, json.dumps(content, indent=1) + "\n")


def best(paper: str, dataset: str, model: str) -> dict:
    """The values of the best trial, the earliest of equals; {} if there is none."""
    trials = load(paper, dataset, model)["trials"]
    return max(trials, key=lambda trial: trial["score"])["values"] if trials else {}


def digest(config) -> str:
    """12 hexadecimal digits that two configurations share if a trial of one is a trial of the other."""
    content = science(json.loads(config.to_json_best_effort()))
    content = {name: content[name] for name in TRIED} | {"select": content["eval"]["select"]}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def apply(config, values: dict) -> None:
    """Sets dotted names of a configuration. Raises UserError for one that it does not have."""
    for name, value in values.items():
        section, key = name.split(".")
        if key not in config[section]:
            raise UserError(f"tuning: {config.model_name} has no {name}; run experiments.search again")
        config[section][key] = value
