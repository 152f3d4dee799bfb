"""The generator: what it promises about marginals, invariance and signal, and its ceiling against brute force."""

import re
from dataclasses import replace

import numpy as np
import pytest

from data.candidates import draw
from data.schema import Provenance
from data.sources import synthetic
from data.sources.synthetic import chunks, generate, simulate
from data.sources.synthetic_ceiling import Ceiling
from data.sources.synthetic_presets import ECOMMERCE, PRESETS, Intents
from data.sources.synthetic_process import build_process
from data.splits import EvalSet, leave_one_out
from tests.oracles import synthetic_oracle
from tf_utils.cli import UserError
from tf_utils.ranking import Ranks, metrics

COLUMNS = ("user", "item", "category", "action", "timestamp")
SMALL = {"n_users": 1500, "n_items": 300, "n_categories": 20, "mean_actions": 15.0}


def same(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in COLUMNS)


def interactions_an_item(log):
    return len(log) / log.size("item")


def density(log):
    pairs = np.unique(log.user.astype(np.int64) * (log.size("category") + 1) + log.category)
    return len(pairs) / log.size("user") / log.size("category")


# ---- the same arguments give the same log --------------------


def test_repeatable_and_seeded():
    log, again, other = generate("demo", 0.1), generate("demo", 0.1), generate("demo", 0.1, seed=1)
    assert same(log, again) and not same(log, other)
    prints = {log.provenance.fingerprint, other.provenance.fingerprint, generate("demo", 0.11).provenance.fingerprint}
    assert again.provenance.fingerprint in prints and len(prints) == 3
    assert all(re.fullmatch("[0-9a-f]{64}", text) for text in prints)


def test_says_that_it_is_generated():
    log = generate("etsy", 0.01)
    assert log.provenance.synthetic and log.provenance.stand_in_for == "Etsy"
    assert log.provenance.name == "synthetic-etsy"
    assert "not a real log" in log.provenance.notes[0] and "fraction 0.01" in log.provenance.notes[0]


def test_columns_are_narrow_dense_and_ordered():
    log = generate("tmall_small", 0.02)
    types = {"user": np.int32, "item": np.int32, "category": np.int32, "action": np.uint8, "timestamp": np.int64}
    assert {name: getattr(log, name).dtype for name in COLUMNS} == types
    for name in ("user", "item", "category", "action"):
        assert np.array_equal(np.unique(getattr(log, name)), np.arange(1, log.size(name) + 1))
    assert list(log.labels["action"]) == ["view", "favourite", "cart", "purchase"]
    assert log.sequences().ties == 0 and np.all(np.diff(log.user) >= 0)
    assert len(np.unique(np.stack([log.item, log.category]), axis=1).T) == log.size("item")  # one category an item


# ---- what does not vary --------------------


def test_fewer_users_and_other_chunks_change_nothing():
    many, few = (build_process("demo", seed=3, n_users=n) for n in (400, 150))
    whole = next(chunks(many))
    pieces = list(chunks(few, users_a_chunk=64))
    assert len(pieces) == 3
    kept = whole.user < 150
    for name in (*COLUMNS, "intent"):
        assert np.array_equal(np.concatenate([getattr(p, name) for p in pieces]), getattr(whole, name)[kept])


def test_blocks_continue_the_users():
    process = build_process("demo", n_users=synthetic.BLOCK + 20, mean_actions=7.0)
    parts = list(chunks(process))
    assert [len(np.unique(part.user)) for part in parts] == [synthetic.BLOCK, 20]
    assert parts[1].user[0] == synthetic.BLOCK
    log = synthetic.log_of(process)
    assert len(log) == sum(len(part.item) for part in parts) and log.size("user") == process.spec.n_users
    first = np.bincount(parts[0].user)[:20]
    assert not np.array_equal(first, np.bincount(parts[1].user - synthetic.BLOCK))  # not the same users again


def test_intents_actions_and_lengths_do_not_depend_on_the_catalogue():
    users = np.arange(100)
    runs = [
        simulate(build_process("etsy", fraction, seed=5, **more), users)
        for fraction, more in ((1.0, {}), (0.05, {}), (0.05, {"n_categories": 1}))
    ]
    for name in ("user", "intent", "action", "timestamp"):
        assert np.array_equal(getattr(runs[0], name), getattr(runs[1], name))
        assert np.array_equal(getattr(runs[0], name), getattr(runs[2], name))
    assert not np.array_equal(runs[0].item, runs[1].item)


