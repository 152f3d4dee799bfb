"""CAFE and its local attention against their float64 twin and cases done by hand (LEDGER C1-C12)."""

import dataclasses

import numpy as np
import pytest

import models
from models.layers.local_attention import LocalAttention
from tests import tiny
from tests.oracles import cafe_oracle as oracle
from tests.oracles.layers_oracle import slope
from tf_utils.keras_gate import tf
from tf_utils.rng import step_rng

CAFE = models.model_class("cafe")
LONGEST = tiny.LENGTH + 2  # n is longer than any batch: the positions are those of the newest end
FORMS = {
    "paper": {},
    "two heads": {"blocks": 1, "heads": 2, "attn_scale": "head"},
    "no theta": {"blocks": 1, "item_heads": "all_global", "heads": 2},
    "paper's theta, counted from the oldest": {"blocks": 1, "item_heads": "mixed_1g3l", "positions": "oldest"},
    "official's theta, counted from the newest": {"blocks": 1, "item_heads": "mixed_1g3l", "local": "official"},
    "official": CAFE.variants()["official"] | {"official_quirks": False, "blocks": 1},
    "official_local": CAFE.variants()["official_local"] | {"official_quirks": False},
    "no_intent_loss": CAFE.variants()["no_intent_loss"] | {"blocks": 1},
    "all": {"blocks": 1, "negatives": "all"},
    "half the intent loss": {"blocks": 1, "intent_weight": 0.5},
}


def case(split, **hyper):
    """(model in float64 with weights moved off their initial values, batch, copies of the weights)."""
    model = tiny.make_model("cafe", split, "float64", max_length=LONGEST, **hyper)
    batch = tiny.make_feed(model, split, batch_size=4).batch(tf.constant(3, tf.int64))
    # An event, and a target, of which no category is known.
    data = tiny.arrays(batch)
    data["categories"][-1, -2] = data["positive_categories"][-1, -2] = data["positive_categories"][0, -1] = 0
    batch = {name: tf.constant(x) for name, x in data.items()}
    model.compute_loss(batch, training=False)
    return model, batch, tiny.perturb_weights(model)


def loss_and_gradients(model, batch, training=False):
    with tf.GradientTape() as tape, step_rng(1, tf.constant(0)):
        loss = model.compute_loss(batch, training=training)
    found = tape.gradient(loss, tiny.weights_of(model))
    return loss, {name: tf.convert_to_tensor(g).numpy() for name, g in found.items()}


@pytest.mark.parametrize("hyper", FORMS.values(), ids=FORMS)
def test_outputs_scores_and_loss(tiny_split, hyper):
    model, batch, weights = case(tiny_split, **hyper)
    data = tiny.arrays(batch)
    options = {name: hyper[name] for name in oracle.DEFAULTS if name in hyper}
    joint = hyper.get("joint", "sigmoid_product")
    queries, out = model.encode(batch)
    last, _ = model.encode(batch, positions="last")
    assert queries.shape[2] == (1 if joint == "item" else 2)
    candidates = np.arange(1, tiny.N_ITEMS + 1)
    intents = tiny.spec_of(tiny_split).item_categories[:, 0]
    everything = model.score_all(last).numpy()
    for row, items in enumerate(data["items"]):
        here = items > 0
        r, r_intent, inside = oracle.encode(weights, items[here], data["categories"][row][here], **options)
        expected = np.stack([r, r_intent], axis=1)[:, : queries.shape[2]]
        tiny.close(queries[row].numpy()[here], expected)
        tiny.close(last[row, 0], expected[-1])
        assert set(out) == set(inside)
        for name, values in inside.items():
            maps = out[name][row].numpy()
            tiny.close(maps[:, here][:, :, here], values)
            assert (maps[:, :, ~here] == 0).all()
        tiny.close(
            everything[row, 1:], [oracle.score(weights, r[-1], r_intent[-1], v, intents[v], joint) for v in candidates]
        )

    scalars = {name: hyper[name] for name in ("negatives", "intent_weight") if name in hyper}
    twin = lambda moved: oracle.loss(moved, data, **scalars, **options)  # noqa: E731
    ours = [loss_and_gradients(model, batch, training) for training in (False, True)]  # True: attention's own gradient
    for loss, _ in ours:
        tiny.close(loss, twin(weights))
    rng = np.random.default_rng(0)
    directions = {name: rng.normal(size=w.shape) for name, w in weights.items()}
    groups = [directions]
    if hyper in (FORMS["paper"], FORMS["official_local"]):
        alone = ("distance_table", "local_kernel", "positions/table", "intents/table")
        groups += [{name: d} for name, d in directions.items() if name.endswith(alone)]
    for group in groups:
        expected = slope(twin, weights, group)
        for _, gradients in ours:
            found = sum(np.sum(gradients[name] * d) for name, d in group.items())
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8, err_msg=str(list(group)))


