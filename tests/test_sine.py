"""SINE and its layers against a float64 twin and against numbers by hand."""

import numpy as np
import pytest

import models
from models.layers.concepts import ConceptActivation, covariance_penalty, present
from models.layers.pooling import PoolingLogits, position_weights
from tests import tiny
from tests.gradients import check_loss_and_gradient
from tests.oracles import sine_oracle as oracle
from tf_utils.keras_gate import tf

LENGTH, CONCEPTS, INTENTS = 6, 9, 3
VARIANTS = models.model_class("sine").variants()
# Categories are tied to items in the data, so a window of few items often has fewer categories than K.
CATE, LABEL = VARIANTS["sine_cate"], VARIANTS["sine_label"]
READINGS = {
    "paper": {},
    "official": VARIANTS["official"] | {"hidden": 7, "reg_weight": 0.3},
    "recbole": VARIANTS["recbole"],
    "cate": CATE,
    "cate membership": CATE | {"assignment": "membership"},
    "label hard": LABEL,
    "any category": {"prototypes": "category", "activate": "all"},
    "label soft": LABEL | {"readout": "soft", "label_power": 2.0},
    "cosine": {"sim": "layernorm_over_D", "weighting": "shared", "neg": "per_example", "negatives": 4},
    "mixture": {"z_pos": True, "bias": True, "cpt_feat": True, "intent_norm": False, "agg": "mlp", "share_w3": True},
    "epsilon": {"norm_epsilon": 0.25},  # tells in every norm, and is exact in float32
    "uniform": {"proposal": "uniform", "intent_pos": True, "interest_norm": "none", "mix": "logit_product"},
}


def case(split, **hyper):
    """(model in float64 with weights moved off their initial values, batch, copies of the weights)."""
    sizes = {"max_length": LENGTH, "concepts": CONCEPTS, "intents": INTENTS} | hyper
    model = tiny.make_model("sine", split, "float64", **sizes)
    batch = tiny.make_feed(model, split, batch_size=12).batch(tf.constant(0, tf.int64))
    model.compute_loss(batch, training=False)
    return model, batch, tiny.perturb_weights(model)


@pytest.mark.parametrize("name", READINGS)
def test_intermediates_scores_and_loss(tiny_split, name):
    model, batch, weights = case(tiny_split, **READINGS[name])
    data, c = tiny.arrays(batch), model.config
    queries, out = model.encode(batch, positions="last")
    label = c.agg == "label"
    assert queries.shape == (12, 1, INTENTS if label else 1, tiny.DIM)
    assert ("aggregation_weights" in out) != label and out["concepts"].dtype == tf.int32
    everything, out = model.score_all(queries).numpy(), {key: x.numpy() for key, x in out.items()}
    lengths = []
    for row in range(12):
        items, categories = oracle.window(data["items"][row], data["categories"][row], c)
        expected = oracle.forward(weights, items, c, categories)
        slots, cells = len(expected["concepts"]), slice(LENGTH - len(items), None)
        live = np.flatnonzero(out["concepts"][row] >= 0)
        assert len(live) == slots
        lengths.append((len(items), slots))
        np.testing.assert_array_equal(out["concepts"][row, live], expected["concepts"])
        tiny.close(out["gates"][row, live], expected["gates"])
        tiny.close(out["p_k_given_t"][row, cells][:, live], expected["p_k_given_t"])
        tiny.close(out["p_t_given_k"][row, live][:, cells], expected["p_t_given_k"])
        tiny.close(out["interests"][row, live], expected["interests"])
        if not label:
            tiny.close(out["aggregation_weights"][row, live], expected["aggregation_weights"])
        tiny.close(everything[row, 1:], oracle.scores(expected, weights["items/table"]))
        if c.mask:
            padding = slice(0, LENGTH - len(items))
            assert not out["p_k_given_t"][row, padding].any() and not out["p_t_given_k"][row, :, padding].any()
        empty = np.flatnonzero(out["concepts"][row] < 0)
        assert not out["gates"][row, empty].any() and not out["p_k_given_t"][row][:, empty].any()
        assert label or not out["aggregation_weights"][row, empty].any()
    if c.mask and c.min_hist == 1:
        assert min(lengths)[0] < LENGTH
    narrowed = c.prototypes == "category" and c.activate == "history"
    assert (min(slots for _, slots in lengths) < INTENTS) == narrowed
    tiny.close(model.compute_loss(batch, training=False), oracle.loss(weights, data, c))


