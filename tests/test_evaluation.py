"""Ranks against plain sorting, and a scorer that knows nothing at chance under every protocol."""

import numpy as np
import pytest

from data import candidates
from models.base import Recommender
from tests import tiny
from tf_utils.cli import UserError
from tf_utils.evaluation import FULL, Evaluator
from tf_utils.keras_gate import tf
from tf_utils.ranking import metrics

PROTOCOLS = (*FULL, *candidates.PROTOCOLS)


class FixedScores(Recommender):
    """Scores that depend on the user alone, a row of a table: the query is the scores themselves."""

    def __init__(self, table, spec):
        super().__init__({}, spec)
        self.table = tf.constant(table, tf.float32)

    def encode(self, batch, training=False, positions="all"):
        return tf.gather(self.table, batch["user"])[:, None, None, :], {}

    def score(self, queries, candidates):
        return tf.gather(queries[:, 0, 0], candidates, batch_dims=1)

    def score_all(self, queries):
        return queries[:, 0, 0]


def ranks_of(model, split, protocols, part="test", batch_size=7, length=12):
    lists = {name: candidates.draw(name, split, part, 0, negatives=20) for name in protocols if name not in FULL}
    targets = getattr(split, part)
    return Evaluator(model, split.sequences, targets, length, protocols, lists, batch_size).ranks(), lists


def table_of(kind, seed=0):
    rng = np.random.default_rng(seed)
    shape = (tiny.N_USERS + 1, tiny.N_ITEMS + 1)
    return {
        "random": rng.normal(size=shape),
        "ties": rng.integers(0, 4, size=shape).astype(float),
        "constant": np.full(shape, 0.3),
    }[kind]


@pytest.mark.parametrize("part", ["validation", "test"])
@pytest.mark.parametrize("kind", ["random", "ties"])
def test_ranks_are_those_of_sorting(tiny_split, kind, part):
    table = table_of(kind)
    found, lists = ranks_of(FixedScores(table, tiny.spec_of(tiny_split)), tiny_split, PROTOCOLS, part)
    seq, targets = tiny_split.sequences, getattr(tiny_split, part)
    for name in PROTOCOLS:
        assert found[name].users.tolist() == targets.users.tolist()
        for row, user in enumerate(targets.users):
            target = int(seq.items[targets.targets[row]])
            history = set(seq.items[targets.starts[row] : targets.targets[row]].tolist())
            if name == "full":  # the target is a candidate even where the history holds it
                rivals = [item for item in range(1, tiny.N_ITEMS + 1) if item not in history and item != target]
            elif name == "full_with_seen":
                rivals = [item for item in range(1, tiny.N_ITEMS + 1) if item != target]
            else:
                rivals = [item for item in lists[name].items[row, 1:].tolist() if item]
            scores = np.sort(table[user, rivals])[::-1]  # best first
            own = table[user, target]
            first, behind = np.searchsorted(-scores, -own, "left"), np.searchsorted(-scores, -own, "right")
            counts = (found[name].greater[row], found[name].equal[row], found[name].candidates[row])
            assert counts == (first, behind - first, len(rivals) + 1), (name, user)


def test_there_are_repeated_targets(tiny_split):
    """Otherwise the tests above would not show that such a target stays a candidate under `full`."""
    seq, targets = tiny_split.sequences, tiny_split.test
    repeated = [seq.items[t] in seq.items[s:t] for s, t in zip(targets.starts, targets.targets, strict=True)]
    assert 0 < sum(repeated) < len(repeated)


def test_a_constant_scorer_is_at_chance(tiny_split):
    found, _ = ranks_of(FixedScores(table_of("constant"), tiny.spec_of(tiny_split)), tiny_split, PROTOCOLS)
    for name in PROTOCOLS:
        ranks = found[name]
        assert (ranks.greater == 0).all() and (ranks.equal == ranks.candidates - 1).all()
        scores = metrics(ranks, (5, 10))
        assert scores["HR@10"] == pytest.approx(np.mean(np.minimum(10 / ranks.candidates, 1)), abs=1e-12)
        assert scores["AUC"] == pytest.approx(0.5, abs=1e-12)
        places = [np.arange(1, c + 1) for c in ranks.candidates]
        gain = np.mean([np.sum(1 / np.log2(place[:10] + 1)) / len(place) for place in places])
        assert scores["NDCG@10"] == pytest.approx(gain, abs=1e-12)


def test_a_trained_form_of_constancy(tiny_split):
    """A collapsed SASRec (all weights 0) scores all items the same: at chance, never at 1."""
    model = tiny.make_model("sasrec", tiny_split)
    model.encode({"items": tf.ones([1, 3], tf.int32)})
    for weight in model.trainable_variables:
        weight.assign(tf.zeros_like(weight))
    for ranks in ranks_of(model, tiny_split, PROTOCOLS)[0].values():
        assert (ranks.greater == 0).all() and (ranks.equal == ranks.candidates - 1).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("protocols", [("full",), ("uniform100",), ("full", "uniform100")])
