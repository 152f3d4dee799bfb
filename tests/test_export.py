"""An exported run, loaded where there is only TensorFlow, gives the lists that the repository's own scoring gives."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import ml_collections
import numpy as np
import pytest

from experiments import runner
from experiments.inspection.loading import TrainedRun, build
from experiments.serving import retrieval, writing
from models.base import Recommender
from models.layers.embedding import PaddedEmbedding
from tests import commands, tiny
from tests.e2e.test_runs import config_of, environment
from tests.test_topk import by_sorting
from tf_utils.cli import UserError
from tf_utils.keras_gate import tf

TOP = 15
MODELS = {name: (name, "tfrs") for name in ("sasrec", "bpr_mf", "attrec", "asli", "item_knn", "interests")}
MODELS |= {f"{name}-blocked": (name, "blocked") for name in ("sasrec", "interests")}

# What a user runs: no path to the repository, no Keras of ours.
LOADER = """
import importlib.util, json, sys
import tensorflow as tf
assert importlib.util.find_spec("tf_utils") is None and importlib.util.find_spec("models") is None
answers = {}
for name, calls in json.load(sys.stdin).items():
    model = tf.saved_model.load(name)
    answers[name] = []
    for call in calls:
        how = call.pop("how")
        make = tf.ragged.constant if how == "ragged" else tf.constant
        inputs = {key: tf.constant(x) if key == "user" else make(x, tf.string) for key, x in call.items()}
        call = model.signatures[how] if how in model.signatures else model.recommend
        found = call(**inputs)
        texts = [[x.decode() for x in row] for row in found["items"].numpy()]
        answers[name].append({"items": texts, "scores": found["scores"].numpy().tolist()})
