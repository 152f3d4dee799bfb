"""What runs keep for CAFE's Figure 2, and local masks among the pictures of a run."""

import numpy as np
import pytest

import models
from experiments.inspection import frequency, scope
from experiments.inspection.images import _drawn
from tests.tiny import SIZES, make_split, spec_of
from tf_utils.keras_gate import tf

GROUPS = ("frequent", "infrequent")


class Fixed:
    """A model whose attention is spread evenly over what a query sees, or lies on the query itself."""

    def __init__(self, mask_token: bool, near: bool):
        self.mask_token, self.near = mask_token, near

    def encode(self, batch, positions):
        assert positions == "last"
        seen = (batch["items"].numpy() > 0).astype(float)
        if self.mask_token:
            seen = np.concatenate([seen, np.ones((len(seen), 1))], axis=1)[:, 1:]
        maps = np.eye(seen.shape[1])[None] * seen[:, None] if self.near else np.repeat(seen[:, None], seen.shape[1], 1)
        maps = maps / np.maximum(maps.sum(axis=-1, keepdims=True), 1)
        return None, {"states": None, "block_0_attention": tf.constant(maps[:, None].repeat(2, axis=1))}


def test_even_attention_has_a_reach_of_one():
    found = scope.attention_scope(make_split(), Fixed(mask_token=True, near=False), length=12)
    np.testing.assert_allclose(found["scope.reach"], 1.0, rtol=1e-6)
    np.testing.assert_allclose(found["scope.age"], 1.0, rtol=1e-6)
    # Histories of 2 to 17 test events and the mask, at most 12: users with so many steps, by hand.
    split = make_split()
    events = split.sequences.lengths[split.test.users - 1] - 1
    steps = np.minimum(events + 1, 12)
    assert found["scope.users"][:12].tolist() == [int((steps > k).sum()) for k in range(12)]
    assert found["scope.users"][12:].tolist() == [0] * 8 and np.isnan(found["scope.map"][12:]).all()
    # The first step attends to itself by 1 / steps.
    assert found["scope.map"][0, 0] == pytest.approx(np.mean(1 / steps), rel=1e-5)


def test_maps_are_of_one_group_of_users_where_enough_are_long(monkeypatch):
    """With three steps as the map's size, only users with three or more count: 1 / steps of these in each cell."""
    monkeypatch.setattr(scope, "STEPS", 3)
    split = make_split()
    steps = np.minimum(split.sequences.lengths[split.test.users - 1], 12)
    found = scope.attention_scope(split, Fixed(mask_token=True, near=False), length=12)
    long = steps[steps >= 3]
    assert len(long) >= scope.ENOUGH
    np.testing.assert_allclose(found["scope.map"], np.full((3, 3), np.mean(1 / long)), rtol=1e-5)
    monkeypatch.setattr(scope, "ENOUGH", 100)
    found = scope.attention_scope(split, Fixed(mask_token=True, near=False), length=12)
    assert found["scope.map"][0, 0] == pytest.approx(np.mean(1 / steps[steps >= 1]), rel=1e-5)


def test_attention_to_itself_has_none():
    found = scope.attention_scope(make_split(), Fixed(mask_token=False, near=True), length=12, users=5)
    assert len(found["scope.reach"]) == found["scope.users"][1] <= 5 and not found["scope.reach"].any()
    assert len(found["scope.age"]) == len(found["scope.reach"]) and not found["scope.age"].any()
    labels = make_split().sequences.labels["user"].astype(str)
    assert len(set(found["scope.labels"])) == len(found["scope.reach"]) and set(found["scope.labels"]) <= set(labels)
    np.testing.assert_allclose(found["scope.map"][:2, :2], np.eye(2))


def test_reach_by_hand():
    """Two causal rows of two keys: the first sees itself alone and is left out; the second gives 0.25 one step away,
    and even attention 0.5."""
    assert scope._reach(np.array([[1.0, 0.0], [0.25, 0.75]]), causal=True) == pytest.approx(0.25 / 0.5)
    # Both directions: even attention is 0.5 away in both rows, ours 0.2 and 0.4.
    assert scope._reach(np.array([[0.8, 0.2], [0.4, 0.6]]), causal=False) == pytest.approx(0.3 / 0.5)


def test_age_by_hand():
    """Four steps, 0 to 3 old, 1.5 on average; what looks at the newest alone is 0, at the oldest alone twice even."""
    for weights, expected in (([0, 0, 0, 1], 0), ([1, 0, 0, 0], 2), ([0, 0.5, 0.25, 0.25], 1.25 / 1.5)):
        assert scope._age(np.array(weights, np.float64)) == pytest.approx(expected)


def test_bert4rec_s_first_layer_is_read():
    split = make_split()
    config = models.default_config("bert4rec")
    config.update({name: value for name, value in SIZES.items() if name in config})
    model = models.build("bert4rec", config, spec_of(split))
    found = scope.attention_scope(split, model, config.max_length, users=8)
    assert found["scope.users"][0] == 8 and np.isfinite(found["scope.reach"]).all() and (found["scope.age"] > 0).all()
    alone = scope.attention_scope(split, model, config.max_length, users=1)
    steps = int((alone["scope.users"] > 0).sum())
    np.testing.assert_allclose(alone["scope.map"][:steps, :steps].sum(axis=1), 1, rtol=1e-5)


