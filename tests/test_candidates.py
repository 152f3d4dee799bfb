"""Candidate lists: who is excluded, the exact distributions, and that a seed freezes them."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from data.candidates import PAIRED, PARTS, PROTOCOLS, draw, item_intents
from data.schema import Provenance, Sequences
from data.splits import EvalSet, Split, leave_one_out
from tf_utils.cli import UserError
from tf_utils.ranking import Ranks, metrics

INTENTS = 7


def split_of(histories, n_items, categories=None):
    """Leave-one-out over plain lists of item ids, oldest first; the categories of events, or 1..7 by item in turn."""
    lengths = [len(history) for history in histories]
    items = np.array([item for history in histories for item in history], np.int32)
    blank = np.zeros(len(items), np.int32)
    categories = (items - 1) % INTENTS + 1 if categories is None else np.asarray(categories, np.int32)
    sizes = {"user": len(histories), "item": n_items, "category": INTENTS}
    labels = {name: np.arange(size) for name, size in sizes.items()}
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return leave_one_out(
        Sequences(offsets, items, categories, blank, blank.astype(np.int64), labels, Provenance("test"))
    )


def long_tailed(n_users=300, n_items=800, seed=0):
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(1, n_items + 1)
    lengths = 3 + rng.geometric(1 / 15, n_users)
    return split_of([rng.choice(n_items, n, p=weights / weights.sum()) + 1 for n in lengths], n_items)


def parts_of(split, user):
    """(training items, all items) of a user, as sets."""
    seq = split.sequences
    start, end = seq.offsets[user - 1], seq.offsets[user]
    return set(seq.items[start : split.train_ends[user - 1]].tolist()), set(seq.items[start:end].tolist())


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_targets_and_exclusion(protocol, part):
    split = long_tailed()
    held_out = getattr(split, part)
    found = draw(protocol, split, part, seed=3)
    assert (found.protocol, found.part, found.seed) == (protocol, part, 3)
    np.testing.assert_array_equal(found.users, held_out.users)
    np.testing.assert_array_equal(found.items[:, 0], split.sequences.items[held_out.targets])
    assert found.items.dtype == np.int32 and found.items.shape == (len(held_out), 101)
    seen_again = 0
    for user, row, length in zip(found.users, found.items, found.lengths, strict=True):
        train, everything = parts_of(split, user)
        rivals = row[1:length]
        assert (row[:length] > 0).all() and (row[:length] <= 800).all() and (row[length:] == 0).all()
        if protocol != "asli_official":
            assert len(set(row[:length].tolist())) == length
        if protocol == "asli_official":
            assert not train & set(rivals.tolist()) and length == 101
        elif protocol != "recbole_uni100":
            assert not everything & set(rivals.tolist()) and length == 101
        seen_again += len(everything & set(rivals.tolist()))
    # The as-published protocols do draw what the strict ones exclude: held-out items, or the whole history.
    assert (seen_again > 0) == (protocol in ("asli_official", "recbole_uni100"))


def rivals_of_one_user(protocol, history, n_items, n, extra=(), **arguments):
    """int32 [n, negatives]: n independent draws for the same history (n users who share it)."""
    split = split_of([history] * n + list(extra), n_items)
    keep = split.test.users <= n
    split = Split(split.sequences, split.train_ends, split.validation.select(keep), split.test.select(keep))
    return draw(protocol, split, "test", **arguments).items[:, 1:]


@pytest.mark.parametrize(
    ("protocol", "allowed"),
    [
        ("uniform100", [1, 4, 5, 6, 8, 10, 11, 12]),
        ("asli_official", [1, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        ("recbole_uni100", [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12]),
    ],
)
def test_exactly_uniform(protocol, allowed):
    """History 2, 3 (training), 7 (validation), 9 (test) of twelve items; the first draw of 12,000 users."""
    drawn = rivals_of_one_user(protocol, [2, 3, 7, 9], 12, 12_000, negatives=1)
    counts = np.bincount(drawn[:, 0], minlength=13)
    assert counts[allowed].sum() == 12_000
    assert chisquare(counts[allowed]).pvalue > 1e-3


def test_uniform_pairs_are_uniform():
    """Without replacement: every unordered pair of the five free items is as likely as any other."""
    drawn = np.sort(rivals_of_one_user("uniform100", [2, 4, 6], 8, 10_000, negatives=2), axis=1)
    pairs, counts = np.unique(drawn, axis=0, return_counts=True)
    assert [tuple(pair) for pair in pairs] == [(a, b) for a in (1, 3, 5, 7, 8) for b in (1, 3, 5, 7, 8) if a < b]
    assert chisquare(counts).pvalue > 1e-3


def successive(weights, k):
    """P(set) of k draws without replacement, each proportional to the weights left: by enumerating every order."""
    chances = {}
    for order in permutations(weights, k):
        chance, left = 1.0, sum(weights.values())
        for item in order:
            chance *= weights[item] / left
            left -= weights[item]
        chances[frozenset(order)] = chances.get(frozenset(order), 0.0) + chance
    return chances


# The block of 256 draws is always long enough for the first counts. In the second the user's own items hold all but a
# few events in 100,000, so that nearly every rival comes from the races; in the third both ways take part.
@pytest.mark.parametrize(
    ("others", "own_events"),
    [
        ({1: 8, 2: 4, 3: 2, 4: 1, 5: 1}, 0),
        ({1: 8, 2: 4, 3: 2, 4: 1, 5: 1}, 100_000),
        ({1: 40, 2: 4, 3: 2, 4: 1}, 8_000),
    ],
)
def test_popularity_is_successive_sampling(others, own_events, monkeypatch):
    n = 8_000
    own = [6, 7, 8]
    others_list = [item for item, count in others.items() for _ in range(count)]
    # Item 9 has no event; user n + 1 (not evaluated) carries the events of the others, and of the users' own items.
    history = others_list + own * (own_events // 3)
    split = split_of([own] * n + [history], 9)
    events = split.sequences
    # The n users' own events would drown the rest; give them users of their own and count only the last one's.
    last = np.arange(len(events)) >= events.offsets[n]
    monkeypatch.setattr(Split, "train_mask", lambda self: last)
    counts = np.bincount(events.items[last], minlength=10)
    monkeypatch.setattr(Split, "item_counts", lambda self, train_only: counts.copy())
    keep = split.test.users <= n
    split = Split(events, split.train_ends, split.validation.select(keep), split.test.select(keep))
    drawn = draw("popularity100", split, "test", negatives=2, popularity="train").items[:, 1:]
    chances = successive(others, 2)
    found = dict.fromkeys(chances, 0)
    for pair in drawn:
        found[frozenset(pair.tolist())] += 1
    assert chisquare(list(found.values()), [n * chances[pair] for pair in found]).pvalue > 1e-3


def test_popularity_counts_all_events_or_training_ones():
    """Items 4 and 5 have no training event, item 6 none at all."""
    split = split_of([[1, 2, 3], [1, 1, 1, 4, 5], [2, 2, 2, 2, 1, 1], [3, 3, 3]], 6)
    everything = draw("popularity100", split, negatives=3)
    training = draw("popularity100", split, negatives=3, popularity="train")
    assert set(everything.items[0, 1:].tolist()) == {4, 5, 0}
    assert set(training.items[0, 1:].tolist()) == {0}
    assert set(everything.items[3, 1:].tolist()) <= {1, 2, 4, 5}
    assert set(training.items[3, 1:].tolist()) == {1, 2, 0}
    assert "training events only" in training.notes[0] and len(training.notes) == 2


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_frozen_by_seed_and_by_user(protocol):
    split = long_tailed()
    first, again = draw(protocol, split, "test", 7), draw(protocol, split, "test", 7)
    np.testing.assert_array_equal(first.items, again.items)
    assert first.fingerprint == again.fingerprint
    assert draw(protocol, split, "test", 8).fingerprint != first.fingerprint
    # The same lists, whoever else is evaluated and in whatever order.
    keep = np.arange(len(split.test))[::-3]
    some = Split(split.sequences, split.train_ends, split.validation, split.test.select(keep))
    np.testing.assert_array_equal(draw(protocol, some, "test", 7).items, first.items[keep])
    with pytest.raises(ValueError, match="read-only"):
        first.items[0, 0] = 1
    assert split.test.users.flags.writeable  # the split's own arrays stay as they were


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_parts_and_users_are_drawn_separately(protocol):
    """Two lists of 100 out of 5,000 share 2 items by chance; a stream used twice would share all of them."""
    split = split_of([[1, 2, 3]] * 20 + [list(range(1, 5001))], 5000)
    lists = [set(row[1:].tolist()) for part in PARTS for row in draw(protocol, split, part).items[:20]]
    lists += [set(row[1:].tolist()) for row in draw(protocol, split, "test", seed=1).items[:20]]
    shared = [len(a & b) for k, a in enumerate(lists) for b in lists[:k]]
    assert max(shared) < 15 and 1 < np.mean(shared) < 3


def test_too_few_left():
    split = split_of([[1, 2, 3, 4], [1, 2, 3], [5, 5, 5, 5, 6]], 6)
    for protocol in ("uniform100", "popularity100"):
        found = draw(protocol, split, negatives=3)
        assert sorted(found.items[0, 1:3].tolist()) == [5, 6] and found.items[0, 3] == 0
        assert found.lengths.tolist() == [3, 4, 4]
        assert found.notes == (
            f"{protocol}/test: 1 of 3 users have fewer than 3 items left to draw (at least 2); all of them are used",
        )


@pytest.mark.parametrize("protocol", [name for name in PROTOCOLS if name != PAIRED])
def test_nothing_left(protocol):
    found = draw(protocol, split_of([[1, 1, 1]], 1))
    assert found.lengths.tolist() == [1] and found.items[0, 0] == 1


def test_as_published_oddities_are_noted():
    split = split_of([[1, 2, 3]] * 50, 20)
    asli, recbole = draw("asli_official", split), draw("recbole_uni100", split)
    assert asli.notes == ("asli_official/test: the target itself is among the rivals of 50 of 50 users",)
    assert len(recbole.notes) == 1 and "repeated draws collapse: 1" in recbole.notes[0]
    assert draw("uniform100", long_tailed()).notes == ()


def test_most_popular_is_near_chance_under_popularity_only():
    """LEDGER B20: under popularity negatives without replacement MostPop is near chance, not exactly at it."""
    # The first item is e ** 3 times as popular as the last: flat enough for 100 draws not to drain the head.
    rng, weights = np.random.default_rng(0), np.exp(-3 * np.arange(2000) / 2000)
    split = split_of([rng.choice(2000, 12, replace=False, p=weights / weights.sum()) + 1 for _ in range(2000)], 2000)
    counts = split.item_counts(train_only=True)
    found = {}
    for protocol in ("uniform100", "popularity100"):
        lists = draw(protocol, split)
        scores = counts[lists.items]
        greater = (scores > scores[:, :1]).sum(axis=1)
        equal = (scores == scores[:, :1]).sum(axis=1) - 1
        found[protocol] = metrics(Ranks(lists.users, greater, equal, lists.lengths))["HR@5"]
    chance = 5 / 101  # standard error over 2,000 users: .005
    assert found["uniform100"] > 2.5 * chance
    assert 0.6 * chance < found["popularity100"] < 1.4 * chance


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.integers(1, 30), min_size=3, max_size=12), min_size=1, max_size=8), st.integers(0, 2**40))
def test_any_small_data(histories, seed):
    split = split_of(histories, 30)
    for protocol in ("uniform100", "popularity100"):
        for user, row in zip(split.test.users, draw(protocol, split, seed=seed).items, strict=True):
            _, own = parts_of(split, user)
            counted = {item for history in histories for item in history}
            free = (set(range(1, 31)) if protocol == "uniform100" else counted) - own
            assert set(row[row > 0][1:].tolist()) == free  # 30 items at most: all of them are used


def test_bad_arguments():
    split = split_of([[1, 2, 3]], 5)
    for arguments in (("uniform", split), ("full", split), ("uniform100", split, "train")):
        with pytest.raises(UserError, match="choose one of"):
            draw(*arguments)
    with pytest.raises(UserError, match="popularity 'valid'"):
        draw("popularity100", split, popularity="valid")
    with pytest.raises(UserError, match="seed"):
        draw("uniform100", split, seed=-1)
    empty = Split(split.sequences, split.train_ends, split.validation, EvalSet(*(np.zeros(0, np.int64) for _ in "abc")))
    assert len(draw("uniform100", empty)) == 0


# (validation with seeds 0 and 3, test with seeds 0 and 3), test by training popularity
FROZEN = {
    "uniform100": ("5ba30a2a44e5 e7aeb99cc8b3 6d4ded574eb2 079cfe763a73", "6d4ded574eb2"),
    "popularity100": ("ff8d314bd578 1e9d22a890bb 823de6d962a8 78443f9841f8", "bb261249369d"),
    "asli_official": ("3ff84f58219d 290176805230 dddeebf261d0 d164e3c75d86", "dddeebf261d0"),
    "recbole_uni100": ("9c11dff3c680 7f7ef165adb5 7f2528c2e126 33ee823728c5", "7f2528c2e126"),
}


@pytest.mark.parametrize("protocol", FROZEN)
def test_lists_stay_those_of_earlier_records(protocol):
    """A new protocol, or another NumPy, must not change a list that committed records were ranked on."""
    split, (lists, by_training) = long_tailed(), FROZEN[protocol]
    found = [draw(protocol, split, part, seed).fingerprint for part in PARTS for seed in (0, 3)]
    assert " ".join(found) == lists
    assert draw(protocol, split, popularity="train").fingerprint == by_training
    assert draw(protocol, split).intents is None


def many_intents(n_users=300, n_items=800, n_intents=150):
    """long_tailed with an intent for every few items."""
    split = long_tailed(n_users, n_items)
    seq = split.sequences
    own = np.random.default_rng(5).integers(1, n_intents + 1, n_items + 1).astype(np.int32)
    labels = dict(seq.labels) | {"category": np.arange(n_intents)}
    return leave_one_out(replace(seq, categories=own[seq.items], labels=labels)), own


@pytest.mark.parametrize("part", PARTS)
def test_released_pairing(part):
    """The items of popularity100; the target with its own intent, then other intents, each once."""
    split, own = many_intents()
    found, plain = draw(PAIRED, split, part, 4), draw("popularity100", split, part, 4)
    np.testing.assert_array_equal(found.items, plain.items)
    assert found.intents.dtype == np.int32 and found.intents.shape == found.items.shape
    np.testing.assert_array_equal(found.intents[:, 0], own[found.items[:, 0]])
    occurring = set(own[np.unique(split.sequences.items)].tolist())
    for row in found.intents:
        assert len(set(row.tolist())) == 101 and set(row.tolist()) <= occurring
    # By position, whatever the items: a rival meets its own intent about once in 149.
    share = np.mean(found.intents[:, 1:] == own[found.items[:, 1:]])
    assert 0.5 / 149 < share < 1.5 / 149
    assert draw(PAIRED, split, part, 4).fingerprint == found.fingerprint != plain.fingerprint
    other = draw(PAIRED, split, part, 5)
    assert (other.intents[:, 1:] == found.intents[:, 1:]).mean() < 0.05
    with pytest.raises(ValueError, match="read-only"):
        found.intents[0, 0] = 1
    assert found.notes == (
        f"{PAIRED}/{part}: where a model scores intents, the target has its own and each rival a random other one",
    )


def test_other_intents_are_uniform():
    """One user's target has intent 2; intents 1, 4, 6 occur, 3, 5 and 7 do not; what the user did is not left out."""
    history = [1, 4, 2]
    split = split_of([history] * 9_000 + [[6, 6, 6]], 6)
    keep = split.test.users <= 9_000
    split = Split(split.sequences, split.train_ends, split.validation.select(keep), split.test.select(keep))
    found = draw(PAIRED, split, negatives=1)
    assert (found.items == [2, 6]).all() and (found.intents[:, 0] == 2).all()
    counts = np.bincount(found.intents[:, 1], minlength=INTENTS + 1)
    assert counts[[1, 4, 6]].sum() == 9_000 and chisquare(counts[[1, 4, 6]]).pvalue > 1e-3
    # Places do not hang together either: all ordered pairs of three are as likely.
    pairs = draw(PAIRED, split_of([history] * 6_000 + [[6, 3, 5]], 6), negatives=2).intents[:6_000, 1:]
    values, counts = np.unique(pairs, axis=0, return_counts=True)
    assert sorted(map(tuple, values.tolist())) == sorted(permutations((1, 3, 4, 5, 6), 2))
    assert chisquare(counts).pvalue > 1e-3


