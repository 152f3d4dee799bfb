"""Every paper module loads, and its tables say what was printed."""

import copy
import importlib
import json

import pytest

from data import catalog
from experiments import papers
from experiments.configs import asli as asli_config
from experiments.configs import sine as sine_config
from experiments.identity import science
from experiments.papers.feasibility import feasible
from experiments.papers.schema import PROFILES, Cell
from tf_utils.cli import UserError

PAPERS = [papers.load(name) for name in papers.NAMES]


@pytest.fixture(scope="module")
def asli():
    return papers.load("asli")


def cell(paper, table: str, row: str, dataset: str, metric: str) -> str:
    (found,) = [r for r in paper.table(table).rows if r.label == row]
    return found.published[dataset][metric].printed


def test_printed_numbers_of_asli(asli):
    """Copied by hand from the paper's pages, corners and misprints first."""
    assert cell(asli, "table3", "Most-Pop", "etsy", "HR@5") == "0.08116"
    assert cell(asli, "table3", "ASLI", "tmall", "NDCG@5") == "0.5133"
    assert cell(asli, "table3", "ASLI", "tmall_small", "NDCG@10") == "0.4678"
    assert cell(asli, "table3", "SASRec", "tmall_small", "HR@10") == "0.6037"
    assert cell(asli, "table3", "NextItRec", "etsy", "HR@10") == "0.4265"
    assert cell(asli, "table3", "BPR-MF", "etsy", "NDCG@10") == "0.2800"
    assert cell(asli, "table4", "Seq-Item", "etsy", "HR@5") == "0.2773"
    assert cell(asli, "table4", "Seq-Latent Intent", "tmall", "HR@5") == "0.5955"


def test_all_rows_of_asli_are_feasible(asli):
    """LEDGER 0.2: all 15 rows of Table 3 can be had by some ranking of one relevant item a user."""
    rows = [row.published[name] for row in asli.table("table3").rows for name in row.published]
    assert len(rows) == 15 and all(feasible(row, 101) for row in rows)


def test_an_impossible_row_is_found():
    """LEDGER 0.2, SAIR on MovieLens-1M: NDCG@10 rises by more than its new hits bring, 0.0794 / log2(7) = 0.0283."""
    row = {"HR@5": "0.6000", "HR@10": "0.6794", "NDCG@5": "0.5000", "NDCG@10": "0.5356"}
    assert not feasible({metric: Cell(printed) for metric, printed in row.items()})
    row["NDCG@10"] = "0.5250"
    assert feasible({metric: Cell(printed) for metric, printed in row.items()})


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
@pytest.mark.parametrize("profile", PROFILES)
def test_runs_are_distinct_and_configurable(paper, profile):
    from importlib import import_module

    configs = import_module(f"experiments.configs.{paper.name}")
    runs = paper.runs(profile, list(paper.datasets))
    keys = [(run.dataset, run.model, run.variant, run.sweep) for run in runs]
    assert len(keys) == len(set(keys)) > 10
    for run in runs:
        config = configs.get_config(f"{run.dataset},{run.model},{run.variant}")
        for name in (name for name, _ in (*run.sweep, *run.overrides)):
            section, _, key = {"n": "max_length"}.get(name, name).rpartition(".")
            assert key in config[section] if section else key in config.model or key in config.dataset_args


def test_every_claim_says_how_it_is_decided():
    for paper in PAPERS:
        assert len({claim.id for claim in paper.claims}) == len(paper.claims) > 10
        assert all(claim.quote and claim.section and claim.criterion for claim in paper.claims)


def test_one_seed_of_ablations_on_the_large_set_and_three_of_headlines(asli):
    """DESIGN section 5: on MovieLens-1M 3 seeds for the paper's model and its strongest rival, 1 for the rest."""
    seeds = {(r.model, r.variant, r.sweep): len(r.seeds) for r in asli.runs("paper", ["ml-1m"])}
    assert seeds["asli", "paper", ()] == seeds["sasrec", "paper", ()] == 3
    assert seeds["nextitnet", "paper", ()] == seeds["asli", "official", ()] == 1


def test_unknown_names(asli):
    with pytest.raises(ValueError, match="choose one of quick, paper"):
        asli.runs("huge", ["ml-1m"])
    with pytest.raises(ValueError, match="not part of asli"):
        asli.runs("quick", ["atlantis"])
    with pytest.raises(papers.UserError, match="unknown paper 'none'"):
        papers.load("none")


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_a_plain_run_has_the_values_that_the_paper_module_says(paper):
    """Else a sweep's value would be taken for the plain run's, or trained twice."""
    from importlib import import_module

    configs = import_module(f"experiments.configs.{paper.name}")
    for run in paper.runs("paper", list(paper.datasets)):
        whole = configs.get_config(f"{run.dataset},{run.model},{run.variant}")
        config = whole.model
        defaults = paper.variant_defaults.get((run.model, run.variant), {}) | paper.datasets[run.dataset].defaults
        for key in (key for key, _ in run.sweep if key in defaults):
            if key == "min_item":  # of the data: not set, and 1 leaves out no more than the recipe's own
                recipe = catalog.RECIPES.get(run.dataset, catalog.Recipe(""))
                assert whole.dataset_args[key] is None and max(recipe.min_item, 1) == defaults[key]
            else:
                assert config[key] == defaults[key]