def test_gradient(tiny_split):
    """Along random directions, away from ties in the top K."""
    model, batch, weights = case(tiny_split, temperature=0.7)
    data, c = tiny.arrays(batch), model.config
    for items, categories in zip(data["items"], data["categories"], strict=True):
        items, _ = oracle.window(items, categories, c)
        x = weights["items/table"][items]
        s = np.sort(
            weights["concepts/prototypes"] @ (oracle.softmax(oracle.pooling_logits(x, weights, "pooling")) @ x)
        )[::-1]
        assert (s[:-1] - s[1:])[:INTENTS].min() > 1e-4

    def objective(moved):
        return oracle.loss(moved, data, c) + 0.5 * oracle.covariance(moved["concepts/prototypes"])

    check_loss_and_gradient(model, batch, weights, objective, rtol=1e-5, atol=1e-7, regularised=True)


def test_only_the_gate_has_a_gradient():
    """d C^u / d z is C[idx] sigmoid'(s) times C[idx]'; the prototypes that were not chosen get nothing."""
    layer = ConceptActivation(5, 2, dtype="float64")
    z = tf.constant([[1.0, -0.5, 2.0]], tf.float64)
    layer(z)
    layer.prototypes.assign([[1, 0, 0], [0, 2, 0], [0, 0, 1], [0.5, 0.5, 0], [-1, 0, 0]])
    # s = 1, -1, 2, 0.25, -1: concepts 2 and 0.
    with tf.GradientTape() as tape:
        tape.watch(z)
        active = layer(z)
        total = tf.reduce_sum(active.prototypes * active.gates[..., None] * [[[1.0], [10.0]]])
    dz, dc = tape.gradient(total, [z, layer.prototypes])
    np.testing.assert_array_equal(active.ids, [[2, 0]])
    gate = lambda s: 1 / (1 + np.exp(-s))  # noqa: E731
    rise = lambda s: gate(s) * (1 - gate(s))  # noqa: E731
    tiny.close(dz, [[10 * rise(1), 0, rise(2)]])
    expected = np.zeros((5, 3))
    expected[2] = gate(2) + rise(2) * np.array([1, -0.5, 2])
    expected[0] = 10 * (gate(1) + rise(1) * np.array([1, -0.5, 2]))
    tiny.close(tf.convert_to_tensor(dc), expected)


def test_concept_activation_orders_and_restrictions():
    z = tf.constant([[1.0, 0.0], [0.0, 1.0]])
    for order, expected in (("desc", [[3, 1], [1, 0]]), ("asc", [[1, 3], [0, 1]])):
        layer = ConceptActivation(4, 2, order)
        layer(z)
        layer.prototypes.assign([[0, 1], [2, 3], [-1, 0], [4, -2]])
        assert layer(z).live is None
        np.testing.assert_array_equal(layer(z).ids, expected)
    allowed = present(tf.constant([[0, 3, 1, 3], [0, 0, 0, 0]]), 4)
    np.testing.assert_array_equal(allowed, [[True, False, True, False], [False] * 4])
    active = ConceptActivation(4, 3)(z, allowed)
    np.testing.assert_array_equal(np.sort(active.ids, axis=1), [[-1, 0, 2], [-1, -1, -1]])
    np.testing.assert_array_equal(active.live, active.ids.numpy() >= 0)
    np.testing.assert_array_equal(active.gates.numpy() > 0, active.live)
    np.testing.assert_array_equal(np.any(active.prototypes, axis=-1), active.live)


def test_covariance_by_hand():
    """Row means of [[1, 2, 3], [2, 0, 4]] are 2 and 2: M = [[2, 2], [2, 8]] / 3, so half of 2 (2 / 3)^2 = 4 / 9.
    Column means: rows -+(0.5, -1, 0.5), M = 0.5 [[1, -1], [-1, 1]], so half of 2 * 0.25."""
    prototypes = tf.constant([[1.0, 2, 3], [2, 0, 4]], tf.float64)
    tiny.close(covariance_penalty(prototypes), 4 / 9)
    tiny.close(covariance_penalty(prototypes, "col"), 0.25)
    tall = np.random.default_rng(0).normal(size=(7, 3))
    for axis in ("row", "col"):
        tiny.close(covariance_penalty(tf.constant(tall), axis), oracle.covariance(tall, axis))
        tiny.close(covariance_penalty(tf.constant(tall.T), axis), oracle.covariance(tall.T, axis))


