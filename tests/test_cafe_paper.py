"""CAFE's tables as printed, the runs they ask for, and the report from any subset of records."""

from functools import partial

import numpy as np
import pytest

from experiments.configs import cafe as configs
from experiments.papers import cafe_published as published
from experiments.papers.cafe import PAPER
from experiments.papers.cafe_data import AMAZON, BEAUTY, FAVOURITES, LEVEL_2, RAW_TMALL, SPARSE, TMALL, TOYS
from experiments.papers.cafe_published import CAFE, FDSA, LOCKER_F, SASREC
from experiments.papers.schema import Cell, Key
from experiments.reporting.collect import collect
from experiments.reporting.verdicts import impossible, number_verdict
from tests import report_records
from tests.test_report import Checker
from tests.test_sine_paper import section

PAIRED = "cafe_released_pairing"
GROUPS = ("frequent", "infrequent")
SCOPE = {
    "scope.map": np.where(np.eye(20) > 0, 0.5, 0.5 / 19).astype(np.float32),
    "scope.users": np.full(20, 40, np.int32),
    "scope.reach": np.array([0.5, 0.7], np.float32),
    "scope.age": np.array([0.4, 0.8], np.float32),
    "scope.labels": np.array(["u1", "u2"]),
}
VECTORS = {
    "vectors.xy": np.random.default_rng(0).normal(size=(2, 6, 2)).astype(np.float32),
    "vectors.intent": np.array([[0, 0, 1, 1, 2, 2]] * 2, np.int8),
    "vectors.names": np.array(["12", "7", "30"]),
    **{f"{name}, {group}": np.array(0.25) for name in ("silhouette", "length", "events") for group in GROUPS},
}


def save(root, dataset, model, hit=0.4, paired=None, full=0.1, **changes):
    """A record with HR@k = NDCG@k = hit under popularity100, `full` under full, `paired` under the released pairing."""
    ranks = {"popularity100": report_records.ranks_for(hit), "full": report_records.ranks_for(full, candidates=1000)}
    if paired is not None:
        ranks[PAIRED] = report_records.ranks_for(paired)
    return report_records.save(root, dataset, model, paper="cafe", ranks=ranks, **changes)


report = partial(report_records.report, PAPER)


printed = partial(report_records.printed, PAPER)


def test_printed_numbers_copied_by_hand():
    assert printed("table2", "CAFE", AMAZON, "NDCG@5") == "0.3733"
    assert printed("table2", "LOCKER-F", AMAZON, "HR@5") == "0.2947"
    assert printed("table2", "SSE-PT", AMAZON, "MRR") == "0.2239"
    assert printed("table2", "PopRec", TMALL, "HR@5") == "0.0596"
    assert printed("table2", "NOVA", TMALL, "NDCG@5") == "0.0501"
    assert printed("table2", "BERT4Rec", TMALL, "MRR") == "0.2782"
    assert printed("table3", "+(1)(2)", TMALL, "NDCG@5") == "0.3045"
    assert printed("table3", "+(1)(2)(4)", TMALL, "HR@5") == "0.5117"
    assert printed("table3", "+(1)(2)(3)", TMALL, "MRR") == "0.3172"
    cells = {key: by for _, key, by in published.TABLE_1}
    assert cells["interactions"][TMALL].value == 14_460_516 and cells["categories"][AMAZON].value == 1_392
    assert cells["mean_length"][TMALL].printed == "110.3"


def test_sums_of_rows_by_hand():
    """Of the ten NDCG@5 on Amazon and the ten HR@5 on Tmall, and of Table 3's MRR."""
    total = lambda name, metric: sum(row[name][metric].value for row in published.TABLE_2.values())  # noqa: E731
    assert total(AMAZON, "NDCG@5") == pytest.approx(1.7131)
    assert total(TMALL, "HR@5") == pytest.approx(2.7987)
    assert sum(row[TMALL]["MRR"].value for row in published.TABLE_3.values()) == pytest.approx(1.6961)