assert "tf_keras" not in sys.modules and "tensorflow_recommenders" not in sys.modules
print(json.dumps(answers))
"""


class Interests(Recommender):
    """Three interests: linear maps of the mean item of the history."""

    def __init__(self, config, spec):
        super().__init__(config, spec)
        self.items = PaddedEmbedding(spec.n_items, 6, "random_normal", name="items")
        self.maps = tf.keras.layers.Dense(18, use_bias=False)

    def encode(self, batch, training=False, positions="all"):
        mean = tf.reduce_mean(self.items(batch["items"]), axis=1)
        return tf.reshape(self.maps(mean), [-1, 1, 3, 6]), {}

    def item_matrix(self):
        return self.items.matrix()


def named(split):
    """The tiny split with raw labels that are not its ids; item 3 is called "Ümlaut, 3"."""
    labels = {field: np.array([f"{field}{7 * i}" for i in range(1, 41)]) for field in ("user", "item")}
    labels["item"][2] = "Ümlaut, 3"
    labels["user"] = labels["user"][: tiny.N_USERS]
    labels |= {"category": np.array(list("abcde")), "action": np.arange(100, 103)}
    return dataclasses.replace(split, sequences=dataclasses.replace(split.sequences, labels=labels))


def make_run(split, name: str, **hyper) -> TrainedRun:
    if name == "interests":
        model = Interests(ml_collections.ConfigDict({"max_length": tiny.LENGTH}), tiny.spec_of(split))
    else:
        model = tiny.make_model(name, split, **hyper)
    if model.regime is None:
        model.fit_counts(split)
    else:
        build(model)
        tiny.perturb_weights(model)
    config = {"model_name": name, "dataset": "tiny", "model": model.config.to_dict()}
    return TrainedRun(ml_collections.ConfigDict(config), split, model, 1, None)


@pytest.fixture(scope="module")
def split(tiny_split):
    return named(tiny_split)


def expected_lists(run: TrainedRun, histories, users, top: int, keep_seen: bool = False):
    """The definition: the newest n events left-padded, all scores, seen items out, sorted.

    histories: lists of (item, category, action).
    """
    length = run.config.model.get("max_length", 1) if run.model.regime else max(map(len, histories))
    cells = np.zeros((3, len(histories), length), np.int32)
    for row, history in enumerate(histories):
        newest = history[-length:]
        if newest:
            cells[:, row, length - len(newest) :] = np.array(newest).T
    batch = dict(zip(("items", "categories", "actions"), map(tf.constant, cells), strict=True))
    batch["user"] = tf.constant(users, tf.int32)
    queries, _ = run.model.encode(batch, positions="last")
    seen = np.zeros((len(histories), 40), np.int32)
    for row, history in enumerate([] if keep_seen else histories):
        seen[row, : len(history)] = [event[0] for event in history]
    return by_sorting(run.model.score_all(queries).numpy(), top, seen)


def requests(split) -> tuple[list, list, list]:
    """Three users, one with more than n events, as raw inputs: padded and with an unknown item; ragged; items only."""
    seq = split.sequences
    users = [4, 3, 11]
    events = [slice(seq.offsets[u - 1], seq.offsets[u]) for u in users]
    histories = [list(zip(seq.items[e], seq.categories[e], seq.actions[e], strict=True)) for e in events]
    assert len(histories[0]) > tiny.LENGTH
    name = lambda field, i: str(seq.labels[field][i - 1])  # noqa: E731
    raw = {
        "items": [[name("item", item) for item, _, _ in h] for h in histories],
        "categories": [[name("category", c) for _, c, _ in h] for h in histories],
        "actions": [[name("action", a) for _, _, a in h] for h in histories],
    }
    width = max(map(len, raw["items"])) + 2
    padded = {key: [["?", *row] + [""] * (width - 1 - len(row)) for row in rows] for key, rows in raw.items()}
    known = {"user": [name("user", u) for u in users]}
    calls = [
        {"how": "with_context", **known, **padded},
        {"how": "ragged", **known, **raw},
        {"how": "serving_default", "items": padded["items"]},
        {"how": "dense", "items": [["", "nobody knows it"]], "user": ["nor her"], "categories": [["", "?"]]}
        | {"actions": [["", "?"]]},
    ]
    return calls, histories, users


@pytest.fixture(scope="module")
def exported(split, tmp_path_factory):
    """Name -> (run, its answers in a fresh process, the folder)."""
    folder = tmp_path_factory.mktemp("exported")
    runs = {name: make_run(split, model) for name, (model, _) in MODELS.items()}
    for name, run in runs.items():
        writing.export(run, folder / name, TOP, False, MODELS[name][1])
    calls, _, _ = requests(split)
    done = subprocess.run(
        [sys.executable, "-I", "-c", LOADER],
        input=json.dumps(dict.fromkeys(MODELS, calls)),
        cwd=folder,
        env={key: x for key, x in environment().items() if key not in ("PYTHONPATH", "TF_USE_LEGACY_KERAS")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers = json.loads(done.stdout.splitlines()[-1])
    return {name: (run, answers[name], folder / name) for name, run in runs.items()}


def same(split, answer, expected) -> None:
    names = np.concatenate([[""], split.sequences.labels["item"]])
    np.testing.assert_allclose(answer["scores"], expected[0], rtol=1e-4, atol=1e-5)
    assert answer["items"] == names[expected[1]].tolist()


@pytest.mark.parametrize("name", MODELS)
def test_fresh_process_gives_the_same_lists(exported, split, name):
    run, answers, _ = exported[name]
    _, histories, users = requests(split)
    for answer in answers[:2]:
        same(split, answer, expected_lists(run, histories, users, TOP))


@pytest.mark.parametrize("name", MODELS)
def test_what_is_not_given_has_the_documented_default(exported, split, name):
    """No user: the zero vector. The item's own category, the most frequent action; no history at all still answers."""
    run, answers, _ = exported[name]
    _, histories, _ = requests(split)
    actions = split.sequences.actions
    usual = max(set(actions.tolist()), key=actions.tolist().count)
    own = dict(zip(split.sequences.items.tolist(), split.sequences.categories.tolist(), strict=True))
    filled = [[(item, own[item], usual) for item, _, _ in history] for history in histories]
    same(split, answers[2], expected_lists(run, filled, [0, 0, 0], TOP))
    same(split, answers[3], expected_lists(run, [[]], [0], TOP) if name != "item_knn" else by_sorting_zeros())
    if name == "bpr_mf":  # with the zero vector nothing but the items' biases is left
        order = np.argsort(-run.model.biases.table.numpy()[1:, 0], kind="stable")[:TOP]
        assert answers[3]["items"][0] == split.sequences.labels["item"][order].tolist()


def by_sorting_zeros():
    """ItemKNN knows nothing of an empty history: all items tie, the smaller ids come first."""
    return np.zeros((1, TOP)), np.arange(1, TOP + 1)[None]


def test_what_lies_beside_it(exported):
    for name, (run, _, folder) in exported.items():
        content = json.loads((folder / "export.json").read_text())
        model, index = MODELS[name]
        assert content["model"] == model and content["top_n"] == TOP and content["n_items"] == tiny.N_ITEMS
        assert content["retrieval"] == (retrieval.SCORE_ALL if name == "item_knn" else retrieval.INDEXES[index])
        reads = {"bpr_mf": ["user"], "attrec": ["user"], "asli": ["actions", "categories"]}
        assert content["reads"] == ["items", *reads.get(name, [])]
        assert run.title in (folder / "README.md").read_text()
    assert sorted(os.listdir(next(iter(exported.values()))[2].parent)) == sorted(MODELS)  # no temporary folder is left


