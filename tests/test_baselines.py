"""BPR-MF, NextItNet, MostPop, ItemKNN and HistoryMembership against float64 twins, and what they must learn."""

import os

import numpy as np
import pytest

import models
from data import candidates, catalog
from data.feeds.next_item import next_item_feed
from data.feeds.pairwise import pairwise_feed
from data.splits import leave_one_out
from models.base import DataSpec
from models.baselines import item_knn
from models.baselines.nextitnet import draw_pool
from models.layers.dilated import CausalConvolution
from tests import tiny
from tests.oracles import baselines_oracle as oracle
from tf_utils import ranking
from tf_utils.cli import UserError
from tf_utils.evaluation import Evaluator
from tf_utils.keras_gate import tf
from tf_utils.optimizers import adam
from tf_utils.rng import step_rng
from tf_utils.training import Stepper

SPEC = DataSpec(4, 9, 1, 1)
RNG = np.random.default_rng


@pytest.fixture
def float64():
    with tiny.precision("float64"):
        yield


def untrained(name, spec=SPEC, **settings):
    config = models.default_config(name)
    config.update(settings)
    tf.keras.utils.set_random_seed(0)
    return models.build(name, config, spec)


def build(name, **settings):
    """A model with random weights, biases and norms included."""
    model = untrained(name, **settings)
    model.encode(history([[1, 2]]))
    tiny.perturb_weights(model, 0.5)
    return model


def history(rows, width=None, users=None):
    width = width or max(map(len, rows))
    items = np.array([[0] * (width - len(row)) + list(row) for row in rows], np.int32)
    return {"user": tf.constant(users or range(1, len(rows) + 1), tf.int32), "items": tf.constant(items)}


def training(rows, width=None):
    """Inputs row[:-1] with targets row[1:]."""
    batch = history([row[:-1] for row in rows], width)
    batch["positives"] = history([row[1:] for row in rows], width)["items"]
    batch["valid_count"] = tf.constant(float(sum(len(row) - 1 for row in rows)))
    return batch


def split_of(rows, n_items):
    """One user a row, split."""
    return leave_one_out(tiny.sequences_of([[(item, 0, 1) for item in row] for row in rows], n_items, 0, 1))


@pytest.mark.parametrize(("taps", "dilation", "steps"), [(3, 1, 7), (3, 2, 7), (3, 4, 5), (1, 2, 4), (3, 2, 1)])
def test_convolution_and_its_gradient(float64, taps, dilation, steps):
    rng = RNG(taps + steps)
    layer = CausalConvolution(3, taps, dilation)
    x = tf.constant(rng.normal(size=(2, steps, 2)))
    layer(x)
    layer.bias.assign(rng.normal(size=3))
    expected = [oracle.causal_convolution(row, layer.kernel.numpy(), layer.bias.numpy(), dilation) for row in x.numpy()]
    np.testing.assert_allclose(layer(x), expected, atol=1e-12)

    # The result is linear in the input and in the kernel: a derivative is the result of a unit vector.
    weights = rng.normal(size=(steps, 3))
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(layer(x)[0] * weights)
    for of, gradient in zip(("x", "kernel"), tape.gradient(total, [x, layer.kernel]), strict=True):
        shape = (steps, 2) if of == "x" else layer.kernel.shape
        for index in np.ndindex(*shape):
            unit = np.zeros(shape)
            unit[index] = 1.0
            pair = (unit, layer.kernel.numpy()) if of == "x" else (x[0].numpy(), unit)
            slope = np.sum(oracle.causal_convolution(*pair, np.zeros(3), dilation) * weights)
            assert float(gradient[0][index] if of == "x" else gradient[index]) == pytest.approx(slope, abs=1e-10)


SMALL = {"dim": 5, "max_length": 6, "dilations": (1, 2)}
ROWS = [[3, 1, 4, 1, 5, 9, 2], [6, 5, 3], [8, 9]]


def states(model, row):
    """Hidden states of a history without padding."""
    return oracle.nextitnet_states(model.items.table.numpy()[row], oracle.block_weights(model))


def test_nextitnet_scores(float64):
    model = build("nextitnet", **SMALL)
    queries, _ = model.encode(history(ROWS, 8), positions="last")
    table, bias = model.output_table.table.numpy(), model.output_bias.table.numpy()[:, 0]
    expected = np.array([table @ states(model, row)[-1] + bias for row in ROWS])
    np.testing.assert_allclose(model.score_all(queries)[:, 1:], expected[:, 1:], atol=1e-10)
    listed = np.array([[2, 7], [1, 9], [9, 3]], np.int32)
    np.testing.assert_allclose(model.score(queries, listed), np.take_along_axis(expected, listed, 1), atol=1e-10)
    query, matrix = model.retrieval_factors()
    np.testing.assert_allclose((query(history(ROWS))[:, 0] @ tf.transpose(matrix))[:, 1:], expected[:, 1:], atol=1e-10)