def test_the_printed_numbers_agree_with_each_other():
    """Table 3's ends are Table 2's rows; the improvements follow from the rows; Table 1 gives 2.81 an item (2.3.1)."""
    for key in (SASREC, FDSA, CAFE):
        assert published.TABLE_3[key][TMALL] == published.TABLE_2[key][TMALL]
    for name, gains in published.IMPROVEMENT.items():
        for metric, gain in gains.items():
            ours, theirs = (published.TABLE_2[key][name][metric].value for key in (CAFE, LOCKER_F))
            assert 100 * (ours / theirs - 1) == pytest.approx(float(gain.rstrip("%")), abs=0.005)
    cells = {key: by for _, key, by in published.TABLE_1}
    for name, per_item in ((AMAZON, 2.81), (TMALL, 8.08)):
        events, items, users = (cells[key][name].value for key in ("interactions", "items", "users"))
        assert events / items == pytest.approx(per_item, abs=0.005)
        assert events / users == pytest.approx(cells["mean_length"][name].value, abs=0.05)
        assert number_verdict(events / users / items, cells["density"][name], 0.01, True) == "within"


def test_numbers_with_an_exponent():
    """2e-5 means 1.5e-5 to 2.5e-5."""
    cell = Cell("2e-5")
    assert cell.value == 2e-5 and cell.half_unit == pytest.approx(0.5e-5) and Cell("1.25e-3").half_unit == 5e-6
    verdicts = [number_verdict(x, cell, 0.01, relative=True) for x in (1.4e-5, 1.6e-5, 2.4e-5, 2.6e-5)]
    assert verdicts == ["below", "within", "within", "above"]


def test_every_printed_row_is_possible():
    """LEDGER 0.2."""
    rows = [(row, table.protocol) for table in PAPER.tables for row in table.printed_rows()]
    assert len(rows) == 10 + 6 + 1 and not any(impossible(row, protocol) for row, protocol in rows)


def test_seeds_of_the_runs():
    names = [FAVOURITES, BEAUTY, TOYS, LEVEL_2, SPARSE]
    runs = {(r.dataset, r.model, r.variant, r.sweep): len(r.seeds) for r in PAPER.runs("paper", names)}
    thrice = (*published.LABELS, *published.STEPS, published.NO_INTENT_LOSS, published.AUTHORS_SASREC)
    for model, variant in ((key.model, key.variant) for key in thrice):
        counted = model == "pop"
        assert runs[FAVOURITES, model, variant, ()] == runs[BEAUTY, model, variant, ()] == (1 if counted else 3)
        assert runs[TOYS, model, variant, ()] == 1
    assert runs[FAVOURITES, "nova", "paper", ()] == runs[FAVOURITES, "locker", "window", ()] == 1
    assert runs[FAVOURITES, "cafe", "official", ()] == 3 and runs[LEVEL_2, "cafe", "paper", ()] == 1
    trained = {key for key, seeds in runs.items() if key[0] == SPARSE and seeds}
    assert {model for _, model, *_ in trained} == {"cafe", "bert4rec", "pop", "item_knn", "intent_pop"}
    assert all(variant == "paper" for _, _, variant, _ in trained)
    assert not any(model == "history" for _, model, *_ in runs)  # no target repeats in these


def test_the_ladder_s_first_rows_are_table_2_s_runs():
    runs = PAPER.runs("paper", [FAVOURITES])
    for key in (SASREC, FDSA, CAFE):
        (run,) = [r for r in runs if (r.model, r.variant, r.sweep) == (key.model, key.variant, ())]
        assert {"table2", "table3"} <= set(run.purpose)


def test_figure_4_shares_the_plain_run_and_figure_2():
    trained = [r for r in PAPER.runs("paper", [FAVOURITES]) if (r.model, r.variant) == ("bert4rec", "paper")]
    runs = {(r.model, r.sweep): set(r.purpose) for r in trained}
    assert {sweep for _, sweep in runs} == {(), *((("min_item", k),) for k in (3, 5, 10, 20))}
    assert {"table2", "figure2ab", "figure2cd", "figure4"} <= runs["bert4rec", ()]
    assert runs["bert4rec", (("min_item", 5),)] == {"figure2ab", "figure4"}
    longer = {dict(r.sweep)["min_item"]: dict(r.overrides) for r in trained if r.sweep}
    assert longer[3] == longer[5] == {}
    assert longer[10] == {"train.max_epochs": 200, "train.eval_every": 10}
    assert longer[20] == {"train.max_epochs": 500, "train.eval_every": 25}
    assert PAPER.canonical(BEAUTY, Key("cafe", "paper", (("min_item", 1),))) != ()


