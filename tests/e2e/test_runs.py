"""Whole runs on a small generated log: train, kill, continue, evaluate, record, reproduce, report."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments import runner
from experiments.configs import asli
from experiments.inspection.loading import load_run
from tests import commands
from tf_utils import run_record
from tf_utils.cli import TrainingDiverged, UserError
from tf_utils.training import restore_best

ROOT = Path(__file__).resolve().parents[2]


def config_of(model: str = "asli", **train):
    config = asli.get_config(f"synthetic-demo,{model}")
    config.dataset_args.fraction = 0.05
    for name, value in (("dim", 8), ("max_length", 12), ("kernel_size", 3)):
        if name in config.model:
            config.model[name] = value
    config.train.update(dict(max_epochs=2, eval_every=1, batch_size=32, groups=2) | train)
    return config


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("run")
    entries = []
    record = runner.execute(config_of(), workdir, on_epoch=lambda entry, _: entries.append(entry))
    return workdir, record, entries


def test_record_holds_what_was_run(finished):
    workdir, record, entries = finished
    assert record.synthetic and record.model == "asli" and record.epochs == 2 and record.stopped_by == "max_epochs"
    assert [entry["epoch"] for entry in entries] == [1, 2] and record.history == entries
    assert set(record.metrics) == {"full", "uniform100", "popularity100"} == set(record.validation)
    path = run_record.path_for(workdir / "record", record)
    ranks = run_record.load_ranks(path)
    assert len(ranks["uniform100"]) == record.n_users and ranks["uniform100"].candidates.max() <= 101
    assert any("uniform100/test" in note for note in record.data_notes)  # so few items that lists are short
    assert run_record.load(path).metrics["full"] == pytest.approx(record.metrics["full"], abs=1e-6)


def test_best_checkpoint_gives_the_recorded_metrics(finished):
    workdir, record, _ = finished
    config = config_of()
    split = runner.load_split(config, None)
    model = runner.make_model(config, split)
    evaluator = runner.make_evaluator(config, split, model, "test", ("uniform100",))
    evaluator.ranks()  # builds the weights
    restore_best(model, workdir)
    hits = evaluator.ranks()["uniform100"].greater < 10
    assert hits.mean() == pytest.approx(record.metrics["uniform100"]["HR@10"], abs=1e-6)


def test_finished_run_is_not_trained_again(finished):
    workdir, record, _ = finished
    again = runner.execute(config_of(), workdir, on_epoch=lambda *_: pytest.fail("trained again"))
    assert again.metrics == record.metrics


def test_run_that_ended_for_its_epochs_goes_on_with_more(finished, tmp_path):
    for epochs in (1, 2):
        record = runner.execute(config_of(max_epochs=epochs), tmp_path / "run")
    assert record.epochs == 2 and record.metrics == finished[1].metrics
    found = load_run(tmp_path / "run", None).record
    assert found is not None and found.epochs == 2


def test_changed_config_is_refused_and_named(finished):
    workdir = finished[0]
    with pytest.raises(UserError, match=r"train.learning_rate: 0.001 before, 0.01 now"):
        runner.execute(config_of(learning_rate=0.01), workdir)


def test_diverging_loss_stops_with_advice(tmp_path):
    with pytest.raises(TrainingDiverged, match="learning_rate"):
        runner.execute(config_of("sasrec", learning_rate=1e30), tmp_path / "run")
    assert not list(tmp_path.rglob("*.json")) or not (tmp_path / "run" / "record").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.model.update(attention_type="mood"), "attention_type must be one of"),
        (lambda c: c.eval.update(select="uniform100/Recall"), "the metric must be one of"),
        (lambda c: c.eval.update(protocols=("full", "easy")), "unknown protocol 'easy'"),
        (lambda c: c.train.update(batch_size=0), "config.train.batch_size must be above 0"),
        (lambda c: c.train.update(learning_rate=float("nan")), "config.train.learning_rate must be above 0, got nan"),
        (lambda c: c.train.update(seed=-1), r"config.train.seed must be in 0..2\^31 - 1, got -1"),
        (lambda c: c.eval.update(candidate_seed=2**31), "config.eval.candidate_seed must be in"),
        (lambda c: setattr(c, "paper", "../x"), "paper '../x' cannot be part of a file's name"),
        (lambda c: setattr(c, "model_name", "sasrec"), "config.model is not sasrec's"),
        (lambda c: c.dataset_args.update(min_user=-1), "min_user must not be negative"),
        (lambda c: c.train.update(beta_2=1.5), r"config.train.beta_2 must be in \[0, 1\), got 1.5"),
        (lambda c: c.eval.update(batch_size=0), "config.eval.batch_size must be above 0"),
        (lambda c: c.eval.update(protocols=()), "config.eval.protocols names none"),
        (lambda c: c.model.update(dim=0), "config.model.dim must be at least 1, got 0"),
        (lambda c: c.model.update(heads=0), "config.model.heads must be at least 1, got 0"),
        (lambda c: c.model.update(max_length=-3), "config.model.max_length must be at least 1, got -3"),
        (lambda c: c.model.update(dropout=1.5), r"config.model.dropout must be in \[0, 1\], got 1.5"),
        (lambda c: c.model.update(interaction_weight=-1.0), "config.model.interaction_weight must not be negative"),
        (lambda c: c.train.update(windows="some"), "config.train.windows must be one of"),
        (lambda c: c.train.update(exclude="some"), "config.train.exclude must be one of"),
        (lambda c: c.train.update(optimizer="sgdd"), "config.train.optimizer must be one of adam, adagrad"),
        (lambda c: setattr(c, "dataset", "ml-2m"), "unknown data set 'ml-2m'"),
        (lambda c: c.dataset_args.update(dedup="twice"), "dedup"),
    ],
)
def test_bad_settings_leave_nothing_behind(tmp_path, change, message):
    config = config_of()
    change(config)
    with pytest.raises(UserError, match=message) as caught:
        runner.execute(config, tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_users_to_draw_that_are_not_there_are_told_before_training(tmp_path):
    config = config_of()
    with config.eval.unlocked():
        config.eval.maps_of = ("nobody",)
    with pytest.raises(UserError, match="config.eval.maps_of: .*no user 'nobody'"):
        runner.execute(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("kind", ["best", "latest"])
def test_a_damaged_checkpoint_is_named(finished, tmp_path, kind):
    workdir = shutil.copytree(finished[0], tmp_path / "run")
    data = next((workdir / "checkpoints" / kind).glob("*.data*"))
    data.write_bytes(data.read_bytes()[:100])
    with pytest.raises(UserError, match=f"{kind}/ckpt-.*is damaged") as caught:
        runner.execute(config_of(max_epochs=3), workdir)
    assert "\n" not in str(caught.value)


def test_an_interrupt_is_one_line(tmp_path):
    script = "from tf_utils import cli\ndef main(argv): raise KeyboardInterrupt\ncli.run(main)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment(), capture_output=True, text=True)
    assert done.returncode == 130 and done.stderr.count("\n") == 1 and done.stderr.startswith("interrupted")


def test_workdir_that_is_a_file(tmp_path):
    (tmp_path / "run").write_text("not a folder")
    with pytest.raises(UserError, match="choose another --workdir"):
        runner.execute(config_of("pop"), tmp_path / "run")
    assert (tmp_path / "run").read_text() == "not a folder"


def environment() -> dict:
    return os.environ | {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--strategy=sideways",), "value should be one of <none|mirrored>"),
        (("--workdir=x",), "--config is needed"),
        (("--config=experiments/configs/asli.py:jd_appliances",), "--workdir is needed"),
        (("--config=experiments/configs/none.py", "--workdir=x"), "No such file"),
        (("--config=README.md", "--workdir=x"), "README.md is not Python"),
        (("--config=experiments/configs/common.py", "--workdir=x"), "a file without a function get_config"),
        (("--config=experiments/configs/asli.py:jd_appliances,oracle", "--workdir=x"), "unknown model 'oracle'"),
        (("--config=experiments/configs/asli.py:jd_appliances", "--config.model.size=3"), "--config.model.size"),
        (("--config=experiments/configs/asli.py:jd_appliances", "--config.model.dim=wide"), "wide"),
        (
            ("--config=experiments/configs/asli.py:synthetic-demo", "--workdir=x", "--config.eval.select=best"),
            "unknown protocol 'best'",
        ),
        (("--no_such_flag=1",), "no_such_flag"),
        (("stray",), "unexpected argument 'stray'"),
    ],
)
def test_bad_command_lines_are_one_line_and_exit_code_2(arguments, message):
    done = commands.run("experiments.run", *arguments, environment=environment())
    errors = done.stderr.splitlines()
    assert done.returncode == 2 and len(errors) == 1 and errors[0].startswith("error: ") and message in errors[0]
    assert not (ROOT / "x").exists()


def start_run(workdir: Path, epochs: int):
    return commands.start(
        "experiments.run",
        "--config=experiments/configs/asli.py:synthetic-demo,asli",
        "--config.dataset_args.fraction=0.05",
        "--config.model.dim=8",
        "--config.model.max_length=12",
        "--config.train.eval_every=1",
        "--config.train.patience=99",
        "--config.train.groups=1",
        f"--config.train.max_epochs={epochs}",
        f"--workdir={workdir}",
        "--deterministic",
        "--threads=1",
        environment=environment(),
    )


def test_killed_run_continues_to_the_same_bits(tmp_path):
    epochs = 12
    whole, killed = (start_run(tmp_path / name, epochs) for name in ("whole", "killed"))
    index = tmp_path / "killed" / "checkpoints" / "latest"
    deadline = time.monotonic() + 240
    while not list(index.glob("ckpt-*.index")) and time.monotonic() < deadline:
        time.sleep(0.05)
    killed.kill()
    killed.join()
    assert not list((tmp_path / "killed").rglob("*seed1.json")), "the run ended before it could be killed"
    for run in (start_run(tmp_path / "killed", epochs), whole):
        run.join(240)
        assert run.exitcode == 0

    def result(name: str):
        (path,) = (tmp_path / name / "record").rglob("*.json")
        record = json.loads(path.read_text())
        assert record["profile"] == "custom"  # not what the configuration file has
        for entry in record["history"]:
            entry.pop("seconds")
        return record["history"], record["metrics"], record["best_epoch"]

    assert result("killed") == result("whole")
