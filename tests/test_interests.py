"""Distributions over interests: measures by hand, what a run keeps, and how it is drawn."""

import ml_collections
import numpy as np
import pytest

from experiments.inspection import heatmaps, histories, keeping, kept_interests
from experiments.inspection.interests import AVERAGED, EARLY, MEASURES, SIDES, averaged, measures
from experiments.reporting.plots import distribution_maps
from tests import tiny
from tf_utils.cli import UserError
from tf_utils.keras_gate import tf


def test_even_rows_and_one_interest_alone():
    even = measures(np.zeros((3, 4)), top=2)
    assert even["entropy"] == pytest.approx(1) and even["shape entropy"] == pytest.approx(1)
    assert even["mass in the top K"] == pytest.approx(0.5) and even["change"] == 0 and even["strongest"] == 1
    sharp = measures(1000 * np.eye(4)[[0, 0, 3]], top=1)
    assert sharp["entropy"] == pytest.approx(0) and sharp["mass in the top K"] == pytest.approx(1)
    assert sharp["change"] == pytest.approx(0.5) and sharp["strongest"] == 2  # no step, then a whole one


def test_two_interests_by_hand():
    """Scores log 3 and 0 are shares 3/4 and 1/4; the next row is even: total variation 1/4."""
    found = measures(np.array([[np.log(3), 0], [0, 0]]), top=1)
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25)) / np.log(2)
    assert found["entropy"] == pytest.approx((entropy + 1) / 2)
    assert found["mass in the top K"] == pytest.approx((0.75 + 0.5) / 2)
    assert found["change"] == pytest.approx(0.25)


def test_scale_sharpens_but_has_no_part_in_the_shape():
    rows = np.random.default_rng(0).normal(size=(6, 5))
    small, large = measures(rows, 2), measures(7 * rows + 3, 2)
    assert large["entropy"] < small["entropy"] and large["mass in the top K"] > small["mass in the top K"]
    for name in ("shape entropy", "shape change"):
        assert large[name] == pytest.approx(small[name])
    assert large["change"] > small["change"]


def test_early_and_late_steps():
    """All the change is in the first ten of twenty steps; a history of one event has no step."""
    rows = np.zeros((2 * EARLY + 1, 2))
    rows[1 : EARLY + 1 : 2, 0] = 1000
    found = measures(rows, 1)
    assert found["early change"] == pytest.approx(0.5) and found["late change"] == 0
    assert found["early contrast"] == 1 and np.isnan(measures(0 * rows, 1)["early contrast"])
    assert found["change"] == pytest.approx(0.25)
    alone = measures(np.array([[1.0, 2.0]]), 1)
    assert np.isnan([alone["change"], alone["early change"], alone["late change"]]).all()
    assert np.isnan(measures(rows[:5], 1)["late change"])


@pytest.fixture(scope="module")
def sair(tiny_split):
    model = tiny.make_model("sair", tiny_split, n_interests=6, top=2)
    model.compute_loss(tiny.make_feed(model, tiny_split).batch(tf.constant(0, tf.int64)), training=False)
    tiny.perturb_weights(model, 1.0)
    return model


def test_what_a_run_keeps_is_what_the_model_says(tiny_split, sair):
    users = tiny_split.test.users
    config = ml_collections.ConfigDict({"eval": {"keep": ("interests",), "shown_users": (str(users[0]), "4")}})
    kept = keeping.kept_arrays(config, tiny_split, sair)
    assert kept["interests.users"].tolist() == [str(users[0]), "4"]
    assert sorted(kept["interests.measured"]) == sorted(users) and not any(a.dtype == object for a in kept.values())
    history = histories.read(tiny_split, kept_interests.Store(tiny_split.sequences), np.array([4]), tiny.LENGTH, True)
    out = sair.encode(history.batch)[1]
    for side in SIDES:
        rows = out[f"distribution_{side}"].numpy()[0][history.valid[0]]
        np.testing.assert_allclose(kept[f"interests.{side}.1"], rows, rtol=2e-3)  # kept in half precision
        place = kept["interests.measured"].tolist().index(4)
        for name, value in measures(rows, 2).items():
            np.testing.assert_allclose(kept[f"interests.{name}.{side}"][place], value, rtol=1e-5, err_msg=name)
    rows = averaged(out["distribution_before"].numpy()[0][history.valid[0]])
    for name, value in measures(rows, 2).items():
        np.testing.assert_allclose(kept[f"interests.{name}.{AVERAGED}"][place], value, rtol=1e-5, err_msg=name)
    np.testing.assert_array_equal(kept["interests.chosen.1"], out["interests"].numpy()[0][history.valid[0]])
    for name in MEASURES:
        assert kept[f"{name}, after"] == pytest.approx(np.nanmean(kept[f"interests.{name}.after"]), rel=1e-5)


def test_typical_users_are_kept_where_none_is_named(tiny_split, sair):
    kept = keeping.kept_arrays(ml_collections.ConfigDict({"eval": {"keep": ("interests",)}}), tiny_split, sair)
    assert len(kept["interests.users"]) == kept_interests.SHOWN
    lengths = [len(kept[f"interests.before.{i}"]) for i in range(kept_interests.SHOWN)]
    assert lengths == sorted(lengths)
    named = ml_collections.ConfigDict({"eval": {"keep": ("interests",), "shown_users": ("nobody",)}})
    with pytest.raises(UserError, match="nobody"):
        keeping.kept_arrays(named, tiny_split, sair)


def test_other_models_have_none(tiny_split):
    model = tiny.make_model("sasrec", tiny_split)
    out = model.encode(tiny.make_feed(model, tiny_split).batch(tf.constant(0, tf.int64)))[1]
    assert not kept_interests.present(out)


def test_both_panels_have_one_scale_and_the_colours_of_their_cells():
    """An even row before, one interest alone after: the picture has the darkest and the brightest colour."""
    rows = {
        "before": np.zeros((4, 3)),
        "after": 1000 * np.eye(3)[[0, 1, 2, 0]],
        "chosen": np.array([[0], [1], [2], [0]]),
    }
    picture = tf.io.decode_png(heatmaps.interests(rows, ["a", "b", "c", "d"], "title")).numpy()[..., :3].reshape(-1, 3)
    for colour in ((68, 1, 84), (253, 231, 37)):  # the ends of viridis
        assert (np.abs(picture.astype(int) - colour).max(axis=1) <= 2).any()


def test_chart_is_the_same_bytes_and_needs_nothing_from_outside():
    rng = np.random.default_rng(0)
    shares, marked = rng.dirichlet(np.ones(6), 50), rng.integers(0, 6, (50, 2))
    panels = {"before": shares, "after": shares[::-1]}
    drawn = [distribution_maps(panels, marked, "SAIR, user 7", "MovieLens-1M") for _ in range(2)]
    assert drawn[0] == drawn[1] and drawn[0].startswith("<svg") and drawn[0].endswith("</svg>")
    assert "http" not in drawn[0] and drawn[0].count("data:image/png;base64") == 3 and len(drawn[0]) < 60_000
