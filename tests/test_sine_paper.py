"""SINE's tables as printed, the runs they ask for, and the report from any subset of records."""

from functools import partial

import numpy as np
import pytest

from experiments.papers import sine_published as published
from experiments.papers.feasibility import feasible
from experiments.papers.schema import Cell, Key, sweep_of
from experiments.papers.sine import PAPER
from experiments.papers.sine_published import CASER, SASREC, SINE
from experiments.reporting.collect import collect
from experiments.reporting.fit import fit_notes
from experiments.reporting.verdicts import contests, impossible, number_verdict, printed_counts
from tests import report_records
from tests.test_report import Checker

REAL = {"users": 6040, "items": 3706, "interactions": 1000209, "mean_length": 165.6}
FACTS = {
    "recent.users": np.arange(1, 201),
    "recent.similar": np.repeat(np.array([12, 0], np.int16), 100),
    "recent.categories": np.full(200, 6, np.int16),
    "recent.events": np.full(200, 50, np.int16),
}
CONCEPTS = {
    "NMI, leaf": np.array(0.42),
    "concepts.ids": np.array([7, 3]),
    "concepts.sizes": np.array([120, 80]),
    "concepts.items": np.array([["Alien", "Brazil"], ["Casino", "Dune"]]),
    "concepts.categories": np.array([["Horror", "Comedy"], ["Crime", ""]]),
    "concepts.cosines": np.array([[0.9, 0.8], [0.7, 0.6]]),
}


def save(root, dataset, model, hit=0.5, seen=None, **changes):
    """A record with HR@k = NDCG@k = hit under full, and `seen` under full_with_seen."""
    ranks = {"full": report_records.ranks_for(hit, candidates=1000)}
    if seen is not None:
        ranks["full_with_seen"] = report_records.ranks_for(seen, candidates=1000)
    return report_records.save(root, dataset, model, paper="sine", ranks=ranks, **changes)


report, section = partial(report_records.report, PAPER), report_records.section


printed = partial(report_records.printed, PAPER)


def test_another_form_of_sine_is_no_rival_of_it(tmp_path):
    for model, variant, hit in (("sine", "paper", 0.5), ("sine", "official", 0.8), ("sasrec", "sine_protocol", 0.4)):
        save(tmp_path, "ml-1m", model, hit, variant=variant)
    save(tmp_path, "ml-1m", "sasrec", 0.6)  # ours, and stronger than any that the paper has
    found = contests(PAPER.table("table1"), collect(PAPER, tmp_path, "paper"), ["ml-1m"])
    assert {contest.rival for contest in found} == {"SASRec", "SASRec, its own form"}


def test_printed_numbers_copied_by_hand():
    assert printed("table1", "SINE", "ml-1m", "HR@10") == "16.34"
    assert printed("table1", "SINE", "ml-1m", "NDCG@50") == "13.50"
    assert printed("table1", "SASRec", "ml-1m", "HR@50") == "46.01"
    assert printed("table1", "GRU4Rec", "ml-1m", "NDCG@10") == "5.66"
    assert printed("table1-shops", "MIND", "amazon-books", "HR@50") == "3.85"
    assert printed("table1-shops", "Caser", "amazon-books", "NDCG@100") == "1.03"
    assert printed("table1-shops", "SASRec", "taobao", "NDCG@50") == "5.64"
    assert printed("table1-shops", "MCPRN", "taobao", "HR@100") == "16.43"
    assert printed("table1-shops", "SINE", "taobao", "NDCG@100") == "10.89"
    assert printed("table4", "GRU4Rec", "synthetic-ularge", "HR@500") == "33.35"
    assert printed("table4", "MIND", "synthetic-ularge", "HR@50") == "9.13"
    assert printed("table5", "SINE", "synthetic-ularge", "NMI, level 2") == "0.37"
    assert printed("table6", "SINE-cate", "taobao", "HR@50") == "12.45"
    assert printed("table6", "SINE-label", "synthetic-ularge", "HR@100") == "20.33"
    users, items, events = (cells for _, _, cells in published.TABLE_2)
    assert users["taobao"].value == 987994 and items["ml-1m"].value == 3952 and events["amazon-books"].value == 22507155


def test_sums_of_columns_by_hand():
    """Of the six HR@10 on MovieLens, SINE's twelve numbers, and Table 4's HR@50."""
    own = published.TABLE_1
    assert sum(row["ml-1m"]["HR@10"].value for row in own.values()) == pytest.approx(0.9517)
    assert sum(c.value for cells in own[SINE].values() for c in cells.values()) == pytest.approx(1.5664)
    assert sum(cells["synthetic-ularge"]["HR@50"].value for cells in published.TABLE_4.values()) == pytest.approx(
        0.5029
    )


