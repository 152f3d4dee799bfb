"""SASRec, end to end, against its float64 twin."""

import pytest

from tests import tiny
from tests.gradients import check_loss_and_gradient
from tests.oracles import sasrec_oracle as oracle
from tf_utils.keras_gate import tf


def case(split, **hyper):
    """(model in float64 with weights moved off their initial values, batch, copies of the weights)."""
    # n is longer than any batch: the positions are those of the newest end.
    model = tiny.make_model("sasrec", split, "float64", max_length=tiny.LENGTH + 2, **hyper)
    batch = tiny.make_feed(model, split, batch_size=6).batch(tf.constant(1, tf.int64))
    model.compute_loss(batch, training=False)
    return model, batch, tiny.perturb_weights(model)


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("kind", ["bce", "ce"])
def test_queries_loss_and_gradient(tiny_split, kind, heads):
    model, batch, weights = case(tiny_split, loss=kind, heads=heads)
    data = tiny.arrays(batch)
    queries = model.encode(batch)[0][:, :, 0].numpy()
    last = model.encode(batch, positions="last")[0][:, 0, 0].numpy()
    for row, items in enumerate(data["items"]):
        expected = oracle.encode(weights, items[items > 0], heads)
        tiny.close(queries[row, items > 0], expected)
        tiny.close(last[row], expected[-1])

    objective = lambda moved: oracle.loss(moved, data, kind, heads)  # noqa: E731
    groups = None if (kind, heads) == ("bce", 2) else [["items/table"]]
    check_loss_and_gradient(model, batch, weights, objective, groups)


def test_inputs_not_scaled(tiny_split):
    model, batch, weights = case(tiny_split, scale_inputs=False)
    items = batch["items"].numpy()[-1]
    expected = oracle.encode(weights, items[items > 0], scale_inputs=False)
    tiny.close(model.encode(batch)[0].numpy()[-1, items > 0, 0], expected)


def test_form_of_cafes_authors(tiny_split):
    """W_O, and positions from the oldest event; LEDGER C3 for the rest of their encoder."""
    model, batch, weights = case(tiny_split, **tiny.models.model_class("sasrec").variants()["cafe_authors"])
    assert "block_0/attention/output/kernel" in weights
    queries = model.encode(batch)[0].numpy()[:, :, 0]
    for row, items in enumerate(batch["items"].numpy()):
        tiny.close(queries[row, items > 0], oracle.encode(weights, items[items > 0], positions="oldest"))


def test_arguments(tiny_split):
    with pytest.raises(ValueError, match="loss must be"):
        tiny.make_model("sasrec", tiny_split, loss="hinge")
    assert set(tiny.models.model_class("sasrec").variants()) == {
        *("paper", "ce", "ce_replicated", "sine_protocol", "cafe_authors", "recbole")
    }