def test_protocol_of_every_model():
    """Section 4.1.3 and the released script: n 50, d 128, batch 64, Adam 1e-3 and 0.98, clip 5, dropout 0.3."""
    for run in PAPER.runs("paper", [FAVOURITES, BEAUTY, TOYS, LEVEL_2, SPARSE]):
        config = configs.get_config(f"{run.dataset},{run.model},{run.variant}")
        train, hyper = config.train, config.model
        assert (train.batch_size, train.learning_rate, train.beta_2, train.clip_norm) == (64, 1e-3, 0.98, 5.0)
        assert config.eval.select == "popularity100/NDCG@10" and (train.budget_minutes, train.max_epochs) == (0, 100)
        assert {"full", "uniform100", "popularity100"} <= set(config.eval.protocols)
        assert (PAIRED in config.eval.protocols) == (run.model in ("cafe", "intent_pop"))
        if "dim" in hyper:
            assert hyper.dim == (64 if run.model == "sse_pt" else 128) and hyper.max_length == 50
            rate = 0.5 if run.variant == "recbole" else 0.3
            assert hyper.dropout == rate and hyper.get("attention_dropout", rate) == rate
        if "mask_share" in hyper:
            assert hyper.mask_share == 0.6 and hyper.inner == 512
        assert ("keep" in config.eval) == (run.model == "bert4rec")
    assert PAIRED not in configs.get_config(f"{AMAZON},cafe").eval.protocols


def test_generated_data_is_cut_to_size_and_quick_is_small():
    config = configs.get_config(f"{SPARSE},cafe")
    configs.stand_in(config)
    assert config.dataset_args.fraction == 0.03
    configs.quick(config)
    assert config.dataset_args.fraction == pytest.approx(0.003)
    assert (config.model.dim, config.model.max_length, config.train.max_epochs) == (32, 20, 6)
    real = configs.get_config(f"{FAVOURITES},pop")
    configs.stand_in(real)
    assert real.dataset_args.fraction is None
    configs.quick(real)
    assert real.dataset_args.fraction == 0.1


def test_stand_ins_have_both_protocols_beside_the_published_column(tmp_path):
    for seed, hit in ((1, 0.40), (2, 0.42)):
        save(tmp_path, FAVOURITES, "cafe", hit, full=0.05, seed=seed)
    save(tmp_path, FAVOURITES, "nova", 0.1, variant="cafe_authors")
    part = section(report(tmp_path)[0], "Table 2: model comparison")
    assert "ours, Taobao favourites, full: NDCG@5" in part and "published, Tmall (other data): NDCG@5" in part
    line = "| CAFE | 0.4100 ± 0.0141 (2) | 0.4100 ± 0.0141 (2) |"
    assert line in part and "| 0.0500 ± 0.0000 (2) | 0.0500 ± 0.0000 (2) |" in part
    assert "| NOVA | 0.1000 (1) | 0.1000 (1) |" in part and "0.0501 | 0.0812 | 0.0716 |" in part
    assert "which 131,248 users are meant" in part


def test_the_authors_tmall_is_compared_and_the_raw_log_is_not(tmp_path):
    sizes = {"users": 131_086, "interactions": 14_300_000, "items": 1_788_758, "categories": 9_999}
    for name in (TMALL, RAW_TMALL):  # of the log, even where its sizes fit
        save(tmp_path, name, "cafe", 0.5, statistics=report_records.STATISTICS | sizes)
    results = collect(PAPER, tmp_path, "paper")
    assert [results.kind(name) for name in (TMALL, RAW_TMALL)] == ["same data", "stand-in"]
    text, _ = report(tmp_path)
    part = section(text, "Table 2: model comparison")
    assert "Table 2: model comparison, NDCG@5: Tmall (real data, the paper's own)" in part
    assert "| CAFE | 0.4290 | 0.5000 (1) | +0.0710 | above |" in part
    assert "ours, Tmall, raw log, popularity100: NDCG@5" in part and "published, Tmall (other data): NDCG@5" in part
    assert "| # interactions | 14,460,516 | 14,300,000 | -1.1% |" in section(text, "Table 1: statistics")


