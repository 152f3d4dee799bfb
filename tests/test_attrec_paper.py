"""AttRec's tables as printed, the runs they ask for, and the report from any subset of records."""

from functools import partial

import numpy as np
import pytest

from experiments.papers import attrec_published as published
from experiments.papers.attrec import PAPER
from experiments.papers.feasibility import feasible, share
from experiments.papers.schema import Cell, Key, sweep_of
from experiments.reporting.verdicts import averaged, printed_counts
from tests import report_records
from tests.test_report import Checker

REAL = {"users": 943, "items": 1682, "interactions": 100000, "mean_length": 106.045, "density_user_item": 0.063047}


def save(root, dataset, model, hit=0.5, **changes):
    """A record with HR@50 = hit under full ranking."""
    ranks = {"full": report_records.ranks_for(hit, candidates=1000)}
    return report_records.save(root, dataset, model, paper="attrec", ranks=ranks, **changes)


report = partial(report_records.report, PAPER)


def printed(table: str, label: str, dataset: str, metric: str = "HR@50") -> str:
    return report_records.printed(PAPER, table, label, dataset, metric)


def test_printed_numbers_copied_by_hand():
    assert printed("table2", "BPRMF", "ml-100k") == "0.3754"
    assert printed("table2", "AttRec", "movietweetings", "MRR") == "0.0811"
    assert printed("table2", "Caser", "amazon-garden") == "0.1632"
    assert printed("table2", "PRME", "lastfm-hetrec", "MRR") == "0.1276"
    assert printed("table2", "LSTM+", "lastfm-hetrec") == "0.0914"
    assert printed("table2", "TransRec", "amazon-instant-video") == "0.2570"
    assert printed("table2", "MC", "amazon-health", "MRR") == "0.0245"
    assert printed("table3", "w/o Self-Att", "ml-1m") == "0.5045"
    assert printed("table4", "Min", "amazon-digital-music") == "0.1548"
    assert PAPER.figure("table5").lines[1].printed["amazon-garden"].printed == "0.120"


def test_sums_of_columns_by_hand():
    """Of nine HR@50 on MovieLens-100K, twelve of AttRec's, and twelve of its MRR, added up from the pages."""
    rows = published.TABLE_2
    assert sum(row["ml-100k"]["HR@50"].value for row in rows.values()) == pytest.approx(4.1325)
    assert sum(cells["HR@50"].value for cells in rows["attrec"].values()) == pytest.approx(3.4783)
    assert sum(cells["MRR"].value for cells in rows["attrec"].values()) == pytest.approx(0.7764)


def test_the_same_run_is_printed_alike_in_tables_2_3_and_4():
    for name in published.FOUR:
        own = published.TABLE_2["attrec"][name]["HR@50"]
        assert published.TABLE_3["attention"][name]["HR@50"] == published.TABLE_4["mean"][name]["HR@50"] == own


def test_percentages_and_thousands():
    assert Cell("6.30%").value == pytest.approx(0.063) and Cell("6.30%").half_unit == pytest.approx(0.00005)
    assert Cell("1,000,209").value == 1000209 and Cell("1,000,209").half_unit == 0.5


def test_table_1_is_consistent_but_for_movielens_1m():
    """Density = interactions / (users * items), actions a user = interactions / users, to the printed rounding."""
    rows = {key: cells for _, key, cells in published.TABLE_1}
    wrong = set()
    for name in published.DATASETS:
        users, items, events = (rows[key][name].value for key in ("users", "items", "interactions"))
        for key, true in (("density", events / (users * items)), ("mean_length", events / users)):
            # 106.0445 is printed as 106.04, and 16.8416 as 16.84: cut or rounded, half a unit and a bit either way.
            if abs(true - rows[key][name].value) > 1.01 * rows[key][name].half_unit:
                wrong.add((name, key))
    assert wrong == {("ml-1m", "density"), ("ml-1m", "mean_length")}
    assert "4.468%" in published.TABLE_1_NOTES[0] and "165.60" in published.TABLE_1_NOTES[0]


def test_every_pair_of_table_2_can_be_had_by_some_ranking():
    """HR@50 = h allows MRR from h / 50 + (1 - h) / items to h + (1 - h) / 51."""
    items = printed_counts(PAPER, "items")
    for cells in published.TABLE_2.values():
        for name, pair in cells.items():
            hit, mrr = pair["HR@50"].value, pair["MRR"].value
            by_hand = hit / 50 + (1 - hit) / items[name] - 1e-4 <= mrr <= hit + (1 - hit) / 51 + 1e-4
            assert feasible(pair, items[name]) and by_hand
    assert not feasible({"HR@50": Cell("0.5273"), "MRR": Cell("0.0101")}, 1682)  # below 0.5273 / 50
    assert not feasible({"HR@50": Cell("0.0914"), "MRR": Cell("0.1141")})  # above 0.0914 + 0.9086 / 51
    assert feasible({"HR@50": Cell("0.0914"), "MRR": Cell("0.1091")})


