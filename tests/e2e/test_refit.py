"""Tuning, then a run that chooses its epoch by validation and refits on training and validation."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from experiments import runner, trials, tuning
from experiments.configs import attrec
from experiments.inspection.evaluating import evaluate
from experiments.inspection.loading import load_run
from tf_utils import run_record
from tf_utils.cli import UserError


def small(dataset="synthetic-demo", model="attrec", variant="paper", plain=attrec.untuned):
    config = plain("synthetic-demo", model, variant)
    config.dataset_args.fraction = 0.03
    config.model.dim = 8
    config.train.update(max_epochs=4, patience=2, batch_size=200)
    return config


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(tuning, "ROOT", tmp_path / "tuning")
    monkeypatch.setattr(attrec, "GRIDS", {"attrec": {"model.omega": (0.0, 0.4)}, "fmc": {"model.l2": (1e-3, 0.1)}})
    monkeypatch.setattr(
        attrec,
        "trials",
        lambda dataset, model: [{name: value} for name, values in attrec.GRIDS[model].items() for value in values],
    )
    monkeypatch.setattr(attrec, "untuned", small)
    return tmp_path / "tuning" / "attrec" / "synthetic-demo"


def test_search_writes_each_trial_once_and_runs_find_the_best(folder, monkeypatch):
    trials.run("attrec", ["synthetic-demo"], None, None)
    found = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    assert set(found) == {"attrec", "fmc"}
    for content in found.values():
        assert content["config"]["select"] == "full/HR@50" and len(content["trials"]) == 2
        assert all(0 <= trial["score"] <= 1 and trial["best_epoch"] >= 1 for trial in content["trials"])
    best = max(found["attrec"]["trials"], key=lambda trial: trial["score"])["values"]["model.omega"]
    assert attrec.get_config("synthetic-demo").model.omega == best

    monkeypatch.setattr(runner, "train", lambda *a, **k: pytest.fail("a trial was repeated"))
    trials.run("attrec", ["synthetic-demo"], None, None)


@pytest.mark.parametrize(
    ("paper", "models", "message"),
    [("asli", None, "nothing to tune"), ("attrec", ["pop"], "no trials for 'pop'"), ("none", None, "unknown paper")],
)
def test_search_refuses(folder, paper, models, message):
    with pytest.raises(UserError, match=message):
        trials.run(paper, ["synthetic-demo"], models, None)


def test_refit(tmp_path):
    """The epoch is that of the selection; the weights are those of as many epochs on more events."""
    config = small()
    with config.eval.unlocked():
        config.eval.maps_of = ("5", "2")
    told = []
    record = runner.execute(config, tmp_path / "run", on_epoch=lambda entry, _: told.append(entry))
    assert [entry for entry in told if "refit" not in entry] == record.history
    assert [(e["epoch"], e["refit"]) for e in told if "refit" in e] == [
        (epoch, record.best_epoch) for epoch in range(1, record.best_epoch + 1)
    ]
    assert 1 <= record.best_epoch <= record.epochs == len(record.history)
    final = load_run(tmp_path / "run")
    assert final.epoch == record.best_epoch
    assert not (tmp_path / "run" / runner.SELECTION / "config.json").exists()  # a part of the run, not a run

    plain = small()
    plain.train.update(max_epochs=record.best_epoch, refit=False)
    before = runner.execute(plain, tmp_path / "plain")
    assert before.validation == record.validation  # of the selected weights, which never saw the validation target
    assert before.metrics != record.metrics

    arrays = run_record.load_figures(run_record.path_for(tmp_path / "run" / "record", record))
    assert arrays["attention.users"].tolist() == ["5", "2"]
    np.testing.assert_allclose(arrays["attention"].sum(-1), 1, atol=1e-5)

    again = runner.execute(config, tmp_path / "run")
    assert (again.metrics, again.validation) == (record.metrics, record.validation)


def test_validation_of_a_refitted_model_is_refused():
    """It was trained on that part in the end; the record has the numbers from before."""
    run = SimpleNamespace(config=attrec.get_config("synthetic-demo"))
    with pytest.raises(UserError, match="refitted on training and validation"):
        evaluate(run, "validation")
