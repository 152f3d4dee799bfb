"""Collects, builds and writes a report."""

from __future__ import annotations

from pathlib import Path

from experiments import papers
from experiments.reporting.build import build
from experiments.reporting.collect import collect
from experiments.reporting.html import to_html
from experiments.reporting.markdown import to_markdown
from tf_utils.files import make_folder, write_atomically


def write(paper: str, results: str | Path, out: str | Path, profile: str = "") -> tuple[Path, Path]:
    """Makes both files from the records under `results` and returns their paths; raises UserError for bad records."""
    document = build(collect(papers.load(paper), results, profile))
    folder = Path(out)
    make_folder(folder)
    texts = {folder / "report.md": to_markdown(document), folder / "report.html": to_html(document)}
    for path, text in texts.items():
        write_atomically(path, text)
    return tuple(texts)
