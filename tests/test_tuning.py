"""Tuning: every model gets as many trials, each trial fits its configuration, and a run takes the best of them."""

import json

import numpy as np
import pytest

from experiments import runner, trials, tuning
from experiments.configs import attrec
from tf_utils.cli import UserError
from tf_utils.keras_gate import tf
from tf_utils.rng import step_rng
from tf_utils.training import Progress

SETS = ("ml-100k", "ml-1m", "s3rec-lastfm", "movietweetings", "amazon-tools-sequences")


@pytest.mark.parametrize("model", attrec.GRIDS)
@pytest.mark.parametrize("dataset", SETS)
def test_trials_are_distinct_settings_and_equally_many(dataset, model):
    found = attrec.trials(dataset, model)
    assert len(found) == (4 if dataset == "ml-1m" else 12)
    settings = set()
    for values in found:
        config = attrec.untuned(dataset, *model.split("-"))
        tuning.apply(config, values)
        settings.add(config.to_json_best_effort(sort_keys=True))
    assert len(settings) == len(found)


@pytest.mark.parametrize("dataset", SETS)
@pytest.mark.parametrize("model", ["attrec", "attrec-official", "lstm_plus"])
def test_trials_are_different_models(dataset, model, tiny_split):
    """Not in name alone: with L = 2 the attention of AttRec's equations is a mean, whatever its dropout."""
    values = []
    for trial in attrec.trials(dataset, model):
        config = attrec.untuned(dataset, *model.split("-"))
        tuning.apply(config, trial)
        config.train.update(batch_size=16, seed=1)
        built = runner.make_model(config, tiny_split)
        batch = runner.make_feed(config, tiny_split, built).batch(tf.constant(0, tf.int64))
        built.compute_loss(batch, training=False)
        for weight in built.trainable_variables:
            weight.assign(100 * weight)  # initial tables of 0.001 have no L2 to speak of
        with step_rng(1, tf.constant(0, tf.int64), 0):
            values.append(float(built.compute_loss(batch, training=True) + built.regularisation()))
    assert len(np.unique(np.round(values, 9))) == len(values), values


@pytest.mark.parametrize("file", sorted(tuning.ROOT.glob("*/*/*.json")), ids=lambda f: f"{f.parent.name}-{f.stem}")
def test_committed_trials_are_those_of_the_grid(file):
    paper, dataset, model = file.parts[-3], file.parts[-2], file.stem
    done = [trial["values"] for trial in tuning.load(paper, dataset, model)["trials"]]
    assert done == attrec.trials(dataset, model)


def write(monkeypatch, tmp_path, content):
    monkeypatch.setattr(tuning, "ROOT", tmp_path)
    file = tuning.path("attrec", "ml-100k", "attrec")
    file.parent.mkdir(parents=True)
    file.write_text(content)


def test_a_run_takes_the_best_trial(monkeypatch, tmp_path):
    trials = [
        {"values": {"model.omega": omega}, "score": score} for omega, score in ((0.0, 0.1), (0.6, 0.3), (0.4, 0.3))
    ]
    write(monkeypatch, tmp_path, json.dumps({"trials": trials}))
    assert attrec.get_config("ml-100k").model.omega == 0.6
    assert attrec.get_config("ml-100k,lstm_plus,gru") == attrec.untuned("ml-100k", "lstm_plus", "gru")
    plain = attrec.untuned("ml-100k", "attrec", "official")
    assert attrec.get_config("ml-100k,attrec,official") == plain  # tuned by itself, and not yet
    assert attrec.get_config("ml-1m").model.omega == attrec.untuned("ml-1m", "attrec").model.omega


def test_trials_on_other_data_are_dropped(monkeypatch, tmp_path, tiny_split):
    """One of twelve is there, one on other data, one around another configuration, and one of another grid; eleven are
    run, and twelve stand in the file."""
    values = attrec.trials("ml-100k", "fmc")
    data = tiny_split.sequences.provenance.fingerprint

    def trial(values, data=data, epochs=100):
        config = attrec.untuned("ml-100k", "fmc")
        tuning.apply(config, values)
        config.train.max_epochs = epochs
        return {"values": values, "config": tuning.digest(config), "score": 9.0, "data_fingerprint": data}

    found = [trial(values[0]), trial(values[1], "other"), trial(values[2], epochs=3), trial({"model.l2": 7.0})]
    monkeypatch.setattr(tuning, "ROOT", tmp_path)
    tuning.save("attrec", "ml-100k", "fmc", {"select": "", "trials": found})
    monkeypatch.setattr(trials.runner, "load_split", lambda config, data_dir: tiny_split)
    ran = []
    monkeypatch.setattr(trials, "_trial", lambda config, *rest: ran.append(config) or Progress(best=0.5))
    trials.run("attrec", ["ml-100k"], ["fmc"], None)
    done = tuning.load("attrec", "ml-100k", "fmc")["trials"]
    assert len(ran) == 11 and [t["values"] for t in done] == values
    assert [trial["score"] for trial in done] == [9.0] + 11 * [0.5]
    assert {trial["data_fingerprint"] for trial in done} == {data}


@pytest.mark.parametrize(
    "content",
    ["{", '{"trials": [{"score": 1}]}', "[]", '{"trials": {}}', '{"trials": [{"values": 1, "score": 1}]}', "{}"],
)
def test_malformed_file(monkeypatch, tmp_path, content):
    write(monkeypatch, tmp_path, content)
    with pytest.raises(UserError, match="run experiments.search again"):
        attrec.get_config("ml-100k")


def test_trial_of_another_form_of_the_model(monkeypatch, tmp_path):
    write(monkeypatch, tmp_path, json.dumps({"trials": [{"values": {"model.omegas": 1}, "score": 1}]}))
    with pytest.raises(UserError, match="attrec has no model.omegas"):
        attrec.get_config("ml-100k")