def clusters(seed=0, of_intent=30):
    """Three intents of 30 items and one of 5: frequent items near their intent's centre, infrequent ones near 0."""
    rng = np.random.default_rng(seed)
    intents = np.concatenate([[0], np.repeat([1, 2, 3], of_intent), [4] * 5])
    counts = np.zeros(len(intents), int)
    centres, vectors = np.eye(4, 8) * 5, np.zeros((len(intents), 8))
    for item in range(1, len(intents)):
        often = item % 2 == 0
        counts[item] = rng.integers(50, 90) if often else rng.integers(1, 5)
        centre = centres[intents[item] - 1] if often else 0
        vectors[item] = centre + rng.normal(scale=0.3, size=8)
    return vectors, intents, counts


def test_frequent_and_infrequent_items_are_told_apart():
    vectors, intents, counts = clusters()
    found = frequency.compare(vectors, intents, counts, np.array(["a", "b", "c", "d"]), items=10)
    assert found["vectors.names"].tolist() == ["a", "b", "c"] and found["vectors.xy"].shape == (2, 30, 2)
    assert found["vectors.intent"].tolist() == [[0] * 10 + [1] * 10 + [2] * 10] * 2
    assert found["silhouette, frequent"] > 0.7 > 0.3 > found["silhouette, infrequent"]
    # Nine of ten neighbours at most are of one's own intent.
    assert found["neighbours of one intent, frequent"] == pytest.approx(0.9)
    assert found["neighbours of one intent, infrequent"] < 0.6
    assert found["length, frequent"] > 1 > found["length, infrequent"]
    assert found["events, frequent"] >= 50 and found["events, infrequent"] < 5
    again = frequency.compare(vectors, intents, counts, np.array(["a", "b", "c", "d"]), items=10)
    assert np.array_equal(found["vectors.xy"], again["vectors.xy"])


def test_untrained_items_are_left_out_and_groups_do_not_meet():
    vectors, intents, counts = clusters(of_intent=8)
    counts[1:4] = 0  # three of the first intent
    (frequent, infrequent), labels, kept = frequency._choose(intents, counts, items=100)
    assert kept.tolist() == [2, 3, 1] and not set(frequent) & set(infrequent)
    assert not {1, 2, 3} & {*frequent, *infrequent}
    assert np.bincount(labels).tolist() == [4, 4, 2]  # half of 8, 8 and 5
    for place in range(3):
        assert counts[frequent[labels == place]].min() >= counts[infrequent[labels == place]].max()


def test_too_few_items_to_compare():
    assert (
        frequency.compare(np.ones((4, 2)), np.array([0, 1, 1, 2]), np.array([0, 5, 5, 5]), np.array(["a", "b"])) == {}
    )


def test_neighbours_by_a_slow_twin():
    rng = np.random.default_rng(1)
    vectors, labels = rng.normal(size=(25, 3)), rng.integers(0, 2, 25)
    shares = []
    for item in range(25):
        distances = ((vectors - vectors[item]) ** 2).sum(axis=1)
        distances[item] = np.inf
        shares.append(np.mean(labels[np.argsort(distances)[:10]] == labels[item]))
    assert frequency._alike(vectors, labels) == pytest.approx(np.mean(shares))


def test_local_masks_are_drawn_as_shares_of_their_row():
    theta = np.array([[[[0.0, 0.0], [1.0, 3.0]]]])  # nothing is visible in the first row
    drawn = _drawn({"x_local_mask": tf.constant(theta), "x_attention": tf.constant(theta), "other": tf.constant(1)})
    assert set(drawn) == {"x_local_mask", "x_attention"}
    np.testing.assert_allclose(drawn["x_local_mask"][0, 0], [[0, 0], [0.25, 0.75]])
    np.testing.assert_allclose(drawn["x_attention"], theta)


@pytest.mark.parametrize("variant, heads", [("paper", 1), ("official_local", 4)])
def test_cafe_gives_its_masks_to_draw(variant, heads):
    split = make_split()
    config = models.default_config("cafe")
    config.update(models.model_class("cafe").variants()[variant])
    config.update({name: value for name, value in SIZES.items() if name in config})
    model = models.build("cafe", config, spec_of(split))
    items = tf.constant([[0, 0, 3, 5, 7]])
    _, out = model.encode({"user": tf.constant([1]), "items": items, "categories": items // 3, "actions": items // 3})
    drawn = _drawn(out)
    names = {name for name in drawn if name.endswith("local_mask")}
    assert names == {"item_block_0_local_mask", "item_block_1_local_mask"}
    for name in names:
        assert drawn[name].shape == (1, heads, 5, 5)
        np.testing.assert_allclose(drawn[name][0, :, 2:].sum(axis=-1), 1, rtol=1e-5)
        assert not drawn[name][..., :2].any() and not np.triu(drawn[name], 1).any()
