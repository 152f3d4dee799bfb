"""Two replicas of every registered model train like one, or the table says that they differ."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.table import REPLICAS_DIFFER, trained_rows

ROOT = Path(__file__).parents[2]


@functools.cache
def replica_differences(rows: str) -> dict[str, float]:
    """Row -> largest difference between one replica and two, measured in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.conformance.replicas", rows],
        cwd=ROOT,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def replicated_rows() -> list:
    """Each model as its paper has it; the variants, of which tracing alone takes minutes, are for `make test-slow`."""
    kind = lambda row: "papers" if row.variant == "paper" else "variants"  # noqa: E731
    return [
        pytest.param(row, kind(row), id=str(row), marks=[] if row.variant == "paper" else [pytest.mark.slow])
        for row in (parameter.values[0] for parameter in trained_rows())
    ]


@pytest.mark.parametrize(("replicated_row", "rows"), replicated_rows())
def test_two_replicas_are_one(replicated_row, rows):
    difference = replica_differences(rows)[str(replicated_row)]
    if (replicated_row.name, replicated_row.variant) in REPLICAS_DIFFER:
        assert difference > 1e-4
    else:
        assert difference < 1e-5
