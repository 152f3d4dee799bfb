"""Reproduces a paper: every run that its tables and figures need, then the report.

    python -m experiments.reproduce --paper=asli --profile=quick

A run whose record is already there, made with the same configuration from the same data, is not repeated; one that was
killed goes on from its last checkpoint. So the command may be stopped and started at will, and it may be started
several times at once: each run is made by one of the processes (with --threads=1, one process a core is faster than
one for all).
"""

from __future__ import annotations

import dataclasses
import functools
import gc
import importlib
import json
import os
import shutil
import time
from pathlib import Path

from absl import flags

from tf_utils import cli

PAPER = flags.DEFINE_string("paper", None, "Paper to reproduce: asli, attrec, sine, sair, cafe.")
PROFILE = flags.DEFINE_enum("profile", "quick", ["quick", "paper"], "quick: minutes, small widths, one seed.")
DATASETS = flags.DEFINE_list("datasets", None, "Data sets (default: what the profile can run with the data at hand).")
MODELS = flags.DEFINE_list("models", None, "Only these: models with all their variants, or model-variant (sine-paper).")
PARTS = flags.DEFINE_list("parts", None, "Only these tables and figures, e.g. table3,figure2.")
SEEDS = flags.DEFINE_integer("seeds", None, "At most so many seeds a run.", 1)
DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the raw data sets (default: $DATA_DIR).")
RUNS = flags.DEFINE_string("runs", "runs", "Folder for checkpoints and, by default, records and reports.")
RESULTS = flags.DEFINE_string("results", None, "Folder of the run records (default: <runs>/results).")
STRATEGY = flags.DEFINE_enum("strategy", "none", ["none", "mirrored"], "tf.distribute strategy.")
LOGICAL_CPUS = flags.DEFINE_integer("logical_cpus", 0, "Split the CPU into so many devices (to try --strategy).", 0, 64)
PRECISION = flags.DEFINE_enum("precision", "float32", ["float32", "mixed_bfloat16"], "Keras dtype policy.")
THREADS = flags.DEFINE_integer("threads", 0, "Intra-op threads; 0: one a core.", 0)
KEEP = flags.DEFINE_bool("keep_checkpoints", True, "Keep the checkpoints of finished runs.")
PLAN = flags.DEFINE_bool("plan", False, "Only print what would be run.")


@dataclasses.dataclass(frozen=True)
class Job:
    """One seed of one run, with its configuration."""

    run: object  # experiments.papers.schema.Run
    config: object
    profile: str

    @property
    def name(self) -> str:
        """Path of the job under the runs folder, like the record's path under the results."""
        run = self.run
        model = run.model + (f"-{run.variant}" if run.variant != "paper" else "")
        sweep = "".join(f"-{key}={value}" for key, value in run.sweep)
        return f"{run.paper}/{run.dataset}/{model}/{self.profile}-seed{self.config.train.seed}{sweep}"


def jobs(paper, profile: str, datasets: list[str], data_dir: str | None) -> list[Job]:
    """Every job of the paper on the data sets, in the order of the tables."""
    from data import catalog

    configs = importlib.import_module(f"experiments.configs.{paper.name}")
    found = []
    runs = paper.runs(profile, datasets)
    parts = _chosen("parts", PARTS.value, [set(run.purpose) for run in runs])
    wanted = _chosen("models", MODELS.value, [{run.model, f"{run.model}-{run.variant}"} for run in runs])
    for run, has_part, has_model in zip(runs, parts, wanted, strict=True):
        if not (has_part and has_model):
            continue
        generated = catalog.available(run.dataset, data_dir).generated
        if "n_categories" in dict(run.sweep) and not generated:
            continue  # only the generator can vary them
        for seed in run.seeds[: SEEDS.value]:
            config = configs.get_config(f"{run.dataset},{run.model},{run.variant}")
            config.train.seed = seed
            if generated:
                configs.stand_in(config)
            if profile == "quick":
                configs.quick(config)
            for key, value in (*run.sweep, *run.overrides):
                _set(config, key, value)
            found.append(Job(run, config, profile))
    return found


def _chosen(flag: str, asked: list[str] | None, names: list[set[str]]) -> list[bool]:
    """Whether each run, which goes by any of its `names`, is asked for."""
    known = set().union(*names)
    unknown = sorted(set(asked or ()) - known)
    if unknown:
        raise cli.UserError(
            f"--{flag}: no run of these data sets is called {', '.join(unknown)}; there are {', '.join(sorted(known))}"
        )
    return [not asked or bool(own & set(asked)) for own in names]


