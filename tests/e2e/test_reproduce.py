"""The reproduce command on generated data, and training on two logical devices, as a user starts them."""

import os
from pathlib import Path

import pytest

from tests import commands, data_files
from tf_utils import run_record
from tf_utils.files import held


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def start(cache):
    def start(*arguments: str):
        environment = {k: v for k, v in os.environ.items() if k != "DATA_DIR"}
        environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "DATA_CACHE": str(cache)}
        return commands.run(*arguments, environment=environment)

    return start


def test_reproduce_records_reports_and_does_nothing_twice(start, tmp_path):
    arguments = (
        "experiments.reproduce",
        "--paper=asli",
        "--models=pop,item_knn",
        "--parts=table3",
        f"--runs={tmp_path / 'runs'}",
        f"--data_dir={tmp_path}",
    )
    first = start(*arguments)
    assert first.returncode == 0, first.stderr
    assert "profile quick: 2 runs, 0 of them done" in first.stdout and "generator preset" in first.stdout
    records = run_record.find(tmp_path / "runs" / "results", paper="asli")
    assert {record.model for record in records} == {"pop", "item_knn"}
    assert all(record.synthetic and record.profile == "quick" for record in records)
    report = (tmp_path / "runs" / "reports" / "asli-quick" / "report.md").read_text()
    assert "quick" in report and "synthetic" in report.lower()
    assert f"{records[0].metrics['uniform100']['NDCG@10']:.4f}" in report
    again = start(*arguments)
    assert again.returncode == 0 and "2 runs, 2 of them done" in again.stdout
    for other in (["--strategy=mirrored", "--logical_cpus=2"], ["--precision=mixed_bfloat16"]):
        planned = start(*arguments, *other, "--plan")
        assert planned.returncode == 0 and "2 runs, 0 of them done" in planned.stdout
    assert (tmp_path / "runs" / "reports" / "asli-quick" / "report.md").read_text() == report


def test_a_record_of_other_data_is_not_done(start, tmp_path):
    ratings = [(user, item, 3, 10 * user + item) for user in range(1, 7) for item in range(user, user + 5)]
    folder = data_files.write_ml100k(tmp_path / "data" / "ml-100k", ratings)
    arguments = (
        "experiments.reproduce",
        *("--paper=attrec", "--datasets=ml-100k", "--models=pop", "--parts=table2"),
        *(f"--runs={tmp_path / 'runs'}", f"--data_dir={tmp_path / 'data'}", "--profile=paper"),
    )
    assert start(*arguments).returncode == 0
    assert "1 runs, 1 of them done" in start(*arguments, "--plan").stdout
    data_files.write_ml100k(folder, ratings[::-1])
    assert "1 runs, 0 of them done" in start(*arguments, "--plan").stdout
    done = start(*arguments)
    (error,) = done.stderr.splitlines()
    assert done.returncode == 2 and "data_fingerprint" in error
    (folder / "u.data").unlink()
    assert "1 runs, 1 of them done" in start(*arguments, "--plan").stdout  # nothing to make it anew from


def test_two_processes_share_the_runs(start, tmp_path):
    """A run that another process is at work on is left to it, and taken up once that process is gone."""
    arguments = (
        "experiments.reproduce",
        *("--paper=attrec", "--models=pop,item_knn", "--parts=table2", f"--runs={tmp_path / 'runs'}"),
        *("--datasets=synthetic-demo", f"--data_dir={tmp_path}"),
    )
    with held(tmp_path / "runs" / "checkpoints" / "attrec" / "synthetic-demo" / "pop" / "quick-seed1"):
        done = start(*arguments)
    assert done.returncode == 0 and "left to another process: [1/2] synthetic-demo/pop/quick-seed1;" in done.stdout
    assert [r.model for r in run_record.find(tmp_path / "runs" / "results")] == ["item_knn"]
    done = start(*arguments)
    assert done.returncode == 0 and "2 runs, 1 of them done" in done.stdout
    assert [r.model for r in run_record.find(tmp_path / "runs" / "results")] == ["item_knn", "pop"]


def test_one_workdir_is_for_one_process(start, tmp_path):
    with held(tmp_path / "run"):
        done = start(
            *("experiments.run", "--config=experiments/configs/asli.py:synthetic-demo,pop"),
            f"--workdir={tmp_path / 'run'}",
        )
    (error,) = done.stderr.splitlines()
    assert done.returncode == 2 and "another process is at work there" in error and not (tmp_path / "run").exists()


def test_checkpoints_are_kept_or_not(start, tmp_path):
    """Those of the run that chose the epoch too, where a model is refitted."""
    done = start(
        "experiments.reproduce",
        "--paper=attrec",
        "--models=fmc",
        "--parts=table2",
        f"--runs={tmp_path / 'runs'}",
        f"--data_dir={tmp_path}",
        "--datasets=synthetic-demo",
        "--nokeep_checkpoints",
    )
    assert done.returncode == 0, done.stderr
    runs = list((tmp_path / "runs" / "checkpoints").rglob("config.json"))
    assert runs and not list((tmp_path / "runs").rglob("checkpoint"))


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--datasets=atlantis", "atlantis"),
        ("--profile=huge", "value should be one of"),
        ("--paper=none", "none"),
        ("--models=asli-offical", "no run of these data sets is called asli-offical; there are asli, asli-paper"),
        ("--parts=table33", "no run of these data sets is called table33; there are figure2"),
    ],
)
def test_bad_flags_are_one_line(start, tmp_path, flag, message):
    done = start("experiments.reproduce", "--paper=asli", flag, "--plan")
    errors = done.stderr.splitlines()
    assert done.returncode == 2 and len(errors) == 1 and errors[0].startswith("error: ") and message in errors[0]


def test_a_report_without_records_leaves_the_old_one(start, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.md").write_text("full of numbers")
    for results in (tmp_path / "nowhere", tmp_path / "out"):
        done = start("experiments.report", "--paper=asli", f"--results={results}", f"--out={tmp_path / 'out'}")
        (error,) = done.stderr.splitlines()
        assert done.returncode == 2 and "no record of a run of asli" in error and "Traceback" not in done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.md"]


def test_two_logical_devices_train(start, tmp_path):
    done = start(
        "experiments.run",
        "--config=experiments/configs/asli.py:synthetic-demo",
        "--config.dataset_args.fraction=0.05",
        "--config.model.dim=8",
        "--config.model.max_length=12",
        "--config.train.max_epochs=1",
        "--config.train.groups=2",
        f"--workdir={tmp_path / 'run'}",
        "--strategy=mirrored",
        "--logical_cpus=2",
    )
    assert done.returncode == 0, done.stderr
    (record,) = run_record.find(tmp_path / "run" / "record", paper="asli")
    assert record.epochs == 1 and record.metrics["full"]["AUC"] > 0.4