def by_hand(n=2):
    """One head of width 1, every projection the identity."""
    with tiny.precision("float64"):
        layer = LocalAttention(1, n, name="a")
    zeros = tf.zeros([1, n, 1], tf.float64)
    layer(zeros, zeros, tf.ones([1, n], tf.bool))
    for name, weight in tiny.weights_of(layer).items():
        weight.assign(tf.ones_like(weight) if name.endswith("kernel") else tf.zeros_like(weight))
    return layer


def test_equations_5_and_6_by_hand():
    """Queries 0, keys (ln 2, 0): w = 0. D is ln 3 at distance 0 (row n), 0 at distance 1 (row n + 1); b_L = ln 7."""
    layer = by_hand()
    layer.distances.assign([[100.0], [100.0], [np.log(3)], [0.0]])  # rows below n: keys that are hidden
    layer.local_bias.assign([np.log(7)])
    keys = tf.constant([[[np.log(2)], [0.0]]], tf.float64)
    result, weights, theta = layer(tf.zeros_like(keys), keys, tf.ones([1, 2], tf.bool))
    # theta_00 = 2 * 3 * 7; theta_10 = 2 * 1 * 7, theta_11 = 1 * 3 * 7.
    tiny.close(theta[0, 0], [[42, 0], [14, 21]])
    tiny.close(weights[0, 0], [[1, 0], [0.4, 0.6]])
    tiny.close(result[0, :, 0], [np.log(2), 0.4 * np.log(2)])
    # The query's term is in theta, times e^1 in its row, and cancels in the weights: with W_K = 0 so does w.
    for weight in layer.key.weights:
        weight.assign(tf.zeros_like(weight))
    moved = layer(tf.ones_like(keys), keys, tf.ones([1, 2], tf.bool))
    tiny.close(moved[2][0, 0], [[21 * np.e, 0], [7 * np.e, 21 * np.e]])
    tiny.close(moved[1][0, 0], [[1, 0], [0.25, 0.75]])


@pytest.mark.parametrize("form", ["paper", "official"])
def test_gradient_with_dropout_and_chunks(form):
    """The training path of the layer, the masks of dropout held, against central differences."""
    with tiny.precision("float64"):
        layer = LocalAttention(8, 9, local_heads=3, global_heads=1, form=form, dropout=0.4, name="a")
    rng = np.random.default_rng(0)
    x, queries, upstream = (tf.constant(rng.normal(size=(3, 7, 8))) for _ in range(3))
    mask = tf.constant(np.arange(7) >= np.array([[0], [3], [7]]))  # the last row: padding only
    layer(queries, x, mask)
    arrays = tiny.perturb_weights(layer)
    named = tiny.weights_of(layer)

    def value():
        with step_rng(1, tf.constant(0)):
            return tf.reduce_sum(layer(queries, x, mask, training=True)[0] * upstream)

    def at(moved):
        for name, weight in named.items():
            weight.assign(moved[name])
        return value().numpy()

    with tf.GradientTape() as tape:
        total = value()
    gradients = tape.gradient(total, named)
    for name, array in arrays.items():
        direction = rng.normal(size=array.shape)
        found = np.sum(tf.convert_to_tensor(gradients[name]).numpy() * direction)
        np.testing.assert_allclose(found, slope(at, arrays, {name: direction}), rtol=1e-6, atol=1e-7, err_msg=name)
    assert all(np.abs(gradients[f"a/{name}"]).max() < 1e-12 for name in ("local_bias", "key/bias"))
    assert all(np.abs(gradients[f"a/{name}"]).max() > 1e-3 for name in ("local_kernel", "distance_table"))


def test_equation_10_by_hand(tiny_split):
    """s(0) s(ln 3) = 3 / 8; the product and the sum of logits order two candidates differently (C9)."""
    queries = tf.concat([tf.eye(1, tiny.DIM, dtype=tf.float64), 2 * tf.eye(1, tiny.DIM, dtype=tf.float64)], axis=0)
    queries = queries[None, None]  # R is the first unit vector, R^c twice that
    scores = {}
    for joint in ("sigmoid_product", "logit_sum"):
        model, *_ = case(tiny_split, joint=joint)
        items, intents = np.zeros((tiny.N_ITEMS + 1, tiny.DIM)), np.zeros((tiny.N_CATEGORIES + 1, tiny.DIM))
        items[1:4, 0], intents[1:4, 0] = [0.0, 0.0, 3.0], [np.log(3) / 2, 0.0, -1.0]
        model.items.table.assign(items)
        model.intents.table.assign(intents)
        pairs = tf.constant([[1, 2, 3]]), tf.constant([[1, 2, 3]])
        scores[joint] = model.score_paired(queries, *pairs)[0].numpy()
    assert model.scores_intents
    np.testing.assert_allclose(np.exp(scores["sigmoid_product"][:2]), [3 / 8, 1 / 4])
    np.testing.assert_allclose(scores["logit_sum"], [np.log(3), 0, 1])
    assert scores["sigmoid_product"][1] > scores["sigmoid_product"][2]  # 0.25 > s(-2) s(3) = 0.11


