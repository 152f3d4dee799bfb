"""Evaluates the best weights of a run: python -m experiments.evaluate --workdir=runs/first --protocols=full,uniform100

Without --protocols, --part and --candidate_seed the numbers are those of the run's record.
"""

import json
from pathlib import Path

from absl import flags

from tf_utils import cli
from tf_utils.files import write_atomically

WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run (experiments.run --workdir).")
PROTOCOLS = flags.DEFINE_list("protocols", [], "Protocols, e.g. full,uniform100 (default: those of the run).")
PART = flags.DEFINE_enum("part", "test", ["test", "validation"], "Held-out part.")
CANDIDATE_SEED = flags.DEFINE_integer("candidate_seed", None, "Of sampled candidates (default: the run's).", 0)
OUT = flags.DEFINE_string("out", None, "Writes the metrics to this JSON file too.")
DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the raw data sets (default: $DATA_DIR).")
PRECISION = flags.DEFINE_enum(
    "precision", None, ["float32", "mixed_bfloat16"], "Keras dtype policy (default: that of the run)."
)


def main(argv) -> None:
    if WORKDIR.value is None:
        raise cli.UserError("--workdir is needed: the folder of a run of experiments.run")
    out = Path(OUT.value) if OUT.value else None
    if out is not None and not out.parent.is_dir():
        raise cli.UserError(f"{out.parent}: no such folder for --out; make it first")
    if out is not None and out.is_dir():
        raise cli.UserError(f"{out}: a folder; --out is a JSON file")
    from rich.console import Console

    from experiments import setup
    from experiments.inspection.evaluating import evaluate, table
    from experiments.inspection.loading import load_run, precision_of

    setup.devices("none", 0, PRECISION.value or precision_of(Path(WORKDIR.value)), False, 0)
    run = load_run(Path(WORKDIR.value), DATA_DIR.value)
    result = evaluate(run, PART.value, tuple(PROTOCOLS.value), CANDIDATE_SEED.value)
    if out is not None:
        write_atomically(out, json.dumps(result, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    Console().print(table(result, run.title))
    for note in result["data_notes"]:
        print(f"note: {note}")
    if out is not None:
        print(f"written to {out}")


if __name__ == "__main__":
    cli.run(main)
