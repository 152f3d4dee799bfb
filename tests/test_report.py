"""The report is a pure function of records: numbers land where they belong, verdicts follow, both ways."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from experiments import papers
from experiments.papers.schema import Cell, Key
from experiments.reporting.collect import collect
from experiments.reporting.verdicts import decide, number_verdict
from experiments.reporting.write import write
from tests import report_records
from tf_utils import run_record, significance
from tf_utils.cli import UserError
from tf_utils.significance import Variance


def report(root, profile="") -> tuple[str, str]:
    md, html = write("asli", root / "results", root / "out", profile)
    return md.read_text(encoding="utf-8").replace("\\", ""), html.read_text(encoding="utf-8")  # no escapes


def save(root, dataset, model, share=0.5, **changes):
    return report_records.save(root / "results", dataset, model, share, **changes)


def verdict(root, claim: str, profile="paper") -> str:
    results = collect(papers.load("asli"), root / "results", profile)
    (found,) = [c for c in results.paper.claims if c.id == claim]
    return decide(found, results).verdict


def lines(text: str, start: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(start)]


def test_mean_and_sample_deviation_by_hand(tmp_path):
    for seed, share in ((1, 0.4), (2, 0.5), (3, 0.6)):
        save(tmp_path, "jd_appliances", "asli", share, seed=seed)
    text, html = report(tmp_path)
    assert "0.5000 ± 0.1000 (3)" in text and "0.5000 ± 0.1000 (3)" in html


def test_without_records_it_says_what_to_run(tmp_path):
    text, _ = report(tmp_path)
    assert "make reproduce-asli" in text
    assert not re.search(r"\d ± \d", text)


def test_missing_cells_keep_their_reason(tmp_path):
    save(tmp_path, "jd_appliances", "asli")
    text, _ = report(tmp_path)
    assert "tianchi_mobile_recommend_train_user.csv" in text and "never published" in text


def test_budget_is_printed_in_the_cell(tmp_path):
    save(tmp_path, "jd_appliances", "asli", 0.5, stopped_by="budget")
    text, _ = report(tmp_path)
    assert "stopped" in text and re.search(r"0\.5000 \(1\)[^|]*budget", text)


def test_models_that_were_not_tuned_are_named(tmp_path):
    for model, trials in (("asli", {"trials": 0}), ("sasrec", {"trials": 12}), ("bpr_mf", {})):
        save(tmp_path, "jd_appliances", model, config={"model": {"dim": 64}, "train": {"batch_size": 128}} | trials)
    (line,) = [line for line in report(tmp_path)[0].splitlines() if "not tuned" in line]
    assert line.startswith("* 1 run of") and line.endswith("their data: asli on JD Appliances.")


def test_quick_is_never_shown_as_paper(tmp_path):
    save(tmp_path, "jd_appliances", "asli", 0.25, profile="quick")
    save(tmp_path, "jd_appliances", "asli", 0.75, profile="paper")
    quick, paper = report(tmp_path, "quick")[0], report(tmp_path, "paper")[0]
    assert "0.2500 (1)" in quick and "0.7500 (1)" not in quick
    assert "0.7500 (1)" in paper and "0.2500 (1)" not in paper
    titles = [line for line in quick.splitlines() if "Table 3" in line and line.startswith("**")]
    assert titles and all("quick" in title.lower() for title in titles)


def test_synthetic_tables_say_so(tmp_path):
    save(tmp_path, "etsy", "asli", 0.5, synthetic=True, stand_in_for="Etsy")
    text, html = report(tmp_path)
    titles = [line for line in text.splitlines() if "Table 3" in line and "Etsy" in line and "as published" not in line]
    assert titles and all("synthetic" in title.lower() for title in titles)
    assert "synthetic" in html.lower()


@pytest.mark.parametrize(("asli", "sasrec", "expected"), [(0.6, 0.4, "holds"), (0.4, 0.6, "does not hold")])
def test_claim_that_asli_is_best_goes_both_ways(tmp_path, asli, sasrec, expected):
    for model, share in (("asli", asli), ("sasrec", sasrec), ("nextitnet", 0.3), ("bpr_mf", 0.2), ("pop", 0.1)):
        save(tmp_path, "jd_appliances", model, share)
    assert verdict(tmp_path, "asli-best") == expected
    assert verdict(tmp_path, "bpr-pop") == "holds"


def test_claims_without_runs_are_not_tested(tmp_path):
    save(tmp_path, "jd_appliances", "asli")
    assert verdict(tmp_path, "asli-best") == verdict(tmp_path, "kernel-best") == "not tested"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({5: 0.3, 10: 0.5, 15: 0.4, 20: 0.4, 25: 0.35}, "holds"),
        ({5: 0.1, 10: 0.2, 15: 0.3, 20: 0.4, 25: 0.5}, "does not hold"),
    ],
)
def test_kernel_size_claim(tmp_path, values, expected):
    for size, share in values.items():
        save(tmp_path, "jd_appliances", "asli", share, sweep={} if size == 10 else {"kernel_size": size})
    assert verdict(tmp_path, "kernel-monotone") == expected


@pytest.mark.parametrize(
    ("ours", "expected"), [(0.5133, "within"), (0.5332, "within"), (0.5400, "above"), (0.4900, "below")]
)
def test_number_verdicts(ours, expected):
    assert number_verdict(ours, Cell("0.5133"), 0.02) == expected


def test_a_run_that_ended_by_its_epochs_says_so(tmp_path):
    for seed, by in ((1, "max_epochs"), (2, "patience")):
        save(tmp_path, "jd_appliances", "asli", 0.5, seed=seed, stopped_by=by)
    text, _ = report(tmp_path)
    assert re.search(r"0\.5000 ± 0\.0000 \(2\) \[epochs in 1\]", text) and "1 run ended by the limit of epochs" in text


def test_settings_are_those_of_the_records(tmp_path):
    config = {"model": {"dim": 48, "variant": "paper", "qkv_bias": True}, "train": {"batch_size": 96, "seed": 7}}
    save(tmp_path, "jd_appliances", "asli", config=config)
    part = report_records.section(report(tmp_path)[0], "Settings of ASLI")
    assert "| model.dim | 48 |" in part and "| train.batch_size | 96 |" in part
    assert "seed" not in part and "bias" not in part


def test_settings_of_the_others_stand_under_a_fold(tmp_path):
    for model, dim in (("asli", 48), ("sasrec", 40), ("pop", 33)):
        save(tmp_path, "jd_appliances", model, config={"model": {"dim": dim}, "train": {"batch_size": 8}})
    part = report_records.section(report(tmp_path)[0], "Settings of ASLI").split("Settings of the other models")
    assert "| model.dim | 48 |" in part[0] and "|  | SASRec |" in part[1] and "| model.dim | 40 |" in part[1]


def test_a_counting_model_is_no_rival(tmp_path):
    for model, share in (("asli", 0.9), ("item_knn", 0.95)):
        save(tmp_path, "jd_appliances", model, share)
    assert "against its strongest rival" not in report(tmp_path)[0]


def test_the_released_form_is_no_rival(tmp_path):
    save(tmp_path, "jd_appliances", "asli", 0.5)
    save(tmp_path, "jd_appliances", "asli", 0.9, variant="official")
    save(tmp_path, "jd_appliances", "sasrec", 0.4)
    part = report_records.section(report(tmp_path)[0], "ASLI against its strongest rival").split("### Notes")[0]
    assert "| SASRec |" in part and "released" not in part


def test_generated_data_show_what_could_be_had(tmp_path):
    """In the table of protocols, and along a sweep over the data; not along one over the model."""

    def known(best):
        return {"statistics": {"ceiling": {"uniform100": {"NDCG@10": best}}}, "synthetic": True}

    for count, best in ((1, 0.61), (20, 0.72)):
        save(tmp_path, "etsy", "asli", 0.5, sweep={"n_categories": count}, **known(best))
    for sweep in ({}, {"kernel_size": 5}):
        save(tmp_path, "etsy", "asli", 0.4, sweep=sweep, **known(0.83))
    text = report(tmp_path)[0]
    (line,) = lines(report_records.section(text, "Every model under"), "| a scorer that knows the true process")
    assert "| 0.8300 |" in line
    drawn = report_records.section(text, "Our test of section 4.5")
    assert "| a scorer that knows the true process | 0.6100 (1) | 0.7200 (1) |" in drawn
    assert "knows the true process" not in report_records.section(text, "Figure 2")


def test_seeds_of_different_configurations_are_told(tmp_path):
    """Not a longer limit, nor a flag that the older record does not have."""
    for seed, config in (
        (1, {"model": {"dim": 64}}),
        (2, {"model": {"dim": 64, "new": 1}}),
        (3, {"model": {"dim": 8}}),
    ):
        content = config | {"train": {"seed": seed, "max_epochs": 10 * seed}}
        save(tmp_path, "jd_appliances", "asli", 0.5, seed=seed, config=content)
        expected = seed == 3
        assert ("WARNING: the seeds of ASLI have different configurations" in report(tmp_path)[0]) is expected


def test_what_no_loader_can_see_is_told(tmp_path):
    save(tmp_path, "jd_appliances", "asli", 0.5)
    notes = tmp_path / "results" / "data_notes.json"
    notes.write_text('{"jd_appliances": ["A copy of a copy."], "ml-1m": ["Of other data."]}')
    text = report(tmp_path)[0]
    assert "A copy of a copy." in text and "Of other data." not in text
    notes.write_text('{"jd_appliances": "A copy of a copy."}')
    with pytest.raises(UserError, match="must map data sets to lists of sentences"):
        report(tmp_path)


def test_ranks_of_other_users_than_the_records_are_refused(tmp_path):
    for model in ("asli", "sasrec"):
        save(tmp_path, "jd_appliances", model, 0.5)
    other = save(tmp_path / "other", "jd_appliances", "sasrec", 0.5, n=100)
    path = next((tmp_path / "results").rglob("sasrec/*.json"))
    run_record.ranks_path(path).write_bytes(run_record.ranks_path(other).read_bytes())
    with pytest.raises(UserError, match="ranks.npz: not of 200 users; run the model again"):
        report(tmp_path)


def test_seeds_that_differ_much_make_no_certain_lead(tmp_path):
    """0.55 against 0.45 of 200 users each: beyond noise over users; not where seeds are 0.15 apart, of one side or of
    both; and a model that is fitted by counting does not vary."""

    def p_value(root, ours, rival, **changes):
        for model, shares in (("asli", ours), ("sasrec", rival)):
            for seed, share in enumerate(shares, 1):
                save(root, "jd_appliances", model, share, seed=seed, **(changes if model == "sasrec" else {}))
        results = collect(papers.load("asli"), root / "results", "paper")
        return results.p_value("jd_appliances", Key("asli"), Key("sasrec"), "uniform100", "NDCG@10")

    alone = p_value(tmp_path / "a", [0.55], [0.45])
    calm = p_value(tmp_path / "b", [0.54, 0.55, 0.56], [0.44, 0.45, 0.46])
    wild = p_value(tmp_path / "c", [0.4, 0.55, 0.7], [0.3, 0.45, 0.6])
    borrowed = p_value(tmp_path / "d", [0.4, 0.55, 0.7], [0.45])
    counted = p_value(tmp_path / "e", [0.4, 0.55, 0.7], [0.45], history=[], stopped_by="fitted")
    assert max(alone, calm) < 0.05 < counted < borrowed and wild > 0.05


@pytest.mark.parametrize("rival", [(0.3, 0.35, 0.4), (0.35,)])
def test_a_multiple_of_a_rival_varies_by_as_much_more(tmp_path, rival):
    """By hand: users' differences a - 1.5 b, and the variance of b's seeds times 1.5 squared. Where b has one seed it
    is taken to vary as a does: one estimate of two degrees of freedom, for both."""
    ours = (0.54, 0.55, 0.56)
    for model, values in (("asli", ours), ("sasrec", rival)):
        for seed, share in enumerate(values, 1):
            save(tmp_path, "jd_appliances", model, share, seed=seed)
    results, keys = collect(papers.load("asli"), tmp_path / "results", "paper"), (Key("asli"), Key("sasrec"))
    named = ("jd_appliances", *keys, "uniform100", "NDCG@10")
    a, b = (results.per_user("jd_appliances", key, "uniform100", "NDCG@10")[1] for key in keys)
    s = np.var(ours, ddof=1)
    if len(rival) > 1:
        training = [Variance(s / 3, 2), Variance(1.5**2 * np.var(rival, ddof=1) / 3, 2)]
    else:
        training = [Variance((1 / 3 + 1.5**2) * s, 2)]
    assert results.p_value(*named, 1.5) == pytest.approx(significance.p_value(a - 1.5 * b, training))
    assert results.p_value(*named) < 0.05 < results.p_value(*named, 1.5)


def test_a_data_set_that_the_paper_does_not_have_answers_no_claim(tmp_path):
    for model, share in (("asli", 0.5), ("sasrec", 0.3), ("nextitnet", 0.3), ("bpr_mf", 0.2), ("pop", 0.1)):
        save(tmp_path, "ml-100k", model, share)
    text, _ = report(tmp_path)
    assert verdict(tmp_path, "asli-best") == "not tested" and "ml-100k" in text


def test_significance_stands_beside_the_strongest_rival(tmp_path):
    for model, share in (("asli", 0.9), ("sasrec", 0.4), ("bpr_mf", 0.2)):
        save(tmp_path, "jd_appliances", model, share)
    text, _ = report(tmp_path)
    assert re.search(r"\| *NDCG@10 .*SASRec.*0\.5000", text) and "< 0.001" in text.replace("\\", "")


class Checker(HTMLParser):
    VOID = {"meta", "br", "img", "hr", "input", "link", "path", "circle", "rect", "line", "use"}

    def __init__(self):
        super().__init__()
        self.open, self.outside = [], []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("src", "href", "xlink:href") and value and re.match(r"(https?:)?//", value) and tag != "a":
                self.outside.append((tag, value))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
            self.open.pop()


def test_html_is_well_formed_and_self_contained(tmp_path):
    for size in (5, 10, 20):
        save(tmp_path, "jd_appliances", "asli", 0.4, sweep={} if size == 10 else {"kernel_size": size})
    save(tmp_path, "jd_appliances", "sasrec", 0.5)
    _, html = report(tmp_path)
    checker = Checker()
    checker.feed(html)
    assert checker.open == [] and checker.outside == []
    assert "<svg" in html or "data:image" in html


def test_same_records_same_bytes(tmp_path):
    save(tmp_path, "jd_appliances", "asli", 0.4)
    save(tmp_path, "jd_appliances", "sasrec", 0.5)
    assert report(tmp_path) == report(tmp_path)


def test_malformed_record_is_one_line_and_leaves_the_old_report(tmp_path):
    path = save(tmp_path, "jd_appliances", "asli")
    before = report(tmp_path)
    path.write_text("{")
    with pytest.raises(UserError) as caught:
        report(tmp_path)
    assert "\n" not in str(caught.value) and path.name in str(caught.value)
    assert (tmp_path / "out" / "report.md").read_text(encoding="utf-8").replace("\\", "") == before[0]


@pytest.mark.parametrize(("busy", "expected"), [(False, "holds"), (True, "not tested")])
def test_times_of_a_busy_machine_decide_nothing(tmp_path, busy, expected):
    device = report_records.DEVICE | {"busy": busy}
    save(tmp_path, "jd_appliances", "asli", 0.5, seconds_per_epoch=3.0, device=device)
    save(tmp_path, "jd_appliances", "sasrec", 0.5, seconds_per_epoch=2.0, device=device)
    assert verdict(tmp_path, "epoch-time") == expected
    assert ("shared the machine" in report(tmp_path)[0]) is busy
