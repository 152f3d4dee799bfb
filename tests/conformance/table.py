"""The rows of the conformance table: every registered model in each of its variants, and settings worth a row."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

import models
from tests import tiny
from tf_utils.keras_gate import tf
from tf_utils.optimizers import adam
from tf_utils.strategy import make_strategy
from tf_utils.training import Stepper

# Rows beside the variants: (model, name of the row, hyper-parameters).
EXTRA = [
    ("asli", "centered", {"conv": "centered"}),
    ("asli", "self", {"attention_type": "self"}),
    ("sasrec", "two heads", {"heads": 2}),
    ("sine", "membership", {"prototypes": "category", "assignment": "membership"}),
    ("transrec", "l1", {"distance": "l1"}),
    ("mind", "relu", {"relu": True}),
    ("comirec_sa", "newest", {"anchor": "newest"}),
    ("nova", "concat", {"fusor": "concat"}),
    ("nova", "gating", {"fusor": "gating"}),
    ("cafe", "two heads", {"heads": 2}),
]

# Of the optimiser that learns a batch by heart. nova: hidden events differ by their attention maps alone, and 0.02 is
# too rough for those.
LEARNING_RATES = {("nova", "paper"): 0.005}

# Documented absences that no class attribute tells.
# nextitnet: one pool of negatives for each slice of a batch. mind: each replica draws routing logits of its own.
# sse_pt: each replica replaces ids by draws of its own.
REPLICAS_DIFFER = {("sse_pt", "paper"), ("nextitnet", "sampled")} | {("mind", v) for v in ("paper", "comirec", "soft")}


@dataclass
class Row:
    """One model with its settings, built once; the tests leave its weights as they found them."""

    name: str
    variant: str
    hyper: dict = field(default_factory=dict)
    extra: bool = False

    def __str__(self):
        return f"{self.name}-{self.variant}".replace(" ", "_")

    def make(self, split, policy: str = "float32", **hyper):
        """A new model with its weights made: always the same ones."""
        model = tiny.make_model(self.name, split, policy, **self.hyper | hyper)
        if model.regime is None:
            model.fit_counts(split)
        else:
            model.compute_loss(self.batch(model, split), training=False)
        return model

    def batch(self, model, split):
        return tiny.make_feed(model, split, batch_size=8).batch(tf.constant(0, tf.int64))

    @property
    def trains(self) -> bool:
        return models.model_class(self.name).regime is not None


def rows() -> list:
    """pytest parameters: every registered model in each of its variants, and what `EXTRA` names."""
    found = []
    for name in models.MODELS:
        # A variant's sizes (and dropout) stay the tiny ones: nothing tested here hangs on them.
        small = lambda hyper: {key: value for key, value in hyper.items() if key not in tiny.SIZES}  # noqa: E731
        found += [Row(name, variant, small(hyper)) for variant, hyper in models.model_class(name).variants().items()]
        found += [Row(name, row, hyper, extra=True) for model, row, hyper in EXTRA if model == name]
    return [pytest.param(row, id=str(row)) for row in found]


def trained_rows() -> list:
    """The variants of the models that are trained; what training must keep does not hang on the extra settings."""
    return [row for row in rows() if row.values[0].trains and not row.values[0].extra]


def histories(split, width: int = tiny.LENGTH) -> dict:
    """8 users' histories of 1 to `width` events, int32 [8, width], left-padded."""
    rng = np.random.default_rng(4)
    lengths = np.array([1, 2, 3, 5, 7, 8, 9, 9])
    cells = np.arange(width)[None, :] >= width - lengths[:, None]
    sizes = {"items": tiny.N_ITEMS, "categories": tiny.N_CATEGORIES, "actions": tiny.N_ACTIONS}
    longest = {name: rng.integers(1, size + 1, (8, 9)).astype(np.int32) for name, size in sizes.items()}
    batch = {}
    for name, x in longest.items():
        wide = np.zeros((8, width), np.int32)
        wide[:, width - 9 :] = x
        batch[name] = np.where(cells, wide, 0)
    return {"user": np.arange(1, 9, dtype=np.int32)} | batch


def tensors(batch: dict) -> dict:
    return {name: tf.constant(x) for name, x in batch.items()}


class Trainer:
    """A row with an optimiser, a fixed batch and one traced training step."""

    def __init__(self, row: Row, split):
        config = models.default_config(row.name)
        # 60% of hidden events (LOCKER) leave too little to learn a batch by heart from.
        hyper = {name: 0.2 for name in ("dropout", "mask_share") if name in config}
        self.model = row.make(split, **hyper)
        self.optimizer = adam(LEARNING_RATES.get((row.name, row.variant), 0.02))
        stepper = Stepper(
            self.model, self.optimizer, tiny.make_feed(self.model, split), make_strategy("none"), seed=5, groups=1
        )
        stepper.build()
        self.batch = row.batch(self.model, split)
        self.eager_step = stepper.replica_step
        self.graph_step = tf.function(stepper.replica_step, autograph=False)
        self.start = self.state()

    @property
    def variables(self):
        return [*self.model.variables, *self.optimizer.variables()]

    def state(self) -> list[np.ndarray]:
        return [w.numpy() for w in self.variables]

    def reset(self) -> None:
        for weight, value in zip(self.variables, self.start, strict=True):
            weight.assign(value)

    def run(self, steps: int) -> list[float]:
        return [float(self.graph_step(self.batch)) for _ in range(steps)]
