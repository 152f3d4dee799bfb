"""What a plan says of time: only what is limited, and what is not."""

from types import SimpleNamespace

import ml_collections
import pytest

from experiments import console


def job(model: str, minutes: float, **train):
    settings = ml_collections.ConfigDict({"train": {"budget_minutes": minutes} | train})
    return SimpleNamespace(config=settings, run=SimpleNamespace(model=model, variant="paper"))


@pytest.mark.parametrize(
    ("jobs", "told"),
    [
        ([job("pop", 25.0)], []),
        ([job("sine", 0.0), job("mind", 0.0), job("pop", 25.0)], ["2 have no limit in time"]),
        ([job("asli", 25.0), job("sasrec", 25.0)], ["2 train for at most 50 minutes in all;"]),
        ([job("sair", 0.2), job("caser", 0.3), job("sasrec", 0.0)], ["2 train for at most 30 seconds", "1 have no"]),
        ([job("attrec", 2.0, refit=True)], ["1 train for at most 2 minutes in all, as long again where refitted;"]),
    ],
)
def test_a_plan_tells_the_limits_there_are(capsys, jobs, told):
    console.plan("title", "quick", [], None, jobs, jobs)
    lines = [line for line in capsys.readouterr().out.splitlines() if "limit" in line or "at most" in line]
    assert len(lines) == len(told) and all(
        line.strip().startswith(text) for line, text in zip(lines, told, strict=True)
    )
