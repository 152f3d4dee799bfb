"""Anchors outside the five papers: their configurations, and (slow) whether training reaches what others report.

The slow tests train without a limit of time: hours. ANCHOR_RUNS names a folder that keeps the runs, so that a test that
was stopped goes on; DATA_DIR must have MovieLens-1M.
"""

import os
from pathlib import Path

import pytest

from experiments import runner
from experiments.configs import bert4rec, lightsans, sasrec


def test_bert4rec_is_as_stated():
    config = bert4rec.get_config()
    assert (config.paper, config.dataset, config.model_name) == ("anchors", "ml-1m-sasrec", "bert4rec")
    assert (config.model.max_length, config.model.mask_share, config.train.learning_rate) == (200, 0.2, 1e-3)
    assert config.train.budget_minutes == 120 and config.train.windows == "sliding"
    with pytest.raises(ValueError, match="takes no argument"):
        bert4rec.get_config("ml-20m")


def test_lightsans_is_as_its_log_says():
    config = lightsans.get_config()
    assert (config.paper, config.dataset, config.model.variant) == ("anchors", "ml-1m", "official")
    assert config.dataset_args.min_rating == 3
    assert (config.model.max_length, config.model.interests, config.model.dropout) == (200, 20, 0.2)
    assert (config.train.learning_rate, config.train.batch_size) == (3e-3, 1024)
    assert config.eval.select == "full_with_seen/NDCG@10" and lightsans.get_config("paper").model.variant == "paper"
    with pytest.raises(ValueError, match="unknown variant"):
        lightsans.get_config("best")


@pytest.mark.parametrize("config", [bert4rec.get_config(), lightsans.get_config()], ids=lambda c: c.model_name)
def test_settings_pass_the_runner(config):
    runner.check(config)


def test_data_of_the_lightsans_log():
    """6,039 users and 3,628 films have ratings of 3 or more (the log counts a padding id with each)."""
    sequences = runner.load_split(lightsans.get_config(), data_dir()).sequences
    assert (sequences.size("user"), sequences.size("item")) == (6039, 3628)


def data_dir() -> str:
    folder = os.environ.get("DATA_DIR", "")
    if not (Path(folder) / "ml-1m" / "ratings.dat").is_file():
        pytest.skip("DATA_DIR is not set or has no MovieLens-1M")
    return folder


def trained(config, tmp_path):
    """The record of a run without a limit of time."""
    config.train.budget_minutes = 0.0
    folder = Path(os.environ.get("ANCHOR_RUNS") or tmp_path) / f"{config.model_name}-{config.model.variant}"
    return runner.execute(config, folder, data_dir())


@pytest.mark.slow
def test_sasrec_reaches_its_paper(tmp_path):
    """Published HR@10 0.8245, NDCG@10 0.5905; replications 0.819 to 0.823 and 0.590 to 0.592."""
    metrics = trained(sasrec.get_config(), tmp_path).metrics["uniform100"]
    assert metrics["HR@10"] >= 0.81 and metrics["NDCG@10"] >= 0.58


@pytest.mark.slow
def test_bert4rec_reaches_its_replication(tmp_path):
    """Within 3% of the NDCG@10 after long training, under each of its three protocols."""
    metrics = trained(bert4rec.get_config(), tmp_path).metrics
    for protocol, (_, ndcg) in bert4rec.REPLICATED.items():
        assert metrics[protocol]["NDCG@10"] >= 0.97 * ndcg, protocol


@pytest.mark.slow
def test_lightsans_reaches_its_log(tmp_path):
    """NDCG@10 within 10% of the log's, the history among the candidates."""
    found = trained(lightsans.get_config(), tmp_path).metrics["full_with_seen"]["NDCG@10"]
    assert found == pytest.approx(lightsans.LOG["NDCG@10"], rel=0.1)