def test_nextitnet_full_loss(float64):
    model = build("nextitnet", **SMALL)
    table, bias = model.output_table.table.numpy(), model.output_bias.table.numpy()[:, 0]
    losses = [
        oracle.softmax_loss(state, table, bias, target, range(1, 10))
        for row in ROWS
        for state, target in zip(states(model, row[:-1]), row[1:], strict=True)
    ]
    assert float(model.compute_loss(training(ROWS))) == pytest.approx(np.mean(losses), abs=1e-10)


def test_nextitnet_official_loss_trains_padding(float64):
    model = build("nextitnet", **SMALL | {"padding": "trained", "final_relu": True})
    assert not model.padding_invariant
    table, bias = model.output_table.table.numpy(), model.output_bias.table.numpy()[:, 0]
    losses = []
    for (
        row
    ) in ROWS:  # n + 1 = 7 cells a row, as the code stores them: inputs all but the last, labels all but the first
        cells = [0] * (7 - len(row)) + row
        for state, target in zip(states(model, cells[:-1]), cells[1:], strict=True):
            losses.append(oracle.softmax_loss(np.maximum(state, 0), table, bias, target, range(10)))
    assert len(losses) == 18
    parts = [training(rows) | {"valid_count": tf.constant(18.0)} for rows in (ROWS[:2], ROWS[2:])]
    assert float(tf.add_n([model.compute_loss(part) for part in parts])) == pytest.approx(np.mean(losses), abs=1e-10)


@pytest.mark.parametrize("sampler", ["uniform", "log_uniform"])
@pytest.mark.parametrize("padding", ["masked", "trained"])
def test_nextitnet_sampled_loss(float64, sampler, padding):
    model = build("nextitnet", **SMALL, loss="sampled", sampled_share=0.5, sampler=sampler, padding=padding)
    table, bias = model.output_table.table.numpy(), model.output_bias.table.numpy()[:, 0]
    first = 1 if padding == "masked" else 0
    pool, _ = draw_pool(sampler, 4, 10 - first, tf.zeros([2], tf.int32))  # round(0.5 * 9) = 4
    if sampler == "uniform":
        expected = lambda c: 4 / (10 - first)  # noqa: E731
    else:
        expected = lambda c: 4 * oracle.log_uniform_probability(c - first, 10 - first)  # noqa: E731
    losses = []
    for row in ROWS:
        cells = row if first else [0] * (7 - len(row)) + row
        for state, target in zip(states(model, cells[:-1]), cells[1:], strict=True):
            drawn = pool.numpy() + first
            losses.append(oracle.sampled_softmax_loss(state, table, bias, target, drawn, expected))
    batch = training(ROWS) | {"valid_count": tf.constant(float(len(losses)))}
    assert float(model.compute_loss(batch, training=False)) == pytest.approx(
        np.mean(losses), abs=1e-6
    )  # counts are float32


def test_a_pool_of_everything_is_the_full_softmax(float64):
    sampled = build("nextitnet", **SMALL, loss="sampled", sampled_share=1.0)
    full = build("nextitnet", **SMALL)
    with step_rng(1, 2):
        value = sampled.compute_loss(training(ROWS))
    np.testing.assert_allclose(value, full.compute_loss(training(ROWS)), rtol=1e-9)


def test_pools_have_the_stated_distribution():
    uniform, expected = draw_pool("uniform", 40, 50, tf.constant([3, 4]))
    assert len(set(uniform.numpy())) == 40 and uniform.numpy().min() >= 0 and uniform.numpy().max() < 50
    np.testing.assert_allclose(expected(uniform), 0.8)
    drawn, expected = draw_pool("log_uniform", 200_000, 50, tf.constant([3, 4]))
    wanted = 200_000 * np.array([oracle.log_uniform_probability(k, 50) for k in range(50)])
    np.testing.assert_allclose(expected(tf.range(50)), wanted, rtol=1e-4)
    chi2 = np.sum((np.bincount(drawn.numpy(), minlength=50) - wanted) ** 2 / wanted)
    assert chi2 < 49 + 5 * np.sqrt(2 * 49)


