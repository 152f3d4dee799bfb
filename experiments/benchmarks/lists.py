"""The best of a million items for a thousand users: in blocks of items, by TFRS' index, and the product alone."""

from __future__ import annotations

import numpy as np
import tensorflow_recommenders as tfrs

from experiments.benchmarks.measure import Block, Row, interleaved, ratios
from experiments.benchmarks.settings import Settings
from tf_utils.keras_gate import tf
from tf_utils.topk import ROWS, SCORES, top_k


def run(settings: Settings) -> list[Row]:
    generator = tf.random.Generator.from_seed(1)
    queries = generator.normal([settings.top_users, settings.top_dim])
    matrix = generator.normal([settings.top_items + 1, settings.top_dim])
    index = tfrs.layers.factorized_top_k.BruteForce(k=settings.top_n)
    index.index(matrix[1:], tf.range(1, settings.top_items + 1))
    block = max(SCORES // ROWS, 1)  # the items that top_k scores at once

    @tf.function(autograph=False)
    def blocked(queries):
        return top_k(queries, matrix, settings.top_n)

    @tf.function(autograph=False)
    def brute_force(queries):
        return index(queries)

    @tf.function(autograph=False)
    def product(queries):
        """One score of each block, so that no product is left out and nothing is held."""
        firsts = range(0, settings.top_items + 1, block)
        return tf.add_n([tf.matmul(queries, matrix[i : i + block], transpose_b=True)[0, 0] for i in firsts])

    # The index holds all scores of a call: it is called with as many users as `top_k` takes at once.
    parts = [queries[i : i + ROWS] for i in range(0, settings.top_users, ROWS)]
    seconds = interleaved(
        {
            "blocked": Block(lambda: blocked(queries)[0].numpy()),
            "index": Block(lambda: [brute_force(part)[0].numpy() for part in parts]),
            "product": Block(lambda: [product(part).numpy() for part in parts]),
        },
        settings.rounds,
        settings.clock,
    )
    rate = settings.top_users / np.median(seconds["blocked"])
    size = (
        f"the {settings.top_n} best of {settings.top_items:,} items x {settings.top_dim}, {settings.top_users:,} users"
    )
    every = ROWS * settings.top_items
    held, all_held = (f"{4 * scores / 2**20:,.0f} MiB of scores at once" for scores in (min(SCORES, every), every))
    return [
        Row(
            "lists",
            "lists in blocks / the product of users and items alone",
            ratios(seconds["blocked"], seconds["product"]),
            note=f"{size}, {held}, {rate:,.0f} users a second here",
        ),
        Row(
            "lists",
            "lists in blocks / TFRS' brute-force index",
            ratios(seconds["blocked"], seconds["index"]),
            note=f"the index in calls of {ROWS} users, {all_held}",
        ),
    ]
