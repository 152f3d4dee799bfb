"""ASLI, end to end, against its float64 twin: every variant and every attention type (LEDGER A1-A17)."""

import numpy as np
import pytest

import models
from models.asli import ATTENTION_TYPES
from tests import tiny
from tests.oracles import asli_oracle as oracle
from tests.oracles.layers_oracle import slope
from tf_utils.keras_gate import tf

VARIANTS = models.model_class("asli").variants()
LONGEST = tiny.LENGTH + 2


def case(split, variant="paper", batch_size=4, **hyper):
    """(model in float64 with weights moved off their initial values, batch, copies of the weights)."""
    # n is longer than any batch: the positions are those of the newest end.
    model = tiny.make_model("asli", split, "float64", max_length=LONGEST, **(VARIANTS[variant] | hyper))
    batch = tiny.make_feed(model, split, batch_size).batch(tf.constant(3, tf.int64))
    model.compute_loss(batch, training=False)
    return model, batch, tiny.perturb_weights(model)


def gradients_of(model, batch):
    with tf.GradientTape() as tape:
        loss = model.compute_loss(batch, training=False)
    found = tape.gradient(loss, tiny.weights_of(model))
    return loss, {name: tf.convert_to_tensor(g).numpy() for name, g in found.items()}


@pytest.mark.parametrize("attention_type", ATTENTION_TYPES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_outputs_and_loss(tiny_split, variant, attention_type):
    model, batch, weights = case(tiny_split, variant, attention_type=attention_type)
    data = tiny.arrays(batch)
    queries, out = model.encode(batch)
    last = model.encode(batch, positions="last")[0]
    head = model._interaction_output(out["latent_intent"], batch["items"] > 0, training=False)
    for row in range(len(data["items"])):
        here = data["items"][row] > 0
        history = [data[name][row][here] for name in ("items", "categories", "actions")]
        o_p, o_i = oracle.encode(weights, history, variant, attention_type)
        tiny.close(queries[row, :, 0].numpy()[here], o_p)
        tiny.close(last[row, 0, 0], o_p[-1])
        tiny.close(head[row].numpy()[here], o_i)

    options = dict(variant=variant, attention_type=attention_type)
    loss, gradients = gradients_of(model, batch)
    tiny.close(loss, sum(oracle.losses(weights, data, **options)))
    rng = np.random.default_rng(0)
    directions = {name: rng.normal(size=w.shape) for name, w in weights.items()}
    every = ["latent_intent"] if variant == "official" else ["latent_intent", "self"]
    groups = [{name: d} for name, d in directions.items()] if attention_type in every else [directions]
    for group in groups:
        expected = slope(lambda moved: sum(oracle.losses(moved, data, **options)), weights, group)
        found = sum(np.sum(gradients[name] * d) for name, d in group.items())
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8, err_msg=str(list(group)))


@pytest.mark.parametrize("init", ["glorot", "normal"])
def test_how_tables_start(tiny_split, init):
    """Glorot: within the root of 6 / (rows + d), smaller for items than for actions; N(0, 1/d): all alike."""
    d = 64
    model = tiny.make_model("asli", tiny_split, "float64", dim=d, max_length=LONGEST, init=init)
    batch = tiny.make_feed(model, tiny_split, 4).batch(tf.constant(3, tf.int64))
    model.compute_loss(batch, training=False)
    tables = [model.items.table, model.categories.table, model.actions.table, model.positions.table]
    for table in (table.numpy() for table in tables):
        bound = np.sqrt(6 / sum(table.shape))
        expected = bound / np.sqrt(3) if init == "glorot" else d**-0.5
        assert table.std() == pytest.approx(expected, rel=0.15)
        assert (np.abs(table).max() <= bound) == (init == "glorot")


def test_the_two_losses_apart(tiny_split):
    """interaction_weight 0 leaves the ranking loss, and no interaction head in the model's inputs."""
    model, batch, weights = case(tiny_split, interaction_weight=2.5)
    ranking, interaction = oracle.losses(weights, tiny.arrays(batch))
    tiny.close(model.compute_loss(batch, training=False), ranking + 2.5 * interaction)
    alone = tiny.make_model("asli", tiny_split, "float64", max_length=LONGEST, interaction_weight=0.0)
    assert alone.feed_options() == {}
    batch = {name: x for name, x in batch.items() if not name.startswith("negative_")}
    alone.compute_loss(batch, training=False)
    for name, weight in tiny.weights_of(alone).items():
        weight.assign(weights[name])
    tiny.close(alone.compute_loss(batch, training=False), ranking)


def test_literal_loss(tiny_split):
    model, batch, weights = case(tiny_split, loss="literal")
    expected = sum(oracle.losses(weights, tiny.arrays(batch), literal=True))
    tiny.close(model.compute_loss(batch, training=False), expected)


def test_the_printed_index_of_the_convolution_sees_the_target(tiny_split):
    """A6: under "centered" the intent at t reads the interaction at t + 1, which is the head's target there."""
    model, batch, weights = case(tiny_split, conv="centered")
    assert not model.causal
    tiny.close(
        model.compute_loss(batch, training=False), sum(oracle.losses(weights, tiny.arrays(batch), conv="centered"))
    )
    moved = {k: v.numpy().copy() for k, v in batch.items()}
    moved["categories"][:, -1] = moved["categories"][:, -1] % tiny.N_CATEGORIES + 1
    before = model.encode(batch)[1]["latent_intent"].numpy()
    after = model.encode({k: tf.constant(v) for k, v in moved.items()})[1]["latent_intent"].numpy()
    assert (np.abs(after - before).max(axis=(0, 2))[-3:] > 1e-3).tolist() == [
        False,
        True,
        True,
    ]  # l = 4: one step ahead


@pytest.mark.parametrize(
    ("name", "value"),
    [("attention_type", "both"), ("norm", "pre"), ("loss", "bpr"), ("a2i_residual", "key"), ("conv", "same")]
    + [("interaction_negatives", "any"), ("conv_weights", "full")],
)
def test_arguments(tiny_split, name, value):
    with pytest.raises(ValueError, match=f"{name}|alignment|weights"):
        tiny.make_model("asli", tiny_split, **{name: value})