@pytest.mark.parametrize("joint", ["sigmoid_product", "logit_sum"])
def test_pairing_and_items_without_an_intent(tiny_split, joint):
    model, batch, _ = case(tiny_split, joint=joint)
    spec = tiny.spec_of(tiny_split)
    lists = spec.item_categories.copy()
    lists[5] = 0
    with tiny.precision("float64"):
        bare = CAFE(model.config, dataclasses.replace(spec, find_item_categories=lambda: lists))
    bare.compute_loss(batch, training=False)
    weights = tiny.perturb_weights(bare)
    queries, _ = bare.encode(batch, positions="last")
    rows = len(queries)
    candidates = np.tile([5, 6, 7], (rows, 1)).astype(np.int32)
    own = lists[candidates, 0]
    twin = lambda b, v, c: oracle.score(weights, *queries[b, 0].numpy(), v, c, joint)  # noqa: E731
    for intents in (own, np.tile([3, 1, 2], (rows, 1)).astype(np.int32)):
        found = bare.score_paired(queries, tf.constant(candidates), tf.constant(intents))
        tiny.close(found, [[twin(b, candidates[b, c], intents[b, c]) for c in range(3)] for b in range(rows)])
    tiny.close(bare.score(queries, tf.constant(candidates)), bare.score_paired(queries, candidates, own))
    tiny.close(bare.score_all(queries).numpy()[:, 5:8], bare.score(queries, tf.constant(candidates)))
    if joint == "logit_sum":
        function, matrix = bare.retrieval_factors()
        tiny.close(function(batch)[:, 0].numpy() @ matrix.numpy().T[:, 1:], bare.score_all(queries)[:, 1:])
    else:
        assert bare.retrieval_factors() is None


def test_official_quirks(tiny_split):
    """C12: biases and layer normalisations keep their initial values, tables are N(0, 1)."""
    quirky = tiny.make_model("cafe", tiny_split, **CAFE.variants()["official_local"])
    plain = tiny.make_model("cafe", tiny_split, **CAFE.variants()["official_local"] | {"official_quirks": False})
    for model in (quirky, plain):
        model.compute_loss(tiny.make_feed(model, tiny_split).batch(tf.constant(0, tf.int64)), training=False)
    ends = lambda w: w.name.removesuffix(":0").split("/")[-1]  # noqa: E731
    assert {ends(w) for w in quirky.trainable_variables} == {"table", "kernel", "distance_table", "local_kernel"}
    frozen = [w for w in quirky.variables if not any(w is t for t in quirky.trainable_variables)]
    assert {ends(w) for w in frozen} == {"bias", "local_bias", "gamma", "beta"}
    assert len(quirky.variables) == len(plain.trainable_variables) == len(frozen) + len(quirky.trainable_variables)
    assert 0.8 < np.std(quirky.items.table) < 1.2 and 0.015 < np.std(plain.items.table) < 0.025


def test_arguments(tiny_split):
    for name, value in [("item_heads", "local"), ("joint", "product"), ("negatives", "some"), ("local", "learned")]:
        with pytest.raises(ValueError, match=f"{name}|form of the local"):
            tiny.make_model("cafe", tiny_split, **{name: value})
    for none in (dict(find_item_categories=None), dict(n_categories=0)):
        with pytest.raises(ValueError, match="its data must have item categories"):
            CAFE(CAFE.default_config(), dataclasses.replace(tiny.spec_of(tiny_split), **none))
    with pytest.raises(ValueError, match="local head"):
        LocalAttention(8, 5, local_heads=0, global_heads=1)
    model = tiny.make_model("cafe", tiny_split)
    assert model.feed_options() == {"interaction_negatives": "category"}
    assert tiny.make_model("cafe", tiny_split, negatives="all").feed_options() == {}
    alone = tiny.make_model("cafe", tiny_split, **CAFE.variants()["no_intent_loss"])
    alone.items.build()
    assert alone.feed_options() == {} and not alone.scores_intents and alone.retrieval_factors() is not None
