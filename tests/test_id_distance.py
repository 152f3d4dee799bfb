"""IdDistance by hand: places in the common order or that of the raw ids, ranks by the distance to the newest event."""

import dataclasses

import numpy as np

import models
from data import candidates
from data.splits import leave_one_out
from models.baselines.id_distance import common_order, raw_order
from tests import tiny
from tf_utils.evaluation import Evaluator
from tf_utils.keras_gate import tf

CONTRADICTING = [[1, 2, 3, 4], [2, 1, 3, 4]]


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


def test_places_follow_the_training_events():
    """Users meet 3, 1, 4, 2 in this order, each only some; 5 ties with all and goes by its id, 6 is the last id."""
    histories = [[3, 1, 6, 6], [1, 4, 2, 6, 6], [3, 4, 6, 6]]  # the last two of each are held out
    model, split = fitted([60, 50, 40, 30, 45, 70], histories)
    np.testing.assert_array_equal(common_order(split, raw_order([60, 50, 40, 30, 45, 70])), [0, 3, 5, 1, 4, 2, 6])
    np.testing.assert_array_equal(model.places, [0, 3, 5, 1, 4, 2, 6])


def test_places_follow_the_ids_where_users_contradict_each_other():
    """Over three items, 1 before 2 before 3 before 1, or at once; held-out events and other users' do not matter."""
    for histories in ([[1, 2, 9, 9], [2, 3, 9, 9], [3, 1, 9, 9]], [[1, 2, 1, 9, 9]], [[4, 4, 9, 9]]):
        model, split = fitted(np.arange(90, 0, -10), histories)
        assert common_order(split, raw_order(np.arange(90, 0, -10))) is None
        np.testing.assert_array_equal(model.places, [0, *range(9, 0, -1)])
    model, split = fitted(np.arange(10, 100, 10), [[1, 2, 1, 2], [3, 4, 9, 9], [4, 5, 9, 9]])
    np.testing.assert_array_equal(model.places, range(10))


def test_scores_by_hand():
    """Raw ids 5, 1, 9, 2 have places 3, 1, 4, 2 (users contradict each other); the newest item is 4 with place 2."""
    model, _ = fitted([5, 1, 9, 2], CONTRADICTING)
    batch = {"items": tf.constant([[0, 1, 4]], tf.int32)}
    queries, _ = model.encode(batch, positions="last")
    np.testing.assert_array_equal(model.score_all(queries)[0, 1:], [-1, -1, -2, 0])
    np.testing.assert_array_equal(model.score(queries, tf.constant([[3, 4, 1]])), [[-2, 0, -1]])
    every, _ = model.encode(batch)
    np.testing.assert_array_equal(every[0, :, 0, 0], [0, 3, 2])
    assert model.retrieval_factors() is None
    ahead, _ = fitted([5, 1, 9, 2], CONTRADICTING, later_first=True)
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
    ahead, _ = fitted(np.arange(100, 140), histories, later_first=True)
    ranks = Evaluator(ahead, split.sequences, split.test, 10, protocols, lists).ranks()
    np.testing.assert_array_equal(ranks["full_with_seen"].greater, 1)
    assert ranks["full_with_seen"].equal.max() == 0