def test_the_same_run_is_printed_alike_in_tables_1_4_and_6():
    for name, table in (("taobao", published.TABLE_1), ("synthetic-ularge", published.TABLE_4)):
        for metric in ("HR@50", "HR@100"):
            assert published.TABLE_6[SINE][name][metric] == table[SINE][name][metric]


def test_percentages_without_a_sign():
    cell = Cell("16.34", hundredths=True)
    assert cell.value == pytest.approx(0.1634) and cell.half_unit == pytest.approx(0.00005)
    # A tenth of 0.1634 is 0.0163; the rounding, 0.00005, is granted on top.
    verdicts = [number_verdict(x, cell, 0.1, relative=True) for x in (0.1472, 0.1470, 0.1797, 0.1799)]
    assert verdicts == ["within", "below", "within", "above"]


def test_rows_that_no_ranking_can_have():
    """LEDGER 0.2: Caser's and SASRec's on Taobao, and SASRec's on Amazon. SASRec on Taobao: NDCG rises by 0.74 from
    50 to 100, but 2.37 points of new hits bring at most 2.37 / log2(52) = 0.42."""
    items = printed_counts(PAPER, "items")
    found = {
        (row.label, name)
        for table in PAPER.tables
        for row in table.printed_rows()
        for name in impossible(row, table.protocol, items)
    }
    assert found == {("Caser", "taobao"), ("SASRec", "taobao"), ("SASRec", "amazon-books")}
    assert (15.73 - 13.36) / np.log2(52) == pytest.approx(0.416, abs=1e-3)
    assert feasible(published.TABLE_1[CASER]["ml-1m"], 3952)


def test_movielens_hit_ratios_that_are_no_share_of_its_users(tmp_path):
    """987 of 6,040 users are 16.341, so SINE's 16.34 is one; 1,047 are 17.334 and 1,048 are 17.351: not 17.34."""
    assert "MovieLens-1M, SASRec 17.34" in report(tmp_path)[0] and 1047 / 6040 < 0.17335 < 0.17345 < 1048 / 6040
    assert "MovieLens-1M, SINE 16.34" not in report(tmp_path)[0]


def test_seeds_of_the_runs():
    runs = {
        (r.dataset, r.model, r.variant, r.sweep): len(r.seeds)
        for r in PAPER.runs("paper", ["ml-1m", "taobao_favourites", "synthetic-ularge"])
    }
    assert runs["ml-1m", "sine", "paper", ()] == runs["ml-1m", "sasrec", "sine_protocol", ()] == 3
    assert runs["ml-1m", "mind", "paper", ()] == runs["ml-1m", "sasrec", "paper", ()] == 1
    assert runs["ml-1m", "sine", "official", ()] == runs["ml-1m", "sine", "paper", sweep_of(agg="mlp")] == 1
    assert runs["taobao_favourites", "sine", "sine_cate", ()] == 3
    assert runs["taobao_favourites", "pop", "paper", ()] == 1
    assert runs["synthetic-ularge", "sine", "sine_label", ()] == 1
    assert ("ml-1m", "history", "paper", ()) not in runs


def test_sweeps_share_the_plain_run():
    """K in {4, 8, 12, 16}, L in {50, ..., 5000}, lambda 0 to 1: the plain run is one point of each."""
    runs = [r for r in PAPER.runs("paper", ["taobao_favourites"]) if r.model == "sine" and r.variant == "paper"]
    count = {id: sum(id in r.purpose for r in runs) for id in ("figure4k", "figure4l", "lambda", "figure1")}
    assert count == {"figure4k": 4, "figure4l": 6, "lambda": 11, "figure1": 1}
    (plain,) = [r for r in runs if not r.sweep]
    assert {"table1-shops", "table6", "figure4k", "figure4l", "lambda", "figure3"} <= set(plain.purpose)
    assert PAPER.canonical("ml-1m", Key("sine", "paper", sweep_of(concepts=1000))) != ()


