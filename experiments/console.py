"""What a person sees in the terminal: a progress bar an epoch at a time, and a table of metrics in the end."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

COUNTED = ("pop", "item_knn", "history", "id_distance", "intent_pop")  # fitted in a moment
METRICS = ("HR@5", "NDCG@5", "HR@10", "NDCG@10", "MRR", "AUC")


@contextlib.contextmanager
def progress(title: str, epochs: int, select: str) -> Iterator[Callable[[dict], None]]:
    """Shows epochs as they end; yields a function of an epoch's entry (runner.execute). Without a terminal: a line a
    validation, and a line an epoch of a refit."""
    protocol, metric = select.split("/")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    columns += (TextColumn("{task.fields[note]}"),)
    with Progress(*columns, disable=not sys.stderr.isatty(), console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=epochs, note="")

        def show(entry: dict) -> None:
            note = f"loss {entry['loss']:.4f}"
            if "validation" in entry:
                note += f"  {select} {entry['validation'][protocol][metric]:.4f}"
            total, name = (entry["refit"], f"{title}, refit") if "refit" in entry else (epochs, title)
            if bar.disable and ("validation" in entry or "refit" in entry):
                line = f"{name}: epoch {entry['epoch']}/{total}  {entry['seconds']:.0f} s  {note}"
                print(line, file=sys.stderr, flush=True)
            bar.update(task, description=name, total=total, completed=entry["epoch"], note=note)

        yield show


def metrics_table(record) -> None:
    """Prints the test metrics of a run record, a row a protocol."""
    title = f"{record.model} on {record.dataset}: test, {record.n_users} users"
    table = Table(title=title, caption=f"best epoch {record.best_epoch}, stopped by {record.stopped_by}")
    table.add_column("protocol")
    for name in METRICS:
        table.add_column(name, justify="right")
    for protocol, values in record.metrics.items():
        table.add_row(protocol, *(f"{values[name]:.4f}" for name in METRICS))
    Console().print(table)
    for note in record.data_notes:
        print(f"note: {note}")


def plan(title: str, profile: str, datasets: list[str], data_dir: str | None, todo: list, left: list) -> None:
    """Says what will be run on which data, before anything runs."""
    from data import catalog

    print(f"{title}\nprofile {profile}: {len(todo)} runs, {len(todo) - len(left)} of them done")
    for name in datasets:
        print(f"  {name}: {catalog.available(name, data_dir).text}")
    if left:
        trained = [job.config.train for job in left if job.run.model not in COUNTED]
        timed = [train.budget_minutes for train in trained if train.budget_minutes]
        counts = Counter(job.run.model + ("" if job.run.variant == "paper" else f"-{job.run.variant}") for job in left)
        print("  to run: " + ", ".join(f"{model} x {count}" for model, count in counts.items()))
        if timed:
            refit = ", as long again where refitted" if any(train.get("refit") for train in trained) else ""
            limit = _spell(60 * sum(timed))
            print(f"  {len(timed)} train for at most {limit} in all{refit}; early stopping may end them before")
        if len(timed) < len(trained):
            print(f"  {len(trained) - len(timed)} have no limit in time: patience or their last epoch ends them")


def _spell(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 60 else f"{seconds:.0f} seconds"


def finished(title: str, record, left: float) -> None:
    """One line for a finished run, with the expected time that is left, in seconds."""
    protocol, metric = record.config["eval"]["select"].split("/")
    value = record.metrics[protocol][metric]
    print(
        f"{title}: test {protocol}/{metric} {value:.4f}, {record.epochs} epochs ({record.stopped_by}), "
        f"about {left / 60:.0f} min left",
        file=sys.stderr,
        flush=True,
    )
