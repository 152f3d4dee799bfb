"""The input pipeline: what a batch costs next to the step that uses it, and what an exact negative costs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from data.feeds.next_item import next_item_feed
from data.negatives import ComplementSampler
from data.pipeline import step_seed
from data.splits import Split
from experiments.benchmarks import steps, workload
from experiments.benchmarks.measure import Block, Row, interleaved, ratios
from experiments.benchmarks.settings import Settings
from tf_utils.keras_gate import tf

TARGET = 0.02
_BATCHES_PER_STEP = 10  # a batch is cheap: more of them to a block


def plain_batches(split: Split, length: int, batch_size: int, seed: int = 0) -> Iterator[dict[str, np.ndarray]]:
    """Batches as a plain Python generator makes them: a loop over events that redraws a negative until it is new.

    Yields items, positives, negatives int32 [batch_size, length], left-padded; users are drawn with replacement. So
    does the sampler of SASRec's released code, and those of its descendants.
    """
    seq, rng = split.sequences, np.random.default_rng(seed)
    n_items = seq.size("item")
    histories = [seq.items[lo:hi].tolist() for lo, hi in zip(seq.offsets[:-1], split.train_ends, strict=True)]
    done = [set(history) for history in histories]
    users = [u for u, history in enumerate(histories) if len(history) > 1 and len(done[u]) < n_items]
    while True:
        fields = {name: np.zeros((batch_size, length), np.int32) for name in ("items", "positives", "negatives")}
        for row, user in enumerate(rng.choice(users, batch_size)):
            history = histories[user][-length - 1 :]
            for place in range(1, len(history)):
                negative = rng.integers(1, n_items + 1)
                while negative in done[user]:
                    negative = rng.integers(1, n_items + 1)
                column = length - len(history) + place
                fields["items"][row, column] = history[place - 1]
                fields["positives"][row, column] = history[place]
                fields["negatives"][row, column] = negative
        yield fields


def run(settings: Settings) -> list[Row]:
    split, source = workload.movielens(settings)
    feed = next_item_feed(split, settings.length, settings.batch, seed=1)
    batches = steps.full_batches(feed, settings.batch, settings.steps)
    step = steps.our_step(steps.sasrec(settings, split, settings.dropout), feed, settings.groups)
    iterator = iter(feed.dataset())  # kept: a new one would be timed while it starts
    many = settings.steps * _BATCHES_PER_STEP

    def take():
        for _ in range(many):
            batch = next(iterator)
        return batch["valid_count"].numpy()

    plain = plain_batches(split, settings.length, settings.batch)
    draw, cells = _sampler(split, batches)
    seconds = interleaved(
        {
            "step": steps.step_block(step, batches),
            "batch": Block(take, many),
            "negatives": Block(lambda: [draw(i) for i in range(many)], many),
            "plain": Block(lambda: [next(plain) for _ in range(2)], 2),
        },
        settings.rounds,
        settings.clock,
    )
    rate = cells / np.median(seconds["negatives"])
    return [
        Row(
            "pipeline",
            "a batch of the input pipeline, alone / a step",
            ratios(seconds["batch"], seconds["step"]),
            TARGET,
            note=source,
        ),
        Row(
            "pipeline",
            "the exact negatives of a batch, alone / a step",
            ratios(seconds["negatives"], seconds["step"]),
            note=f"{cells:,.0f} negatives a batch, {rate / 1e6:.1f} million a second here",
        ),
        Row(
            "pipeline",
            "a batch of the input pipeline / one of a plain Python sampler",
            ratios(seconds["batch"], seconds["plain"]),
        ),
    ]


def _sampler(split: Split, batches: list) -> tuple:
    """A function that draws the negatives of batch i, and their mean number."""
    seq, trained = split.sequences, split.train_mask()
    sampler = ComplementSampler(
        seq.users_of_events()[trained], seq.items[trained].astype(np.int64), seq.size("user"), seq.size("item")
    )
    specs = [tf.TensorSpec([None], tf.int32), tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([], tf.int64)]
    graph = tf.function(lambda u, p, step: sampler(u, p, step_seed(1, step, 0)), input_signature=specs, autograph=False)

    def draw(i):
        batch = batches[i % len(batches)]
        return graph(batch["user"], batch["positives"], tf.constant(i, tf.int64))[0, 0].numpy()

    return draw, float(np.mean([tf.size(batch["positives"]).numpy() for batch in batches]))
