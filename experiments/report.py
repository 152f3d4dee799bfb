"""Writes the report of a paper from run records: `report.md` and one self-contained `report.html`.

    python -m experiments.report --paper=asli --results=experiments/results --out=experiments/results/asli

A pure function of the records: the same records give the same bytes. Any subset of them will do, none too.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from experiments import papers
from experiments.papers.schema import PROFILES
from experiments.reporting.build import build
from experiments.reporting.collect import collect
from experiments.reporting.html import to_html
from experiments.reporting.markdown import to_markdown
from tf_utils import cli

FLAGS = flags.FLAGS
flags.DEFINE_enum("paper", None, papers.NAMES, "The paper to report on.")
flags.DEFINE_string("results", "experiments/results", "Folder of the run records.")
flags.DEFINE_string("out", None, "Folder to write report.md and report.html to.")
flags.DEFINE_enum("profile", "", ("", *PROFILES), "The records to use; empty: paper if there are any, else quick.")


def write(paper: str, results: str | Path, out: str | Path, profile: str = "") -> tuple[Path, Path]:
    """Makes both files from the records under `results` and returns their paths; raises UserError for bad records."""
    document = build(collect(papers.load(paper), results, profile))
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise cli.UserError(f"--out={folder}: a file is in the way; choose another folder") from error
    written = []
    for name, text in (("report.md", to_markdown(document)), ("report.html", to_html(document))):
        target, temporary = folder / name, folder / f".{name}.{os.getpid()}"
        try:
            temporary.write_text(text, encoding="utf-8")
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
        written.append(target)
    return tuple(written)


def main(argv: Sequence[str]) -> None:
    del argv
    for path in write(FLAGS.paper, FLAGS.results, FLAGS.out, FLAGS.profile):
        print(path)


if __name__ == "__main__":
    flags.mark_flags_as_required(["paper", "out"])
    cli.run(main)
