"""The audit of published tables: hand-made possible and impossible rows, and the ledger's verdicts on the papers."""

import math
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from experiments import papers
from experiments.audit import blocks, row_verdicts
from experiments.papers.consistency import checks
from experiments.papers.feasibility import contradictions, excess, feasible
from experiments.papers.schema import Cell, DataSet, Paper, Statistics
from experiments.reporting.collect import collect
from experiments.reporting.data_tables import statistics_blocks
from experiments.reporting.document import Bullets
from experiments.reporting.markdown import to_markdown

ROOT = Path(__file__).parents[1]


def row(**printed: str) -> dict[str, Cell]:
    return {name.replace("_", "@"): Cell(number) for name, number in printed.items()}


def test_an_unsolved_programme_is_no_verdict(monkeypatch):
    from experiments.papers import feasibility

    monkeypatch.setattr(feasibility, "linprog", lambda *_, **__: SimpleNamespace(status=4, message="trouble", fun=None))
    with pytest.raises(RuntimeError, match="was not solved: trouble"):
        feasible(row(HR_5="0.3000", NDCG_5="0.2000"))


def test_a_row_that_a_ranking_gives():
    """Of ten users, targets at ranks 1, 2, 4 and 20: NDCG@5 = (1 + 1/log2(3) + 1/log2(5)) / 10, MRR likewise."""
    ndcg = (1 + 1 / math.log2(3) + 1 / math.log2(5)) / 10
    found = row(HR_5="0.3000", NDCG_5=f"{ndcg:.4f}", HR_10="0.3000", NDCG_10=f"{ndcg:.4f}")
    assert feasible(found) and contradictions(found) == [] and excess(found) < 1e-7
    # The tail: seven users behind rank 10 in a list of 101 add 0.7/101 to 0.7/11. Other ranks with the same HR and NDCG
    # (0.147 at 1 and 0.153 at 5, say) move the head's MRR from 0.175 to 0.173..0.178.
    mrr = (1 + 1 / 2 + 1 / 4) / 10
    assert feasible(found | row(MRR=f"{mrr + 0.7 / 11:.4f}"), 101) and feasible(
        found | row(MRR=f"{mrr + 0.01:.4f}"), 101
    )
    assert not feasible(found | row(MRR=f"{mrr + 0.7 / 11 + 0.01:.4f}"), 101)
    assert not feasible(found | row(MRR=f"{mrr:.4f}"), 101) and feasible(found | row(MRR=f"{mrr:.4f}"))


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        # New hits at rank 6 at best: 0.1 / log2(7) = 0.0356, and rounding allows 0.0001 / log2(7) more.
        (dict(HR_5="0.5000", HR_10="0.6000", NDCG_5="0.4000", NDCG_10="0.4400"), "permits at most 0.0357 for NDCG@10"),
        # At rank 10 at worst: 0.1 / log2(11) = 0.0289, less rounding.
        (
            dict(HR_5="0.5000", HR_10="0.6000", NDCG_5="0.4000", NDCG_10="0.4200"),
            "requires at least 0.0289 for NDCG@10",
        ),
        # The first cut-off: all at rank 5 at worst, 0.5 / log2(6) = 0.1934; all at rank 1 at best.
        (dict(HR_5="0.5000", NDCG_5="0.1900"), "HR@5 = 0.5000 requires at least 0.1934 for NDCG@5, printed 0.1900"),
        (dict(HR_5="0.5000", NDCG_5="0.5100"), "permits at most 0.5001"),
        (dict(HR_5="0.5000", HR_10="0.4900", NDCG_5="0.4000", NDCG_10="0.4000"), "HR@10 - HR@5 = -0.0100: it cannot"),
    ],
)
def test_what_contradicts_what(printed, sentence):
    found = row(**printed)
    assert not feasible(found) and excess(found) > 1e-4
    assert any(sentence in text for text in contradictions(found)), contradictions(found)