def test_regularisation_is_weighed(tiny_split):
    for hyper in ({}, {"cov_axis": "col", "reg_weight": 0.2}):
        model, _, weights = case(tiny_split, **hyper)
        expected = oracle.covariance(weights["concepts/prototypes"], model.config.cov_axis)
        tiny.close(model.regularisation(), model.config.reg_weight * expected)
    for name in ("official", "recbole"):
        assert case(tiny_split, **VARIANTS[name])[0].regularisation() == 0


def test_pooling_masks_padding():
    x = tf.random.stateless_normal([2, 5, 4], [1, 2])
    logits = PoolingLogits(3, 2, separate=True, use_bias=True)(x)
    mask = tf.constant([[False, False, True, True, True], [False] * 5])
    weights = position_weights(logits, mask).numpy()
    assert weights.shape == (2, 2, 5) and not weights[1].any() and not weights[0, :, :2].any()
    tiny.close(weights[0].sum(-1), 1, 1e-6)
    tiny.close(position_weights(logits, None).numpy().sum(-1), 1, 1e-6)


def test_an_empty_history_is_finite(tiny_split):
    """Gradients too: a normalised zero vector must not give NaN."""
    for name in ("paper", "official", "recbole", "cate", "cate membership"):
        model, batch, _ = case(tiny_split, **READINGS[name])
        batch["items"], batch["categories"] = tf.zeros_like(batch["items"]), tf.zeros_like(batch["items"])
        with tf.GradientTape() as tape:
            loss = model.compute_loss(batch, training=False)
        gradients = tape.gradient(loss, model.trainable_variables, unconnected_gradients="zero")
        assert np.isfinite(loss) and all(np.isfinite(tf.convert_to_tensor(g)).all() for g in gradients), name


def test_temperature_selects(tiny_split):
    """Eq. 7: uniform as tau grows, one-hot as it falls. Of one item alone, LN3 makes all interests the same."""
    for temperature, tolerance in ((1e6, 1e-4), (1e-6, 1e-9)):
        model, batch, _ = case(tiny_split, temperature=temperature)
        weights = model.encode(batch, positions="last")[1]["aggregation_weights"].numpy()
        several = np.sum(batch["items"] > 0, axis=1) > 1
        assert several.sum() > 6
        tiny.close(weights[several].max(axis=1), 1 / INTENTS if temperature > 1 else 1, tolerance)


def test_feed_options(tiny_split):
    make = lambda **hyper: tiny.make_model("sine", tiny_split, **hyper).feed_options()  # noqa: E731
    assert make() == {"pooled": 5, "proposal": "log_uniform", "min_history": 1}
    assert make(**VARIANTS["official"]) == {"pooled": 5, "proposal": "log_uniform", "min_history": 3}
    assert make(**VARIANTS["recbole"]) == {"min_history": 1}
    assert make(neg="per_example", negatives=7) == {"negatives": 7, "min_history": 1}


@pytest.mark.parametrize(
    ("hyper", "message"),
    [
        ({"sim": "cosine"}, "sim must be one of"),
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"intents": 4, "concepts": 3}, "4 intents cannot be activated from 3 concepts"),
        ({"prototypes": "category", "intents": 6}, "6 intents cannot be activated from 5 concepts"),
        ({"assignment": "membership"}, "needs prototypes"),
        ({"share_w3": True, "sim": "l2_t0.07"}, "share_w3 needs a W3"),
    ],
)
def test_arguments(tiny_split, hyper, message):
    with pytest.raises(ValueError, match=message):
        tiny.make_model("sine", tiny_split, **hyper)


def test_categories_are_needed():
    from models.base import DataSpec

    config = models.default_config("sine")
    config.prototypes = "category"
    with pytest.raises(ValueError, match="needs data with categories"):
        models.build("sine", config, DataSpec(5, 9, 0, 1))