def test_pools_change_with_the_step_and_repeat_with_it():
    model = build("nextitnet", **SMALL, loss="sampled")
    values = []
    for step in (1, 2, 1):
        with step_rng(7, step):
            values.append(float(model.compute_loss(training(ROWS))))
    assert values[0] == values[2] != values[1]


@pytest.mark.parametrize("padding", ["masked", "trained"])
def test_nextitnet_is_causal(padding):
    model = build("nextitnet", **SMALL | {"dilations": (1, 2, 1)}, padding=padding)
    before = model.encode(history([[3, 1, 4, 1, 5, 9, 2, 6]]))[0].numpy()
    after = model.encode(history([[3, 1, 4, 1, 8, 9, 2, 6]]))[0].numpy()
    np.testing.assert_array_equal(before[:, :4], after[:, :4])
    assert np.abs(before[:, 4:] - after[:, 4:]).max(axis=(0, 2, 3)).min() > 1e-6


def test_padding_changes_nothing_unless_it_is_trained(float64):
    narrow, wide = training(ROWS), training(ROWS, 13)
    for settings, same in (({}, True), ({"loss": "sampled"}, True), ({"padding": "trained"}, False)):
        model = build("nextitnet", **SMALL | settings)
        a, b = (model.encode(batch, positions="last")[0].numpy() for batch in (narrow, wide))
        assert np.allclose(a, b, atol=1e-12) is same is model.padding_invariant
        losses = [float(model.compute_loss(batch, training=False)) for batch in (narrow, wide)]
        assert (abs(losses[0] - losses[1]) < 1e-12) is same


@pytest.mark.parametrize("padding", ["masked", "trained"])
def test_the_newest_position_alone_is_the_last_of_all(float64, padding):
    model = build("nextitnet", **SMALL | {"dilations": (1,)}, padding=padding)  # reach 2 + 4: 7 of the 20 cells
    rows = [list(RNG(i).integers(1, 10, 20 - 7 * i)) for i in range(3)]
    every, last = model.encode(history(rows))[0], model.encode(history(rows), positions="last")[0]
    np.testing.assert_allclose(every[:, -1:], last, atol=1e-12)
    moved = [[10 - row[0], *row[1:]] for row in rows]
    assert model.blocks[0].reach == 6
    np.testing.assert_array_equal(last[0], model.encode(history(moved), positions="last")[0][0])
    assert np.abs(last[2] - model.encode(history(moved), positions="last")[0][2]).max() > 1e-9


def test_bad_settings_are_refused():
    bad = [("loss", "bce"), ("padding", "no"), ("sampler", "zipf"), ("sampled_share", 0.0), ("dilations", ())]
    bad += [("kernel_size", 0)]
    for name, key, value in [*(("nextitnet", *pair) for pair in bad), ("item_knn", "decay", 0.0)]:
        with pytest.raises(ValueError, match=key):
            untrained(name, **{key: value})


TRIPLES = [(1, 2, 9), (1, 2, 7), (4, 9, 3), (2, 5, 2)]
L2 = {"l2_user": 0.3, "l2_item": 0.2, "l2_bias": 0.1}


def triples(rows, count=None):
    user, positive, negative = (tf.constant(x, tf.int32) for x in np.array(rows).T)
    count = tf.constant(float(count or len(rows)))
    return {"user": user, "positives": positive, "negatives": negative, "valid_count": count}


def test_bpr_loss_and_scores(float64):
    model = build("bpr_mf", dim=5, **L2)
    users, items = model.users.table.numpy(), model.items.table.numpy()
    biases = model.biases.table.numpy()[:, 0]
    expected = oracle.bpr_objective(TRIPLES, users, items, biases, *L2.values())
    assert float(model.compute_loss(triples(TRIPLES))) == pytest.approx(expected, abs=1e-12)
    parts = model.compute_loss(triples(TRIPLES[:1], 4)) + model.compute_loss(triples(TRIPLES[1:], 4))
    assert float(parts) == pytest.approx(expected, abs=1e-12)

    batch = history([[1], [5, 2]], users=[3, 1])
    queries, _ = model.encode(batch, positions="last")
    scores = users[[3, 1]] @ items.T + biases
    np.testing.assert_allclose(model.score_all(queries)[:, 1:], scores[:, 1:], atol=1e-12)
    listed = np.array([[4, 4, 9], [1, 2, 3]], np.int32)
    np.testing.assert_allclose(model.score(queries, listed), np.take_along_axis(scores, listed, 1), atol=1e-12)
    np.testing.assert_array_equal(model.encode(batch)[0], np.repeat(queries, 2, axis=1))

    model = build("bpr_mf", dim=5, bias=False, **L2)
    users, items = model.users.table.numpy(), model.items.table.numpy()
    expected = oracle.bpr_objective(TRIPLES, users, items, np.zeros(10), *L2.values())
    assert float(model.compute_loss(triples(TRIPLES))) == pytest.approx(expected, abs=1e-12)