def test_keep_seen_and_lists_longer_than_what_is_left(split, tmp_path):
    calls, histories, users = requests(split)
    items = tf.constant(calls[2]["items"])
    run = make_run(split, "pop")
    for keep_seen in (False, True):
        out = tmp_path / str(keep_seen)
        writing.export(run, out, tiny.N_ITEMS, keep_seen)
        model = tf.saved_model.load(str(out))
        found = model.recommend(items)
        answer = {"items": np.char.decode(found["items"].numpy().astype(bytes)).tolist(), "scores": found["scores"]}
        expected = expected_lists(run, histories, users, tiny.N_ITEMS, keep_seen)
        assert np.any(np.isinf(expected[0])) != keep_seen
        same(split, answer, expected)


def test_nothing_is_left_of_an_export_that_fails(split, tmp_path, monkeypatch):
    run = make_run(split, "bpr_mf")
    run.model.items.table.assign(run.model.items.table * np.nan)
    with pytest.raises(UserError, match="not finite") as caught:
        writing.export(run, tmp_path / "out", TOP, False)
    assert "\n" not in str(caught.value) and not os.listdir(tmp_path)

    other = make_run(split, "pop")
    monkeypatch.setattr(other.model, "score_all", lambda queries: tf.random.stateless_uniform([28, 41], [1, 2]))
    with pytest.raises(RuntimeError, match="does not give the model's lists"):
        writing.export(other, tmp_path / "out", TOP, False)
    assert not os.listdir(tmp_path)


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    runner.execute(config_of("pop"), folder)
    return folder


def test_command_line_from_the_run_to_a_list(workdir, tmp_path):
    arguments = ("experiments.export", f"--workdir={workdir}", f"--out={tmp_path / 'out'}", "--top_n=5")
    done = commands.run(*arguments, environment=environment())
    assert done.returncode == 0, done.stderr
    (record,) = (workdir / "record").rglob("*.json")
    record, content = json.loads(record.read_text()), json.loads((tmp_path / "out" / "export.json").read_text())
    assert content["metrics"] == record["metrics"] and content["commit"] == record["commit"] and content["synthetic"]
    split = runner.load_split(config_of("pop"), None)
    counts, labels = split.item_counts(train_only=True), split.sequences.labels["item"].astype(str)
    order = np.lexsort((np.arange(len(counts)), -counts))
    order = order[order > 0]
    model = tf.saved_model.load(str(tmp_path / "out"))
    found = model.recommend(tf.constant([[labels[order[0] - 1]]]))
    assert np.char.decode(found["items"].numpy().astype(bytes))[0].tolist() == labels[order[1:6] - 1].tolist()


def unfinished(folder: Path) -> Path:
    runner.claim_workdir(folder, config_of("pop"))
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a, tmp: a.update(workdir=tmp / "none"), "no such workdir"),
        (lambda a, tmp: a.update(workdir=tmp), "not a workdir"),
        (lambda a, tmp: a.update(workdir=unfinished(tmp / "begun")), "has not ended"),
        (lambda a, tmp: a.update(out=tmp), "exists already"),
        (lambda a, tmp: a.update(out=tmp / "no" / "folder"), "make it first"),
        (lambda a, tmp: a.update(top_n=10**6), "choose from 1 to"),
        (lambda a, tmp: os.access(tmp, os.W_OK) and a.update(out=Path("/proc/1/out")), "not writable|make it first"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(workdir, tmp_path, change, message):
    arguments = {"workdir": workdir, "out": tmp_path / "out", "top_n": 3, "keep_seen": False}
    change(arguments, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match=message) as caught:
        writing.export_workdir(**arguments)
    assert "\n" not in str(caught.value) and sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--workdir is needed"),
        (("--workdir=x",), "--out is needed"),
        (("--workdir=x", "--out=y", "--top_n=0"), "top_n"),
        (("--workdir=x", "--out=y", "--top_n=many"), "top_n"),
    ],
)
def test_bad_flags_are_one_line_and_exit_code_2(arguments, message):
    done = commands.run("experiments.export", *arguments, environment=environment())
    errors = done.stderr.splitlines()
    assert done.returncode == 2 and len(errors) == 1 and errors[0].startswith("error: ") and message in errors[0]
