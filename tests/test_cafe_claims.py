"""Every claim of CAFE, on fabricated records that make it hold and on others that make it fail."""

import numpy as np
import pytest

from experiments.papers.cafe import PAPER
from experiments.papers.cafe_data import BEAUTY, FAVOURITES, LEVEL_2, SPARSE, TOYS
from experiments.papers.cafe_published import (
    AUTHORS_SASREC,
    BERT4REC,
    BERT_F,
    CAFE,
    FDSA,
    FUSED_ALONE,
    INTENT_POP,
    LABELS,
    LOCKER,
    LOCKER_F,
    NOVA,
    OFFICIAL,
    PLUS_12,
    PLUS_123,
    PLUS_124,
    POP,
    SASREC,
    STEPS,
)
from experiments.reporting.collect import collect
from experiments.reporting.verdicts import decide
from tests import report_records

PAIRED = "cafe_released_pairing"
LOW = dict.fromkeys((*LABELS, AUTHORS_SASREC), 0.2)  # the ten models of Table 2, SASRec in the authors' code too


def run(dataset, key, hit=0.3, paired=None, **changes):
    """HR@5 = NDCG@5 = hit under popularity100, the first users being lucky."""
    ranks = {"popularity100": report_records.ranks_for(hit)}
    if paired is not None:
        ranks[PAIRED] = report_records.ranks_for(paired)
    return dataset, key, ranks, changes


def ten(hits, *datasets):
    """Table 2, at 0.2 but for `hits`."""
    return [run(name, key, (LOW | hits)[key]) for name in datasets or (FAVOURITES,) for key in LOW]


def ladder(*hits):
    return [run(FAVOURITES, key, hit) for key, hit in zip(STEPS, hits, strict=True)]


def figure_4(gains, dataset=FAVOURITES, **changes):
    """BERT4Rec has 0.2 throughout; gains: k -> share."""
    runs = []
    for k, gain in gains.items():
        sweep = {} if k == 1 else {"min_item": k}
        runs += [
            run(dataset, key, hit, sweep=sweep, **changes) for key, hit in ((BERT4REC, 0.2), (CAFE, 0.2 * (1 + gain)))
        ]
    return runs


def scope(sparse, dense):
    labels = np.array([str(user) for user in range(40)])
    age = lambda mean: {  # noqa: E731
        "scope.age": (mean + np.linspace(-0.05, 0.05, 40)).astype(np.float32),
        "scope.labels": labels,
    }
    return [
        run(FAVOURITES, BERT4REC, figures=age(sparse)),
        run(FAVOURITES, BERT4REC, figures=age(dense), sweep={"min_item": 5}),
    ]


def vectors(**numbers):
    """In pairs, of frequent and of infrequent items."""
    names = {"silhouette": "silhouette", "alike": "neighbours of one intent", "length": "length"}
    figures = {
        f"{names[short]}, {group}": np.array(value)
        for short, pair in numbers.items()
        for group, value in zip(("frequent", "infrequent"), pair, strict=True)
    }
    return [run(FAVOURITES, BERT4REC, figures=figures)]


def pairing(key, own, released):
    return [run(BEAUTY, key, own, released)]


BEST = {CAFE: 0.6, LOCKER_F: 0.4}
UP = (0.1, 0.2, 0.3, 0.35, 0.6, 0.65)  # SASRec, FDSA, +(1)(2), +(3), +(4), all
CASES = {
    "gain-ndcg": (ten(BEST, FAVOURITES, BEAUTY), ten({CAFE: 0.5, LOCKER_F: 0.4}, FAVOURITES, BEAUTY)),
    "gain-hr": (ten(BEST), ten({CAFE: 0.5, LOCKER_F: 0.4})),
    "cafe-best": (ten(BEST), ten({CAFE: 0.6, LOCKER: 0.65})),
    "strongest": (ten(BEST), ten({CAFE: 0.6, LOCKER_F: 0.3, BERT4REC: 0.35})),
    "local-global": (ten({LOCKER: 0.3}), ten({BERT4REC: 0.3})),
    "limited": (ten(BEST | {LOCKER: 0.35, BERT_F: 0.25}), ten(BEST | {LOCKER: 0.35, BERT_F: 0.25, NOVA: 0.35})),
    "implicit": (
        ten({NOVA: 0.1, FDSA: 0.1, BERT_F: 0.1, LOCKER_F: 0.1}),
        ten({NOVA: 0.1, FDSA: 0.1, BERT_F: 0.1, LOCKER_F: 0.3}),
    ),
    "decay": (ten({NOVA: 0.1, FDSA: 0.15}), ten({NOVA: 0.1, FDSA: 0.3})),
    "explicit": (ladder(*UP), ladder(*UP) + [run(FAVOURITES, FUSED_ALONE, 0.4, sweep=dict(FUSED_ALONE.sweep))]),
    "joint-large": (ladder(*UP), ladder(0.1, 0.2, 0.3, 0.5, 0.4, 0.65)),
    "joint": (ladder(*UP), ladder(0.1, 0.2, 0.3, 0.35, 0.25, 0.65)),
    "local": (ladder(*UP), ladder(0.1, 0.2, 0.3, 0.35, 0.6, 0.55)),
    "dense-intents": (
        [run(FAVOURITES, POP, statistics=report_records.STATISTICS)],  # 9,134 items, 71 categories
        [run(FAVOURITES, POP, statistics=report_records.STATISTICS | {"categories": 1000})],
    ),
    "scope": (scope(0.5, 0.8), scope(0.8, 0.5)),
    "clusters": (
        vectors(silhouette=(0.3, 0.0), alike=(0.8, 0.4)),
        vectors(silhouette=(0.3, 0.0), alike=(0.4, 0.5)),
    ),
    "origin": (vectors(length=(1.4, 0.6)), vectors(length=(0.9, 1.1))),
    "gain-sparse": (figure_4({1: 1.5}), figure_4({1: 0.9})),
    "gain-dense": (figure_4({20: 0.05}), figure_4({20: -0.05})),
    "gain-falls": (figure_4({1: 1.5, 5: 0.5, 20: 0.1}), figure_4({1: 0.1, 5: 0.5, 20: 0.4})),
    "pop-chance": (ten({POP: 0.05}), ten({POP: 0.1})),
    "pairing-intent-pop": (pairing(INTENT_POP, 0.05, 0.4), pairing(INTENT_POP, 0.05, 0.06)),
    "pairing-cafe": (
        [*pairing(CAFE, 0.4, 0.5), *pairing(OFFICIAL, 0.3, 0.4)],
        [*pairing(CAFE, 0.4, 0.5), *pairing(OFFICIAL, 0.3, 0.2)],
    ),
    "pairing-item": (pairing(PLUS_123, 0.4, 0.4), pairing(PLUS_123, 0.4, 0.5)),
}


