"""Tuning: every model gets as many trials, each trial fits its configuration, and a run takes the best of them."""

import json

import numpy as np
import pytest

from experiments import runner, trials, tuning
from experiments.configs import attrec
from tests import tiny
from tf_utils.cli import UserError
from tf_utils.keras_gate import tf
from tf_utils.rng import step_rng
from tf_utils.training import Progress

COMMITTED = sorted(tuning.ROOT.glob("*/*/*.json"))
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


@pytest.mark.parametrize("file", COMMITTED, ids=lambda f: f"{f.parent.name}-{f.stem}")
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
    write(monkeypatch, tmp_path, json.dumps({"config": {}, "trials": trials}))
    assert attrec.get_config("ml-100k").model.omega == 0.6
    assert attrec.get_config("ml-100k,lstm_plus,gru") == attrec.untuned("ml-100k", "lstm_plus", "gru")
    plain = attrec.untuned("ml-100k", "attrec", "official")
    assert attrec.get_config("ml-100k,attrec,official") == plain  # tuned by itself, and not yet
    assert attrec.get_config("ml-1m").model.omega == attrec.untuned("ml-1m", "attrec").model.omega


def run_trials(monkeypatch, tmp_path, split, found, **train):
    """The trials of FMC that are run, and those in the file in the end, if `found` are there, of a configuration with
    `train` changed."""
    config = attrec.untuned("ml-100k", "fmc")
    config.train.update(train)
    monkeypatch.setattr(tuning, "ROOT", tmp_path)
    tuning.save("attrec", "ml-100k", "fmc", config, found, 12)
    monkeypatch.setattr(trials.runner, "load_split", lambda config, data_dir: split)
    ran = []
    monkeypatch.setattr(trials, "_trial", lambda config, *rest: ran.append(config) or Progress(best=0.5))
    trials.run("attrec", ["ml-100k"], ["fmc"], None)
    return ran, tuning.load("attrec", "ml-100k", "fmc")["trials"]


def test_trials_on_other_data_or_of_another_grid_are_dropped(monkeypatch, tmp_path, tiny_split):
    """One of twelve is there, one on other data and one of another grid; eleven are run, and twelve are in the file."""
    values = attrec.trials("ml-100k", "fmc")
    data = tiny_split.sequences.provenance.fingerprint
    trial = lambda values, data=data: {"values": values, "score": 9.0, "data_fingerprint": data}  # noqa: E731
    found = [trial(values[0]), trial(values[1], "other"), trial({"model.l2": 7.0})]
    ran, done = run_trials(monkeypatch, tmp_path, tiny_split, found)
    assert len(ran) == 11 and [t["values"] for t in done] == values
    assert [trial["score"] for trial in done] == [9.0] + 11 * [0.5]
    assert {trial["data_fingerprint"] for trial in done} == {data}


def test_trials_of_another_configuration_are_dropped(monkeypatch, tmp_path, tiny_split):
    data = tiny_split.sequences.provenance.fingerprint
    found = [{"values": v, "score": 9.0, "data_fingerprint": data} for v in attrec.trials("ml-100k", "fmc")]
    ran, done = run_trials(monkeypatch, tmp_path, tiny_split, found)
    assert not ran and done == found
    file = tuning.path("attrec", "ml-100k", "fmc")
    before = file.read_bytes(), file.stat().st_mtime_ns
    trials.run("attrec", ["ml-100k"], ["fmc"], None)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before  # a committed file stays as it is
    ran, done = run_trials(monkeypatch, tmp_path, tiny_split, found, learning_rate=3.0)
    assert len(ran) == 12 and {trial["score"] for trial in done} == {0.5}


def test_trials_that_a_limit_ended_are_run_again_with_another(monkeypatch, tmp_path, tiny_split):
    """Those that ended by themselves would end as they did, if not beyond the limit of now."""
    data = tiny_split.sequences.provenance.fingerprint
    ends = 4 * [("patience", 30), ("max_epochs", 50), ("patience", 101)]
    found = [
        {"values": v, "score": 9.0, "data_fingerprint": data, "stopped_by": by, "epochs": epochs}
        for v, (by, epochs) in zip(attrec.trials("ml-100k", "fmc"), ends, strict=True)
    ]
    assert attrec.untuned("ml-100k", "fmc").train.max_epochs == 100
    ran, done = run_trials(monkeypatch, tmp_path, tiny_split, found, max_epochs=50)
    assert len(ran) == 8 and [trial["score"] for trial in done] == 4 * [9.0, 0.5, 0.5]
    ran, done = run_trials(monkeypatch, tmp_path, tiny_split, found, budget_minutes=1.0)
    assert len(ran) == 8 and [trial["score"] for trial in done] == 4 * [9.0, 0.5, 0.5]