def test_protocol_of_every_model():
    """Section 4.1 and Table 3: batch 128, D 128, n 20, negatives 5 and 10, K and L."""
    from experiments.configs.sine import get_config

    for run in PAPER.runs("paper", ["ml-1m", "taobao_favourites", "synthetic-ularge"]):
        config = get_config(f"{run.dataset},{run.model},{run.variant}")
        assert config.train.batch_size == 128 and config.train.learning_rate == 1e-3
        assert config.eval.select == "full/HR@50" and "full_with_seen" in config.eval.protocols
        assert config.train.budget_minutes == 0
        if (run.model, run.variant) == ("sasrec", "paper"):
            assert config.model.loss == "bce"
        elif "dim" in config.model:
            assert (config.model.dim, config.model.max_length, config.train.beta_2) == (128, 20, 0.999)
            if run.variant != "official":
                assert config.model.negatives == (5 if run.dataset == "ml-1m" else 10)
        if run.model == "sine" and run.variant != "official":
            sizes = published.TABLE_3[PAPER.datasets[run.dataset].beside]
            assert (config.model.intents, config.model.concepts) == sizes
            assert config.model.temperature == 0.1
        if (run.model, run.variant) == ("sine", "paper"):
            assert config.model.reg_weight == 0.5


def test_generated_data_is_cut_to_size_and_quick_is_small():
    from experiments.configs import sine as configs

    config = configs.get_config("synthetic-ularge,sine")
    configs.stand_in(config)
    assert config.dataset_args.n_items == 20_000 and config.model.concepts == 1000
    configs.quick(config)
    assert config.dataset_args.n_items == 2_000 and config.model.dim == 32 and config.model.concepts == 50
    other = configs.get_config("taobao_favourites,pop")
    configs.stand_in(other)
    assert other.dataset_args.fraction is None


def test_what_runs_keep():
    from experiments.configs.sine import get_config

    assert get_config("ml-1m,sine").eval.keep == ("concepts",)
    assert get_config("ml-1m,sine,official").eval.keep == ("concepts",)
    assert get_config("ml-1m,sasrec,sine_protocol").eval.keep == ("recent",)
    assert "keep" not in get_config("ml-1m,sine,sine_cate").eval and "keep" not in get_config("ml-1m,mind").eval


def test_numbers_stand_beside_the_published_ones_under_both_protocols(tmp_path):
    for seed, hit in ((1, 0.16), (2, 0.17)):
        save(tmp_path, "ml-1m", "sine", hit, hit - 0.05, seed=seed, statistics=REAL)
    text, _ = report(tmp_path)
    part = section(text, "Table 1: recommendation performance, MovieLens")
    line = "| SINE | 16.34 | 16.50 ± 0.71 (2) | +0.16 | within | 11.50 ± 0.71 (2) | -4.84 | below |"
    assert line in part
    # HR@10: 16.5 / 16.34 = 1.01; NDCG@10: 16.5 / 7.06 = 2.34; 16.5 / 45.79 = 0.36; 16.5 / 13.50 = 1.22.
    assert "SINE, ours over published, HR@10, NDCG@10, HR@50, NDCG@50: full: 1.01, 2.34, 0.36, 1.22" in part
    assert "| # items | 3,952 * | 3,706 | -6.2% | below |" in text


def test_which_protocol_fits(tmp_path):
    """SINE alone has numbers: the mean over its four metrics of |ours / published - 1|, ours 16.5 and 14.5."""
    save(tmp_path, "ml-1m", "sine", 0.165, 0.145, n=200, statistics=REAL)
    (fit, _) = fit_notes(PAPER.table("table1"), collect(PAPER, tmp_path, "paper"))
    cells = [16.34, 7.06, 45.79, 13.50]
    means = {p: 100 * np.mean([abs(x / c - 1) for c in cells]) for p, x in (("full", 16.5), ("full_with_seen", 14.5))}
    assert f"{means['full']:.1f}% under full, {means['full_with_seen']:.1f}% under full_with_seen" in fit
    assert fit.endswith("full_with_seen is nearer.")
    save(tmp_path / "half", "ml-1m", "sine", 0.165, statistics=REAL)
    assert fit_notes(PAPER.table("table1"), collect(PAPER, tmp_path / "half", "paper")) == []


def test_stand_ins_stand_beside_the_published_column(tmp_path):
    save(tmp_path, "taobao_favourites", "caser", 0.1, 0.09, variant="sine_protocol")
    text, _ = report(tmp_path)
    part = section(text, "Table 1: recommendation performance, Amazon and Taobao")
    assert "published, Taobao (other data)" in part and "| Caser | 10.00 (1) | 10.00 (1) |" in part
    assert "ours, Taobao favourites, full_with_seen" in part