def test_how_far_the_nearest_row_is():
    """HR 0.5 and NDCG 0.51, rounded to four digits: moving both by t, 0.51 - h - t = 0.5 + h + t, t = 0.005 - h."""
    assert excess(row(HR_5="0.5000", NDCG_5="0.5100")) == pytest.approx(0.005 - 0.00005, abs=1e-6)
    assert excess(row(HR_5="1.2")) == pytest.approx(0.2)


def test_rounding_is_allowed_for():
    """0.0794 / log2(7) is 0.02828; printed 0.0283 is that, rounded, and 0.029 is 0.0285 to 0.0295."""
    base = dict(HR_5="0.6000", HR_10="0.6794", NDCG_5="0.5000")
    assert feasible(row(**base, NDCG_10="0.5283")) and feasible(row(**base, NDCG_10="0.5284"))
    assert not feasible(row(**base, NDCG_10="0.5290")) and feasible(row(**base, NDCG_10="0.528"))


def impossible_rows(name: str) -> set[tuple[str, str]]:
    return {(v.dataset, v.row) for v in row_verdicts(papers.load(name)) if not v.possible}


def test_the_ledgers_verdicts():
    """LEDGER 0.2, row by row."""
    assert impossible_rows("asli") == impossible_rows("attrec") == impossible_rows("cafe") == set()
    assert impossible_rows("sine") == {("taobao", "Caser"), ("taobao", "SASRec"), ("amazon-books", "SASRec")}
    assert impossible_rows("sair") == {
        *(("ml-1m", "SASRec"), ("ml-1m", "Caser"), ("ml-1m", "SAIR")),
        *(("ml-20m", "Caser"), ("ml-20m", "LightSANs"), ("anime", "Caser")),
    }


def test_every_printed_row_is_there_once():
    counts = {name: len(row_verdicts(papers.load(name))) for name in papers.NAMES}
    # ASLI 5 x 3 + 5 x 2; SINE 6 x 3 + 6 + 3 x 2; SAIR 5 x 3; CAFE 10 x 2 + 6; AttRec 9 x 12 and (2 + 4) x 4 alone.
    assert {n: counts[n] for n in ("asli", "sine", "sair", "cafe", "attrec")} == {
        **{"asli": 25, "sine": 30, "sair": 15, "cafe": 26},
        "attrec": 132,
    }


def test_by_how_much():
    """LEDGER 0.2: SAIR's own row 0.0356 against 0.0283, 0.0125 against 0.0176; SINE's Caser 0.72 against 0.49."""
    (sair,) = [v.why for v in row_verdicts(papers.load("sair")) if (v.dataset, v.row) == ("ml-1m", "SAIR")]
    assert "HR@10 - HR@5 = 0.0794 permits at most 0.0285 for NDCG@10 - NDCG@5, printed 0.0356" in sair
    assert "HR@20 - HR@10 = 0.0773 requires at least 0.0176 for NDCG@20 - NDCG@10, printed 0.0125" in sair
    assert (0.0794 + 0.00015) / math.log2(7) == pytest.approx(0.0283, abs=1e-4)  # SAIR prints 0.754: a digit fewer
    (caser,) = [v.why for v in row_verdicts(papers.load("sine")) if (v.dataset, v.row) == ("taobao", "Caser")]
    assert "HR@100 - HR@50 = 2.79 permits at most 0.49 for NDCG@100 - NDCG@50, printed 0.72" in caser


def made_up(paper="nobody", repeats=False, name="shop", **printed: str) -> list:
    rows = tuple((key, key.replace("__", "."), {name: Cell(number)}) for key, number in printed.items())
    table = Statistics("t", "Table", "1", rows, (name,), 0.0, "")
    known = {name: DataSet(name, "Shop", name, published=True, repeats=repeats)}
    return checks(Paper(paper, "", "", known, (table,), (), (), ()), table)


