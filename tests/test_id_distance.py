"""IdDistance by hand: places in the order of the raw ids, and ranks by the distance to the newest event."""

import dataclasses

import numpy as np

import models
from data import candidates
from data.splits import leave_one_out
from models.baselines.id_distance import raw_order
from tests import tiny
from tf_utils.evaluation import Evaluator
from tf_utils.keras_gate import tf


def fitted(labels, histories, **settings):
    """(fitted model, split): one user a history of item ids 1..n, whose raw ids are `labels`."""
    sequences = tiny.sequences_of([[(item, 0, 1) for item in items] for items in histories], len(labels), 0, 1)
    sequences = dataclasses.replace(sequences, labels=sequences.labels | {"item": np.array(labels)})
    split = leave_one_out(sequences)
    config = models.default_config("id_distance")
    config.update(settings)
    model = models.build("id_distance", config, tiny.spec_of(split))
    model.fit_counts(split)
    return model, split


def test_places_follow_the_raw_ids():
    """Numbers in numeric order, whatever their type; text in the order of the alphabet; padding is 0."""
    np.testing.assert_array_equal(raw_order(np.array([30, 4, 100])), [0, 2, 1, 3])
    np.testing.assert_array_equal(raw_order(np.array(["30", "4", "100"])), [0, 2, 1, 3])
    np.testing.assert_array_equal(raw_order(np.array(["b", "a", "10"])), [0, 3, 2, 1])


def test_scores_by_hand():
    """Raw ids 5, 1, 9, 2 have places 3, 1, 4, 2; the newest item is id 4 with place 2."""
    model, _ = fitted([5, 1, 9, 2], [[1, 2, 3, 4]])
    batch = {"items": tf.constant([[0, 1, 4]], tf.int32)}
    queries, _ = model.encode(batch, positions="last")
    np.testing.assert_array_equal(model.score_all(queries)[0, 1:], [-1, -1, -2, 0])
    np.testing.assert_array_equal(model.score(queries, tf.constant([[3, 4, 1]])), [[-2, 0, -1]])
    every, _ = model.encode(batch)
    np.testing.assert_array_equal(every[0, :, 0, 0], [0, 3, 2])
    assert model.retrieval_factors() is None
    ahead, _ = fitted([5, 1, 9, 2], [[1, 2, 3, 4]], larger_first=True)
    np.testing.assert_array_equal(ahead.score_all(queries)[0, 1:], [-1, -5, -2, 0])  # place 1 is 4 + 1 behind


def test_large_catalogues_do_not_tie():
    """Neighbouring distances stay apart at 100,000 items, under mixed precision too."""
    with tiny.precision("mixed_bfloat16"):
        model, _ = fitted(np.arange(100_000), [[1, 2, 3]])
        queries, _ = model.encode({"items": tf.constant([[99_999]], tf.int32)}, positions="last")
        scores = model.score_all(queries)
    assert scores.dtype == tf.float32 and len(np.unique(scores[0, 1:99_999])) == 99_998


def test_first_where_every_history_ascends_by_id():
    """Targets are the next id: nearest of the unseen ones, so rank 1 under `full`; with the history kept, the newest
    item itself is nearer and the one before it as near as the target."""
    histories = [list(range(start, start + 6)) for start in range(1, 30)]
    model, split = fitted(np.arange(100, 140), histories)
    lists = {"uniform100": candidates.draw("uniform100", split, "test", 0)}
    protocols = ("full", "full_with_seen", "uniform100")
    ranks = Evaluator(model, split.sequences, split.test, 10, protocols, lists).ranks()
    assert ranks["full"].greater.max() == 0 and ranks["uniform100"].greater.max() == 0
    np.testing.assert_array_equal(ranks["full_with_seen"].greater, 1)
    np.testing.assert_array_equal(ranks["full_with_seen"].equal, 1)
    ahead, _ = fitted(np.arange(100, 140), histories, larger_first=True)
    ranks = Evaluator(ahead, split.sequences, split.test, 10, protocols, lists).ranks()
    np.testing.assert_array_equal(ranks["full_with_seen"].greater, 1)
    assert ranks["full_with_seen"].equal.max() == 0