def test_a_run_does_not_read_an_unfinished_search(monkeypatch, tmp_path):
    config, found = attrec.untuned("ml-100k", "fmc"), [{"values": {"model.l2": 7.0}, "score": 1.0}]
    monkeypatch.setattr(tuning, "ROOT", tmp_path)
    for wanted, used, number in ((2, config.model.l2, 0), (1, 7.0, 1)):
        tuning.save("attrec", "ml-100k", "fmc", config, found, wanted)
        chosen = attrec.get_config("ml-100k,fmc")
        assert chosen.model.l2 == used and chosen.trials == number
    assert "trials" not in attrec.get_config("ml-100k,pop")  # nothing to tune


def test_an_interrupted_search_keeps_what_it_did_not_reach(monkeypatch, tmp_path, tiny_split):
    values = attrec.trials("ml-100k", "fmc")
    data = tiny_split.sequences.provenance.fingerprint
    found = [{"values": v, "score": 9.0, "data_fingerprint": data} for v in (values[5], {"model.l2": 7.0})]
    monkeypatch.setattr(tuning, "ROOT", tmp_path)
    tuning.save("attrec", "ml-100k", "fmc", attrec.untuned("ml-100k", "fmc"), found, 12)
    monkeypatch.setattr(trials.runner, "load_split", lambda config, data_dir: tiny_split)

    def stop_at_the_third(config, split, strategy, title):
        if "[3/" in title:
            raise KeyboardInterrupt
        return Progress(best=0.5)

    monkeypatch.setattr(trials, "_trial", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        trials.run("attrec", ["ml-100k"], ["fmc"], None)
    left = tuning.load("attrec", "ml-100k", "fmc")["trials"]
    assert [(trial["values"], trial["score"]) for trial in left] == [
        (values[0], 0.5),
        (values[1], 0.5),
        (values[5], 9.0),
    ]


def test_a_flag_that_is_newer_than_the_trials_had_its_default():
    config = attrec.untuned("ml-100k", "fmc")
    stored = tuning.settings(config)
    del stored["model"]["exclude"]
    assert (attrec.untuned("ml-100k", "fmc").model.exclude == config.model.exclude) and not tuning.of_these({}, config)
    default = tiny.models.default_config("fmc").exclude
    assert tuning.of_these(stored, config) == (config.model.exclude == default)
    config.model.exclude = default
    assert tuning.of_these(stored, config)
    config.train.learning_rate *= 2
    assert not tuning.of_these(stored, config)


@pytest.mark.parametrize("file", COMMITTED, ids=lambda f: f"{f.parent.name}-{f.stem}")
def test_committed_trials_are_of_todays_configuration(file):
    paper, dataset, model = file.parts[-3], file.parts[-2], file.stem
    assert tuning.of_these(tuning.load(paper, dataset, model)["config"], attrec.untuned(dataset, *model.split("-")))


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        "{}",
        '{"config": {}, "trials": {}}',
        '{"config": {}, "trials": [{"score": 1}]}',
        '{"config": {}, "trials": [{"values": 1, "score": 1}]}',
        '{"trials": [{"values": {}, "score": 1}]}',
    ],
)
def test_malformed_file(monkeypatch, tmp_path, content):
    write(monkeypatch, tmp_path, content)
    with pytest.raises(UserError, match="run experiments.search again"):
        attrec.get_config("ml-100k")


def test_trial_of_another_form_of_the_model(monkeypatch, tmp_path):
    write(monkeypatch, tmp_path, json.dumps({"config": {}, "trials": [{"values": {"model.omegas": 1}, "score": 1}]}))
    with pytest.raises(UserError, match="attrec has no model.omegas"):
        attrec.get_config("ml-100k")