def test_another_state_of_the_authors_tmall_is_not_compared(tmp_path):
    sizes = {"users": 131_086, "interactions": 16_000_000}
    save(tmp_path, TMALL, "cafe", 0.5, statistics=report_records.STATISTICS | sizes)
    assert collect(PAPER, tmp_path, "paper").kind(TMALL) == "stand-in"


def test_the_released_pairing_stands_beside_own_intents(tmp_path):
    save(tmp_path, BEAUTY, "intent_pop", 0.05, paired=0.3)
    save(tmp_path, BEAUTY, "cafe", 0.4, paired=0.6)
    part = section(report(tmp_path)[0], "What the released pairing is worth")
    (line,) = [x for x in part.splitlines() if x.startswith("| IntentPop | 0.05")]
    assert [cell.strip() for cell in line.split("|")][2:8:3] == ["0.0500 (1)", "0.3000 (1)"]
    assert "What the released pairing does." in part


def test_figures_are_drawn(tmp_path):
    facts = report_records.STATISTICS | {"events_per_item": 2.5}
    dense = facts | {"events_per_item": 9.0}
    save(tmp_path, FAVOURITES, "bert4rec", 0.2, figures=SCOPE | VECTORS, statistics=facts)
    save(tmp_path, FAVOURITES, "bert4rec", 0.25, figures=SCOPE, sweep={"min_item": 5}, statistics=dense)
    save(tmp_path, FAVOURITES, "cafe", 0.5, statistics=facts)
    save(tmp_path, FAVOURITES, "cafe", 0.3, sweep={"min_item": 5}, statistics=dense)
    text, html = report(tmp_path)
    # Half of the weight on the step itself; of the others two near ones on each side, fewer at the ends (2, 3, 4 ...).
    near = 0.5 + (0.5 / 19) * (16 * 4 + 2 * 3 + 2 * 2) / 20
    line = f"| BERT4Rec, minimum item frequency k 5 | 9 | 57.33 | 2 | 0.600 | 0.600 | {near:.3f} |"
    assert line in section(text, "Figures 2a and 2b")
    assert "| BERT4Rec, frequent items | 0.250 (1) | 0.250 (1) | - | 0.250 (1) |" in section(text, "Figures 2c and 2d")
    part = section(text, "Figure 4")
    assert "| gain | +150.0% | +20.0% |" in part and "| CAFE | 0.5000 (1) | 0.3000 (1) |" in part
    assert "| interactions an item | 2.50 | 9 |" in part
    drawn = html[html.index('id="figure2ab"') :]
    assert drawn.count("<svg") == 4 and report(tmp_path)[1] == html


def test_html_of_partial_records_is_well_formed(tmp_path):
    save(tmp_path, FAVOURITES, "bert4rec", figures=SCOPE | VECTORS)
    save(tmp_path, BEAUTY, "cafe", variant="official", paired=0.5)
    save(tmp_path, SPARSE, "cafe", sweep={"min_item": 20}, synthetic=True, stand_in_for="Amazon")
    text, html = report(tmp_path)
    checker = Checker()
    checker.feed(html)
    assert checker.open == [] and checker.outside == []
    assert "SYNTHETIC" in text and "the runs kept no array `vectors.xy`" not in text


@pytest.mark.parametrize("profile", ["quick", "paper"])
def test_without_records(tmp_path, profile):
    text, _ = report(tmp_path, profile)
    assert "make reproduce-cafe" in text and "0.3733" in text and "2e-5" in text and "+53.24%" in text


def test_labels_of_models():
    results = collect(PAPER, "none", "paper")
    assert results.label(FDSA, "table2") == "FDSA" and results.label(FDSA, "table3") == "+(1) (FDSA)"
