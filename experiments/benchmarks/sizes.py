"""Training at the sizes of the papers, with batches and all: SINE's instances a second, AttRec's epoch next to Caser's,
and what local attention adds to CAFE's step."""

from __future__ import annotations

import importlib

import numpy as np

from data.splits import Split
from experiments import runner
from experiments.benchmarks import workload
from experiments.benchmarks.measure import Block, Row, interleaved, ratios
from experiments.benchmarks.settings import Settings
from tf_utils.keras_gate import tf
from tf_utils.training import Stepper

SINE_RATE = 5_000  # instances a second on two cores; RecBole's SINE made about 1,100
CASER = 1.1  # AttRec Table 5: 1.01 on MovieLens
LOCAL = 1.5  # no [n, n, d] tensor is made
JOBS = {  # name -> paper, what its configuration is asked for, batch (0: the paper's)
    "sine": ("sine", "ml-1m,sine", 0),
    "attrec": ("attrec", "ml-1m,attrec", 1_000),
    "caser": ("attrec", "ml-1m,caser", 1_000),
    "local": ("cafe", "s3rec-beauty-leaf,cafe,plus_123", 0),
    "global": ("cafe", "s3rec-beauty-leaf,cafe,plus_12", 0),
}


def stepper_of(settings: Settings, split: Split, paper: str, argument: str, batch: int) -> tuple[Stepper, int]:
    """Of a model as its paper's configuration has it, but on this split; and its batch."""
    config = importlib.import_module(f"experiments.configs.{paper}").get_config(argument)
    config.model.dim = settings.paper_dim or config.model.dim
    config.train.batch_size = settings.paper_batch or batch or config.train.batch_size
    model = runner.make_model(config, split)
    feed = runner.make_feed(config, split, model)
    return runner.make_stepper(config, model, feed, tf.distribute.get_strategy()), config.train.batch_size


def block_of(settings: Settings, stepper: Stepper) -> Block:
    """Steps of training as it is, batches and all."""
    return Block(lambda: stepper.run(settings.steps), settings.steps, lambda: stepper.run(2))


def run(settings: Settings) -> list[Row]:
    split, source = workload.movielens(settings)
    made = {name: stepper_of(settings, split, *job) for name, job in JOBS.items()}
    blocks = {name: block_of(settings, stepper) for name, (stepper, _) in made.items()}
    seconds = interleaved(blocks, settings.rounds, settings.clock)

    def size(name: str) -> str:
        config = made[name][0].model.config
        return f"n {config.max_length}, d {config.dim}, batch {made[name][1]:,}"

    rate = made["sine"][1] / seconds["sine"]
    attrec, caser = (seconds[name] * made[name][0].feed.steps_per_epoch for name in ("attrec", "caser"))
    return [
        Row(
            "sizes",
            f"SINE's instances a second / {SINE_RATE:,}",
            ratios(rate, np.full_like(rate, SINE_RATE)),
            1.0,
            at_most=False,
            note=f"{size('sine')}, {np.median(rate):,.0f} a second here; {source}",
        ),
        Row("sizes", "an epoch of AttRec / one of Caser", ratios(attrec, caser), CASER, note=size("attrec")),
        Row(
            "sizes",
            "a step of CAFE with local attention / with the standard one",
            ratios(seconds["local"], seconds["global"]),
            LOCAL,
            note=size("local"),
        ),
    ]