# ---- marginals of the papers --------------------


@pytest.mark.parametrize("name", ["etsy", "tmall_small", "tmall"])
def test_marginals_at_five_percent(name):
    """ASLI Table 2: users, items, actions a user, views, favourites, carts and purchases a user."""
    paper = {  # users, items, actions a user, (views, favourites, carts, purchases) a user
        "etsy": (6_690, 119_310, 34.17, (27.31, 3.37, 2.47, 1.02)),
        "tmall_small": (6_280, 47_759, 71.98, (62.84, 3.01, 4.22, 1.91)),
        "tmall": (9_883, 569_658, 248.10, (211.32, 11.66, 17.15, 7.97)),
    }[name]
    log = generate(name, 0.05)
    assert log.size("user") == round(paper[0] * 0.05)
    assert log.size("item") == pytest.approx(paper[1] * 0.05, rel=0.12)
    assert len(log) / log.size("user") == pytest.approx(paper[2], rel=0.03)
    mix = np.bincount(log.action, minlength=5)[1:] / len(log)
    assert np.abs(mix - np.array(paper[3]) / sum(paper[3])).max() < 0.02
    if name == "etsy":
        assert density(log) == pytest.approx(0.0168, rel=0.15)  # section 2.1
        assert log.size("category") > 0.95 * 608


def test_etsy_in_full():
    log = generate("etsy")
    assert log.size("user") == 6_690 and log.size("category") == 608
    assert log.size("item") == pytest.approx(119_310, rel=0.02)
    assert len(log) / 6_690 == pytest.approx(34.17, rel=0.005)
    assert density(log) == pytest.approx(0.0168, rel=0.05)


def test_sparse_intent_and_ularge():
    log = generate("sparse_intent", 0.01)  # CAFE Table 1, Amazon
    assert interactions_an_item(log) == pytest.approx(5_370_171 / 1_910_226, rel=0.1)
    assert len(log) / log.size("user") == pytest.approx(40.9, rel=0.02)
    log = generate("ularge", 0.00005)  # SINE Table 2
    assert interactions_an_item(log) == pytest.approx(4_000_000_000 / 25_000_000, rel=0.05)
    assert list(log.labels["action"]) == ["view"]


@pytest.mark.slow
def test_tmall_in_full():
    log = generate("tmall")
    assert log.size("user") == 9_883 and log.size("category") == 6_352
    assert log.size("item") == pytest.approx(569_658, rel=0.02)
    assert len(log) == pytest.approx(2_454_115, rel=0.005)


def test_fraction_keeps_categories_until_they_would_be_too_small():
    assert build_process("tmall_small", 1.0).spec.n_categories == 130
    assert build_process("tmall_small", 0.5).spec.n_categories == 130
    assert build_process("tmall_small", 0.01).spec.n_categories == 478 // 20
    assert build_process("tmall_small", 0.01, n_categories=40).spec.n_categories == 40


def test_few_items_cut_the_longest_users():
    log = generate("tmall_small", 0.005)  # 239 items, users of 72 events on average, up to 576 in full
    assert log.sequences().lengths.max() <= 239 and len(log) / log.size("user") == pytest.approx(72, rel=0.05)