def test_hit_ratios_that_no_single_run_prints():
    """354 of 943 users are 0.3754; 497 are 0.5270 and 498 are 0.5281, so 0.5273 is no share of 943 users."""
    assert share(Cell("0.3754"), 943) and not share(Cell("0.5273"), 943)
    found = {(name, label) for name, label, _ in averaged(PAPER.table("table2"), PAPER)}
    assert {("ml-100k", "AttRec"), ("ml-100k", "Caser"), ("amazon-garden", "AttRec")} <= found
    assert not {("ml-100k", "BPRMF"), ("amazon-instant-video", "AttRec")} & found


def test_seeds_of_the_runs():
    runs = {(r.dataset, r.model, r.variant, r.sweep): len(r.seeds) for r in PAPER.runs("paper", ["ml-100k", "ml-1m"])}
    assert runs["ml-100k", "attrec", "paper", ()] == runs["ml-100k", "attrec", "official", ()] == 10
    assert runs["ml-100k", "fpmc", "paper", ()] == runs["ml-100k", "lstm_plus", "gru", ()] == 3
    assert runs["ml-100k", "pop", "paper", ()] == 1
    assert runs["ml-1m", "attrec", "paper", ()] == runs["ml-1m", "caser", "paper", ()] == 3
    assert runs["ml-1m", "attrec", "official", ()] == runs["ml-1m", "hrm", "paper", ()] == 1
    assert runs["ml-100k", "attrec", "paper", sweep_of(short_term="mean")] == 3
    assert runs["ml-1m", "attrec", "paper", sweep_of(aggregation="max")] == 1
    released = {
        sweep for dataset, model, variant, sweep in runs if (dataset, model, variant) == ("ml-1m", "attrec", "official")
    }
    assert released == {()}  # its ablations are run where runs are short
    assert runs["ml-100k", "transrec", "paper", sweep_of(dim=50)] == 3


def test_a_variant_knows_its_own_diagonal():
    """The plain run of `official` is post_softmax, that of `paper` zero_logit: neither is run twice."""
    for variant, own, other in (("paper", "zero_logit", "post_softmax"), ("official", "post_softmax", "zero_logit")):
        assert PAPER.canonical("ml-100k", Key("attrec", variant, sweep_of(diagonal=own))) == ()
        assert PAPER.canonical("ml-100k", Key("attrec", variant, sweep_of(diagonal=other))) != ()
    assert PAPER.canonical("ml-100k", Key("attrec", "paper", sweep_of(max_length=5))) == ()
    assert PAPER.canonical("s3rec-lastfm", Key("attrec", "paper", sweep_of(max_length=5))) != ()


def test_time_runs_have_few_epochs_and_plain_runs_their_own():
    runs = PAPER.runs("paper", ["ml-100k"])
    timed = [r for r in runs if r.purpose == ("table5",)]
    assert {(r.model, r.sweep, r.overrides) for r in timed} == {
        (model, (("train.batch_size", 1000),), (("train.max_epochs", 5), ("train.refit", False)))
        for model in ("attrec", "caser")
    }
    assert not any(r.overrides for r in runs if not r.sweep)


def test_defaults_are_those_of_the_models():
    models = pytest.importorskip("models")
    for model, variant in PAPER.variant_defaults:
        cls = models.model_class(model)
        config = cls.default_config()
        config.update(cls.variants()[variant])
        for key, value in PAPER.variant_defaults[model, variant].items():
            assert config[key] == value


def test_every_cell_without_a_run_says_why(tmp_path):
    save(tmp_path, "ml-100k", "attrec", statistics=REAL)
    text, _ = report(tmp_path)
    assert "Amazon's ratings-only CSV" in text and "HetRec 2011 archive" in text
    assert "not run in the paper profile" in text


def test_numbers_stand_beside_the_published_ones(tmp_path):
    for seed, hit in ((1, 0.52), (2, 0.53)):
        save(tmp_path, "ml-100k", "attrec", hit, seed=seed, statistics=REAL)
        save(tmp_path, "ml-100k", "attrec", hit - 0.1, seed=seed, statistics=REAL, variant="official")
    text, _ = report(tmp_path)
    # 5% of 0.5273 is 0.0264: 0.525 is within, 0.425 is not.
    assert "| AttRec | 0.5273 | 0.5250 ± 0.0071 (2) | -0.0023 | within |" in text
    assert "| AttRec, first author's code's form | 0.5273 | 0.4250 ± 0.0071 (2) | -0.1023 | below |" in text
    assert "| density | 6.30% | 6.3% | +0.1% | within |" in text