def test_rows_under_another_variant_are_listed_as_published(tmp_path):
    """SASRec and Caser run as `sine_protocol`; the printed table must not lose them."""
    text, _ = report(tmp_path)
    part = section(text, "Table 1: recommendation performance, MovieLens")
    assert all(f"| {label} |" in part for label in ("GRU4Rec", "Caser", "SASRec", "MIND", "MCPRN", "SINE"))
    assert "released code's form | 16.34" not in part
    assert "| SINE-label | 10.09 | 20.33 |" in section(text, "Table 6: ablation")
    assert "SASRec as published is arithmetically impossible on Amazon Books, Taobao" in text


def test_nmi_comes_from_the_kept_arrays(tmp_path):
    levels = {"NMI, level 1": np.array(0.1), "NMI, level 2": np.array(0.3), "NMI, leaf": np.array(0.2)}
    for seed, add in ((1, 0.0), (2, 0.02)):
        figures = {name: value + add for name, value in levels.items()}
        save(tmp_path, "s3rec-beauty", "sine", seed=seed, figures=figures)
    save(tmp_path, "ml-1m", "sine", figures=CONCEPTS, statistics=REAL)
    text, _ = report(tmp_path)
    part = section(text, "Table 5: NMI")
    assert "| SINE | 0.1100 ± 0.0141 (2) | 0.3100 ± 0.0141 (2) | 0.2100 ± 0.0141 (2) |" in part
    assert "| SINE | 0.4200 (1) |" in part  # MovieLens has no levels
    assert "| SINE | 0.09 | 0.37 | 0.29 | no record; never published" in part


def test_hits_are_drawn(tmp_path):
    save(tmp_path, "taobao_favourites", "sasrec", 0.25, variant="sine_protocol", figures=FACTS)
    save(tmp_path, "taobao_favourites", "sine", 0.5)
    text, html = report(tmp_path)
    part = section(text, "Figure 1")
    # HR@100 is 1 for all: the fabricated misses stand at rank 51.
    assert "| SASRec | 1.0000 | 1.0000 | 1.0000 | - | - | - | - | 1.0000 | - | 6.00 | - |" in part
    assert "| SINE | 1.0000 | 1.0000 |" in part
    assert "| users | 100 | 100 | 100 | 0 | 0 | 0 | 0 | 100 | 0 | - | - |" in part
    assert "mean 6.0, median 6 (of 50.0 events on average)" in part
    drawn = html[html.index('id="figure1"') : html.index('id="figure3"')]
    assert drawn.count("<svg") == 1 and report(tmp_path)[1] == html


def test_concepts_are_shown(tmp_path):
    save(tmp_path, "ml-1m", "sine", figures=CONCEPTS, statistics=REAL)
    save(tmp_path, "taobao_favourites", "sine")
    text, _ = report(tmp_path)
    part = section(text, "Figure 3")
    assert "| 7 | 120 | Alien [Horror] | Brazil [Comedy] | 0.90 to 0.80 |" in part
    assert "| 3 | 80 | Casino [Crime] | Dune [-] | 0.70 to 0.60 |" in part
    assert "Taobao favourites: the runs kept no array `concepts.items`" in part


def test_deviations_stand_side_by_side(tmp_path):
    for changes, hit in (({}, 0.16), ({"variant": "official"}, 0.14), ({"sweep": {"agg": "mlp"}}, 0.2)):
        save(tmp_path, "ml-1m", "sine", hit, hit, statistics=REAL, **changes)
    part = section(report(tmp_path)[0], "SINE's forms side by side")
    assert "| SINE, the equations | 16.00 (1) |" in part and "released code's form | 14.00 (1) |" in part
    assert "| interests aggregated by a dense layer, no tau (code, S9) | 20.00 (1) |" in part


def test_html_of_partial_records_is_well_formed(tmp_path):
    save(tmp_path, "ml-1m", "sine", 0.2, 0.1, statistics=REAL, figures=CONCEPTS | FACTS)
    save(tmp_path, "taobao_favourites", "sine", sweep={"concepts": 50})
    save(tmp_path, "taobao_favourites", "sine", sweep={"intents": 4})
    save(tmp_path, "synthetic-ularge", "mind", synthetic=True, stand_in_for="ULarge")
    text, html = report(tmp_path)
    checker = Checker()
    checker.feed(html)
    assert checker.open == [] and checker.outside == []
    assert "SYNTHETIC" in text


@pytest.mark.parametrize("profile", ["quick", "paper"])
def test_without_records(tmp_path, profile):
    text, _ = report(tmp_path, profile)
    assert "make reproduce-sine" in text and "45.79" in text and "K = 8, L = 1,000" in text


def test_labels_of_models():
    results = collect(PAPER, "none", "paper")
    assert results.label(SASREC, "table1") == "SASRec" and results.label(SINE, "table6") == "SINE"
