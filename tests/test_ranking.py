"""Metrics against enumeration, against a published example, and against what must hold for any ranks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles import ranking_oracle as oracle
from tf_utils.cli import UserError
from tf_utils.ranking import CUTOFFS, Ranks, metrics, per_user

NAMES = [f"{name}@{k}" for name in ("HR", "NDCG", "MRR") for k in (1, 2, 5, 10, 500)] + ["MRR", "AP", "NDCG", "AUC"]


def ranks_of(*rows):
    """Rows of (greater, equal, candidates)."""
    greater, equal, candidates = (np.array(column, np.int32) for column in zip(*rows, strict=True))
    return Ranks(np.arange(1, len(rows) + 1, dtype=np.int32), greater, equal, candidates)


@st.composite
def any_row(draw):
    candidates = draw(st.integers(1, 300))
    greater = draw(st.integers(0, candidates - 1))
    return greater, draw(st.integers(0, candidates - 1 - greater)), candidates


@pytest.mark.parametrize("metric", NAMES)
def test_every_small_case_against_enumeration(metric):
    rows = [(g, e, c) for c in range(1, 14) for g in range(c) for e in range(c - g)]
    expected = [oracle.expected(metric, *row) for row in rows]
    np.testing.assert_allclose(per_user(ranks_of(*rows), metric), expected, rtol=0, atol=1e-13)


def test_by_hand():
    # Rank 2 or 3 with equal chance, in a list of 5.
    ranks = ranks_of((1, 1, 5))
    assert per_user(ranks, "HR@2") == [0.5]
    assert per_user(ranks, "HR@3") == [1.0]
    np.testing.assert_allclose(per_user(ranks, "MRR"), (1 / 2 + 1 / 3) / 2)
    np.testing.assert_allclose(per_user(ranks, "NDCG@10"), (1 / np.log2(3) + 1 / 2) / 2)
    np.testing.assert_allclose(per_user(ranks, "AUC"), (3 / 4 + 2 / 4) / 2)


@pytest.mark.parametrize(
    ("places", "auc", "ap", "ndcg", "recall"),
    [
        ([100] * 5, 0.990, 0.010, 0.150, 0.0),
        ([40, 40, 8437, 9266, 4482], 0.555, 0.010, 0.122, 0.0),
        ([212, 2, 743, 5342, 1548], 0.843, 0.101, 0.208, 0.200),
    ],
)
def test_krichene_and_rendle(places, auc, ap, ndcg, recall):
    """Table 1 of Krichene and Rendle (KDD 2020): 10,000 items, three recommenders A, B and C."""
    ranks = ranks_of(*[(place - 1, 0, 10_000) for place in places])
    found = metrics(ranks)
    assert [round(found[name], 3) for name in ("AUC", "MRR", "NDCG", "HR@10")] == [auc, ap, ndcg, recall]
    assert round(per_user(ranks, "AP").mean(), 3) == ap


@pytest.mark.parametrize("candidates", [1, 2, 101, 5000])
def test_a_constant_scorer_is_at_chance(candidates):
    chance = metrics(ranks_of((candidates - 1, 0, candidates)).at_chance())
    assert chance["AUC"] == 0.5
    for k in CUTOFFS:
        assert chance[f"HR@{k}"] == min(k / candidates, 1)
        gains = sum(1 / np.log2(place + 1) for place in range(1, min(k, candidates) + 1))
        assert chance[f"NDCG@{k}"] == pytest.approx(gains / candidates, abs=1e-12)
    assert chance["MRR"] == pytest.approx(sum(1 / place for place in range(1, candidates + 1)) / candidates)


@settings(deadline=None)
@given(st.lists(any_row(), min_size=1, max_size=20))
def test_order_of_the_metrics(rows):
    ranks = ranks_of(*rows)
    values = {name: per_user(ranks, name) for name in NAMES}
    for name in ("HR", "NDCG", "MRR"):
        steps = [values[f"{name}@{k}"] for k in (1, 2, 5, 10, 500)]
        assert all((low <= high + 1e-12).all() for low, high in zip(steps, steps[1:], strict=False))
    for k in (1, 2, 5, 10, 500):
        assert (values[f"HR@{k}"] >= values[f"NDCG@{k}"] - 1e-12).all()
        assert (values[f"NDCG@{k}"] >= values[f"MRR@{k}"] - 1e-12).all()
    assert all((value >= -1e-12).all() and (value <= 1 + 1e-12).all() for value in values.values())
    np.testing.assert_allclose(values["HR@1"], values["NDCG@1"], atol=1e-12)
    np.testing.assert_allclose(values["NDCG@500"], values["NDCG"], atol=1e-12)  # no list here is longer than 500


@settings(deadline=None)
@given(any_row())
def test_tie_rules_bracket_the_expectation(row):
    ranks = ranks_of(row)
    for name in NAMES:
        best, mean, worst = (per_user(ranks, name, ties)[0] for ties in ("optimistic", "expected", "pessimistic"))
        assert worst - 1e-12 <= mean <= best + 1e-12


def test_published_tie_rules():
    tied = ranks_of((0, 100, 101))
    assert metrics(tied)["HR@10"] == 10 / 101
    assert metrics(tied, ties="optimistic")["HR@10"] == 1.0
    assert metrics(tied, ties="pessimistic")["HR@100"] == 0.0


def test_users_weigh_the_same():
    ranks = ranks_of((0, 0, 2), (5, 0, 5000), (900, 0, 5000))
    assert metrics(ranks, cutoffs=(1, 10)) == pytest.approx(
        {"HR@1": 1 / 3, "HR@10": 2 / 3}
        | {"NDCG@1": 1 / 3, "NDCG@10": (1 + 1 / np.log2(7)) / 3}
        | {"MRR": (1 + 1 / 6 + 1 / 901) / 3, "AUC": (1 + 4994 / 4999 + 4099 / 4999) / 3}
        | {"NDCG": (1 + 1 / np.log2(7) + 1 / np.log2(902)) / 3}
    )


@pytest.mark.parametrize("name", ["hr@10", "HR", "HR@0", "HR@-1", "HR@10x", "AUC@5", "F1", ""])
def test_unknown_metric(name):
    with pytest.raises(UserError, match="unknown metric"):
        per_user(ranks_of((0, 0, 2)), name)


def test_bad_input():
    with pytest.raises(ValueError, match="user 2: 3 greater and 2 equal"):
        ranks_of((0, 0, 1), (3, 2, 5))
    with pytest.raises(ValueError, match="-1 greater"):
        ranks_of((-1, 0, 1))
    with pytest.raises(ValueError, match="differ in length"):
        Ranks(np.array([1, 2]), np.array([0]), np.array([0]), np.array([1]))
    with pytest.raises(ValueError, match="vector of integers"):
        Ranks(np.array([1]), np.array([0.5]), np.array([0]), np.array([2]))
    with pytest.raises(UserError, match="no user"):
        metrics(Ranks(*(np.zeros(0, np.int32) for _ in range(4))))
    with pytest.raises(UserError, match="tie rule"):
        metrics(ranks_of((0, 0, 1)), ties="lucky")
