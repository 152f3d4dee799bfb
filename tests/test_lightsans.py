"""LightSANs against its float64 twin, and the low-rank attention against small cases worked out by hand."""

import numpy as np
import pytest

from models.base import DataSpec
from models.layers.low_rank_attention import InterestAggregation, LowRankAttention
from tests import tiny
from tests.gradients import check_loss_and_gradient
from tests.oracles import lightsans_oracle as oracle
from tf_utils.keras_gate import tf

N = tiny.LENGTH
FORMS = [
    {"normalise": "interests"},
    {"normalise": "queries"},
    {"normalise": "queries", "padding": "zeros"},
    {"normalise": "interests", "positions": "newest"},
]


def case(split, **hyper):
    """(model in float64 with weights moved off their initial values, batch, copies of the weights)."""
    model = tiny.make_model("lightsans", split, "float64", interests=3, inner=6, **hyper)
    batch = tiny.make_feed(model, split, batch_size=8).batch(tf.constant(2, tf.int64))
    model.compute_loss(batch, training=False)
    return model, batch, tiny.perturb_weights(model)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: "-".join(form.values()))
def test_states_scores_loss_and_gradient(tiny_split, form):
    model, batch, weights = case(tiny_split, **form)
    data = tiny.arrays(batch)
    assert data["items"].shape[1] == N and (data["items"][:, 0] == 0).any() and (data["items"][:, 0] > 0).any()
    states = model.encode(batch)[0].numpy()[:, :, 0]
    newest = model.encode(batch, positions="last")[0].numpy()[:, 0, 0]
    for row, items in enumerate(data["items"]):
        expected = oracle.encode(weights, items[items > 0], N, **form)
        tiny.close(states[row][items > 0], expected, 1e-7)  # TensorFlow's erf has 9 digits
        tiny.close(newest[row], expected[-1], 1e-7)
    # An input's padding is not trained, and the twin's slope has it in: see the next test.
    groups = [[name] for name in weights if name != "items/table" or "padding" in form]
    objective = lambda moved: oracle.loss(moved, data, N, **form)  # noqa: E731
    check_loss_and_gradient(model, batch, weights, objective, groups, tolerance=1e-7, rtol=1e-5)


def test_padding_is_trained_as_a_class_alone(tiny_split):
    """Row 0 of the table gets the softmax's gradient, p_0 times the newest state, and none as an input."""
    model, batch, weights = case(tiny_split)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(batch, training=False)
    gradient, expected = tf.convert_to_tensor(tape.gradient(loss, model.items.table)).numpy()[0], 0.0
    data = tiny.arrays(batch)
    for items in data["items"]:
        state = oracle.encode(weights, items[items > 0], N)[-1]
        odds = np.exp(weights["items/table"] @ state)
        expected = expected + odds[0] / odds.sum() * state / len(data["items"])
    tiny.close(gradient, expected, 1e-6)


def test_interests_are_means_over_positions_by_hand():
    """Rows (0, 1) and (2, 3). theta = (ln 3, 0): odds 1 : 9, so 0.9 of the second row; theta = 0: the plain mean."""
    layer = InterestAggregation(2, dtype="float64")
    x = tf.constant([[[0.0, 1.0], [2.0, 3.0]]], tf.float64)
    layer(x)
    layer.theta.assign([[np.log(3.0), 0.0], [0.0, 0.0]])
    tiny.close(layer(x), [[[1.8, 2.8], [1.0, 2.0]]])


