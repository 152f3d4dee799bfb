"""GRU4Rec and its recurrent layer, and SASRec and Caser under SINE's protocol, against float64 twins."""

import numpy as np
import pytest

from models.layers.recurrent import ChannelGRU
from tests import prefix_cases as cases
from tests import tiny
from tests.oracles import caser_oracle, pooled_oracle, sasrec_oracle
from tests.oracles import gru4rec_oracle as oracle
from tf_utils.keras_gate import tf


@pytest.fixture(autouse=True)
def float64():
    with tiny.precision("float64"):
        yield


def weights(model):
    names = ("kernel", "recurrent_gates", "recurrent_candidate", "bias")
    return {name: getattr(model.gru, name).numpy() for name in names} | {"items": model.items.table.numpy()}


def test_one_unit_by_hand():
    """All kernels 1 and biases 0, inputs 1 and 1: s(1) tanh(1), then the same with the state in it."""
    layer = ChannelGRU(1)
    x = tf.ones([1, 2, 1], tf.float64)
    layer(x, x)
    for weight in (layer.kernel, layer.recurrent_gates, layer.recurrent_candidate):
        weight.assign(tf.ones_like(weight))
    s = lambda v: 1 / (1 + np.exp(-v))  # noqa: E731
    first = s(1) * np.tanh(1)
    gate = s(1 + first)
    second = (1 - gate) * first + gate * np.tanh(1 + gate * first)
    tiny.close(layer(x, x)[0, :, 0, 0], [first, second])
    # A gate of 0 leaves the state; one of 1/2 halves the step.
    gates = tf.constant([[[0.5], [0.0]]], tf.float64)
    tiny.close(layer(x, gates)[0, :, 0, 0], [first / 2, first / 2])


def test_biases_at_the_start():
    layer = ChannelGRU(2, channels=2, reset_bias=1.0, update_bias=-1.0)
    layer(tf.zeros([1, 2, 3], tf.float64), tf.ones([1, 2, 2], tf.float64))
    np.testing.assert_array_equal(layer.bias, [[1, 1, -1, -1, 0, 0]] * 2)


def test_against_keras():
    """A plain GRU of Keras' (reset before the product; its update gate keeps what ours renews) has the same states."""
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=(2, 4, 3)))
    ours, theirs = ChannelGRU(5), tf.keras.layers.GRU(5, reset_after=False, return_sequences=True)
    ours(x, tf.ones([2, 4, 1], tf.float64)), theirs(x)
    tiny.perturb_weights(ours)
    recurrent = tf.concat([ours.recurrent_gates, ours.recurrent_candidate], -1)[0]
    swap = lambda w: np.concatenate([-w[..., 5:10], w[..., :5], w[..., 10:]], axis=-1)  # noqa: E731
    theirs.set_weights([swap(w.numpy()) for w in (ours.kernel[:, 0], recurrent, ours.bias[0])])
    tiny.close(ours(x, tf.ones([2, 4, 1], tf.float64))[:, :, 0], theirs(x))


def test_gru4rec():
    model = cases.build("gru4rec")
    w = weights(model)
    queries = [oracle.query(w, row) for row in cases.HISTORIES]
    cases.check_scores(model, np.array(queries) @ w["items"][1:].T)
    cases.check_prefixes(model)
    score = lambda row, item: float(queries[row] @ w["items"][item])  # noqa: E731
    cases.check_loss(model, pooled_oracle.loss(score, tiny.arrays(cases.batch())))
    cases.check_gradient(model)
    assert not model.encode(cases.history([[]]))[0].numpy().any()
    assert model.feed_options() == {"pooled": 5, "proposal": "log_uniform", "min_history": 1}


SINE = {"loss": "sampled_softmax", "negatives": 2}


def test_sasrec_under_sines_protocol():
    model = cases.build("sasrec", blocks=2, dropout=0.0, **SINE)
    w = {name: x.numpy() for name, x in tiny.weights_of(model).items()}
    queries = [sasrec_oracle.encode(w, np.array(row))[-1] for row in cases.HISTORIES]
    cases.check_scores(model, np.array(queries) @ w["items/table"][1:].T, (cases.LENGTH,))
    score = lambda row, item: float(queries[row] @ w["items/table"][item])  # noqa: E731
    cases.check_loss(model, pooled_oracle.loss(score, tiny.arrays(cases.batch())))
    cases.check_gradient(model, ["items/table", "positions/table", "block_0/attention/value/kernel"])
    assert model.regime == "prefix" and type(model).regime == "next_item"
    assert model.feed_options() == {"pooled": 2, "proposal": "log_uniform", "min_history": 1}


def test_caser_under_sines_protocol():
    model = cases.build("caser", vertical=2, horizontal=3, dropout=0.0, targets=1, **SINE)
    length, n_v, n_h = cases.LENGTH, 2, 3
    w = {table.name: table.table.numpy() for table in model.tables} | {
        "vertical": model.vertical.kernel.numpy(),
        "vertical_bias": np.zeros(n_v),
        "horizontal": [layer.kernel.numpy() for layer in model.horizontal],
        "horizontal_bias": [np.zeros(n_h)] * length,
        "dense": model.dense.kernel.numpy(),
        "dense_bias": model.dense.bias.numpy(),
    }
    score = lambda row, item: caser_oracle.score(w, row + 1, cases.HISTORIES[row], length, item)  # noqa: E731
    cases.check_scores(model, [[score(row, item) for item in range(1, 10)] for row in range(4)])
    cases.check_loss(model, pooled_oracle.loss(score, tiny.arrays(cases.batch())))
    assert model.regime == "prefix" and type(model).regime == "window"
    assert model.feed_options() == {"pooled": 2, "proposal": "log_uniform", "min_history": 1}


@pytest.mark.parametrize("name", ["sasrec", "caser"])
def test_the_variant_trains_on_prefixes(name, tiny_split):
    hyper = tiny.models.model_class(name).variants()["sine_protocol"]
    assert (hyper["dim"], hyper["max_length"], hyper["negatives"]) == (128, 20, 5)
    model = tiny.make_model(name, tiny_split, **hyper | {"dim": 4, "max_length": tiny.LENGTH})
    batch = tiny.make_feed(model, tiny_split).batch(tf.constant(0, tf.int64))
    assert batch["items"].shape == (8, tiny.LENGTH) and batch["pool"].shape == (tiny.N_ITEMS - 1,)
    assert model.feed_options()["pooled"] == 5
    with pytest.raises(ValueError, match="config.model.loss must be one of"):
        tiny.make_model(name, tiny_split, loss="hinge")


def test_learns_the_order():
    assert cases.hit_rate_on_a_cycle("gru4rec") == 1.0
