"""The numbers of the README and of the findings are those of committed run records."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from experiments import papers
from tf_utils import run_record

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "experiments" / "results"
README, FINDINGS = ROOT / "README.md", RESULTS / "README.md"


def blocks(page):
    """Each table's rows: ((paper, dataset, model, variant), names of the columns, cells)."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"<!-- headline.*?-->\n(.*?)<!-- /headline -->", text, re.DOTALL):
        lines = [line for line in block.splitlines() if line.startswith("|")]
        header, _, *body = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        yield [(where(cells[0]), header, cells) for cells in body]


def where(cell):
    """(paper, dataset, model, variant) of the record that a cell names."""
    paper, dataset, model = re.search(r"`([\w-]+)/([\w-]+)/([\w-]+)`", cell).groups()
    model, _, variant = model.partition("-")
    return paper, dataset, model, variant or "paper"


def overview():
    """The README's rows by the names of their columns."""
    for block in blocks(README):
        for _, header, cells in block:
            yield dict(zip(header, cells, strict=True))


def rows():
    """(label, paper, dataset, model, variant, protocol, metric, printed number) of every number of the tables."""
    for row in overview():
        for named, cell in ((row["run"], row["here"]), (row["strongest rival here"],) * 2):
            if "0." in cell:
                yield row["run"], *where(named), *row["metric"].split(" "), re.match(r"0?\.\d+", cell).group()
    for block in blocks(FINDINGS):
        for run, names, cells in block:
            for name, cell in zip(names, cells, strict=True):
                number = re.match(r"\d?\.\d+", cell)
                if " " in name and number:
                    yield cells[0], *run, *name.split(" "), number.group()


@cache
def committed():
    """{(paper, dataset, model, variant): the plain runs of the paper profile}."""
    found = {}
    for r in run_record.find(RESULTS, profile="paper", sweep={}):
        found.setdefault((r.paper, r.dataset, r.model, r.variant), []).append(r)
    return found


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: f"{row[0]}-{row[5]}-{row[6]}")
def test_number_is_the_mean_of_the_committed_records(row):
    _, paper, dataset, model, variant, protocol, metric, printed = row
    records = committed().get((paper, dataset, model, variant))
    assert records, f"no committed record for {row[0]}"
    mean = np.mean([record.metrics[protocol][metric] for record in records])
    assert abs(mean - float(printed)) <= 0.5 * 10.0 ** -len(printed.partition(".")[2]) + 1e-9


def published():
    """(paper, dataset, model, metric, number) of what the tables say is published for the row's own data."""
    for row in overview():
        paper, dataset, model, _ = where(row["run"])
        if re.fullmatch(r"0?\.\d+", row["published"]) and paper != "anchors":
            yield paper, dataset, model, row["metric"].split(" ")[1], row["published"]
    for block in blocks(FINDINGS):  # numbers of the last column follow the columns before it
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


@pytest.mark.parametrize(
    "row", [row for row in overview() if "`" in row["strongest rival here"]], ids=lambda row: row["run"]
)
def test_strongest_rival_is_the_strongest(row):
    paper, dataset, own, _ = where(row["run"])
    protocol, metric = row["metric"].split(" ")
    means = {}
    for run, records in committed().items():
        found = [record.metrics[protocol][metric] for record in records if protocol in record.metrics]
        if run[:2] == (paper, dataset) and run[2] != own and found:
            means[run[2:]] = np.mean(found)
    assert max(means, key=means.get) == where(row["strongest rival here"])[2:], means


def test_there_is_a_headline():
    assert len(list(overview())) >= 4
