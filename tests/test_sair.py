"""SAIR against its float64 twin, and what its readings rest on."""

import dataclasses

import numpy as np
import pytest

from data.schema import Attributes
from models.layers.item_categories import ItemCategories
from tests import tiny
from tests.gradients import check_loss_and_gradient
from tests.oracles import sair_oracle as oracle
from tf_utils.keras_gate import tf

READINGS = [
    {},
    {"category_pool": "sum", "ffn": "shared", "ffn_residual": True},
    {"category_pool": "first", "ffn": "per_interest", "input_norm": True},
    {"interaction_scale": "dim"},
    {"weights": "pre"},
    {"interaction": "none", "top": 0},
    {"interests": "categories", "top": 2},
    {"target": "id_plus_category"},
    {"target": "id_plus_category", "loss": "ce"},
    {"loss": "ce"},
    {"decov_weight": 0.3},
]


def case(split, **hyper):
    """(model in float64 with weights moved off their initial values, batch, copies of the weights)."""
    hyper = {"max_length": tiny.LENGTH + 2, "n_interests": 6} | hyper
    model = tiny.make_model("sair", split, "float64", **hyper)
    batch = tiny.make_feed(model, split, batch_size=6).batch(tf.constant(1, tf.int64))
    model.compute_loss(batch, training=False)
    return model, batch, tiny.perturb_weights(model)


@pytest.mark.parametrize("hyper", READINGS, ids=lambda hyper: "-".join(map(str, hyper.values())) or "paper")
def test_every_intermediate_and_the_loss(tiny_split, hyper):
    model, batch, weights = case(tiny_split, **hyper)
    data, lists = tiny.arrays(batch), model.spec.item_categories
    (queries, out), (newest, _) = model.encode(batch), model.encode(batch, positions="last")
    for row, items in enumerate(data["items"]):
        here = items > 0
        e, before, after, chosen, mixed = oracle.encode(weights, items[here], lists, model.config)
        tiny.close(queries[row, :, 0].numpy()[here], e)
        tiny.close(newest[row, 0, 0], e[-1])
        tiny.close(out["distribution_before"][row].numpy()[here], before)
        tiny.close(out["distribution_after"][row].numpy()[here], after)
        np.testing.assert_array_equal(out["interests"][row].numpy()[here], chosen)
        tiny.close(out["weights"][row].numpy()[here], mixed)
    tiny.close(model.compute_loss(batch, training=False), oracle.loss(weights, data, lists, model.config))
    if "pool" in weights:
        tiny.close(model.regularisation(), model.config.decov_weight * oracle.decov(weights["pool"]))


def test_gradient(tiny_split):
    """Along random directions, away from ties of the top k; every weight of the second attention has one."""
    model, batch, weights = case(tiny_split)
    data, lists = tiny.arrays(batch), model.spec.item_categories
    objective = lambda moved: oracle.loss(moved, data, lists, model.config)  # noqa: E731
    gradients = check_loss_and_gradient(model, batch, weights, objective, rtol=1e-5)
    for part in ("query", "key", "value"):
        assert np.abs(gradients[f"interaction/{part}/kernel"]).max() > 1e-8


def test_weights_from_before_leave_the_second_attention_untrained(tiny_split):
    """Why eq. 9 must take the distribution after the interaction (LEDGER R10): the top k passes no gradient on."""
    model, batch, _ = case(tiny_split, weights="pre")
    named = tiny.weights_of(model)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(batch, training=False)
    gradients = tape.gradient(loss, named)
    assert all(gradients[f"interaction/{part}/kernel"] is None for part in ("query", "key", "value"))


