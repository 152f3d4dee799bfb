"""Run records: what is written can be read back, nothing half-written is ever seen, and damage gets one clear line."""

import dataclasses
import json
import os
import platform
import subprocess

import numpy as np
import pytest

from tf_utils import run_record
from tf_utils.cli import UserError
from tf_utils.ranking import Ranks
from tf_utils.run_record import RunRecord, environment, find, load, load_figures, load_ranks, path_for, ranks_path, save

USERS = np.array([3, 5, 9], np.int32)


def ranks(shift=0):
    return {
        "full": Ranks(USERS, np.array([7, 0, 2]) + shift, np.array([0, 1, 0]), np.full(3, 500)),
        "uniform100": Ranks(USERS, np.array([1, 0, 0]), np.array([0, 0, 2]), np.array([101, 101, 60])),
    }


def record(**changes):
    values = {
        "paper": "asli",
        "dataset": "ml-1m",
        "model": "asli",
        "profile": "quick",
        "seed": 0,
        "config": {"model": {"dim": 64, "layers": [1, 2], "epsilon": 1e-8}, "note": None},
        "commit": "unknown",
        "tree_clean": False,
        "versions": {"numpy": "2"},
        "device": {"cpu": "x", "cores": 2},
        "data_fingerprint": "abc",
        "statistics": {"users": 3, "repeated_target_share": 0.25},
        "n_users": 3,
        "parameters": 1000,
        "epochs": 2,
        "best_epoch": 1,
        "seconds_per_epoch": 1.5,
        "stopped_by": "patience",
        "metrics": {"full": {"HR@10": 0.5, "MRR": 0.25}, "uniform100": {"HR@10": 1.0}},
        "validation": {"uniform100": {"NDCG@10": 0.5}},
        "data_notes": ["Zoë's data"],
        "history": [{"epoch": 1, "seconds": 1.5, "loss": 0.7, "validation": {"uniform100": {"NDCG@10": 0.5}}}],
    }
    return RunRecord(**(values | changes))


def files_below(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_round_trip(tmp_path):
    path = save(tmp_path, record(), ranks(), {"map": np.eye(2), "labels": np.array(["a", "b"])})
    assert path == tmp_path / "asli/ml-1m/asli/quick-seed0.json"
    stem = "asli/ml-1m/asli/quick-seed0"
    assert files_below(tmp_path) == [f"{stem}.figures.npz", f"{stem}.json", f"{stem}.ranks.npz"]
    assert load(path) == record()
    for protocol, wanted in ranks().items():
        found = load_ranks(path)[protocol]
        for column in ("users", "greater", "equal", "candidates"):
            assert getattr(found, column).dtype == np.int32
            np.testing.assert_array_equal(getattr(found, column), getattr(wanted, column))
    np.testing.assert_array_equal(load_figures(path)["map"], np.eye(2))
    with np.load(ranks_path(path)) as arrays:
        assert {"users", "full.greater", "full.equal", "full.candidates", "uniform100.greater"} <= set(arrays.files)


def test_the_text_is_stable(tmp_path):
    measured = {"full": {"HR@10": np.float32(1 / 3), "MRR": -1e-9}}
    path = save(tmp_path, record(metrics=measured, config={"lr": 1e-7, "b": (1, np.int64(2))}), ranks())
    content = json.loads(path.read_text(encoding="utf-8"))
    assert list(content) == sorted(content)
    assert content["metrics"] == {"full": {"HR@10": 0.333333, "MRR": 0.0}} and '"MRR": 0.0' in path.read_text()
    assert content["config"] == {"lr": 1e-7, "b": [1, 2]}  # settings keep every digit
    before = {name: (tmp_path / name).read_bytes() for name in files_below(tmp_path)}
    save(tmp_path, load(path), load_ranks(path))
    assert {name: (tmp_path / name).read_bytes() for name in files_below(tmp_path)} == before


def test_paths():
    sweep = {"model.layers": 2, "attention_type": "latent_intent", "dropout": 0.1, "tied": True}
    assert path_for("r", record(variant="official", seed=3, profile="paper")).as_posix() == (
        "r/asli/ml-1m/asli-official/paper-seed3.json"
    )
    assert path_for("r", record(sweep=sweep)).name == (
        "quick-seed0-attention_type=latent_intent,dropout=0.1,model.layers=2,tied=true.json"
    )
    for changes in ({"paper": "../x"}, {"dataset": ".."}, {"model": "a-b"}, {"variant": ""}, {"sweep": {"k": "a/b"}}):
        with pytest.raises(UserError, match="cannot be part of a file's name"):
            path_for("r", record(**changes))


def test_find(tmp_path):
    for changes in ({}, {"seed": 1}, {"model": "sasrec"}, {"sweep": {"kernel": 5}}, {"variant": "official"}):
        save(tmp_path, record(**changes), ranks())
    (tmp_path / "report.json").write_text("not a record")
    assert len(find(tmp_path)) == 5
    assert [r.seed for r in find(tmp_path, model="asli", variant="paper", sweep={})] == [0, 1]
    assert [r.model for r in find(tmp_path, paper="asli", model="sasrec", dataset="ml-1m", profile="quick")] == [
        "sasrec"
    ]
    assert find(tmp_path, sweep={"kernel": 5})[0].sweep == {"kernel": 5}
    assert find(tmp_path, seed=9) == [] and find(tmp_path / "nowhere") == []
    with pytest.raises(TypeError, match="no key 'sed'"):
        find(tmp_path, sed=1)


def test_a_copied_record_is_no_second_seed(tmp_path):
    path = save(tmp_path, record(), ranks())
    path.with_name("quick-seed1.json").write_bytes(path.read_bytes())
    with pytest.raises(UserError, match=r"quick-seed1.json: its content says asli/ml-1m/asli/quick-seed0.json"):
        find(tmp_path)


@pytest.mark.parametrize("step", [0, 1, 2])
@pytest.mark.parametrize("replacing", [False, True])
def test_an_interrupted_write_leaves_no_record(tmp_path, monkeypatch, step, replacing):
    """Stopped at each of the three renames: a JSON is only ever seen beside the arrays it belongs to."""
    if replacing:
        save(tmp_path, record(epochs=1), ranks(), {"map": np.eye(2)})
    calls, rename = [], os.replace

    def fails(source, target):
        calls.append(target)
        if len(calls) == step + 1:
            raise KeyboardInterrupt
        rename(source, target)

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path, record(epochs=2), ranks(1), {"map": np.zeros(2)})
    assert find(tmp_path) == []
    assert not [name for name in files_below(tmp_path) if not name.endswith(".npz")]
    monkeypatch.setattr(os, "replace", rename)
    save(tmp_path, record(epochs=2), ranks(1))
    assert find(tmp_path)[0].epochs == 2
    assert load_ranks(path_for(tmp_path, record()))["full"].greater.tolist() == [8, 1, 3]
    assert load_figures(path_for(tmp_path, record())) == {}  # the new run had none, so the old ones went


