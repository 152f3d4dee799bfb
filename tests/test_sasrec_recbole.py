"""SASRec in RecBole's form, end to end, against its float64 twin, with both kinds of training instances."""

import numpy as np
import pytest

from experiments.configs.common import base_config
from tests import tiny
from tests.gradients import check_loss_and_gradient
from tests.oracles import sasrec_recbole_oracle as oracle
from tf_utils.keras_gate import tf

FORM = tiny.models.model_class("sasrec").variants()["recbole"]


def case(split, **hyper):
    """(model in float64 with weights moved off their initial values, batch, copies of the weights)."""
    small = {"dim": tiny.DIM, "dropout": 0.0, "attention_dropout": 0.0, "inner": 6, "max_length": tiny.LENGTH + 2}
    model = tiny.make_model("sasrec", split, "float64", **FORM | small | hyper)
    batch = tiny.make_feed(model, split, batch_size=6).batch(tf.constant(1, tf.int64))
    model.compute_loss(batch, training=False)
    return model, batch, tiny.perturb_weights(model)


@pytest.mark.parametrize("instances", ["windows", "prefix"])
def test_queries_loss_and_gradient(tiny_split, instances):
    model, batch, weights = case(tiny_split, instances=instances)
    data = tiny.arrays(batch)
    assert data["positives"].ndim == {"windows": 2, "prefix": 1}[instances]
    queries = model.encode(batch)[0].numpy()[:, :, 0]
    newest = model.encode(batch, positions="last")[0].numpy()[:, 0, 0]
    for row, items in enumerate(data["items"]):
        expected = oracle.encode(weights, items[items > 0])
        tiny.close(queries[row, items > 0], expected, 1e-7)  # TensorFlow's erf has 9 digits
        tiny.close(newest[row], expected[-1], 1e-7)
    objective = lambda moved: oracle.loss(moved, data)  # noqa: E731
    check_loss_and_gradient(model, batch, weights, objective, tolerance=1e-7, rtol=1e-5)


def test_a_window_from_the_start_gives_the_mean_of_its_prefixes(tiny_split):
    """Where nothing is cut off, the causal model's windows and RecBole's prefixes are the same loss, target by
    target."""
    model, _, _ = case(tiny_split)
    items = np.array([3, 1, 4, 1, 5, 9], np.int32)
    window = {"items": items[None, :-1], "positives": items[None, 1:], "valid_count": np.float64(5)}
    together = model.compute_loss({k: tf.constant(v) for k, v in window.items()}, training=False)
    other, _, _ = case(tiny_split, instances="prefix")
    for mine, weight in zip(other.trainable_variables, model.trainable_variables, strict=True):
        mine.assign(weight)
    prefixes = np.zeros((5, 5), np.int32)
    for row in range(5):
        prefixes[row, 4 - row :] = items[: row + 1]
    batch = {"items": tf.constant(prefixes), "positives": tf.constant(items[1:]), "valid_count": tf.constant(5.0)}
    tiny.close(other.compute_loss(batch, training=False), together, 1e-9)


def test_recboles_settings(tiny_split):
    """recbole/properties/model/SASRec.yaml: 2 layers, 2 heads, 64 and 256 wide, dropout 0.5 twice, N(0, 0.02), CE."""
    hyper = base_config("sair", "ml-1m", "sasrec", "recbole").model
    assert (hyper.blocks, hyper.heads, hyper.dim, hyper.inner, hyper.loss) == (2, 2, 64, 256, "ce")
    assert hyper.dropout == hyper.attention_dropout == 0.5 and not hyper.scale_inputs
    model = tiny.make_model("sasrec", tiny_split, **FORM)
    model.compute_loss(tiny.make_feed(model, tiny_split).batch(tf.constant(0, tf.int64)), training=False)
    for name, weight in tiny.weights_of(model).items():
        if name.endswith(("kernel", "table")):
            assert abs(np.std(weight) - 0.02) < 0.002, name
        else:
            assert (np.ptp(weight), weight[0]) == (0.0, 1.0 if name.endswith("gamma") else 0.0), name


def test_the_paper_form_has_none_of_its_settings(tiny_split):
    """Records and checkpoints of the plain form stay as they were."""
    assert set(tiny.models.default_config("sasrec")) == {
        *("variant", "dim", "max_length", "blocks", "heads", "dropout", "scale_inputs", "loss")
    }
    model = tiny.make_model("sasrec", tiny_split, block="post_norm", loss="ce")
    assert model.config.inner == 256 and model.regime == "next_item"


@pytest.mark.parametrize(
    ("hyper", "message"),
    [
        ({"block": "pre_norm"}, "block must be"),
        ({"instances": "pairs"}, "instances must be"),
        ({"instances": "prefix", "loss": "bce"}, "need loss"),
    ],
)
def test_arguments(tiny_split, hyper, message):
    with pytest.raises(ValueError, match=message):
        tiny.make_model("sasrec", tiny_split, **FORM | hyper)
