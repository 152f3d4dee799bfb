"""FMC, FPMC, HRM, PRME and TransRec against float64 twins and values derived by hand, and what they must learn."""

import functools

import numpy as np
import pytest

import models
from data.splits import leave_one_out
from models.base import DataSpec
from tests import tiny
from tests.oracles import transition_oracle as oracle
from tf_utils import ranking
from tf_utils.evaluation import Evaluator
from tf_utils.keras_gate import tf
from tf_utils.optimizers import adam
from tf_utils.training import Stepper

SPEC = DataSpec(4, 9, 1, 1)
L2 = {"l2": 0.3, "l2_user": 0.3, "l2_item": 0.2, "l2_transition": 0.25, "l2_bias": 0.1, "l2_global": 0.15}
# name, settings beside the defaults, newest items that are read
CASES = [
    ("fmc", {}, 1),
    ("fmc", {"max_length": 3}, 3),
    ("fpmc", {}, 1),
    ("fpmc", {"max_length": 3}, 3),
    ("hrm", {}, 1),
    ("hrm", {"max_length": 3}, 3),
    ("hrm", {"loss": "bpr"}, 1),
    ("prme", {}, 1),
    ("prme", {"max_length": 3, "alpha": 0.7}, 1),
    ("transrec", {}, 1),
    ("transrec", {"distance": "l1"}, 1),
]
NAMES = ("fmc", "fpmc", "hrm", "prme", "transrec")
HISTORIES = [[3, 1, 4, 1, 5], [9, 2], [6], [5, 3, 5]]
USERS = [3, 1, 4, 1]


@pytest.fixture(autouse=True)
def float64():
    with tiny.precision("float64"):
        yield


def untrained(name, spec=SPEC, **settings):
    config = models.default_config(name)
    config.update(settings)
    tf.keras.utils.set_random_seed(0)
    return models.build(name, config, spec)


def build(name, **settings):
    """A model whose weights are random, padding rows included, with L2."""
    model = untrained(
        name, **{key: value for key, value in L2.items() if key in models.default_config(name)} | settings
    )
    tiny.perturb_weights(model, 0.5)
    return model


def tables(model):
    return {weight.name.split("/")[0]: weight.numpy() for weight in model.trainable_variables}


def scorer(model):
    """(user, window, item) -> score, of the oracle."""
    options = {key: model.config[key] for key in ("alpha", "distance") if key in model.config}
    return functools.partial(oracle.SCORES[type(model).__name__.lower()], tables(model), **options)


def padded(rows, width=None):
    width = width or max(map(len, rows))
    return tf.constant([[0] * (width - len(row)) + list(row) for row in rows], tf.int32)


def history(rows, width=None, users=USERS):
    return {"user": tf.constant(users[: len(rows)], tf.int32), "items": padded(rows, width)}


@pytest.mark.parametrize(("name", "settings", "reads"), CASES)
def test_scores(name, settings, reads):
    model = build(name, **settings)
    score = scorer(model)
    expected = np.array(
        [[score(user, row[-reads:], j) for j in range(1, 10)] for user, row in zip(USERS, HISTORIES, strict=True)]
    )
    for width in (5, 8):
        queries, _ = model.encode(history(HISTORIES, width), positions="last")
        tiny.close(model.score_all(queries)[:, 1:], expected)
    listed = np.array([[2, 7], [1, 9], [9, 3], [5, 5]], np.int32)
    tiny.close(model.score(queries, listed), np.take_along_axis(expected, listed - 1, 1))
    windows = padded([row[-model.config.max_length :] for row in HISTORIES], model.config.max_length)[:, None]
    tiny.close(model.pair_scores(tf.constant(USERS), windows, listed), np.take_along_axis(expected, listed - 1, 1))
    factors = model.retrieval_factors()
    assert (factors is None) == (settings.get("distance") == "l1")
    if factors:
        tiny.close((factors[0](history(HISTORIES))[:, 0] @ tf.transpose(factors[1]))[:, 1:], expected)