def test_a_full_disk_keeps_the_old_record(tmp_path, monkeypatch):
    path = save(tmp_path, record(epochs=1), ranks())

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="No space"):
        save(tmp_path, record(epochs=2), ranks())
    assert load(path).epochs == 1 and len(files_below(tmp_path)) == 2


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), np.float32("nan")])
@pytest.mark.parametrize("key", ["metrics", "config"])
def test_no_number_that_is_not_finite(tmp_path, key, bad):
    with pytest.raises(UserError, match=rf"quick-seed0.json: not written.*'{key}.full.MRR'") as caught:
        save(tmp_path, record(**{key: {"full": {"MRR": bad}}}), ranks())
    assert "\n" not in str(caught.value) and files_below(tmp_path) == []


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("seed", "0", "'seed' must be a whole number"),
        ("seed", True, "'seed' must be a whole number"),
        ("epochs", -1, "'epochs' must not be negative"),
        ("seconds_per_epoch", "fast", "'seconds_per_epoch' must be a number"),
        ("tree_clean", 1, "'tree_clean' must be true or false"),
        ("stopped_by", "boredom", "'stopped_by' must be one of patience"),
        ("config", [], "'config' must be a JSON object"),
        ("data_notes", [1], "'data_notes' must be a list of sentences"),
        ("metrics", {"full": 0.1}, "'metrics.full' must be a JSON object"),
        ("metrics", {"full": {"HR@10": "0.1"}}, "'metrics.full.HR@10' must be a number"),
        ("metrics", {}, "'metrics' must not be empty"),
        ("validation", {"full": {"HR@10": None}}, "'validation.full.HR@10' must be a number"),
        ("history", [{"epoch": 1}], r"'history\[0\]' must have"),
        ("history", [{"epoch": 1, "seconds": 2, "validation": 3}], r"'history\[0\].validation' must be"),
        ("wishes", 1, "'wishes' is unknown"),
        ("paper", None, "'paper' must be text"),
    ],
)
def test_malformed_records(tmp_path, key, value, named):
    path = save(tmp_path, record(), ranks())
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    for read in (load, lambda path: find(tmp_path)):
        with pytest.raises(UserError, match=rf"quick-seed0.json: key {named}") as caught:
            read(path)
        assert "\n" not in str(caught.value)
    if key not in ("wishes", "paper"):  # what cannot be read cannot be written either
        with pytest.raises(UserError, match=named):
            save(tmp_path, record(**{key: value}), ranks())