def test_popularity_and_lengths_are_long_tailed():
    log = generate("etsy", 0.5)
    counts = np.sort(np.bincount(log.item)[1:])[::-1]
    assert counts[: len(counts) // 100].sum() > 0.05 * counts.sum() and np.median(counts) == 1
    lengths = log.sequences().lengths
    assert lengths.min() >= 5 and np.quantile(lengths, 0.99) > 3 * lengths.mean() > 3 * np.median(lengths)


def test_overrides_reach_the_log():
    log = generate("demo", n_users=200, n_items=500, n_categories=7, mean_actions=12, action_mix={"view": 3, "cart": 1})
    assert (log.size("user"), log.size("category")) == (200, 7) and log.size("item") <= 500
    assert len(log) / 200 == pytest.approx(12, rel=0.03)
    assert list(log.labels["action"]) == ["view", "cart"]
    assert np.mean(log.action == 2) == pytest.approx(0.25, abs=0.02)


def test_items_are_met_once_unless_repeats_are_asked_for():
    pairs = lambda log: len(np.unique(np.stack([log.user, log.item]), axis=1).T)  # noqa: E731
    once = generate("demo", n_users=200, n_items=130, n_categories=40, mean_actions=16)  # users exhaust categories
    assert pairs(once) == len(once)
    often = generate("demo", n_users=200, n_items=130, n_categories=40, mean_actions=16, repeats=True)
    assert pairs(often) < 0.8 * len(often)


# ---- signal --------------------


def test_actions_on_categories_tell_where_the_user_goes_next():
    log = generate("demo", seed=2)
    follows = log.user[1:] == log.user[:-1]
    stays = (log.category[1:] == log.category[:-1])[follows]
    after = log.action[:-1][follows]
    view, cart, purchase = (stays[after == k].mean() for k in (1, 3, 4))
    assert cart > view + 0.1 and purchase < view - 0.2
    bought_next = (log.action[1:] == 4)[follows]
    assert bought_next[after == 3].mean() > 3 * bought_next[after == 1].mean()
    partner = (log.category[1:] - 1 == (log.category[:-1] - 1 ^ 1))[follows]
    assert partner[after == 4].mean() > 3 * partner[after == 1].mean()


def test_intents_shape_category_and_action():
    chunk = next(chunks(build_process("demo")))
    first = np.searchsorted(chunk.user, chunk.user)
    stays = np.append(False, chunk.category[1:] == chunk.category[:-1]) & (first < np.arange(len(first)))
    browse, shop, _, buy, collect = (chunk.intent == k for k in range(5))
    assert stays[shop].mean() > stays[browse].mean() + 0.2
    assert np.mean(chunk.action[buy] == 3) > 5 * np.mean(chunk.action[browse] == 3)
    assert np.mean(chunk.action[collect] == 1) > 5 * np.mean(chunk.action[shop] == 1)
    same_user = chunk.user[1:] == chunk.user[:-1]
    assert np.mean((chunk.intent[1:] == chunk.intent[:-1])[same_user]) > 0.7  # they persist


# ---- the ceiling --------------------

THREE = Intents(
    names=("look", "shop", "gift"),
    transition=((0.6, 0.3, 0.1), (0.2, 0.5, 0.3), (0.3, 0.3, 0.4)),
    jump=(0.0, 0.2, 0.5, 0.7),
    jump_to=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.9, 0.1), (0.8, 0.0, 0.2)),
    action_tilt=((1.0, 0.3, 0.2, 0.1), (0.5, 1.0, 2.0, 1.5), (1.0, 0.2, 1.0, 2.0)),
    moves=((0.2, 0.2, 0.2, 0.3, 0.1), (0.5, 0.2, 0.2, 0.1, 0.0), (0.3, 0.1, 0.0, 0.2, 0.4)),
    boost=ECOMMERCE.boost,
)
TINY = {
    "n_users": 60,
    "n_items": 8,
    "n_categories": 3,
    "mean_actions": 5.2,
    "min_actions": 4,
    "max_ratio": 1.35,
    "home_categories": 1,
    "reach": 2,
    "action_mix": {"view": 2, "cart": 1, "purchase": 1},
    "intents": THREE,
}


def tables_of(process):
    items = [list(range(a, b)) for a, b in zip(process.starts[:-1], process.starts[1:], strict=True)]
    return {
        "start": process.start,
        "transition": process.transition,
        "emission": process.emission,
        "moves": process.moves,
        "popularity": process.popularity,
        "items": items,
        "weight": np.diff(process.cumulative),
        "neighbour": process.spec.neighbour,
        "offsets": process.offsets,
        "actions": process.action_names,
        "repeats": process.spec.repeats,
    }


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("observe", [True, False])
def test_ceiling_equals_brute_force_over_intent_paths(observe, repeats):
    process = build_process("demo", seed=4, **TINY, repeats=repeats)
    seq = synthetic.log_of(process).sequences()
    assert np.array_equal(seq.labels["item"], np.arange(1, process.n_catalogue + 1))  # so ids are catalogue ids + 1
    ends = seq.offsets[:-1] + np.minimum(seq.lengths - 1, 5 if observe else 3)
    users = np.arange(1, 61 if observe else 13, dtype=np.int32)
    targets = EvalSet(users, seq.offsets[:-1][users - 1], ends[users - 1])
    got = Ceiling(process, seq, observe).next_item_probabilities(targets)
    assert np.all(got[:, 0] == 0) and np.allclose(got.sum(axis=1), 1, atol=1e-12)
    home, weights = process.preferences(0)
    full, sizes = 0, np.diff(process.starts)
    for row, user in enumerate(users if not observe else users[::4]):
        row = user - 1
        span = slice(targets.starts[row], targets.targets[row])
        categories = seq.categories[span] - 1
        full += (np.bincount(categories, minlength=3) >= sizes).any()
        who = {
            "home": list(zip(home[row].tolist(), weights[row], strict=True)),
            "favourite": home[row][weights[row].argmax()],
        }
        actions = seq.actions[span] - 1 if observe else None
        expected = synthetic_oracle.next_item(tables_of(process), who, seq.items[span] - 1, categories, actions)
        assert np.allclose(got[row, 1:], expected, rtol=1e-9, atol=1e-12)
    assert full > 0  # the second draw of a category has been put to the test


