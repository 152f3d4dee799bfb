"""ComiRec-SA against its float64 twin."""

import numpy as np
import pytest

from tests import prefix_cases as cases
from tests import tiny
from tests.oracles import comirec_oracle as oracle
from tests.oracles import mind_oracle, pooled_oracle


@pytest.fixture(autouse=True)
def float64():
    with tiny.precision("float64"):
        yield


def weights(model):
    bias = model.hidden.bias.numpy() if model.config.bias else np.zeros(model.hidden.units)
    return {
        "items": model.items.table.numpy(),
        "positions": model.positions.table.numpy(),
        "hidden": model.hidden.kernel.numpy(),
        "hidden_bias": bias,
        "heads": model.heads.kernel.numpy(),
    }


@pytest.mark.parametrize("settings", [{}, {"bias": True, "interests": 2}, {"anchor": "newest", "hidden": 1}])
def test_scores_loss_and_gradient(settings):
    model = cases.build("comirec_sa", perturb=1.0, **settings)
    w = weights(model)
    found = [oracle.interests(w, row, model.config.anchor) for row in cases.HISTORIES]
    expected = [[max(v @ w["items"][item] for v in vectors) for item in range(1, 10)] for vectors, _ in found]
    cases.check_scores(model, expected)

    def score(row, item):
        user = mind_oracle.user(found[row][0], w["items"][cases.TARGETS[row]], "hard")
        return float(user @ w["items"][item])

    cases.check_loss(model, pooled_oracle.loss(score, tiny.arrays(cases.batch())))
    cases.check_gradient(model)
    cases.check_prefixes(model)
    shown = model.encode(cases.history(cases.HISTORIES))[1]["interest_weights"].numpy()
    for row, items in enumerate(cases.HISTORIES):
        first = cases.LENGTH - len(items)
        tiny.close(shown[row, :, first:], found[row][1])
        assert not shown[row, :, :first].any()
    # The readouts of the rows are not all the same interest: the choice is tested.
    chosen = {int(np.argmax(v @ w["items"][t])) for (v, _), t in zip(found, cases.TARGETS, strict=True)}
    assert len(chosen) > 1


def test_one_item_is_every_interest():
    """A softmax over one cell is 1, and positions are not part of the sum."""
    model = cases.build("comirec_sa")
    queries = model.encode(cases.history([[6]]), positions="last")[0]
    tiny.close(queries[0, 0], np.tile(model.items.table[6], [4, 1]))


def test_arguments(tiny_split):
    for hyper, message in (({"interests": 0}, "interests"), ({"hidden": 0}, "hidden"), ({"anchor": "first"}, "anchor")):
        with pytest.raises(ValueError, match=message):
            tiny.make_model("comirec_sa", tiny_split, **hyper)
    model = tiny.make_model("comirec_sa", tiny_split)
    assert model.feed_options() == {"pooled": 5, "proposal": "log_uniform", "min_history": 1}
