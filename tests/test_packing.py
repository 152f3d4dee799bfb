"""The packed form of a batch (length groups, each trimmed) is the padded form: same loss, same gradient, in float64."""

import numpy as np
import pytest

from tests import tiny
from tf_utils.keras_gate import tf
from tf_utils.training import packed

OFFICIAL = tiny.models.model_class("asli").variants()["official"]
MODELS = {
    "sasrec, bce": ("sasrec", dict(loss="bce")),
    "sasrec, ce": ("sasrec", dict(loss="ce")),
    "asli": ("asli", {}),
    "asli, official": ("asli", OFFICIAL),
    "asli, centered": ("asli", dict(conv="centered")),
    "nextitnet": ("nextitnet", {}),
    "bert4rec": ("bert4rec", {}),
    "locker_f": ("locker_f", {}),
}


def loss_and_gradients(model, parts):
    with tf.GradientTape() as tape:
        loss = model.packed_loss(parts, training=False)
    gradients = tape.gradient(loss, tiny.weights_of(model), unconnected_gradients="zero")
    return loss, {name: tf.convert_to_tensor(g).numpy() for name, g in gradients.items()}


@pytest.mark.parametrize(("name", "hyper"), MODELS.values(), ids=MODELS)
def test_packed_is_padded(tiny_split, name, hyper):
    model = tiny.make_model(name, tiny_split, "float64", **hyper)
    batch = tiny.make_feed(model, tiny_split, batch_size=16).batch(tf.constant(0, tf.int64))
    model.compute_loss(batch, training=False)
    tiny.perturb_weights(model)
    loss, gradients = loss_and_gradients(model, [batch])
    parts = packed(batch, 4)
    cells = sum(int(tf.size(part["items"])) for part in parts)
    assert cells < 0.8 * int(tf.size(batch["items"]))  # there was padding to save
    packed_loss, packed_gradients = loss_and_gradients(model, parts)
    np.testing.assert_allclose(packed_loss, loss, rtol=1e-13)
    for key, expected in gradients.items():
        np.testing.assert_allclose(packed_gradients[key], expected, rtol=1e-12, atol=1e-12, err_msg=key)


def test_slices(tiny_split):
    model = tiny.make_model("asli", tiny_split)
    batch = tiny.make_feed(model, tiny_split, batch_size=10).batch(tf.constant(1, tf.int64))
    parts = packed(batch, 4)
    assert [len(part["user"]) for part in parts] == [2, 3, 2, 3]
    for part in parts:
        lengths = tf.math.count_nonzero(part["items"], axis=1)
        assert part["items"].shape[1] == int(tf.reduce_max(lengths))
        assert part["valid_count"] == batch["valid_count"]
    whole = int(batch["items"].shape[1])
    for name, x in batch.items():
        if x.shape.rank == 0:
            continue
        pad = lambda p: p if p.shape.rank == 1 else tf.pad(p, [[0, 0], [whole - p.shape[1], 0]])  # noqa: E731
        tiny.close(tf.concat([pad(part[name]) for part in parts], axis=0), x, 0)


def test_fewer_rows_than_groups(tiny_split):
    """The last batch of an epoch may be small: empty groups cost nothing and break nothing."""
    for name, hyper in MODELS.values():
        model = tiny.make_model(name, tiny_split, "float64", **hyper)
        batch = tiny.make_feed(model, tiny_split, batch_size=2).batch(tf.constant(2, tf.int64))
        expected, gradients = loss_and_gradients(model, [batch])
        found, packed_gradients = loss_and_gradients(model, packed(batch, 4))
        tiny.close(found, expected, 1e-12)
        for key, gradient in gradients.items():
            np.testing.assert_allclose(packed_gradients[key], gradient, atol=1e-12, err_msg=f"{name} {key}")
