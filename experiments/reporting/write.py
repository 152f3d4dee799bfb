"""Collects, builds and writes a report."""

from __future__ import annotations

import os
from pathlib import Path

from experiments import papers
from experiments.reporting.build import build
from experiments.reporting.collect import collect
from experiments.reporting.html import to_html
from experiments.reporting.markdown import to_markdown
from tf_utils import cli


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