CROWDED = {"n_users": 1500, "n_items": 60, "n_categories": 12, "mean_actions": 15.0, "max_ratio": 3.0}


@pytest.mark.parametrize("size", [SMALL, CROWDED, SMALL | {"repeats": True}], ids=["small", "crowded", "repeats"])
def test_ceiling_is_calibrated_on_what_the_generator_draws(size):
    """If the log comes from these probabilities, targets are hit as often, and surprise as much, as they say."""
    process = build_process("demo", seed=6, **size)
    seq = synthetic.log_of(process).sequences()
    targets = leave_one_out(seq).test
    chance = Ceiling(process, seq).next_item_probabilities(targets)
    assert np.allclose(chance.sum(axis=1), 1, atol=1e-9)
    hit = chance.argmax(axis=1) == seq.items[targets.targets]
    top = chance.max(axis=1)
    assert abs(np.sum(hit - top)) < 4 * np.sqrt(np.sum(top * (1 - top)))
    logs = np.log(np.where(chance > 0, chance, 1))
    expected, spread = np.sum(chance * logs, axis=1), np.sum(chance * logs**2, axis=1)
    own = chance[np.arange(len(targets)), seq.items[targets.targets]]
    assert own.min() > 0
    assert abs(np.sum(np.log(own) - expected)) < 4 * np.sqrt(np.sum(spread - expected**2))


def popularity_ranks(split):
    counts, seq, test = split.item_counts(train_only=True), split.sequences, split.test
    rows = []
    for start, target in zip(test.starts, test.targets, strict=True):
        rivals = np.setdiff1d(np.arange(1, len(counts)), np.append(seq.items[start:target], seq.items[target]))
        own = counts[seq.items[target]]
        rows.append((np.sum(counts[rivals] > own), np.sum(counts[rivals] == own), len(rivals) + 1))
    return Ranks(test.users, *np.array(rows).T)


def test_ceiling_beats_popularity_and_chance_by_far():
    process = build_process("etsy", 0.1)
    split = leave_one_out(synthetic.log_of(process).sequences())
    ceiling = Ceiling(process, split.sequences)
    ranks = ceiling.ranks(split.test)
    best, popular = metrics(ranks), metrics(popularity_ranks(split))
    chance = metrics(ranks.at_chance())
    assert best["NDCG@10"] > 5 * popular["NDCG@10"] and popular["NDCG@10"] > chance["NDCG@10"]
    assert 0.3 < best["NDCG@10"] < 0.95
    sampled = metrics(ceiling.ranks(split.test, draw("uniform100", split)))
    assert sampled["HR@10"] > 0.6 and sampled["HR@10"] > best["HR@10"]


def test_actions_are_worth_something_unless_there_is_one_category():
    process = build_process("demo", n_users=1500)
    split = leave_one_out(synthetic.log_of(process).sequences())
    seeing, blind = (metrics(Ceiling(process, split.sequences, see).ranks(split.test)) for see in (True, False))
    assert seeing["NDCG@10"] > blind["NDCG@10"] + 0.01
    process = build_process("demo", 0.1, n_categories=1, n_items=400)
    split = leave_one_out(synthetic.log_of(process).sequences())
    seeing, blind = (
        Ceiling(process, split.sequences, see).next_item_probabilities(split.test) for see in (True, False)
    )
    assert np.allclose(seeing, blind, rtol=1e-12, atol=0)
    assert np.all(Ceiling(process, split.sequences).next_category_probabilities(split.test) == pytest.approx(1.0))