def test_statistics_by_hand():
    """10 users, 20 items, 50 interactions: 5 a user, a quarter of the pairs."""
    counts = dict(users="10", items="20", interactions="50")
    good = made_up(**counts, mean_length="5.0", density="25%", mean_per_action__a="3.0", mean_per_action__b="2.0")
    assert [c.holds for c in good] == [True, True, True]
    bad = made_up(**counts, mean_length="4.55", density="24%", mean_per_action__a="4.40")
    assert [c.holds for c in bad] == [False, False, False]
    assert bad[0].text == "interactions / users = 5.000, printed 4.55; it agrees with one user more"
    assert "25.0%" in bad[1].text and "4.40" in bad[2].text
    assert not made_up(**counts, sparsity="0.76")[0].holds and made_up(**counts, sparsity="0.75")[0].holds


def test_pairs_may_be_fewer_than_events_where_items_repeat():
    counts = dict(users="10", items="20", interactions="50")
    assert made_up(**counts, density="20%", repeats=True)[0].holds
    assert not made_up(**counts, density="20%")[0].holds
    assert not made_up(**counts, density="30%", repeats=True)[0].holds


def test_a_stated_minimum_and_the_public_file():
    """AttRec keeps users of ten actions: 10 of them need 100. MovieLens-100K has 943 users."""
    few = made_up("attrec", name="amazon-garden", users="10", items="20", interactions="99")
    assert [c.holds for c in few] == [False] and "need 100, printed 99, 1 too few" in few[0].text
    assert made_up("attrec", name="amazon-garden", users="10", items="20", interactions="100")[0].holds
    one_more = made_up(name="ml-100k", users="944")
    assert [c.holds for c in one_more] == [False] and "public file has 943, 1 fewer" in one_more[0].text


def broken(name: str) -> list[str]:
    paper = papers.load(name)
    return [f"{c.dataset}: {c.text}" for table in paper.statistics for c in checks(paper, table) if not c.holds]


def test_the_ledgers_verdicts_on_statistics():
    asli = broken("asli")
    assert any(t.startswith("tmall: 569,658 items") and "2,848,290, printed 2,454,115" in t for t in asli)
    assert any(t.startswith("tmall_small: 47,759 items") and "955,180" in t for t in asli)
    assert sum("two actions a user more" in t for t in asli) == 2
    assert broken("cafe") == []
    attrec = broken("attrec")
    assert len(attrec) == 2 and "165.598, printed 165.57" in attrec[0] and "4.468%, printed 4.46%" in attrec[1]
    sair = "\n".join(broken("sair"))
    for text in (
        "6,041 users",
        "138,494 users",
        "26,745 items",
        "3,883 items",
        "1,000,038",
        "163.4",
        "95.58%",
        "96.51",
    ):
        assert text in sair
    assert len(broken("sine")) == 1 and "3,952 items" in broken("sine")[0]


def test_reports_say_what_does_not_agree(tmp_path):
    """The sentences stand under the table of statistics; a table without contradictions says so."""
    for name, wanted in (("asli", "2,848,290"), ("cafe", "The printed numbers agree with one another")):
        results = collect(papers.load(name), tmp_path, "paper")
        (table,) = results.paper.statistics
        bullets = [
            item for block in statistics_blocks(table, results) if isinstance(block, Bullets) for item in block.items
        ]
        assert any(wanted in item for item in bullets)


def test_every_paper_can_be_written_out():
    for name in papers.NAMES:
        text = to_markdown(tuple(blocks(papers.load(name))))
        assert "impossible as printed" in text and "relations do not hold" in text


def test_the_binary(tmp_path):
    run = lambda *flags: subprocess.run(  # noqa: E731
        [sys.executable, "-m", "experiments.audit", *flags], cwd=ROOT, capture_output=True, text=True, check=False
    )
    done = run("--paper=sine", f"--out={tmp_path / 'audit.md'}")
    assert done.returncode == 0 and "impossible" in done.stdout
    text = (tmp_path / "audit.md").read_text(encoding="utf-8")
    assert "permits at most 0.49" in text and "SAIR" not in text
    failed = run("--paper=sine", f"--out={tmp_path / 'nowhere' / 'audit.md'}")
    assert failed.returncode == 2 and failed.stderr.startswith("error: --out=") and failed.stderr.count("\n") == 1
