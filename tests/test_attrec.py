"""AttRec and LSTM+ against float64 twins."""

import numpy as np
import pytest

import models
from tests import tiny
from tests.gradients import check_loss_and_gradient
from tests.oracles import attrec_oracle as oracle
from tf_utils.keras_gate import tf
from tf_utils.optimizers import make_optimizer
from tf_utils.strategy import make_strategy
from tf_utils.training import Stepper

LENGTH, TARGETS = 4, 2


def case(split, name="attrec", **hyper):
    """(model in float64 with weights moved off their initial values, batch, copies of the weights)."""
    model = tiny.make_model(name, split, "float64", max_length=LENGTH, targets=TARGETS, **hyper)
    batch = tiny.make_feed(model, split, batch_size=40).batch(tf.constant(0, tf.int64))
    model.compute_loss(batch, training=False)
    return model, batch, tiny.perturb_weights(model)


READINGS = [
    {},
    models.model_class("attrec").variants()["official"],
    {"diagonal": "neg_inf", "aggregation": "sum"},
    {"diagonal": "none", "aggregation": "max", "value_projection": True},
    {"aggregation": "min", "share_projection": False, "negatives": "minus_history"},
    {"short_term": "mean", "omega": 0.6, "margin": 0.9},
]


@pytest.mark.parametrize("hyper", READINGS, ids=lambda hyper: "-".join(map(str, hyper.values())) or "paper")
def test_map_score_and_loss(tiny_split, hyper):
    model, batch, weights = case(tiny_split, **hyper)
    data, config = tiny.arrays(batch), model.config
    options = dict(diagonal=config.diagonal, layout=config.time_layout)
    mean_only = config.short_term == "mean"
    queries, out = model.encode(batch, positions="last")
    scores = model.score_all(queries).numpy()
    listed = model.score(queries, batch["negatives"]).numpy()
    for row, (user, items) in enumerate(zip(data["user"], data["items"], strict=True)):
        window = (items[items > 0], LENGTH)
        m = oracle.intent(weights, window, config.aggregation, mean_only, **options)
        expected = [-oracle.distance(weights, user, m, item, config.omega) for item in range(1, tiny.N_ITEMS + 1)]
        tiny.close(scores[row, 1:], expected)
        real = data["negatives"][row] > 0
        tiny.close(listed[row][real], np.array(expected)[data["negatives"][row][real] - 1])
        if not mean_only:
            seen = np.flatnonzero(items > 0)
            tiny.close(
                out["attention"][row, 0].numpy()[np.ix_(seen, seen)], oracle.attention(weights, window, **options)[0]
            )
    options |= dict(aggregation=config.aggregation, mean_only=mean_only, elementwise=config.pairs == "elementwise")
    expected = oracle.hinge(weights, data, LENGTH, config.omega, config.margin, **options)
    assert expected > 0.1
    tiny.close(model.compute_loss(batch, training=False), expected)


def test_gradient(tiny_split):
    model, batch, weights = case(tiny_split)
    data = tiny.arrays(batch)

    def objective(moved):
        tables = sum(np.sum(moved[f"{name}/table"][1:] ** 2) for name in ("users", "short_items", "long_items"))
        penalty = 0.5 * (1e-3 * tables + 1e-2 * np.sum(moved["query/kernel"] ** 2))
        return oracle.hinge(moved, data, LENGTH, 0.2, 0.5) + penalty

    check_loss_and_gradient(model, batch, weights, objective, rtol=1e-5, atol=1e-7, regularised=True)


def test_reduce_mean_divides_by_the_targets(tiny_split):
    total, batch, _ = case(tiny_split)
    mean, _, _ = case(tiny_split, reduce="mean")
    expected = total.compute_loss(batch, training=False) / tf.cast(batch["valid_count"], tf.float64)
    tiny.close(mean.compute_loss(batch, training=False), expected)


