"""FDSA in its three forms against its float64 twin."""

import numpy as np
import pytest

from tests import tiny
from tests.gradients import check_loss_and_gradient
from tests.oracles import fdsa_oracle as oracle
from tests.oracles.nova_oracle import loss as loss_by_hand
from tf_utils.keras_gate import tf
from tf_utils.rng import step_rng

FORMS = tiny.models.model_class("fdsa").variants()


def case(split, form, **hyper):
    """(model in float64 with weights moved off their initial values, batch, copies of the weights)."""
    sizes = {key: value for key, value in FORMS[form].items() if key not in tiny.SIZES}
    # n is longer than any batch: newest and oldest positions differ.
    model = tiny.make_model("fdsa", split, "float64", inner=6, max_length=tiny.LENGTH + 2, **sizes | hyper)
    batch = tiny.make_feed(model, split, batch_size=4).batch(tf.constant(1, tf.int64))
    model.compute_loss(batch, training=False)
    return model, batch, tiny.perturb_weights(model)


@pytest.mark.parametrize("form", FORMS)
def test_states_loss_and_gradient(tiny_split, form):
    model, batch, weights = case(tiny_split, form)
    data, heads = tiny.arrays(batch), model.config.heads

    def states(w, batch, row):
        here = batch["items"][row] > 0
        return oracle.encode(w, batch["items"][row][here], batch["categories"][row][here], form, heads)

    queries = model.encode(batch)[0].numpy()[:, :, 0]
    newest = model.encode(batch, positions="last")[0].numpy()[:, 0, 0]
    for row, items in enumerate(data["items"]):
        expected = states(weights, data, row)
        tiny.close(queries[row][items > 0], expected, 1e-7)  # TensorFlow's erf has 9 digits
        tiny.close(newest[row], expected[-1], 1e-7)
    kind = "ce" if form == "recbole" else "bce"
    loss_of = lambda w: loss_by_hand(w, data, states, w["items/table"], kind)  # noqa: E731
    # A table, a block: one direction for all of it.
    groups = [[n for n in weights if n.split("/")[0] == part] for part in sorted({n.split("/")[0] for n in weights})]
    still = ("items/table", "categories/table")
    check_loss_and_gradient(model, batch, weights, loss_of, groups, tolerance=1e-7, still=still)


@pytest.mark.parametrize("form", FORMS)
def test_both_streams_are_read_and_shown(tiny_split, form):
    model, batch, _ = case(tiny_split, form)
    queries, out = model.encode(batch)
    assert set(out) == {f"{stream}_block_{i}_attention" for stream in ("item", "feature") for i in (0, 1)}
    other, others = model.encode(batch | {"categories": tf.where(batch["categories"] > 0, 6 - batch["categories"], 0)})
    assert np.abs(other.numpy() - queries.numpy()).max() > 1e-3
    for name, maps in out.items():  # the item stream is not touched by the categories
        assert np.allclose(maps, others[name], atol=1e-12) == name.startswith("item")


def test_dropout_of_recbole_reaches_the_output(tiny_split):
    """RecBole drops cells of the joined state; CAFE's authors do not."""
    for form, dropped in (("recbole", True), ("cafe_authors", False)):
        model, batch, _ = case(tiny_split, form, dropout=0.5)
        with step_rng(1, tf.constant(2)):
            queries = model.encode(batch, training=True)[0].numpy()
        assert ((queries == 0).mean() > 0.3) == dropped


@pytest.mark.parametrize("hyper", [{"body": "gru"}, {"loss": "hinge"}])
def test_arguments(tiny_split, hyper):
    with pytest.raises(ValueError, match=f"{next(iter(hyper))} must be"):
        tiny.make_model("fdsa", tiny_split, **hyper)