@pytest.mark.parametrize(("name", "settings", "reads"), CASES)
def test_each_position_sees_the_newest_items_up_to_it(name, settings, reads):
    model = build(name, **settings)
    row = [3, 1, 4, 1, 5, 9]
    every = model.encode(history([row], 8))[0]
    assert every.shape[:3] == (1, 8, 1)
    for t in range(1, 7):
        tiny.close(every[:, t + 1], model.encode(history([row[:t]]), positions="last")[0][:, 0])
    moved = [9 if t < len(row) - reads else item for t, item in enumerate(row)]
    np.testing.assert_array_equal(every[:, -1], model.encode(history([moved], 8))[0][:, -1])


@pytest.mark.parametrize("name", NAMES)
def test_without_a_last_item_only_the_rest_of_the_score_is_left(name):
    model = build(name)
    w = tables(model)
    rest = {
        "fmc": np.zeros(10),
        "fpmc": w["user_items"] @ w["users"][3] if name == "fpmc" else None,
        "hrm": w["items"] @ w["users"][3] if name == "hrm" else None,
        "prme": -0.2 * np.sum((w["preference_items"] - w["users"][3]) ** 2, axis=1) if name == "prme" else None,
        "transrec": w["biases"][:, 0] if name == "transrec" else None,
    }[name]
    for positions in ("all", "last"):
        queries = model.encode(history([[0]]), positions=positions)[0]
        tiny.close(model.score_all(queries)[0, 1:], rest[1:])


def training(examples, width=1, targets=1, negatives=1):
    """The batch of oracle examples: (user, window, [(target, [negatives])])."""
    users, windows, positives, others = zip(
        *((u, window, [t for t, _ in pairs], sum((n for _, n in pairs), [])) for u, window, pairs in examples),
        strict=True,
    )
    return {
        "user": tf.constant(users, tf.int32),
        "items": padded(windows, width),
        "positives": padded(positives, targets),
        "negatives": padded(others, targets * negatives),
        "valid_count": tf.constant(float(sum(len(pairs) for _, _, pairs in examples))),
    }


@pytest.mark.parametrize(("name", "settings", "reads"), CASES)
def test_loss(name, settings, reads):
    """The same user, items and rows come more than once; a window is shorter than max_length."""
    model = build(name, **settings)
    examples = [(3, [4, 1, 5][-reads:], [(2, [7])]), (3, [5][-reads:], [(2, [5])]), (1, [9, 2][-reads:], [(9, [7])])]
    sampling = settings.get("loss", model.config.get("loss")) == "negative_sampling"
    expected = oracle.objective(name, tables(model), examples, scorer(model), L2, sampling)
    batch = training(examples, model.config.max_length)
    tiny.close(model.compute_loss(batch), expected)
    parts = [{k: v if v.shape.rank == 0 else v[rows] for k, v in batch.items()} for rows in (slice(1), slice(1, 3))]
    tiny.close(sum(model.compute_loss(part) for part in parts), expected)


@pytest.mark.parametrize("name", NAMES)
def test_loss_of_several_targets_with_several_negatives(name):
    """The second row lacks the first target, and with it its two negatives."""
    model = build(name, targets=2, negatives=2)
    examples = [(3, [4], [(2, [7, 1]), (6, [9, 9])]), (1, [2], [(9, [7, 8])])]
    expected = oracle.objective(name, tables(model), examples, scorer(model), L2, name == "hrm")
    batch = training(examples, 1, 2, 2)
    np.testing.assert_array_equal(batch["negatives"], [[7, 1, 9, 9], [0, 0, 7, 8]])
    tiny.close(model.compute_loss(batch), expected)


def gradients(model, batch):
    with tf.GradientTape() as tape:
        loss = model.compute_loss(batch)
    found = tape.gradient(loss, model.trainable_variables)
    return {
        w.name.split("/")[0]: tf.convert_to_tensor(g).numpy()
        for w, g in zip(model.trainable_variables, found, strict=True)
    }


@pytest.mark.parametrize(
    ("name", "touched"),
    [
        ("fmc", {"last_items": [4], "next_items": [2, 9]}),
        ("fpmc", {"users": [3], "user_items": [2, 9], "last_items": [4], "next_items": [2, 9]}),
        ("hrm", {"users": [3], "items": [2, 4, 9]}),
        ("prme", {"users": [3], "preference_items": [2, 9], "sequence_items": [2, 4, 9]}),
        ("transrec", {"users": [3], "items": [2, 4, 9], "biases": [2, 9], "translation": [1]}),
    ],
)
def test_a_step_moves_the_rows_of_its_batch_and_no_others(name, touched):
    found = gradients(build(name), training([(3, [4], [(2, [9])])]))
    assert {table: list(np.flatnonzero(np.abs(g).sum(axis=1))) for table, g in found.items()} == touched


