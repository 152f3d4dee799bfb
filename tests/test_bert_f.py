"""BERT-F and LOCKER-F against a float64 twin; the intents of hidden items stay hidden."""

import dataclasses

import numpy as np
import pytest

import models
from tests import tiny
from tests.gradients import check_loss_and_gradient
from tests.oracles import locker_oracle as oracle
from tf_utils.keras_gate import tf

MASK, HIDDEN = tiny.N_ITEMS + 1, tiny.N_CATEGORIES + 1
FLAGS = {"bert_f": {"heads": 2}, "locker_f": {"local": "adapt"}}


@pytest.fixture(scope="module", params=sorted(FLAGS))
def case(request, tiny_split):
    """(model in float64, batch, weights moved off their initial values, flags of the twin)."""
    model = tiny.make_model(request.param, tiny_split, "float64", inner=6, max_length=tiny.LENGTH + 1)
    batch = tiny.make_feed(model, tiny_split, batch_size=3).batch(tf.constant(0, tf.int64))
    model.compute_loss(batch, training=False)
    return model, batch, tiny.perturb_weights(model), FLAGS[request.param]


def test_states_loss_and_gradient(case):
    model, batch, weights, flags = case
    data = tiny.arrays(batch)
    queries = model.encode(batch)[0].numpy()[:, :, 0]
    newest = model.encode(batch, positions="last")[0].numpy()[:, 0, 0]
    for row, items in enumerate(data["items"]):
        here = items > 0
        intents = np.where(items == MASK, HIDDEN, data["categories"][row])[here]
        tiny.close(queries[row][here], oracle.states(weights, items[here], intents, **flags), 1e-7)
        behind = np.append(items[here], MASK), np.append(intents, HIDDEN)
        tiny.close(newest[row], oracle.states(weights, *behind, **flags)[-1], 1e-7)
    twin = lambda moved: oracle.loss(moved, data, intents=True, **flags)  # noqa: E731
    groups = [list(weights), ["intents/table"], ["fusion/kernel"]]
    check_loss_and_gradient(model, batch, weights, twin, groups, tolerance=1e-7, rtol=1e-5, atol=1e-7)


def test_intents_of_hidden_items_are_hidden(case):
    """Even if a batch gave them; the intents of the other items count."""
    model, batch, _, _ = case
    hidden, known = batch["items"] == MASK, (batch["items"] > 0) & (batch["items"] < MASK)
    assert tf.reduce_any(hidden) and tf.reduce_any(known)
    before = model.encode(batch)[0].numpy()
    told = batch | {"categories": tf.where(hidden, 1, batch["categories"])}
    np.testing.assert_array_equal(model.encode(told)[0], before)
    other = batch | {"categories": tf.where(known, batch["categories"] % tiny.N_CATEGORIES + 1, batch["categories"])}
    assert np.abs(model.encode(other)[0].numpy() - before).max() > 1e-3


@pytest.mark.parametrize("name", sorted(FLAGS))
def test_needs_intents(tiny_split, name):
    spec = dataclasses.replace(tiny.spec_of(tiny_split), n_categories=0)
    with pytest.raises(ValueError, match="item categories"):
        models.build(name, models.default_config(name), spec)