def test_scores_and_ranks_agree_with_the_probabilities():
    process = build_process("demo", seed=1, **SMALL | {"n_users": 50})
    split = leave_one_out(synthetic.log_of(process).sequences())
    ceiling, lists, test = Ceiling(process, split.sequences), draw("uniform100", split), split.test
    chance = ceiling.next_item_probabilities(test)
    scores = ceiling.scores(test, lists.items)
    assert np.array_equal(scores, np.take_along_axis(chance, lists.items.astype(int), axis=1))
    ranks = ceiling.ranks(test, lists)
    assert np.array_equal(ranks.greater, (scores[:, 1:] > scores[:, :1]).sum(axis=1))
    assert np.all(ranks.candidates == 101)
    full = ceiling.ranks(test)
    assert np.array_equal(full.candidates, split.sequences.size("item") - (test.targets - test.starts))
    order = np.array([7, 3, 30])  # the answer does not depend on the company
    assert np.allclose(ceiling.next_item_probabilities(test.select(order)), chance[order], rtol=1e-12)


# ---- errors --------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": "esty"}, "unknown synthetic preset 'esty'; known: " + ", ".join(PRESETS)),
        ({"fraction": 0}, "fraction must be in (0, 1]"),
        ({"fraction": -0.5}, "fraction must be in (0, 1]"),
        ({"fraction": float("nan")}, "fraction must be in (0, 1]"),
        ({"fraction": 2.0}, "override n_users and n_items"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"n_item": 5}, "unknown argument 'n_item' of the generator; known: n_users"),
        ({"n_categories": 5000}, "n_categories=5000 is more than n_items=2000"),
        ({"n_categories": 0}, "n_categories must be a whole number >= 1"),
        ({"n_users": 2.5}, "n_users must be a whole number >= 1"),
        ({"mean_actions": 4}, "must exceed min_actions=5"),
        ({"mean_actions": "many"}, "mean_actions must be a number > 0"),
        ({"n_items": 40, "n_categories": 5}, "n_items=40 is too few for 30 actions a user"),
        ({"action_mix": {"click": 1}}, "unknown action 'click' in action_mix; known: view"),
        ({"action_mix": (0, 0, 0, 0)}, "action_mix must give shares"),
        ({"action_mix": {"view": -1}}, "action_mix must give shares"),
        ({"action_mix": 3}, "action_mix must give shares"),
        ({"repeats": "no"}, "repeats must be True or False"),
        ({"neighbour": 1.5}, "neighbour must be a probability"),
        ({"item_zipf": (1.0, 0.0)}, "item_zipf must be"),
        ({"intents": "shopping"}, "intents must be an Intents"),
        ({"preset": "ularge"}, "use a smaller fraction, or read it by synthetic.chunks"),
    ],
)
def test_bad_arguments_get_one_clear_line(arguments, message):
    with pytest.raises(UserError) as error:
        generate(**({"preset": "demo"} | arguments))
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("transition", ((1.0, 0.0), (0.0, 1.0)), "intents.transition must be a table of shape [3, 3]"),
        ("transition", ((0.5, 0.3, 0.1),) * 3, "each row of intents.transition must sum to 1"),
        ("moves", ((-0.2, 0.6, 0.2, 0.3, 0.1),) * 3, "finite numbers >= 0"),
        ("moves", ((0.5, 0.5, 0.0, 0.0, 0.0),) * 3, "must move home, popular or away"),
        ("jump", (0.0, 0.2, 0.5, 1.7), "give numbers in [0, 1]"),
        ("action_tilt", ((1.0, 0.0, 1.0, 1.0),) * 3, "action_tilt must be > 0"),
    ],
)
def test_bad_intents_get_one_clear_line(field, value, message):
    intents = Intents(**{name: getattr(THREE, name) for name in Intents.__dataclass_fields__} | {field: value})
    with pytest.raises(UserError, match=re.escape(message)):
        generate("demo", intents=intents)


def test_ceiling_wants_the_process_of_the_log():
    seq = generate("demo", 0.1).sequences()
    with pytest.raises(UserError, match="generated with other arguments"):
        Ceiling(build_process("demo", 0.1, n_categories=5), seq)
    with pytest.raises(UserError, match="generated with other arguments"):
        Ceiling(build_process("demo", 0.1, seed=7), seq)
    with pytest.raises(UserError, match="ml-1m is no generated log"):
        Ceiling(build_process("demo", 0.1), replace(seq, provenance=Provenance("ml-1m")))