def test_default_data_sets(monkeypatch, tmp_path):
    """quick: a small one that is there or can be fetched, else the generator; paper: real data and their stand-ins."""
    from data import download
    from experiments.defaults import datasets as default_datasets

    monkeypatch.setenv("DATA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DATA_DIR", raising=False)
    fetched = []

    def offline(name, data_dir):
        fetched.append(name)
        raise UserError("no network")

    attrec, asli = papers.load("attrec"), papers.load("asli")
    monkeypatch.setattr(download, "fetch", offline)
    assert default_datasets(attrec, "quick", None) == ["synthetic-demo"] and fetched == ["ml-100k"]
    assert default_datasets(asli, "quick", None) == ["etsy"]
    monkeypatch.setattr(download, "fetch", lambda name, data_dir: tmp_path)
    assert default_datasets(attrec, "quick", None) == ["ml-100k"]
    assert default_datasets(attrec, "paper", None) == []
    assert default_datasets(papers.load("sine"), "paper", None) == ["synthetic-ularge"]
    assert default_datasets(asli, "paper", None) == ["tmall", "tmall_small", "etsy"]
    for folder in (tmp_path, tmp_path / "downloads"):
        (folder / "ml-1m").mkdir(parents=True)
        (folder / "ml-1m" / "ratings.dat").write_text("")
    assert default_datasets(attrec, "paper", str(tmp_path)) == ["ml-1m"]
    monkeypatch.chdir(tmp_path)
    assert default_datasets(attrec, "paper", "downloads") == ["ml-1m"]  # a folder's name is not taken for a verdict


def test_a_flag_that_is_newer_than_a_record_had_its_default():
    config = json.loads(sine_config.get_config("ml-1m").to_json_best_effort())
    old = copy.deepcopy(config)
    del old["model"]["activate"]
    assert science(old) == science(config)
    config["model"]["activate"] = "all"
    assert science(old) != science(config)
    config["model"]["activate"], config["train"]["groups"] = "history", 1  # the number of length groups changes nothing
    assert science(old) == science(config)
    config["trials"] = 12  # nor does the number of trials that its values were chosen from
    assert science(old) == science(config)
    config["eval"]["batch_size"] = 8  # nor how many users are evaluated at once
    assert science(old) == science(config)
    old["train"]["learning_rate"] = 0.5
    assert science(old) != science(config)


@pytest.mark.parametrize(
    ("paper", "dataset", "model"),
    [
        *(("asli", name, model) for name in ("tmall", "jd_appliances", "ml-1m") for model in ("asli", "nextitnet")),
        *(("sine", name, "sine") for name in ("taobao", "ml-1m")),
        *(("attrec", name, "attrec") for name in ("ml-100k", "s3rec-lastfm")),
        *(("sair", name, "sair") for name in ("ml-1m", "anime")),
    ],
)
def test_how_often_an_event_is_kept_changes_no_other_setting(paper, dataset, model):
    config_of = importlib.import_module(f"experiments.configs.{paper}").get_config
    plain = config_of(f"{dataset},{model}").to_dict()
    for suffix in ("ui", "uia"):
        assert config_of(f"{dataset}-{suffix},{model}").to_dict() == plain | {"dataset": f"{dataset}-{suffix}"}


@pytest.mark.parametrize("model", ["asli", "sasrec", "nextitnet"])
@pytest.mark.parametrize("dataset", ["tmall", "tmall_small", "etsy"])
def test_asli_stand_ins_train_for_as_many_steps_as_the_code_on_all_users(dataset, model):
    config = asli_config.get_config(f"{dataset},{model}")
    asli_config.stand_in(config)
    share = config.dataset_args.fraction
    rows = 128 / config.train.batch_size  # NextItRec: four times as many steps an epoch
    assert config.train.max_epochs * share * rows == pytest.approx(100, rel=0.01)
    assert config.train.eval_every * share * rows == pytest.approx(5, rel=0.3)  # whole epochs
    assert config.train.patience == 5


def test_sasrec_has_its_authors_dropout_beside_asli():
    rates = {name: asli_config.get_config(f"{name},sasrec").model.dropout for name in ("ml-1m", "jd_computers", "etsy")}
    assert rates == {"ml-1m": 0.2, "jd_computers": 0.5, "etsy": 0.5}
