"""SSE-PT, its score and its stochastic sharing, against float64 twins."""

import numpy as np
import pytest

from models.layers.shared_embeddings import follow_up, replaced_ids
from tests import tiny
from tests.gradients import check_loss_and_gradient
from tests.oracles import sse_pt_oracle as oracle
from tf_utils.keras_gate import tf
from tf_utils.rng import step_rng


def case(split, **hyper):
    """(model in float64 with weights moved off their initial values, batch, copies of the weights)."""
    model = tiny.make_model("sse_pt", split, "float64", max_length=tiny.LENGTH + 2, **hyper)
    batch = tiny.make_feed(model, split, batch_size=4).batch(tf.constant(1, tf.int64))
    model.compute_loss(batch, training=False)
    return model, batch, tiny.perturb_weights(model)


@pytest.mark.parametrize(
    "scale, scale_targets, heads, positions",
    [(True, False, 1, "newest"), (True, True, 2, "oldest"), (False, False, 1, "newest")],
)
def test_scores_loss_and_gradient(tiny_split, scale, scale_targets, heads, positions):
    """The second case is the form of CAFE's authors: targets scaled, W_O, positions from the oldest event."""
    forms = {"positions": positions, "output_projection": positions == "oldest"}
    model, batch, weights = case(tiny_split, scale_inputs=scale, scale_targets=scale_targets, heads=heads, **forms)
    assert ("block_0/attention/output/kernel" in weights) == forms["output_projection"]
    data, flags = tiny.arrays(batch), {"scale": scale, "scale_targets": scale_targets}
    scores = model.score_all(model.encode(batch, positions="last")[0]).numpy()
    queries = model.encode(batch)[0].numpy()[:, :, 0]
    assert scores.shape == (4, tiny.N_ITEMS + 1)
    for row, (user, items) in enumerate(zip(data["user"], data["items"], strict=True)):
        states = oracle.encode(weights, user, items[items > 0], heads, scale, positions)
        tiny.close(queries[row, items > 0, : tiny.DIM], states[:, : tiny.DIM])
        expected = [oracle.score(weights, states[-1], user, item, **flags) for item in range(1, tiny.N_ITEMS + 1)]
        tiny.close(scores[row, 1:], expected)

    twin = lambda moved: oracle.loss(moved, data, heads, positions, **flags)  # noqa: E731
    check_loss_and_gradient(model, batch, weights, twin, (["users/table"], ["items/table"], list(weights)))


def test_cafes_authors_draw_all_matrices_from_one_normal(tiny_split):
    form = tiny.models.model_class("sse_pt").variants()["cafe_authors"]
    model = tiny.make_model("sse_pt", tiny_split, max_length=50, **form)
    model.compute_loss(tiny.make_feed(model, tiny_split).batch(tf.constant(0, tf.int64)), training=False)
    spread = {name: w.numpy().std() for name, w in tiny.weights_of(model).items() if w.shape.rank == 2}
    large = {name: sd for name, sd in spread.items() if name.startswith("block_") or name == "positions/table"}
    assert len(large) == 2 * 6 + 1 and all(0.016 < sd < 0.019 for sd in large.values()), large


def test_labels_follow_the_replaced_inputs():
    """By hand: events 1 2 3 4 with target 5; the second becomes 20, its label 30, and the label before it 20."""
    inputs = tf.constant([[0, 1, 20, 3, 4]])
    replaced = tf.constant([[False, False, True, False, False]])
    positives, others = tf.constant([[0, 2, 3, 4, 5]]), tf.fill([1, 5], 30)
    np.testing.assert_array_equal(follow_up(inputs, replaced, positives, others), [[0, 20, 30, 4, 5]])
    newest = tf.constant([[False, False, False, False, True]])
    changed = follow_up(tf.constant([[0, 1, 2, 3, 20]]), newest, positives, others)
    np.testing.assert_array_equal(changed, [[0, 2, 3, 20, 30]])


def test_labels_are_those_of_the_authors_walk():
    rng, steps = np.random.default_rng(0), 9
    for length in (1, 2, 5, 9):
        history, replaced = rng.integers(1, 40, length + 1), rng.random(length) < 0.5
        new_inputs, new_labels = rng.integers(1, 40, (2, length))
        inputs, labels = oracle.walk(history[:-1], history[-1], replaced, new_inputs, new_labels)
        left = lambda x: tf.constant(np.pad(np.array(x), (steps - length, 0))[None], tf.int32)  # noqa: E731, B023
        found = follow_up(left(inputs), tf.cast(left(replaced), tf.bool), left(history[1:]), left(new_labels))
        np.testing.assert_array_equal(found, left(labels))


@pytest.mark.parametrize("keep", [1.0, 0.9, 0.08, 0.0])
def test_share_of_replaced_ids(keep):
    """Of 40,000 ids, 1 - keep are replaced, by each of the 10 equally often; padding never is."""
    ids = tf.tile(tf.constant([[0, 3, 3, 3, 3]]), [10_000, 1])
    with step_rng(1, 0):
        found, chosen = (x.numpy() for x in replaced_ids(ids, keep, 10))
    assert not found[:, 0].any() and not chosen[:, 0].any()
    assert (found[:, 1:][~chosen[:, 1:]] == 3).all()
    share = chosen[:, 1:].mean()
    assert abs(share - (1 - keep)) <= 4 * np.sqrt(keep * (1 - keep) / 40_000)
    if keep < 0.5:
        counts = np.bincount(found[chosen], minlength=11)[1:] / chosen.sum()
        assert np.abs(counts - 0.1).max() < 4 * np.sqrt(0.09 / chosen.sum())


def test_training_replaces_and_repeats(tiny_split):
    """Without sharing, training is evaluation (dropout is off); with it, a step has its own draws, and repeats."""
    model, batch, _ = case(tiny_split, keep_user=1.0, keep_item=1.0)
    tiny.close(model.compute_loss(batch, training=True), model.compute_loss(batch, training=False))
    model, batch, _ = case(tiny_split, keep_user=0.5, keep_item=0.5)

    def drawn(step):
        with step_rng(3, step):
            changed = model.replaced(batch)
        with step_rng(3, step):
            return {name: x.numpy() for name, x in changed.items()}, float(model.compute_loss(batch, training=True))

    (first, loss), (again, same), (_, other) = drawn(0), drawn(0), drawn(1)
    assert loss == same and loss != other
    for name, x in first.items():
        np.testing.assert_array_equal(x, again[name])
        assert ((x == 0) == (batch[name].numpy() == 0)).all() and (x != batch[name].numpy()).any()
    data = tiny.arrays(batch) | first
    assert abs(oracle.loss({k: w.numpy() for k, w in tiny.weights_of(model).items()}, data) - loss) < 1e-9


@pytest.mark.parametrize("kept", ["user", "item"])
def test_users_and_items_have_their_own_rates(tiny_split, kept):
    """What is always kept is kept, labels with the items, while all of the other is replaced."""
    model, batch, _ = case(tiny_split, **{"keep_user": 0.0, "keep_item": 0.0, f"keep_{kept}": 1.0})
    with step_rng(3, 0):
        changed = {name: (x.numpy() != batch[name].numpy()).any() for name, x in model.replaced(batch).items()}
    assert changed == {"user": kept != "user", "items": kept != "item", "positives": kept != "item"}


@pytest.mark.parametrize("name", ["keep_user", "keep_item"])
def test_arguments(tiny_split, name):
    with pytest.raises(ValueError, match=name):
        tiny.make_model("sse_pt", tiny_split, **{name: 1.5})