def test_scores_that_are_not_finite(tiny_split, bad, protocols):
    table = table_of("random")
    rows = candidates.draw("uniform100", tiny_split, "test", 0, negatives=20)
    table[rows.users[3], rows.items[3, 5]] = bad
    with pytest.raises(UserError, match="not finite"):
        ranks_of(FixedScores(table, tiny.spec_of(tiny_split)), tiny_split, protocols)
    table = table_of("random")
    table[:, 0] = bad  # the padding column means nothing
    ranks_of(FixedScores(table, tiny.spec_of(tiny_split)), tiny_split, protocols)


def test_trimmed_is_untrimmed(tiny_split):
    model = tiny.make_model("sasrec", tiny_split)
    model.encode({"items": tf.ones([1, 3], tf.int32)})
    tiny.perturb_weights(model)
    trimmed, _ = ranks_of(model, tiny_split, PROTOCOLS, batch_size=7)
    model.padding_invariant = False  # the evaluator then gives full width, and the users' own order
    whole, _ = ranks_of(model, tiny_split, PROTOCOLS, batch_size=30)
    for name in PROTOCOLS:
        for column in ("users", "greater", "equal", "candidates"):
            np.testing.assert_array_equal(getattr(trimmed[name], column), getattr(whole[name], column))


def test_history_beyond_n_is_excluded_too(tiny_split):
    """`full` leaves out all that the user saw, not only what the model was shown."""
    model = FixedScores(table_of("random"), tiny.spec_of(tiny_split))
    short, _ = ranks_of(model, tiny_split, ("full",), length=2)
    long, _ = ranks_of(model, tiny_split, ("full",), length=30)
    np.testing.assert_array_equal(short["full"].candidates, long["full"].candidates)


def test_lists_of_other_users(tiny_split):
    model = FixedScores(table_of("random"), tiny.spec_of(tiny_split))
    lists = {"uniform100": candidates.draw("uniform100", tiny_split, "test", 0, negatives=5)}
    some = tiny_split.test.select(np.arange(3))
    with pytest.raises(ValueError, match="other users"):
        Evaluator(model, tiny_split.sequences, some, 12, ("uniform100",), lists)


class PairedScores(FixedScores):
    """A score from the item and one from the intent that stands beside it, each from a row of a table."""

    scores_intents = True

    def __init__(self, table, intents, spec):
        super().__init__(table, spec)
        self.intents = tf.constant(intents, tf.float32)
        self.own = tf.constant(spec.item_categories[:, 0])

    def score_paired(self, queries, candidates, intents):
        return super().score(queries, candidates) + tf.gather(self.intents, intents)

    def score(self, queries, candidates):
        return self.score_paired(queries, candidates, tf.gather(self.own, candidates))

    def score_all(self, queries):
        return super().score_all(queries) + tf.gather(self.intents, self.own)


@pytest.mark.parametrize("protocols", [(candidates.PAIRED,), (*FULL, "popularity100", candidates.PAIRED)])
def test_given_intents_are_scored(tiny_split, protocols):
    """By score_paired, beside a full ranking too; every other protocol goes by the items' own intents."""
    spec, table = tiny.spec_of(tiny_split), table_of("random")
    intents = np.random.default_rng(3).normal(size=tiny.N_CATEGORIES + 1)
    found, lists = ranks_of(PairedScores(table, intents, spec), tiny_split, protocols)
    own = tiny_split.sequences.item_categories()
    for name in set(protocols) - set(FULL):
        drawn = lists[name]
        beside = own[drawn.items] if drawn.intents is None else drawn.intents
        assert (drawn.intents is None) == (name != candidates.PAIRED)
        for row, user in enumerate(drawn.users):
            scores = table[user, drawn.items[row]] + intents[beside[row]]
            there = drawn.items[row] > 0
            assert found[name].greater[row] == np.sum(scores[there] > scores[0])
            assert found[name].candidates[row] == there.sum()


def test_without_intents_the_pairing_is_popularity100(tiny_split):
    protocols = ("popularity100", candidates.PAIRED)
    found, lists = ranks_of(FixedScores(table_of("random"), tiny.spec_of(tiny_split)), tiny_split, protocols)
    assert lists[candidates.PAIRED].intents is not None
    for column in ("greater", "equal", "candidates"):
        np.testing.assert_array_equal(*(getattr(found[name], column) for name in protocols))


def test_paired_scores_that_are_not_finite(tiny_split):
    intents = np.zeros(tiny.N_CATEGORIES + 1)
    intents[2] = np.nan
    model = PairedScores(table_of("random"), intents, tiny.spec_of(tiny_split))
    with pytest.raises(UserError, match="not finite"):
        ranks_of(model, tiny_split, (candidates.PAIRED,))
    intents[:] = 0
    intents[0] = np.nan  # beside padding it means nothing
    ranks_of(PairedScores(table_of("random"), intents, tiny.spec_of(tiny_split)), tiny_split, (candidates.PAIRED,))