def outcome(root, claim: str, runs):
    for dataset, key, ranks, changes in runs:
        changes = {"variant": key.variant, "ranks": ranks, **changes}
        report_records.save(root, dataset, key.model, paper="cafe", **changes)
    (found,) = [each for each in PAPER.claims if each.id == claim]
    return decide(found, collect(PAPER, root, "paper"))


def test_every_claim_has_a_case():
    assert set(CASES) == {claim.id for claim in PAPER.claims}


@pytest.mark.parametrize("claim", CASES)
def test_holds_and_fails(tmp_path, claim):
    good, bad = CASES[claim]
    assert outcome(tmp_path / "good", claim, good).verdict == "holds"
    assert outcome(tmp_path / "bad", claim, bad).verdict == "does not hold"
    assert outcome(tmp_path / "none", claim, []).verdict == "not tested"


def test_the_pairing_of_one_form_alone_can_refute_but_not_confirm(tmp_path):
    assert outcome(tmp_path / "a", "pairing-cafe", pairing(CAFE, 0.4, 0.5)).verdict == "not tested"
    assert outcome(tmp_path / "b", "pairing-cafe", pairing(CAFE, 0.5, 0.4)).verdict == "does not hold"


PRINTED = {
    "gain-ndcg": True,
    "gain-hr": True,
    "cafe-best": True,
    "strongest": True,
    "local-global": True,
    "limited": False,
    "implicit": False,
    "explicit": True,
    "joint-large": True,
    "joint": True,
    "local": True,
    "dense-intents": True,
    "pop-chance": True,
}


@pytest.mark.parametrize("claim", PRINTED)
def test_the_paper_s_own_tables(tmp_path, claim):
    """What the printed numbers say of each claim that they can answer."""
    found = [f for f in outcome(tmp_path, claim, []).findings if f.kind == "published"]
    assert found and all(f.verdict == "holds" for f in found) == PRINTED[claim]


def test_fdsa_is_above_its_backbone_on_printed_tmall(tmp_path):
    found = {f.where: f.verdict for f in outcome(tmp_path, "decay", []).findings}
    assert found == {"the paper's own Amazon": "holds", "the paper's own Tmall": "does not hold"}


def test_the_average_gain_by_hand(tmp_path):
    """0.6 / 0.4 and 0.5 / 0.4: +50% and +25%, 37.5% on average, below 44.03%."""
    runs = [*ten(BEST, FAVOURITES), *ten({CAFE: 0.5, LOCKER_F: 0.4}, TOYS)]
    (mine, _) = sorted(outcome(tmp_path, "gain-ndcg", runs).findings, key=lambda f: f.kind == "published")
    assert mine.verdict == "does not hold"
    assert mine.evidence == "NDCG@5: mean +37.5% (Taobao favourites +50.0%, Toys (5-core) +25.0%)"


def test_level_2_and_generated_data_do_not_count_twice(tmp_path):
    found = outcome(tmp_path, "cafe-best", ten({CAFE: 0.6}, LEVEL_2, SPARSE)).findings
    assert all(f.kind == "published" for f in found)


def test_generated_data_decide_figure_4_only_alone(tmp_path):
    made = figure_4({1: 0.2}, SPARSE, synthetic=True)
    assert outcome(tmp_path / "a", "gain-sparse", made).summary.startswith("synthetic data only")
    both = outcome(tmp_path / "b", "gain-sparse", [*made, *figure_4({1: 1.5})])
    assert both.verdict == "holds" and len(both.findings) == 2


def test_a_gain_needs_three_values_to_fall(tmp_path):
    assert outcome(tmp_path, "gain-falls", figure_4({1: 1.5, 20: 0.1})).verdict == "not tested"


def test_joint_needs_every_step(tmp_path):
    runs = [run(FAVOURITES, key, hit) for key, hit in ((PLUS_12, 0.3), (PLUS_124, 0.6), (SASREC, 0.1))]
    assert outcome(tmp_path / "a", "joint-large", runs).verdict == "not tested"
    assert outcome(tmp_path / "b", "joint", runs).verdict == "holds"