def test_fmc_step_by_hand():
    """S-BPR's step (Rendle et al. 2010): delta = s(x_j - x_i) on the factors, l2 times each row."""
    model = build("fmc")
    w = tables(model)
    last, i, j = w["last_items"][4], w["next_items"][2], w["next_items"][9]
    delta = 1 / (1 + np.exp(last @ (i - j)))
    found = gradients(model, training([(3, [4], [(2, [9])])]))
    tiny.close(found["last_items"][4], -delta * (i - j) + 0.3 * last)
    tiny.close(found["next_items"][2], -delta * last + 0.3 * i)
    tiny.close(found["next_items"][9], delta * last + 0.3 * j)


def test_scores_by_hand():
    two = {"dim": 2}
    score = lambda model, row: model.score_all(model.encode(history([row], users=[1]), positions="last")[0])  # noqa: E731

    hrm = untrained("hrm", **two, max_length=2)
    hrm.users.table[1].assign([4.0, 0.0])
    hrm.items.table[1].assign([0.0, 2.0])
    hrm.items.table[2].assign([2.0, 4.0])
    # Transaction (1, 3), hybrid (2.5, 1.5): 3 for item 1, 11 for item 2.
    tiny.close(score(hrm, [1, 2])[0, 1:3], [3.0, 11.0])

    prme = untrained("prme", **two)
    prme.users.table[1].assign([1.0, 0.0])
    for table, rows in ((prme.preference_items, [[1, 0], [0, 2]]), (prme.sequence_items, [[3, 0], [0, 0]])):
        table.table[1:3].assign(np.array(rows, float))
    # Item 2 from item 1: 0.2 (1 + 4) + 0.8 * 9 = 8.2; item 1 from itself: 0.
    tiny.close(score(prme, [1])[0, 1:3], [0.0, -8.2])

    for distance, expected in (("squared_l2", [0.5 - 0.25, -4.25]), ("l1", [0.5 - 0.5, -2.5])):
        transrec = untrained("transrec", **two, distance=distance)
        transrec.translation.table[1].assign([1.0, 0.0])
        transrec.users.table[1].assign([0.0, 0.5])
        transrec.items.table[1:3].assign(np.array([[0.0, 1.0], [1.0, 1.0]]))
        transrec.biases.table[2:3].assign([[0.5]])
        # From item 1 the user is taken to (1, 1.5): (0, 0.5) from item 2, (1, 0.5) from item 1.
        found = score(transrec, [1])[0, 1:3]
        tiny.close(found, [-1.25, 0.25] if distance == "squared_l2" else [-1.5, 0.0])
        assert float(found[1]) == pytest.approx(expected[0])


def test_transrec_starts_as_the_paper_says():
    model = untrained("transrec", dim=16)
    np.testing.assert_allclose(np.linalg.norm(model.items.table, axis=1), 1.0)
    np.testing.assert_allclose(np.linalg.norm(model.translation.table, axis=1), 1.0)
    assert not model.users.table.numpy().any() and not model.biases.table.numpy().any()
    assert np.linalg.matrix_rank(model.items.table.numpy()) == 10


def trained(model, split, steps, rate, batch_size=64):
    feed = tiny.make_feed(model, split, batch_size=batch_size)
    stepper = Stepper(model, adam(rate), feed, tf.distribute.get_strategy(), seed=1, groups=1)
    stepper.build()
    return stepper.run(steps)


def test_transrec_keeps_its_items_and_nothing_else_in_the_unit_ball(tiny_split):
    model = tiny.make_model("transrec", tiny_split, "float64", max_length=1)
    trained(model, tiny_split, 20, 0.5)
    norms = np.linalg.norm(model.items.table.numpy(), axis=1)
    assert norms.max() <= 1 + 1e-9 and np.isclose(norms, 1.0).sum() > 5
    assert np.linalg.norm(model.users.table.numpy(), axis=1).max() > 1
    assert np.abs(model.biases.table.numpy()).max() > 1


