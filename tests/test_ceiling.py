"""What the best possible scorer reaches stands in the records of generated data, and in no others."""

from dataclasses import replace

import pytest

from data import catalog
from data.candidates import draw
from data.schema import Provenance
from data.sources.synthetic_ceiling import Ceiling
from data.sources.synthetic_process import build_process
from experiments import ceiling, runner
from experiments.configs import asli
from tf_utils import ranking


@pytest.fixture
def generated():
    config = asli.get_config("synthetic-demo,pop")
    config.dataset_args.fraction = 0.05
    return config, runner.load_split(config, None)


def test_numbers_are_those_of_the_scorer(generated):
    config, split = generated
    found = ceiling.ceilings(config, split, None)
    scorer = Ceiling(build_process("demo", 0.05), split.sequences, observe_actions=False)
    lists = draw("uniform100", split, "test", config.eval.candidate_seed)
    assert found["ceiling_users"] == len(split.test)
    assert found["ceiling_blind"]["uniform100"] == ranking.metrics(scorer.ranks(split.test, lists))
    assert found["ceiling"]["full"] == ranking.metrics(
        Ceiling(build_process("demo", 0.05), split.sequences).ranks(split.test)
    )
    assert found["ceiling"]["full"]["NDCG@10"] > found["ceiling_chance"]["full"]["NDCG@10"]


def test_some_users_stand_for_many(generated, monkeypatch):
    config, split = generated
    monkeypatch.setattr(ceiling, "_FOUND", {})
    monkeypatch.setattr(ceiling, "MOST_USERS", 10)
    assert ceiling.ceilings(config, split, None)["ceiling_users"] == 10


def test_real_and_filtered_data_have_none(generated):
    config, split = generated
    real = replace(split, sequences=replace(split.sequences, provenance=Provenance("ml-1m")))
    assert ceiling.ceilings(config, real, None) == {}
    assert catalog.process("synthetic-demo", None, fraction=0.05, min_item=3) is None
    assert catalog.process("synthetic-demo", None, fraction=0.05).fingerprint() == split.sequences.provenance.made_by
    config.dataset_args.min_item = 3
    assert ceiling.ceilings(config, runner.load_split(config, None), None) == {}


def test_a_record_of_generated_data_has_them(generated, tmp_path):
    config, _ = generated
    record = runner.execute(config, tmp_path / "run")
    assert record.statistics["ceiling"]["uniform100"]["HR@10"] >= record.metrics["uniform100"]["HR@10"]
