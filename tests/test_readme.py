"""The README's headline numbers are those of committed run records."""

import re
from pathlib import Path

import numpy as np
import pytest

from experiments import papers
from tf_utils import run_record

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "experiments" / "results"


def blocks():
    """Each table's rows: ((paper, dataset, model, variant), names of the columns, label and cells)."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for block in re.findall(r"<!-- headline.*?-->\n(.*?)<!-- /headline -->", text, re.DOTALL):
        lines = [line for line in block.splitlines() if line.startswith("|")]
        header, _, *body = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        found = []
        for cells in body:
            paper, dataset, model = re.search(r"`(\w+)/([\w-]+)/([\w-]+)`", cells[0]).groups()
            model, _, variant = model.partition("-")
            found.append(((paper, dataset, model, variant or "paper"), header[1:], cells))
        yield found


def rows():
    """(label, paper, dataset, model, variant, protocol, metric, printed number) of every number of the tables."""
    for block in blocks():
        for where, names, cells in block:
            for name, cell in zip(names, cells[1:], strict=True):
                number = re.match(r"\d?\.\d+", cell)
                if " " in name and number:
                    yield cells[0], *where, *name.split(" "), number.group()


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: f"{row[0]}-{row[5]}-{row[6]}")
def test_number_is_the_mean_of_the_committed_records(row):
    _, paper, dataset, model, variant, protocol, metric, printed = row
    where = dict(paper=paper, dataset=dataset, model=model, variant=variant, profile="paper", sweep={})
    records = run_record.find(RESULTS, **where)
    assert records, f"no committed record for {row[0]}"
    mean = np.mean([record.metrics[protocol][metric] for record in records])
    assert abs(mean - float(printed)) <= 0.5 * 10.0 ** -len(printed.partition(".")[2]) + 1e-9


def published():
    """(paper, dataset, model, metric, number) of the `published` column, whose numbers follow the columns before it."""
    for block in blocks():
        for (paper, dataset, model, _), names, cells in block:
            numbers = re.findall(r"\d?\.\d+", cells[-1])
            if names[-1] == "published" and re.match(r"\d[^a-z]*$", cells[-1]) and paper != "anchors":
                metrics = [name.split(" ")[1] for name in names if " " in name]
                for metric, number in zip(metrics, numbers, strict=False):
                    yield paper, dataset, model, metric, number


@pytest.mark.parametrize("case", list(published()), ids="-".join)
def test_published_number_is_the_papers(case):
    paper, dataset, model, metric, number = case
    tables = papers.load(paper).tables
    printed = {
        row.published[dataset][metric].value
        for table in tables
        for row in table.rows
        if row.model == model and metric in row.published.get(dataset, {})
    }
    assert float(number) in printed, f"{metric} of {model} on {dataset}: printed {sorted(printed)}"


def test_there_is_a_headline():
    assert len(list(rows())) >= 4