def test_another_snapshot_gets_no_verdicts(tmp_path):
    """MovieTweetings of another size than Table 1's is a stand-in; of its size it is the paper's."""
    sizes = {"users": 3000, "items": 9000, "interactions": 100000}
    save(tmp_path / "old", "movietweetings", "attrec", statistics=sizes)
    text, _ = report(tmp_path / "old")
    assert "(real data, a stand-in: another snapshot than the paper's of December 2016)" in text
    assert "(real data, the paper's own)" not in text
    save(tmp_path / "new", "movietweetings", "attrec", 0.36, statistics={"users": 9608, "interactions": 461970})
    text, _ = report(tmp_path / "new")
    assert "| AttRec | 0.3602 | 0.3600 (1) | -0.0002 | within |" in text


def test_stand_ins_stand_beside_the_published_column(tmp_path):
    save(tmp_path, "amazon-tools-sequences", "fpmc", 0.1)
    text, _ = report(tmp_path)
    assert "published, Tools/Home (other data)" in text and "| FPMC | 0.1000 (1) |" in text


def test_extra_tables_show_ours_alone_and_test_pairs(tmp_path):
    save(tmp_path, "ml-100k", "attrec", 0.5, statistics=REAL)
    save(tmp_path, "ml-100k", "attrec", 0.2, statistics=REAL, sweep={"diagonal": "neg_inf"})
    text, _ = report(tmp_path)
    part = text[text.index("## Four readings") : text.index("## Identity value")]
    assert "| Diagonal: minus infinity | 0.2000 (1) |" in part and "published" not in part
    (line,) = [x for x in part.splitlines() if "| Diagonal: logit 0 | Diagonal: minus infinity |" in x]
    assert "| +0.3000 |" in line and "ahead" in line


def test_ratio_of_seconds(tmp_path):
    for model, seconds in (("attrec", 3.0), ("caser", 2.0)):
        save(tmp_path, "ml-100k", model, sweep={"train.batch_size": 1000}, seconds_per_epoch=seconds, statistics=REAL)
    text, _ = report(tmp_path)
    (line,) = [x for x in text.splitlines() if x.startswith("| MovieLens-100K (real data, the paper's own) | 1,000 |")]
    assert line.endswith("| 1.315 | 1.309 | 1.005 | 3.000 (1) | 2.000 (1) | 1.500 |")


def test_an_end_by_the_limit_of_epochs_is_told_but_of_runs_for_seconds(tmp_path):
    for model in ("attrec", "caser"):
        changes = dict(sweep={"train.batch_size": 1000}, statistics=REAL, stopped_by="max_epochs")
        save(tmp_path, "ml-100k", model, **changes)
    text = report(tmp_path)[0]
    assert "[epochs]" not in text and "No run was ended by the limit of epochs." in text
    assert "on unfinished runs" not in text
    save(tmp_path, "ml-100k", "caser", statistics=REAL, stopped_by="max_epochs")
    text = report(tmp_path)[0]
    assert "(1) [epochs]" in text and "1 run ended by the limit of epochs" in text


def test_ratio_of_a_busy_machine_is_not_tested(tmp_path):
    for model in ("attrec", "caser"):
        device = report_records.DEVICE | {"busy": model == "caser"}
        save(tmp_path, "ml-100k", model, sweep={"train.batch_size": 1000}, device=device, statistics=REAL)
    assert "not tested: the machine was busy" in report(tmp_path)[0]


def test_attention_maps_are_drawn(tmp_path):
    weights = np.full((1, 5, 5), 0.2)
    weights[0, :, 3] = 0.6
    figures = {"attention": weights, "attention.users": np.array([538])}
    save(tmp_path, "ml-100k", "attrec", figures=figures, statistics=REAL)
    text, html = report(tmp_path)
    assert "| AttRec, user 538 | 0.200 | 0.200 | 0.200 | 0.600 | 0.200 |" in text
    part = html[html.index('id="figure3"') : html.index('id="figure4a"')]
    assert part.count("<svg") == 1 and ">.60<" in part
    assert report(tmp_path)[1] == html


def test_html_of_partial_records_is_well_formed(tmp_path):
    save(tmp_path, "ml-100k", "attrec", statistics=REAL)
    save(tmp_path, "ml-100k", "attrec", sweep={"omega": 0.8}, statistics=REAL)
    for model in published.LABELS:
        save(tmp_path, "ml-100k", model, 0.3, sweep={"dim": 50}, statistics=REAL)
        save(tmp_path, "ml-100k", model, 0.2, sweep={"dim": 10}, statistics=REAL)
    save(tmp_path, "synthetic-demo", "attrec", synthetic=True, stand_in_for="an e-commerce log")
    text, html = report(tmp_path)
    checker = Checker()
    checker.feed(html)
    assert checker.open == [] and checker.outside == []
    assert "SYNTHETIC" in text and "kept no array `attention`" in text
    part = html[html.index('id="figure5"') : html.index('id="table5"')]
    assert all(f">{label}<" in part[part.index("<svg") : part.index("</svg>")] for label in published.LABELS.values())


@pytest.mark.parametrize("profile", ["quick", "paper"])
def test_without_records(tmp_path, profile):
    text, _ = report(tmp_path, profile)
    assert "make reproduce-attrec" in text and "0.5273" in text
