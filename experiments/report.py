"""Writes the report of a paper from run records: `report.md` and one self-contained `report.html`.

    python -m experiments.report --paper=asli --results=experiments/results --out=experiments/results/asli

A pure function of the records: the same records give the same bytes. Any subset of them will do.
"""

from __future__ import annotations

from collections.abc import Sequence

from absl import flags

from experiments import papers
from experiments.papers.schema import PROFILES
from experiments.reporting.write import write
from tf_utils import cli
from tf_utils.run_record import find

FLAGS = flags.FLAGS
flags.DEFINE_enum("paper", None, papers.NAMES, "The paper to report on.")
flags.DEFINE_string("results", "experiments/results", "Folder of the run records.")
flags.DEFINE_string("out", None, "Folder to write report.md and report.html to.")
flags.DEFINE_enum("profile", "", ("", *PROFILES), "The records to use; empty: paper if there are any, else quick.")


def main(argv: Sequence[str]) -> None:
    del argv
    if not find(FLAGS.results, paper=FLAGS.paper):
        raise cli.UserError(
            f"--results={FLAGS.results}: no record of a run of {FLAGS.paper} in this folder; "
            f"make some with experiments.reproduce --paper={FLAGS.paper}, or name the folder that holds {FLAGS.paper}/"
        )
    for path in write(FLAGS.paper, FLAGS.results, FLAGS.out, FLAGS.profile):
        print(path)


if __name__ == "__main__":
    flags.mark_flags_as_required(["paper", "out"])
    cli.run(main)