@pytest.mark.parametrize("key", [f.name for f in dataclasses.fields(RunRecord)])
def test_every_key_is_needed(tmp_path, key):
    path = save(tmp_path, record(), ranks())
    content = json.loads(path.read_text())
    del content[key]
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=f"key '{key}' is missing"):
        load(path)


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b'{"metrics": NaN}', b"\xff\xfe\x00", b"null"])
def test_damaged_json(tmp_path, text):
    path = tmp_path / "run.json"
    path.write_bytes(text)
    with pytest.raises(UserError, match="run.json: not a run record"):
        load(path)


def test_missing_or_damaged_arrays(tmp_path):
    with pytest.raises(UserError, match="no such run record"):
        load(tmp_path / "run.json")
    path = save(tmp_path, record(), ranks())
    whole = ranks_path(path).read_bytes()
    method = whole.index(b"PK") + 8  # how the first array is packed
    unknown = bytearray(whole)
    unknown[method] = 99
    directory = unknown.index(b"PK\x01\x02") + 10
    unknown[directory] = 99
    for damaged in (b"", b"PK", whole[: len(whole) // 2], b"junk" * 100, bytes(unknown)):
        ranks_path(path).write_bytes(damaged)
        with pytest.raises(UserError, match="quick-seed0.ranks.npz: damaged"):
            load_ranks(path)
    np.savez(ranks_path(path), **{"users": USERS, "full.greater": USERS, "full.equal": USERS})
    with pytest.raises(UserError, match="'full.candidates' is missing"):
        load_ranks(path)
    np.savez(ranks_path(path), **{"users": USERS, "f.greater": USERS, "f.equal": USERS, "f.candidates": USERS})
    with pytest.raises(UserError, match="ranks.npz: user 3: 3 greater and 3 equal"):
        load_ranks(path)
    ranks_path(path).unlink()
    with pytest.raises(UserError, match="missing beside its run record"):
        load_ranks(path)


def test_ranks_must_be_the_records(tmp_path):
    short = {"full": Ranks(*(np.ones(2, np.int32) * k for k in (1, 0, 0, 5)))}
    with pytest.raises(ValueError, match="other users"):
        save(tmp_path, record(), short)
    with pytest.raises(ValueError, match="at least one"):
        save(tmp_path, record(), {})
    (tmp_path / "asli").write_text("a file")
    with pytest.raises(UserError, match="in the way"):
        save(tmp_path, record(), ranks())
    assert files_below(tmp_path) == ["asli"]


def test_environment_tells_the_machine_but_not_the_person():
    found = environment(accelerators=["GPU X"])
    assert found["device"]["accelerators"] == ["GPU X"] and "accelerators" not in environment()["device"]
    assert found["versions"]["numpy"] == np.__version__ and found["versions"]["python"] == platform.python_version()
    assert found["device"]["cores"] >= 1 and found["device"]["cpu"]
    text = json.dumps(found)
    for private in (platform.node(), os.path.expanduser("~"), os.getcwd()):
        assert len(private) < 2 or private not in text
    save_able = record(**{key: found[key] for key in ("commit", "tree_clean", "versions", "device")})
    assert dataclasses.asdict(save_able)["device"] == found["device"]


def test_commit_and_clean_tree(tmp_path, monkeypatch):
    """A checkout of its own; results of earlier runs do not make it dirty, an edited or a new file does."""
    monkeypatch.setattr(run_record, "_ROOT", tmp_path.resolve())
    assert (environment()["commit"], environment()["tree_clean"]) == ("unknown", False)
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]

    def git(*arguments):
        done = subprocess.run(
            ["git", "-C", tmp_path, *identity, *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "-q")
    assert environment()["commit"] == "unknown"  # no commit yet
    (tmp_path / "model.py").write_text("a = 1\n")
    git("add", ".")
    git("commit", "-qm", "first")
    results = tmp_path / "experiments" / "results"
    results.mkdir(parents=True)
    (results / "run.json").write_text("{}")
    assert (environment()["commit"], environment()["tree_clean"]) == (git("rev-parse", "HEAD"), True)
    (tmp_path / "new.py").write_text("")
    assert not environment()["tree_clean"]
    (tmp_path / "new.py").unlink()
    (tmp_path / "model.py").write_text("a = 2\n")
    assert not environment()["tree_clean"]
    monkeypatch.setattr(run_record, "_ROOT", results.resolve())  # a copy inside somebody else's checkout
    assert environment()["commit"] == "unknown"


def test_without_git(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert (environment()["commit"], environment()["tree_clean"]) == ("unknown", False)