def _set(config, key: str, value) -> None:
    """A sweep's value goes where the configuration has its key: a dotted path, the model, else the data set."""
    key = {"n": "max_length"}.get(key, key)
    section = config.model if key in config.model else config.dataset_args
    if "." in key:
        name, key = key.split(".")
        section = config[name]
    section[key] = value


def main(argv) -> None:
    if not PAPER.value:
        raise cli.UserError("--paper is needed, e.g. --paper=asli")
    from experiments import console, defaults, papers, runner, setup
    from experiments.inspection.inspect_run import inspect_run
    from experiments.reporting.write import write
    from tf_utils import run_record
    from tf_utils.files import InUse, held, make_folder
    from tf_utils.keras_gate import tf

    try:
        paper = papers.load(PAPER.value)
    except (ImportError, ValueError, KeyError) as error:
        raise cli.UserError(str(error)) from None
    data_dir = DATA_DIR.value or os.environ.get("DATA_DIR")
    profile = PROFILE.value
    runs, results = Path(RUNS.value), Path(RESULTS.value or Path(RUNS.value) / "results")
    datasets = DATASETS.value or defaults.datasets(paper, profile, data_dir)
    try:
        todo = jobs(paper, profile, datasets, data_dir)
    except ValueError as error:
        raise cli.UserError(str(error)) from None
    strategy = setup.devices(STRATEGY.value, LOGICAL_CPUS.value, PRECISION.value, False, THREADS.value)
    setting = runner.conditions(strategy)
    left = [job for job in todo if not _finished(results, job, setting, data_dir)]
    console.plan(paper.title, profile, datasets, data_dir, todo, left)
    if PLAN.value:
        return
    make_folder(results)

    began, elsewhere = time.perf_counter(), []
    for number, job in enumerate(left, 1):
        workdir = runs / "checkpoints" / job.name
        title = f"[{number}/{len(left)}] {job.name.removeprefix(paper.name + '/')}"
        try:
            with held(workdir):
                if _finished(results, job, setting, data_dir):
                    continue  # another process was faster
                record = _execute(job, title, workdir, data_dir, strategy)
                path = run_record.path_for(workdir / "record", record)
                run_record.save(results, record, run_record.load_ranks(path), run_record.load_figures(path))
                if job.run.model == paper.name and not job.run.sweep and job.config.train.seed == 1:
                    inspect_run(workdir, data_dir=data_dir)  # attention maps for `make tensorboard`
                if not KEEP.value:
                    for folder in (workdir, workdir / runner.SELECTION):
                        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
        except InUse:
            elsewhere.append(title)
            continue
        console.finished(title, record, (time.perf_counter() - began) / number * (len(left) - number))
        tf.keras.backend.clear_session()
        gc.collect()
    if elsewhere:
        print(f"left to another process: {', '.join(elsewhere)}; its report will hold them")
        if len(elsewhere) == len(todo):
            return
    for path in write(paper.name, results, runs / "reports" / f"{paper.name}-{profile}", profile):
        print(path)


def _execute(job: Job, title: str, workdir: Path, data_dir: str | None, strategy):
    """The record of a job, with its progress on the console and in TensorBoard's files."""
    from experiments import console, runner, setup

    with console.progress(title, job.config.train.max_epochs, job.config.eval.select) as show:
        log = setup.scalars(workdir)

        def on_epoch(entry, _):
            show(entry)
            log(entry)

        return runner.execute(
            job.config, workdir, data_dir, strategy, on_epoch, profile=job.profile, sweep=dict(job.run.sweep)
        )


def _finished(results: Path, job: Job, setting: dict, data_dir: str | None) -> bool:
    """Whether there is a record of this job, with its configuration and `setting` (runner.conditions), made from the
    data at hand. Without the data a record counts: there is nothing to make it anew from."""
    from experiments import runner
    from experiments.identity import given, science
    from tf_utils import run_record

    run = job.run
    key = run_record.Key(
        *(run.paper, run.dataset, run.model, run.variant, job.profile, job.config.train.seed, dict(run.sweep))
    )
    path = run_record.path_for(results, key)
    if not path.exists():
        return False
    record = run_record.load(path)
    if {name: record.device[name] for name in runner.USUAL if name in record.device} != setting:
        return False
    if science(record.config) != science(json.loads(job.config.to_json_best_effort())):
        return False
    return _fingerprint(job.config.dataset, data_dir, **given(job.config.dataset_args)) in ("", record.data_fingerprint)


@functools.cache
def _fingerprint(dataset: str, data_dir: str | None, **arguments) -> str:
    """That of the data at hand, "" if there are none; a data set serves many runs."""
    from data import catalog

    return catalog.fingerprint_of(dataset, data_dir, **arguments)


if __name__ == "__main__":
    cli.run(main)