def test_fewer_intents_than_rivals():
    """Seven intents: the six others come in shuffled rounds; where a list is short, so are the intents."""
    split = long_tailed()
    found = draw(PAIRED, split, negatives=15)
    for row in found.intents:
        others = set(range(1, 8)) - {row[0]}
        assert set(row[1:7].tolist()) == set(row[7:13].tolist()) == others and len(set(row[13:].tolist())) == 3
    assert found.notes[1] == f"{PAIRED}/test: there are only 6 other intents, so each comes up several times in a list"
    short = draw(PAIRED, split_of([[1, 2, 3, 4], [1, 2, 3], [5, 5, 5, 5, 6]], 6), negatives=3)
    np.testing.assert_array_equal(short.items > 0, short.intents > 0)
    assert short.items[0, 3] == 0 and "fewer than 3 items left" in short.notes[0]
    assert "training events only" in draw(PAIRED, split, popularity="train").notes[0]


@pytest.mark.parametrize(
    ("categories", "message"),
    [
        ([0] * 6, "3 of 3 items have no category"),
        ([1, 2, 0, 1, 2, 0], "1 of 3 items have no category"),
        ([1, 2, 3, 1, 1, 3], "1 of 3 items have events of different categories"),
        ([4] * 6, "fewer than two categories"),
    ],
)
def test_an_intent_must_be_a_function_of_the_item(categories, message):
    split = split_of([[1, 2, 3], [1, 2, 3]], 3, categories)
    with pytest.raises(UserError, match=message):
        draw(PAIRED, split)
    draw("popularity100", split)


def test_intents_of_items():
    """An event without a category does no harm where another of the item has one; item 4 has no event."""
    split = split_of([[1, 2, 3], [1, 2, 3]], 4, [5, 2, 3, 0, 2, 3])
    assert item_intents(split.sequences).tolist() == [0, 5, 2, 3, 0]
