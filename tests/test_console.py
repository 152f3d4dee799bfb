"""What a plan says of time, only what is limited and what is not; and what is told of epochs."""

from types import SimpleNamespace

import ml_collections
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from experiments import console, setup
from tf_utils.keras_gate import tf


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


def test_lines_of_epochs(capsys):
    """Without a terminal: a line a validation, with its value, and a line an epoch of a refit, with its own total."""
    entry = {"seconds": 2.0, "loss": 0.5}
    with console.progress("caser", 9, "full/HR@50") as show:
        show(entry | {"epoch": 1})
        show(entry | {"epoch": 2, "validation": {"full": {"HR@50": 0.25}}})
        show(entry | {"epoch": 1, "refit": 2})
    assert capsys.readouterr().err.splitlines() == [
        "caser: epoch 2/9  2 s  loss 0.5000  full/HR@50 0.2500",
        "caser, refit: epoch 1/2  2 s  loss 0.5000",
    ]


def test_scalars_of_epochs(tmp_path):
    """A refit's curves are its own: its epochs are counted from 1 again."""
    log = setup.scalars(tmp_path)
    log({"epoch": 2, "seconds": 2.0, "loss": 0.5, "validation": {"full": {"HR@50": 0.25}}})
    log({"epoch": 2, "refit": 3, "seconds": 1.0, "loss": 0.125})
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    found = {
        tag: [(e.step, float(tf.make_ndarray(e.tensor_proto))) for e in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
    }
    assert found == {
        "train/loss": [(2, 0.5)],
        "train/seconds": [(2, 2.0)],
        "validation/full/HR@50": [(2, 0.25)],
        "refit/loss": [(2, 0.125)],
        "refit/seconds": [(2, 1.0)],
    }