def test_two_items_masked_before_the_softmax_are_the_plain_mean(tiny_split):
    """At L = 2 no mask before the softmax can have made Table 3: -inf makes attention a swap, and with W_Q = W_K a zero
    logit makes the two rows (1 - s, s) and (s, 1 - s); both have the plain mean."""
    same = {"neg_inf": True, "zero_logit": True, "post_softmax": False, "none": False}
    for diagonal, expected in same.items():
        model = tiny.make_model("attrec", tiny_split, "float64", diagonal=diagonal, max_length=2, targets=1)
        windows = tf.constant([[3, 4], [5, 9]])
        model.short_term(windows, False)
        table = tiny.perturb_weights(model)["short_items/table"]
        m, attention = (
            x.numpy() for x in (model.short_term(windows, False)[0], model.short_term(windows, False)[1]["attention"])
        )
        assert np.ptp(attention) > 0.01
        assert np.allclose(m, table[windows.numpy()].mean(axis=1)) == expected, diagonal


@pytest.mark.parametrize("clip", ["projection", "lookup"])
def test_norm_clipping(tiny_split, clip):
    model, batch, _ = case(tiny_split, clip=clip, l2_tables=0.0)
    tables = [model.users, model.short_items, model.long_items]
    before = [np.linalg.norm(t.table, axis=1) for t in tables]
    assert all((norms > 1).any() and (norms < 1).any() for norms in before)  # N(0, 0.3) in 8 dimensions: about 0.85
    feed = tiny.make_feed(model, tiny_split, batch_size=40)
    optimizer = make_optimizer(tiny_train_config())
    stepper = Stepper(model, optimizer, feed, make_strategy("none"), seed=1)
    stepper.build()
    stepper.run(1)
    after = [np.linalg.norm(t.table, axis=1) for t in tables]
    if clip == "projection":
        assert all((norms <= 1 + 1e-12).all() for norms in after)
    else:
        assert all((norms > 1).any() for norms in after)
        matrix = model.item_matrix().numpy()
        for part in (matrix[:, : tiny.DIM], matrix[:, tiny.DIM : 2 * tiny.DIM]):
            assert (np.linalg.norm(part, axis=1) <= 1 + 1e-12).all()


def tiny_train_config():
    from experiments.configs.common import base_config

    config = base_config("attrec", "ml-100k", "attrec")
    config.train.update(optimizer="adagrad", learning_rate=0.05)
    return config.train


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_lstm_plus_is_the_last_state(tiny_split, kind):
    model, batch, weights = case(tiny_split, "lstm_plus", short_term=kind)
    kernel, recurrent, bias = (
        weights[next(k for k in weights if k.endswith(end))]
        for end in (f"{kind}_cell/kernel", "recurrent_kernel", "bias")
    )
    data = tiny.arrays(batch)
    scores = model.score_all(model.encode(batch, positions="last")[0]).numpy()
    for row, (user, items) in enumerate(zip(data["user"], data["items"], strict=True)):
        h, c = np.zeros(tiny.DIM), np.zeros(tiny.DIM)
        for item in items[items > 0]:
            x = weights["short_items/table"][item]
            if kind == "lstm":
                i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4)
                c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
                h = sigmoid(o) * np.tanh(c)
            else:  # the reset gate after the product, with its own bias (Cho et al.'s cuDNN form)
                z, r, n = np.split(x @ kernel + bias[0], 3)
                hz, hr, hn = np.split(h @ recurrent + bias[1], 3)
                z = sigmoid(z + hz)
                h = z * h + (1 - z) * np.tanh(n + sigmoid(r + hr) * hn)
        expected = [-oracle.distance(weights, user, h, item, 0.2) for item in range(1, tiny.N_ITEMS + 1)]
        tiny.close(scores[row, 1:], expected, 1e-9)


@pytest.mark.parametrize(
    ("hyper", "message"),
    [
        ({"omega": 1.5}, "omega must be in"),
        ({"diagonal": "left"}, "diagonal must be one of"),
        ({"short_term": "lstm"}, "short_term must be one of"),
        ({"clip": "yes"}, "clip must be one of"),
    ],
)
def test_arguments(tiny_split, hyper, message):
    with pytest.raises(ValueError, match=message):
        tiny.make_model("attrec", tiny_split, **hyper)
