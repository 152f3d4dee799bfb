"""MCPRN against its float64 twin: the candidate's own mixture of channels, in every way to score."""

import numpy as np
import pytest

from tests import prefix_cases as cases
from tests import tiny
from tests.oracles import mcprn_oracle as oracle
from tests.oracles import pooled_oracle
from tf_utils.keras_gate import tf


@pytest.fixture(autouse=True)
def float64():
    with tiny.precision("float64"):
        yield


def weights(model):
    names = ("kernel", "recurrent_gates", "recurrent_candidate", "bias")
    found = {name: getattr(model.gru, name).numpy() for name in names}
    return found | {"items": model.items.table.numpy(), "purposes": model.purposes.kernel.numpy()}


SETTINGS = [{}, {"channels": 2, "temperature": 0.5, "threshold": 0.3}, {"channels": 1}]


@pytest.mark.parametrize("settings", SETTINGS)
def test_scores_and_loss(settings):
    model = cases.build("mcprn", perturb=0.3, **settings)
    w = weights(model)
    constants = {name: model.config[name] for name in ("temperature", "threshold")}
    score = lambda row, item: oracle.score(w, cases.HISTORIES[row], item, **constants)  # noqa: E731
    cases.check_scores(model, [[score(row, item) for item in range(1, 10)] for row in range(4)])
    cases.check_loss(model, pooled_oracle.loss(score, tiny.arrays(cases.batch())))


def test_a_threshold_cuts_some_gates_and_spares_others():
    """Or the case above would not tell a threshold from none."""
    model = cases.build("mcprn", perturb=0.3, **SETTINGS[1])
    g = model.encode(cases.history(cases.HISTORIES))[1]["concentration"].numpy()
    assert g.shape == (4, cases.LENGTH, 2)
    shares = g[np.array(cases.padded(cases.HISTORIES)) > 0]
    tiny.close(shares.sum(-1), np.ones(len(shares)))
    assert 0 < (shares <= 0.3).sum() < shares.size / 2
    assert not g[np.array(cases.padded(cases.HISTORIES)) == 0].any()


def test_mixture_by_hand():
    """Two channels with states (1, 0) and (0, 1); the candidate's concentrations are the softmax of (2, 4) / 2."""
    model = cases.build("mcprn", channels=2, dim=2, temperature=2.0)
    model.purposes.kernel.assign([[1.0, 0.0], [0.0, 1.0]])
    table = model.items.table.numpy()
    table[5] = (2.0, 4.0)
    model.items.table.assign(table)
    queries = tf.constant([[[[1.0, 0.0, 0.0, 1.0]]]], tf.float64)
    share = 1 / (1 + np.exp(-1.0))
    expected = 2 * (1 - share) + 4 * share
    tiny.close(model.score(queries, tf.constant([[5]])), [[expected]])
    tiny.close(model.score_all(queries)[0, 5], expected)


def test_negatives_of_the_papers_loss():
    model = cases.build("mcprn", perturb=0.3, loss="bce", negatives=2)
    w, data = weights(model), tiny.arrays(cases.batch())
    expected = 0.0
    for row, (target, others) in enumerate(zip(data["positives"], data["negatives"], strict=True)):
        y = lambda item, row=row: 1 / (1 + np.exp(-oracle.score(w, cases.HISTORIES[row], item)))  # noqa: E731
        expected -= np.log(y(target)) + sum(np.log(1 - y(item)) for item in others)
    cases.check_loss(model, expected / 4)
    assert model.feed_options() == {"negatives": 2, "min_history": 1}


@pytest.mark.parametrize("loss", ["sampled_softmax", "bce"])
def test_gradient_and_prefixes(loss):
    model = cases.build("mcprn", perturb=0.3, loss=loss)
    cases.check_gradient(model)
    cases.check_prefixes(model)
    first = model.encode(cases.history(cases.HISTORIES))[0].numpy()
    np.testing.assert_array_equal(first, model.encode(cases.history(cases.HISTORIES))[0])  # no random state


def test_arguments(tiny_split):
    for hyper, message in (({"loss": "nll"}, "loss"), ({"channels": 0}, "channels"), ({"temperature": 0.0}, "temp")):
        with pytest.raises(ValueError, match=f"config.model.{message}.* must be"):
            tiny.make_model("mcprn", tiny_split, **hyper)


def test_learns_the_order():
    """With soft routing: at 0.1 an item may leave no trace in the channel that its successor is scored by."""
    assert cases.hit_rate_on_a_cycle("mcprn", steps=150, temperature=1.0) == 1.0
