"""NOVA in both forms against its float64 twin, and what makes it non-invasive."""

import numpy as np
import pytest

from tests import tiny
from tests.gradients import check_loss_and_gradient
from tests.oracles import nova_oracle as oracle
from tf_utils.keras_gate import tf
from tf_utils.rng import step_rng

MASK, HIDDEN = tiny.N_ITEMS + 1, tiny.N_CATEGORIES + 1
AUTHORS = {
    key: x for key, x in tiny.models.model_class("nova").variants()["cafe_authors"].items() if key not in tiny.SIZES
}
TOLERANCE = 1e-7  # TensorFlow's erf has 9 digits


def case(split, step=0, **hyper):
    """(model in float64 with weights moved off their initial values, batch, copies of the weights)."""
    model = tiny.make_model("nova", split, "float64", inner=6, **hyper)
    batch = tiny.make_feed(model, split, batch_size=4).batch(tf.constant(step, tf.int64))
    model.compute_loss(batch, training=False)
    return model, batch, tiny.perturb_weights(model)


def twin(model):
    """(function of weights, items, categories -> states; function of weights -> item vectors; loss)."""
    heads, fusor = model.config.heads, model.config.fusor
    if model.config.body == "sasrec":
        states = lambda w, items, categories: oracle.sasrec_states(w, items, categories, heads, fusor)  # noqa: E731
        return states, lambda w: w["items/table"], "bce"
    states = lambda w, items, categories: oracle.bert4rec_states(w, items, categories, heads, fusor)  # noqa: E731
    return states, lambda w: np.concatenate([w["items/table"][:-1], w["output_bias/table"]], axis=1), "ce"


def shown(batch, row):
    """Items and categories of a row without padding, the hidden ones' categories hidden."""
    items = batch["items"][row]
    categories = np.where(items == MASK, HIDDEN, batch["categories"][row])
    return items[items > 0], categories[items > 0]


CASES = [{"fusor": fusor} for fusor in ("add", "concat", "gating")] + [
    AUTHORS,
    AUTHORS | {"heads": 2, "fusor": "gating"},
]


@pytest.mark.parametrize("hyper", CASES, ids=["add", "concat", "gating", "authors", "authors gating"])
def test_states_loss_and_gradient(tiny_split, hyper):
    model, batch, weights = case(tiny_split, **hyper)
    data = tiny.arrays(batch)
    states, vectors, kind = twin(model)
    queries = model.encode(batch)[0].numpy()[:, :, 0]
    newest = model.encode(batch, positions="last")[0].numpy()[:, 0, 0]
    for row in range(len(data["items"])):
        items, categories = shown(data, row)
        tiny.close(queries[row][data["items"][row] > 0], states(weights, items, categories), TOLERANCE)
        if model.mask_token:
            items, categories = np.append(items, MASK)[-tiny.LENGTH :], np.append(categories, HIDDEN)[-tiny.LENGTH :]
        tiny.close(newest[row], states(weights, items, categories)[-1], TOLERANCE)

    def loss_of(w):
        return oracle.loss(w, data, lambda w, batch, row: states(w, *shown(batch, row)), vectors(w), kind)

    # A table, a block: one direction for all of it.
    groups = [[n for n in weights if n.split("/")[0] == part] for part in sorted({n.split("/")[0] for n in weights})]
    still = ("items/table", "categories/table")
    check_loss_and_gradient(model, batch, weights, loss_of, groups, tolerance=TOLERANCE, still=still)


def test_scores_read_the_bias(tiny_split):
    model, batch, weights = case(tiny_split)
    queries, _ = model.encode(batch, positions="last")
    vectors = weights["items/table"][1:-1]
    expected = queries.numpy()[:, 0, 0, :-1] @ vectors.T + weights["output_bias/table"][1:, 0]
    tiny.close(model.score_all(queries).numpy()[:, 1:], expected)


def test_nothing_of_a_hidden_category_is_seen(tiny_split):
    """Also if the feed left it in place."""
    model, batch, _ = case(tiny_split)
    before = model.encode(batch)[0].numpy()
    hidden = batch["items"] == MASK
    assert hidden.numpy().any()
    for told in (1, 3, HIDDEN):
        moved = batch | {"categories": tf.where(hidden, told, batch["categories"])}
        np.testing.assert_array_equal(model.encode(moved)[0], before)


@pytest.mark.parametrize(("hyper", "invaded"), [({}, False), ({"fusor": "gating"}, False), (AUTHORS, True)])
def test_side_information_moves_weights_only(tiny_split, hyper, invaded):
    """With every attention map uniform (W_Q and its bias 0) categories and positions change nothing, in the paper's
    form; in that of CAFE's authors they do, for the residual adds the queries."""
    model, batch, _ = case(tiny_split, **hyper)
    for block in model.blocks:
        for weight in block.attention.query.trainable_variables:
            weight.assign(tf.zeros_like(weight))
    items = batch["items"]
    other = batch | {"categories": tf.where((items > 0) & (items < MASK), 6 - batch["categories"], batch["categories"])}
    before, after = model.encode(batch)[0].numpy(), model.encode(other)[0].numpy()
    change = np.abs(after - before)[items.numpy() > 0].max()
    assert change > 1e-3 if invaded else change < 1e-12


def test_categories_matter(tiny_split):
    for hyper in ({}, AUTHORS):
        model, batch, _ = case(tiny_split, **hyper)
        other = batch | {"categories": tf.where(batch["categories"] > 0, 6 - batch["categories"], 0)}
        assert np.abs(model.encode(other)[0].numpy() - model.encode(batch)[0].numpy()).max() > 1e-3


def test_regimes(tiny_split):
    paper, authors = (tiny.make_model("nova", tiny_split, **hyper) for hyper in ({}, AUTHORS))
    assert (paper.regime, paper.causal, paper.mask_token) == ("cloze", False, True)
    assert (authors.regime, authors.causal, authors.mask_token) == ("next_item", True, False)
    assert paper.feed_options() == {"share": 0.2, "last_share": 1 / 11} and authors.feed_options() == {}


@pytest.mark.parametrize(
    ("hyper", "message"), [({"body": "gru"}, "body must be"), ({"fusor": "product"}, "fusor must be")]
)
def test_arguments(tiny_split, hyper, message):
    with pytest.raises(ValueError, match=message):
        tiny.make_model("nova", tiny_split, **hyper)


def test_data_without_categories():
    spec = tiny.DataSpec(3, 4, 0, 1)
    for name in ("nova", "fdsa", "intent_pop"):
        with pytest.raises(ValueError, match=f"{name}: its data must have"):
            tiny.models.build(name, tiny.models.default_config(name), spec)


def test_each_row_drops_positions_of_its_own(tiny_split):
    """Two rows of the same history: alike without dropout, and not with it."""
    model, batch, _ = case(tiny_split, dropout=0.5)
    items, categories = (tf.repeat(batch[name][-1:], 2, axis=0) for name in ("items", "categories"))
    for training in (False, True):
        with step_rng(1, tf.constant(0, tf.int64), 0):
            positions = model._separate(items, categories, training)[1].numpy()
        assert (positions[0] == positions[1]).all() != training
