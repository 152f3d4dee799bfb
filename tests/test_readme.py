"""The README's headline numbers are those of committed run records."""

import re
from pathlib import Path

import numpy as np
import pytest

from tf_utils import run_record

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "experiments" / "results"


def rows():
    """(label, paper, dataset, model, variant, protocol, metric, printed number) of every number of the tables."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for block in re.findall(r"<!-- headline.*?-->\n(.*?)<!-- /headline -->", text, re.DOTALL):
        lines = [line for line in block.splitlines() if line.startswith("|")]
        header, _, *body = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        for cells in body:
            paper, dataset, model = re.search(r"`(\w+)/([\w-]+)/([\w-]+)`", cells[0]).groups()
            model, _, variant = model.partition("-")
            for name, cell in zip(header[1:], cells[1:], strict=True):
                number = re.match(r"\d?\.\d+", cell)
                if " " in name and number:
                    protocol, metric = name.split(" ")
                    yield cells[0], paper, dataset, model, variant or "paper", protocol, metric, number.group()


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: f"{row[0]}-{row[5]}-{row[6]}")
def test_number_is_the_mean_of_the_committed_records(row):
    _, paper, dataset, model, variant, protocol, metric, printed = row
    where = dict(paper=paper, dataset=dataset, model=model, variant=variant, profile="paper", sweep={})
    records = run_record.find(RESULTS, **where)
    assert records, f"no committed record for {row[0]}"
    mean = np.mean([record.metrics[protocol][metric] for record in records])
    assert abs(mean - float(printed)) <= 0.5 * 10.0 ** -len(printed.partition(".")[2]) + 1e-9


def test_there_is_a_headline():
    assert len(list(rows())) >= 4