def test_bpr_shrinks_only_the_rows_of_the_batch(float64):
    model = build("bpr_mf", dim=5, **L2)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(triples([(1, 2, 9)]))
    gradients = [tf.convert_to_tensor(g).numpy() for g in tape.gradient(loss, [t.table for t in model.tables])]
    assert [list(np.flatnonzero(np.abs(g).sum(axis=1))) for g in gradients] == [[1], [2, 9], [2, 9]]
    p, q = model.users.table.numpy()[1], model.items.table.numpy()
    b = model.biases.table.numpy()[:, 0]
    sigma = 1 / (1 + np.exp(p @ (q[2] - q[9]) + b[2] - b[9]))  # Rendle's step, section 4.3.1, with L2 as in figure 4
    np.testing.assert_allclose(gradients[0][1], -sigma * (q[2] - q[9]) + 0.3 * p, atol=1e-12)
    np.testing.assert_allclose(gradients[1][9], sigma * p + 0.2 * q[9], atol=1e-12)
    np.testing.assert_allclose(gradients[2][2], [-sigma + 0.1 * b[2]], atol=1e-12)


LOG = [[1, 2, 3, 4, 5], [2, 3, 1, 2, 6, 7], [1, 2, 8, 8, 9], [3, 3, 4, 3], [5, 6]]  # the last two of each are held out
TRAIN = [[1, 2, 3], [2, 3, 1, 2], [1, 2, 8], [3, 3], [5, 6]]


def evaluate(model, split=None, protocols=("full_with_seen",)):
    split = split or split_of(LOG, 9)
    longest = int(split.sequences.lengths.max())
    lists = {p: candidates.draw(p, split, "test", 0) for p in protocols if not p.startswith("full")}
    return Evaluator(model, split.sequences, split.test, longest, protocols, lists).ranks()


def fitted(name, rows=LOG, n_items=9, **settings):
    model = untrained(name, DataSpec(len(rows), n_items, 0, 1), **settings)
    model.fit_counts(split_of(rows, n_items))
    return model


def test_mostpop_counts_training_events_only():
    model = fitted("pop")
    counts = [0, 3, 4, 4, 0, 1, 1, 0, 1, 0]
    np.testing.assert_array_equal(model.score_all(model.encode(history(ROWS), positions="last")[0]), [counts] * 3)
    ranks = evaluate(model)["full_with_seen"]
    assert (ranks.greater.tolist(), ranks.equal.tolist()) == oracle.ranks([counts] * 4, [5, 7, 9, 3])


