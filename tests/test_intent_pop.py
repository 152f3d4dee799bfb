"""IntentPop, and with it what the released pairing gives away (LEDGER C0)."""

import numpy as np
import pytest
from scipy.stats import hypergeom

from data import candidates
from data.splits import leave_one_out
from tests import tiny
from tf_utils.evaluation import Evaluator
from tf_utils.keras_gate import tf
from tf_utils.ranking import metrics

OWN, RELEASED = "popularity100", candidates.PAIRED


def fitted(split):
    model = tiny.make_model("intent_pop", split)
    model.fit_counts(split)
    return model


def test_counts_by_hand():
    """Items 1 and 2 have intent 1, item 3 intent 2, item 4 none; the last two events of a user do not count."""
    split = leave_one_out(
        tiny.sequences_of([[(1, 1, 1), (3, 2, 1), (1, 1, 1), (2, 1, 1), (2, 1, 1)], [(4, 0, 1), (3, 2, 1)]], 4, 2, 1)
    )
    model = fitted(split)
    queries, _ = model.encode({"items": tf.constant([[0, 1], [1, 3]])}, positions="last")
    assert model.score_all(queries).numpy().tolist() == [[0, 2, 2, 2, 0]] * 2  # 2 training events of each intent
    listed, beside = tf.constant([[4, 1], [3, 3]]), tf.constant([[2, 1], [0, 2]])
    assert model.score(queries, listed).numpy().tolist() == [[0, 2], [2, 2]]
    assert model.score_paired(queries, listed, beside).numpy().tolist() == [[2, 2], [0, 2]]


def zipf_catalogue(exponent, n_users=3000, n_intents=1400, n_items=40_000, length=7, seed=0):
    """Users alike: an event's intent is drawn by Zipf's law, its item uniformly from the intent's, which are the more
    the more frequent the intent."""
    rng = np.random.default_rng(seed)
    shares = 1 / np.arange(1, n_intents + 1) ** exponent
    shares /= shares.sum()
    sizes = 1 + np.floor(shares * (n_items - n_intents)).astype(int)
    first = np.concatenate([[1], 1 + np.cumsum(sizes)])
    intents = rng.choice(n_intents, (n_users, length), p=shares)
    items = first[intents] + rng.integers(0, sizes[intents])
    events = np.stack([items, intents + 1, np.ones_like(items)], axis=-1)
    return leave_one_out(tiny.sequences_of(events.tolist(), int(first[-1]) - 1, n_intents, 1))


@pytest.mark.parametrize(("exponent", "published"), [(0.6, 0.26), (1.0, 0.60), (1.2, 0.77)])
def test_what_the_released_pairing_is_worth(exponent, published):
    """A scorer without any personalisation is near chance with each candidate's own intent, and far above it where
    rivals get random intents: as far as LEDGER C0 has it, and as the law of drawing without replacement has it."""
    split = zipf_catalogue(exponent)
    lists = {name: candidates.draw(name, split) for name in (OWN, RELEASED)}
    ranks = Evaluator(fitted(split), split.sequences, split.test, 5, (OWN, RELEASED), lists).ranks()
    found = {name: metrics(r)["HR@5"] for name, r in ranks.items()}

    seq, counts = split.sequences, np.bincount(split.sequences.categories[split.train_mask()], minlength=1401)
    known = np.unique(seq.categories)
    own = counts[seq.categories[split.test.targets]]
    # Of the other intents `better` are more frequent and `same` as frequent; ties fall either way.
    better = np.array([np.sum(counts[known] > c) for c in own])
    same = np.array([np.sum(counts[known] == c) for c in own]) - 1
    others, hits = len(known) - 1, 0.0
    for place in (0, 0.25, 0.5, 0.75, 1):
        hits += hypergeom(others, np.round(better + place * same).astype(int), 100).cdf(4).mean() / 5
    assert found[RELEASED] == pytest.approx(hits, abs=0.02)
    assert found[RELEASED] == pytest.approx(published, abs=0.04)
    chance = 5 / 101
    assert 0.4 * chance < found[OWN] < 1.4 * chance
    assert found[RELEASED] > 4 * found[OWN]
