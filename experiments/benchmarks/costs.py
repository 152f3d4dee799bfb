"""What training costs, model by model: the time of a training target as a ratio to SASRec's, all at one width.

A model that costs far more than its equations ask for shows here first.
"""

from __future__ import annotations

import numpy as np

import models
from data import feeds
from data.splits import Split
from experiments.benchmarks import steps, workload
from experiments.benchmarks.measure import Block, Row, interleaved, ratios
from experiments.benchmarks.settings import Settings
from models.base import DataSpec

BASE = "sasrec"


def model_block(settings: Settings, split: Split, name: str) -> tuple[Block, float] | None:
    """(steps of a model with its defaults but for the width and the history's length, targets a step).

    Models of a few newest items keep their own length. None for a model that is fitted and not trained.
    """
    regime = models.model_class(name).regime
    if regime is None:
        return None
    config = models.default_config(name)
    if "dim" in config:
        config.dim = settings.cost_dim
    if "max_length" in config and regime != "window":
        config.max_length = settings.cost_length
    model = models.build(name, config, DataSpec.of(split.sequences))
    length, targets = config.get("max_length", 1), config.get("targets", 1)
    feed = feeds.make_feed(
        *(model.regime, split, length, settings.cost_batch, 1, model.feed_options()), targets=targets
    )
    batches = steps.full_batches(feed, settings.cost_batch, settings.steps)
    block = steps.step_block(steps.our_step(model, feed, settings.groups), batches)
    return block, feed.targets / feed.instances * settings.cost_batch


def run(settings: Settings) -> list[Row]:
    split, source = workload.movielens(settings)
    blocks, targets = {}, {}
    for name in dict.fromkeys((BASE, *(settings.cost_models or models.MODELS))):
        made = model_block(settings, split, name)
        if made is not None:
            blocks[name], targets[name] = made
    seconds = interleaved(blocks, settings.rounds, settings.clock)
    rows, size = [], f"; d {settings.cost_dim}, n {settings.cost_length}, batch {settings.cost_batch}; {source}"
    _, *others = blocks
    for name in others:
        per_target = ratios(seconds[name] / targets[name], seconds[BASE] / targets[BASE])
        a_step = np.median(seconds[name] / seconds[BASE])
        note = f"a step {a_step:.2g} times; targets a step {targets[name]:.0f} and {targets[BASE]:.0f}"
        rows.append(Row("models", f"{name}: a training target / one of {BASE}", per_target, note=note + size))
        size = ""
    return rows