@pytest.mark.parametrize(("k", "shrink", "decay", "block"), [(100, 0.0, 1.0, 1024), (2, 1.5, 1.0, 3), (3, 0.5, 0.7, 4)])
def test_item_knn(monkeypatch, k, shrink, decay, block):
    monkeypatch.setattr(item_knn, "BLOCK", block)
    model = fitted("item_knn", neighbours=k, shrink=shrink, decay=decay)
    rows = [[1, 2, 3, 4], [2, 3, 1, 2, 6], [7], [3, 1, 3, 3]]
    expected = [oracle.item_knn_scores(TRAIN, row, 9, k, shrink, decay) for row in rows]
    queries, _ = model.encode(history(rows), positions="last")
    np.testing.assert_allclose(model.score_all(queries)[:, 1:], np.array(expected)[:, 1:], rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(model.score(queries, np.full((4, 1), 3)), model.score_all(queries).numpy()[:, 3:4])
    histories = [[1, 2, 3, 4], [2, 3, 1, 2, 6], [1, 2, 8, 8], [3, 3, 4]]
    scores = [oracle.item_knn_scores(TRAIN, row, 9, k, shrink, decay) for row in histories]
    ranks = evaluate(model)["full_with_seen"]
    assert (ranks.greater.tolist(), ranks.equal.tolist()) == oracle.ranks(np.round(scores, 5), [5, 7, 9, 3])
    assert model.retrieval_factors() is None


def test_item_knn_by_hand():
    # Users 1 and 2 have items 1 and 2, user 1 also item 3: sim(1, 2) = 2 / 2, sim(1, 3) = sim(2, 3) = 1 / sqrt(2).
    near, similarity = item_knn.nearest(np.array([1, 1, 1, 2, 2, 2]), np.array([1, 2, 3, 1, 2, 2]), 4, 2, 0.0)
    assert near.tolist() == [[0, 0], [2, 3], [1, 3], [1, 2], [0, 0]]
    np.testing.assert_allclose(similarity[1:4], [[1, 0.5**0.5], [1, 0.5**0.5], [0.5**0.5, 0.5**0.5]], rtol=1e-6)


def test_history_membership():
    model = fitted("history")
    queries, _ = model.encode(history([[1, 2, 2], [9]], 5), positions="last")
    np.testing.assert_array_equal(model.score_all(queries), [[0, 1, 1, 0, 0, 0, 0, 0, 0, 0], [0] * 9 + [1]])
    assert model.score(queries, np.array([[2, 3], [9, 1]])).numpy().tolist() == [[1, 0], [1, 0]]
    ranks = evaluate(model)["full_with_seen"]
    # Histories {1 2 3 4}, {1 2 3 6}, {1 2 8}, {3 4}, targets 5, 7, 9, 3: the last one repeats its history.
    assert ranks.greater.tolist() == [4, 4, 3, 0] and ranks.equal.tolist() == [4, 4, 5, 1]
    assert evaluate(model, protocols=("full",))["full"].greater.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(("name", "decay"), [("pop", 1.0), ("history", 1.0), ("item_knn", 1.0), ("item_knn", 0.5)])
def test_counting_models_answer_at_each_position_as_for_that_prefix(name, decay):
    model = fitted(name, **({"decay": decay} if name == "item_knn" else {}))
    row = [3, 1, 3, 2, 8]
    every = tf.function(model.encode)(history([row, row[:2]], 7))[0]
    for t in range(1, 6):
        last = model.encode(history([row[:t]]), positions="last")[0]
        np.testing.assert_allclose(every[0, t + 1], last[0, 0], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "settings"),
    [("bpr_mf", {}), ("nextitnet", {}), ("nextitnet", {"loss": "sampled"}), ("nextitnet", {"padding": "trained"})],
)
def test_the_gradient_reaches_every_weight(name, settings):
    model = build(name, **(SMALL | settings if name == "nextitnet" else {"dim": 5} | L2))
    batch = triples(TRIPLES) if name == "bpr_mf" else training(ROWS)
    with step_rng(1, 1), tf.GradientTape() as tape:
        loss = model.compute_loss(batch)
    for weight, gradient in zip(model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True):
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 1e-8, weight.name


def fit(model, feed, steps, rate):
    stepper = Stepper(model, adam(rate), feed, tf.distribute.get_strategy(), seed=1, groups=1)
    stepper.build()
    return stepper.run(steps)


def test_bpr_learns_tastes_that_popularity_cannot_see():
    # Even users like items 1..20, odd ones 21..40. 8 of a half are left: tastes alone put a target in the top 10.
    rows = [RNG(u).permutation(20)[:14] + 1 + 20 * (u % 2) for u in range(60)]
    split = split_of(rows, 40)
    model = untrained("bpr_mf", DataSpec(60, 40, 0, 1), dim=8)
    fit(model, pairwise_feed(split, 128, 1), 150, 0.02)
    reached = [evaluate(m, split, ("full",))["full"] for m in (model, fitted("pop", rows, 40))]
    bpr, pop = (ranking.metrics(ranks)["HR@10"] for ranks in reached)
    assert bpr > 0.95 and pop < 0.7


def test_nextitnet_learns_a_cycle():
    rows = [[(start + t) % 12 + 1 for t in range(9 + start % 4)] for start in range(24)]
    split = split_of(rows, 12)
    model = untrained("nextitnet", DataSpec(24, 12, 0, 1), dim=16, max_length=12, dilations=(1,))
    fit(model, next_item_feed(split, 12, 24, 1), 60, 0.02)
    assert ranking.metrics(evaluate(model, split)["full_with_seen"])["HR@1"] == 1.0


def test_mostpop_on_movielens_1m():
    if not os.environ.get("DATA_DIR"):
        pytest.skip("DATA_DIR is not set: MovieLens-1M is not here")
    try:
        data = catalog.load("ml-1m-sasrec", download=False)
    except UserError as error:
        pytest.skip(str(error))
    split = leave_one_out(data)
    model = untrained("pop", tiny.spec_of(split))
    model.fit_counts(split)
    values = ranking.metrics(evaluate(model, split, ("uniform100",))["uniform100"])
    # 0.438 with this seed; the standard error of another draw of negatives is below 0.006.
    assert values["HR@10"] == pytest.approx(0.438, abs=0.012)
    assert values["NDCG@10"] == pytest.approx(0.240, abs=0.010)
