"""Orderings by hand: which comparison decides, and when a claim is within noise."""

from types import SimpleNamespace

import pytest

from experiments.papers.claim_tests import ordering
from experiments.papers.schema import FAILS, HOLDS, Claim, Finding, Key
from experiments.reporting.verdicts import decide

OURS, RIVAL = Key("ours"), Key("rival")


def stub(means: dict, ps: dict):
    """Results with one data set; means: (model, metric) -> mean, ps: metric -> p, None for a printed table."""
    source = SimpleNamespace(
        datasets=["x"],
        estimate=lambda dataset, key, metric: SimpleNamespace(mean=means[key.model, metric]),
        p_value=lambda dataset, a, b, metric: ps[metric],
        finding=lambda dataset, verdict, evidence, noise=None: Finding(verdict, evidence, noise=noise),
    )
    table = SimpleNamespace(metrics=("HR@50", "MRR"))
    paper = SimpleNamespace(datasets={"x": None}, table=lambda name: table)
    return SimpleNamespace(paper=paper, sources=lambda name: [source], label=lambda key, name: key.model)


@pytest.mark.parametrize(
    ("hr", "mrr", "ps", "verdict", "noise", "metric"),
    [
        # Both lost, the wider gap by chance alone: the sure one decides.
        ((0.51, 0.52), (0.091, 0.100), (0.2, 0.04), FAILS, False, "MRR"),
        ((0.51, 0.52), (0.101, 0.100), (0.2, 0.04), FAILS, True, "HR@50"),
        # Both won, one of them not surely.
        ((0.53, 0.52), (0.105, 0.100), (0.01, 0.3), HOLDS, True, "MRR"),
        ((0.53, 0.52), (0.105, 0.100), (0.01, 0.02), HOLDS, False, "MRR"),
        ((0.53, 0.52), (0.120, 0.100), (None, None), HOLDS, None, "HR@50"),
    ],
)
def test_the_comparison_that_decides(hr, mrr, ps, verdict, noise, metric):
    means = {("ours", "HR@50"): hr[0], ("rival", "HR@50"): hr[1], ("ours", "MRR"): mrr[0], ("rival", "MRR"): mrr[1]}
    results = stub(means, dict(zip(("HR@50", "MRR"), ps, strict=True)))
    (found,) = ordering("t", [OURS], [RIVAL])(results)
    assert (found.verdict, found.noise) == (verdict, noise) and found.evidence.startswith(metric)


@pytest.mark.parametrize(
    ("findings", "words"),
    [
        (((HOLDS, False), (HOLDS, True)), "holds, within noise"),
        (((HOLDS, True), (FAILS, False)), "does not hold"),
        (((HOLDS, False), (FAILS, True)), "does not hold, within noise"),
        (((FAILS, True), (FAILS, False)), "does not hold"),
        (((HOLDS, False), (HOLDS, None)), "holds"),
        ((), "not tested"),
    ],
)
def test_a_verdict_says_whether_it_is_within_noise(findings, words):
    claim = Claim("c", "quote", "1", "how", lambda results: [Finding(v, "", noise=noise) for v, noise in findings])
    assert decide(claim, SimpleNamespace(begin=lambda: None)).words == words