def test_recbole_encoder_by_hand(tiny_split):
    """A post-norm block of one head, from its weights."""
    model, batch, weights = case(tiny_split, encoder="recbole", blocks=1, heads=1, inner=5, input_norm=False)
    items = batch["items"].numpy()[-1]
    items = items[items > 0]
    w = lambda name: weights[f"block_0/{name}"]  # noqa: E731
    lists = model.spec.item_categories
    x = weights["items/table"][items] + weights["positions/table"][-len(items) :]
    x = x + np.array([oracle.category_vector(weights, lists, item, "mean") for item in items])
    q, k, v = (x @ w(f"attention/{p}/kernel") + w(f"attention/{p}/bias") for p in ("query", "key", "value"))
    rows = np.array([oracle.softmax(q[t] @ k[: t + 1].T / np.sqrt(tiny.DIM)) @ v[: t + 1] for t in range(len(items))])
    rows = x + rows @ w("attention/output/kernel") + w("attention/output/bias")
    norm = lambda x, name: np.array([oracle.normalise(r) for r in x]) * w(f"{name}/gamma") + w(f"{name}/beta")  # noqa: E731
    x = norm(rows, "attention_norm")
    inner = x @ w("inner/kernel") + w("inner/bias")
    inner = tf.nn.gelu(inner).numpy()
    f = norm(x + inner @ w("outer/kernel") + w("outer/bias"), "ffn_norm")
    found = model.encode(batch)[1]["distribution_before"].numpy()[-1, -len(items) :]
    tiny.close(found, f @ weights["pool"].T)


def test_attention_over_interests_stays_at_its_position(tiny_split):
    model, batch, weights = case(tiny_split, interaction="interests")
    out = model.encode(batch)[1]
    before, after = out["distribution_before"].numpy()[-1, -1], out["distribution_after"].numpy()[-1, -1]
    q, k, v = (before * weights[f"interaction/{part}/kernel"][0, 0] for part in ("query", "key", "value"))
    tiny.close(after, [oracle.softmax(q[i] * k) @ v for i in range(len(before))])


def test_categories_of_items():
    """Mean, sum, first; an item without categories is [UNK], padding is zero."""
    attributes = Attributes(np.array([0, 0, 2, 2, 3]), np.array([2, 1, 1], np.int32))  # items 1: 2, 1; 2: none; 3: 1
    sequences = tiny.sequences_of([[(1, 2, 1), (3, 1, 1)]], n_items=3, n_categories=2)
    lists = dataclasses.replace(sequences, attributes=attributes).item_category_lists()
    np.testing.assert_array_equal(lists, [[0, 0], [2, 1], [0, 0], [1, 0]])
    for pool, first in (("mean", 15.0), ("sum", 30.0), ("first", 20.0)):
        layer = ItemCategories(lists, 2, 1, pool, "zeros")
        layer.build()
        layer.embedding.table.assign([[5.0], [10.0], [20.0], [7.0]])
        np.testing.assert_array_equal(layer(tf.constant([0, 1, 2, 3]))[:, 0], [0, first, 7, 10])
    np.testing.assert_array_equal(sequences.item_category_lists(), [[0], [2], [0], [1]])


@pytest.mark.parametrize("interaction", ["positions", "interests"])
def test_interests_are_chosen_without_half_precision(tiny_split, interaction):
    model = tiny.make_model("sair", tiny_split, "mixed_bfloat16", interaction=interaction)
    batch = tiny.make_feed(model, tiny_split).batch(tf.constant(0, tf.int64))
    queries, out = model.encode(batch)
    assert queries.dtype == tf.bfloat16
    assert {out[name].dtype for name in ("distribution_before", "distribution_after", "weights")} == {tf.float32}


@pytest.mark.parametrize(
    ("hyper", "message"),
    [
        ({"top": 7, "n_interests": 6}, "top must be in"),
        ({"encoder": "gru"}, "encoder must be one of"),
        ({"category_pool": "max"}, "category_pool must be"),
    ],
)
def test_arguments(tiny_split, hyper, message):
    with pytest.raises(ValueError, match=message):
        tiny.make_model("sair", tiny_split, **hyper)
