"""A training step of SASRec's size: ours (packed, padded, without dropout) against the naive tf-keras form.

All forms run the same batches, drawn beforehand, so what feeds them plays no part (experiments/benchmarks/feeding.py).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import models
from data.feeds.next_item import next_item_feed
from data.pipeline import Batch, Feed
from data.splits import Split
from experiments.benchmarks import flops, gemm, workload
from experiments.benchmarks.measure import Block, Row, interleaved, ratios
from experiments.benchmarks.naive_sasrec import NaiveSASRec
from experiments.benchmarks.settings import Settings
from models.base import DataSpec, Recommender
from tf_utils.keras_gate import tf
from tf_utils.optimizers import adam
from tf_utils.training import Stepper

TARGET_NAIVE = 0.5
AIM_SHAPES = 0.5


def sasrec(settings: Settings, split: Split, dropout: float) -> Recommender:
    """An unbuilt SASRec of the benchmark's size."""
    config = models.default_config("sasrec")
    config.update(dict(dim=settings.dim, max_length=settings.length, blocks=settings.blocks, dropout=dropout))
    return models.build("sasrec", config, DataSpec.of(split.sequences))


def full_batches(feed: Feed, batch_size: int, count: int) -> list[Batch]:
    """The first `count` batches that have all their rows (the last one of an epoch is smaller)."""
    steps = (s for s in range(10**6) if s % feed.steps_per_epoch < max(feed.instances // batch_size, 1))
    draw = tf.function(feed.batch, autograph=False)
    return [draw(tf.constant(next(steps), tf.int64)) for _ in range(count)]


def padded(batch: Batch, length: int) -> Batch:
    """The fields that the naive model reads, left-padded to [B, length]."""
    pad = lambda x: tf.pad(x, [[0, 0], [length - x.shape[1], 0]])  # noqa: E731
    return {name: pad(batch[name]) for name in ("items", "positives", "negatives")}


def our_step(model: Recommender, feed: Feed, groups: int) -> Callable[[Batch], tf.Tensor]:
    """One optimiser step of a model, as tf_utils/training.py runs it, as a function of a batch in memory."""
    stepper = Stepper(model, adam(), feed, tf.distribute.get_strategy(), seed=1, groups=groups)
    stepper.build()
    signature = feed.dataset().element_spec
    return tf.function(stepper.replica_step, input_signature=[signature], autograph=False)


def naive_step(model: NaiveSASRec) -> Callable[[Batch], tf.Tensor]:
    """One optimiser step of the naive model."""
    optimizer = tf.keras.optimizers.Adam(1e-3, beta_2=0.98, epsilon=1e-8)

    @tf.function
    def step(batch):
        with tf.GradientTape() as tape:
            loss = model.loss_of(batch, training=True)
        weights = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return loss

    return step


def step_block(step: Callable[[Batch], tf.Tensor], batches: list[Batch]) -> Block:
    """A pass over the batches; two steps are enough of a warm-up."""

    def run(batches=batches):
        for batch in batches:
            loss = step(batch)
        return loss.numpy()

    return Block(run, len(batches), lambda: run(batches[:2]))


def run(settings: Settings) -> list[Row]:
    split, source = workload.movielens(settings)
    feed = next_item_feed(split, settings.length, settings.batch, seed=1)
    batches = full_batches(feed, settings.batch, settings.steps)
    wide = [padded(batch, settings.length) for batch in batches]
    blocks = {}
    for suffix, dropout in (("", settings.dropout), (", no dropout", 0.0)):
        naive = NaiveSASRec(split.sequences.size("item"), settings.dim, settings.length, settings.blocks, dropout)
        blocks["naive" + suffix] = step_block(naive_step(naive), wide)
        for name, groups in (("packed", settings.groups), ("padded", 1)):
            blocks[name + suffix] = step_block(our_step(sasrec(settings, split, dropout), feed, groups), batches)
    peak, peak_flops = gemm.peak_block(settings.side)
    shapes, shapes_flops = gemm.shapes_block(settings)
    seconds = interleaved(blocks | {"peak": peak, "shapes": shapes}, settings.rounds, settings.clock)

    lengths = [np.count_nonzero(batch["items"].numpy(), axis=1) for batch in batches]
    useful = np.mean([flops.sasrec_step(rows, settings.dim, settings.blocks) for rows in lengths])
    cells = np.mean([rows.mean() for rows in lengths])
    rate = useful / seconds["packed"]
    size = f"d {settings.dim}, n {settings.length}, {settings.blocks} blocks, batch {settings.batch}"
    over = lambda a, b: ratios(seconds[a], seconds[b])  # noqa: E731
    return [
        Row(
            "step",
            "our step, packed / naive tf-keras step",
            over("packed", "naive"),
            TARGET_NAIVE,
            note=f"SASRec, {size}, dropout {settings.dropout}, {cells:.0f} valid cells a row; {source}",
        ),
        Row("step", "our step, not packed / naive tf-keras step", over("padded", "naive")),
        Row("step", "both without dropout: packed / naive", over("packed, no dropout", "naive, no dropout")),
        Row("step", "both without dropout: not packed / naive", over("padded, no dropout", "naive, no dropout")),
        Row("step", "packed with dropout / packed without", over("packed", "packed, no dropout")),
        Row(
            "step",
            "useful FLOP rate of our step / GEMM rate at its shapes",
            ratios(rate, shapes_flops / seconds["shapes"]),
            AIM_SHAPES,
            at_most=False,
            note=f"{useful / 1e9:.2f} GFLOP a step counted: products, forward and backward, valid cells alone",
        ),
        Row("step", "useful FLOP rate of our step / peak GEMM rate", ratios(rate, peak_flops / seconds["peak"])),
    ]