@pytest.mark.parametrize(("normalise", "expected"), [("interests", 2.0), ("queries", 5 / 3)])
def test_what_each_softmax_sums_over_by_hand(normalise, expected):
    """One head, d = 1, three equal items of value 1 and equal positions, so that every softmax is uniform.

    Over interests (k = 2) and keys (n = 3), weights of 1/2 and 1/3 give 1 + 1. Over the three queries all are 1/3:
    two interests give 2/3, three keys 1."""
    with tiny.precision("float64"):
        layer = LowRankAttention(1, 1, 2, normalise)
    x, positions = tf.ones([1, 3, 1], tf.float64), tf.zeros([3, 1], tf.float64)
    layer(x, positions)
    for weight in layer.trainable_variables:
        weight.assign(tf.zeros_like(weight))
    layer.value.kernel.assign([[1.0]])
    layer.output_projection.kernel.assign([[1.0]])
    result, weights, by_position = layer(x, positions)
    tiny.close(result[0, :, 0], np.full(3, expected))
    axis = {"interests": -1, "queries": -2}[normalise]
    tiny.close(tf.reduce_sum(weights, axis), 1.0)
    tiny.close(tf.reduce_sum(by_position, axis), 1.0)


@pytest.mark.parametrize("normalise", ["interests", "queries"])
def test_maps(tiny_split, normalise):
    model, batch, _ = case(tiny_split, normalise=normalise)
    out = model.encode(batch)[1]
    axis = {"interests": -1, "queries": -2}[normalise]
    for block in ("block_0", "block_1"):
        weights, by_position = out[f"{block}_interest_weights"].numpy(), out[f"{block}_position_weights"].numpy()
        assert weights.shape == (8, 2, N, 3) and by_position.shape == (2, N, N)
        tiny.close(weights.sum(axis), 1.0)
        tiny.close(by_position.sum(axis), 1.0)


def test_the_number_of_padded_cells_counts_but_not_how_they_came(tiny_split):
    """The same history at n 12 and 14 gives other states; a batch of any width gives the same ones."""
    model, batch, _ = case(tiny_split)
    items = batch["items"].numpy()
    items = items[(items[:, :4] == 0).all(1)]
    assert len(items)
    wide = model.encode({"items": tf.constant(items)})[0].numpy()
    tiny.close(model.encode({"items": tf.constant(items[:, 4:])})[0], wide[:, 4:])
    longer = tiny.make_model("lightsans", tiny_split, "float64", interests=3, inner=6, max_length=N + 2)
    longer.encode({"items": tf.constant(items)})
    for mine, other in zip(longer.trainable_variables, model.trainable_variables, strict=True):
        if mine.shape == other.shape:
            mine.assign(other)
    longer.positions.table[:N].assign(model.positions.table)
    assert np.abs(longer.encode({"items": tf.constant(items)}, positions="last")[0][:, 0] - wide[:, -1]).max() > 1e-3


def test_later_items_are_seen(tiny_split):
    """There is no causal mask: hence the prefix regime, and no training at any but the newest position."""
    model, batch, _ = case(tiny_split)
    items = batch["items"].numpy()
    moved = items.copy()
    moved[:, -1] = moved[:, -1] % tiny.N_ITEMS + 1
    before, after = (model.encode({"items": tf.constant(x)})[0].numpy() for x in (items, moved))
    assert np.abs(before - after)[:, :-1][items[:, :-1] > 0].max() > 1e-3
    assert model.regime == "prefix" and not model.causal and not model.padding_invariant


def test_as_many_weights_as_in_the_official_log():
    """Their log of MovieLens-1M (3,628 items and padding, n 200, k 20): 367,168 trainable parameters."""
    config = tiny.models.default_config("lightsans")
    model = tiny.models.build("lightsans", config, DataSpec(6039, 3628, 0, 0))
    model.encode({"items": tf.constant([[1, 2, 3]])})
    assert sum(int(np.prod(w.shape)) for w in model.trainable_variables) == 367_168


@pytest.mark.parametrize(
    ("hyper", "message"),
    [
        ({"normalise": "rows"}, "normalise must be"),
        ({"padding": "mean"}, "padding must be"),
        ({"positions": "middle"}, "positions must be"),
        ({"interests": 0}, "interests must be"),
        ({"heads": 3}, "multiple of heads"),
    ],
)
def test_arguments(tiny_split, hyper, message):
    with pytest.raises(ValueError, match=message):
        tiny.make_model("lightsans", tiny_split, **hyper)