@pytest.mark.parametrize("name", NAMES)
def test_batches_of_the_feed(name, tiny_split):
    """One negative a target, of the kind that `exclude` names; every transition once an epoch."""
    sequences, ends = tiny_split.sequences, tiny_split.train_ends
    done = {
        u + 1: set(sequences.items[start:end])
        for u, (start, end) in enumerate(zip(sequences.offsets[:-1], ends, strict=True))
    }
    default = models.default_config(name).exclude
    assert default == ("train" if name == "transrec" else "targets")
    for exclude in ("train", "targets"):
        model = tiny.make_model(name, tiny_split, max_length=1, negatives=3, exclude=exclude)
        feed = tiny.make_feed(model, tiny_split, batch_size=1000)
        batch = tiny.arrays(feed.batch(tf.constant(0, tf.int64)))
        assert batch["negatives"].shape == (feed.instances, 3) and batch["positives"].shape == (feed.instances, 1)
        assert feed.instances == sum(
            max(end - start - 1, 0) for start, end in zip(sequences.offsets, ends, strict=False)
        )
        assert not (batch["negatives"] == batch["positives"]).any()
        seen = [n in done[u] for u, row in zip(batch["user"], batch["negatives"], strict=True) for n in row]
        assert any(seen) == (exclude == "targets")


@pytest.mark.parametrize(
    ("name", "settings"), [("fpmc", {}), ("hrm", {}), ("prme", {}), ("transrec", {"distance": "l1"})]
)
def test_learns_where_a_user_stays(name, settings):
    """Even users keep to items 1..20, odd ones to 21..40; of a half 8 are left for the test."""
    rng = np.random.default_rng(0)
    rows = [rng.permutation(20)[:14] + 1 + 20 * (u % 2) for u in range(60)]
    split = leave_one_out(tiny.sequences_of([[(item, 0, 1) for item in row] for row in rows], 40, 0, 1))
    model = untrained(name, tiny.spec_of(split), dim=8, **settings)
    trained(model, split, 60, 0.05, 128)
    ranks = Evaluator(model, split.sequences, split.test, model.config.max_length, ("full",), {}).ranks()["full"]
    assert ranking.metrics(ranks)["HR@10"] > 0.95


@pytest.mark.parametrize("name", ["fmc", "transrec"])
def test_learns_what_follows(name):
    """Item i is followed by item i + 5, a translation too. (HRM and PRME have one vector for both roles of an item.)"""
    rows = [[(item, 0, 1) for item in (1 + start % 5, 6 + start % 5, 11, 12)] for start in range(25)]
    split = leave_one_out(tiny.sequences_of(rows, 12, 0, 1))  # 11 and 12 are held out
    model = untrained(name, tiny.spec_of(split), dim=16, exclude="targets")
    trained(model, split, 100, 0.05)
    batch = history([[item] for item in range(1, 6)], users=range(1, 6))
    scores = model.score_all(model.encode(batch, positions="last")[0]).numpy()
    np.testing.assert_array_equal(scores[:, 1:11].argmax(axis=1) + 1, np.arange(6, 11))


@pytest.mark.parametrize("name", ["prme", "transrec"])
def test_distances_keep_float32_under_mixed_precision(name):
    with tiny.precision("mixed_bfloat16"):
        half = build(name)
    with tiny.precision("float32"):
        full = build(name)
    batch = history(HISTORIES)
    for model in (half, full):
        assert model.encode(batch)[0].dtype == model.item_matrix().dtype == tf.float32
    np.testing.assert_array_equal(half.encode(batch)[0], full.encode(batch)[0])


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        *((name, key, value) for name in NAMES for key, value in (("exclude", "all"), ("negatives", 0))),
        ("hrm", "loss", "ce"),
        ("prme", "alpha", 1.5),
        ("transrec", "distance", "l2"),
        ("fpmc", "max_length", 0),
        ("fmc", "targets", 0),
    ],
)
def test_bad_settings_are_refused(name, key, value):
    with pytest.raises(ValueError, match=f"config.model.{key} must be"):
        build(name, **{key: value})
