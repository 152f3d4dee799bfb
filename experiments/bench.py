"""Speed as ratios of things timed in turn in this very run: python -m experiments.bench [--parts=step,pipeline]

Parts: gemm (matrix products), step (a training step against a naive tf-keras one), pipeline (batches and negatives),
ranking (evaluation against encoding and NumPy), growth (ASLI with n, d and N), models (what training each costs), sizes
(training at the papers' own sizes), lists (the best of a million items).
"""

import json
import os
import sys
import time
from pathlib import Path

from absl import flags
from rich.console import Console
from rich.table import Table

from tf_utils import cli
from tf_utils.files import write_atomically

PARTS = ("gemm", "step", "pipeline", "ranking", "growth", "models", "sizes", "lists")
_PARTS = flags.DEFINE_list("parts", list(PARTS), f"Parts to run, of {', '.join(PARTS)}.")
_JSON = flags.DEFINE_string("json", None, "File to write the ratios to as well.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the raw data sets (default: $DATA_DIR).")
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Pairs a comparison.", 1)
_CLOCK = flags.DEFINE_enum(
    "clock", "wall", ["wall", "cpu"], "cpu: CPU time with one thread, for a machine that is busy with other work."
)
_THREADS = flags.DEFINE_integer("threads", 0, "Intra-op threads; 0: one a core.", 0)

HOW_TO_READ = (
    "Every ratio is the median over pairs that were timed in turn (A B A B ...) in this run, with the lowest and the "
    "highest pair; times are not comparable between runs or machines, ratios are."
)


def chosen_parts(names: list[str]) -> list[str]:
    """The parts asked for, in the order of `PARTS`. Raises UserError for an unknown name or none."""
    unknown = [name for name in names if name not in PARTS]
    if unknown or not names:
        raise cli.UserError(
            f"--parts: {unknown[0] if unknown else 'none'!r} is not a part; choose of {', '.join(PARTS)}"
        )
    return [name for name in PARTS if name in names]


def measure(parts: list[str], settings, progress=lambda part: None) -> list:
    """The rows of the parts, in order."""
    from experiments.benchmarks import costs, feeding, gemm, growth, lists, ranking, sizes, steps

    modules = dict(zip(PARTS, (gemm, steps, feeding, ranking, growth, costs, sizes, lists), strict=True))
    rows = []
    for part in parts:
        progress(part)
        rows += modules[part].run(settings)
    return rows


def show(rows: list, console: Console) -> None:
    """Prints the table and, below it, the notes."""
    table = Table(title="Speed, as ratios", caption=HOW_TO_READ, caption_justify="left")
    for name, justify in (("part", "left"), ("ratio of", "left"), ("median", "right"), ("spread", "right")):
        table.add_column(name, justify=justify, overflow="fold")
    for name, justify in (("pairs", "right"), ("target", "right"), ("verdict", "left")):
        table.add_column(name, justify=justify)
    before, notes = "", []
    for row in rows:
        mark = ""
        if row.note:
            notes.append(row.note)
            mark = f" [{len(notes)}]"
        spread = f"{min(row.ratios):.3g} - {max(row.ratios):.3g}"
        target = "" if row.target is None else f"{'<=' if row.at_most else '>='} {row.target:.3g}"
        part = row.part if row.part != before else ""
        if part and before:
            table.add_section()
        cells = (part, row.name + mark, f"{row.median:.3g}", spread, str(len(row.ratios)), target, row.verdict)
        table.add_row(*(cell.replace("[", "\\[") for cell in cells))
        before = row.part
    console.print(table)
    for number, note in enumerate(notes, 1):
        console.print(f"[{number}] {note}", markup=False, highlight=False)


def check_writable(path: Path) -> None:
    """Raises UserError now rather than after minutes of measuring."""
    if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise cli.UserError(f"--json: {path} cannot be written; name a file in an existing, writable folder")


def main(argv) -> None:
    parts = chosen_parts(_PARTS.value)
    if _JSON.value:
        check_writable(Path(_JSON.value))
    from experiments import setup
    from experiments.benchmarks.settings import Settings
    from tf_utils import run_record
    from tf_utils.keras_gate import tf

    threads = 1 if _CLOCK.value == "cpu" else _THREADS.value
    setup.devices("none", 0, "float32", False, threads)
    tf.keras.utils.set_random_seed(1)
    settings = Settings(
        rounds=_ROUNDS.value,
        growth_rounds=min(_ROUNDS.value, 3),
        clock=time.process_time if _CLOCK.value == "cpu" else time.perf_counter,
        data_dir=_DATA_DIR.value,
    )
    rows = measure(parts, settings, lambda part: print(f"measuring: {part}", file=sys.stderr, flush=True))
    show(rows, Console())
    if _JSON.value:
        environment = run_record.environment([gpu.name for gpu in tf.config.list_physical_devices("GPU")])
        record = environment | {"threads": threads, "clock": _CLOCK.value, "how_to_read": HOW_TO_READ}
        record["rows"] = [row.to_json() for row in rows]
        write_atomically(Path(_JSON.value), json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    cli.run(main)
