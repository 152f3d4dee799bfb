"""BERT4Rec and the cloze regime against what they are defined as."""

import math
from collections import Counter

import numpy as np
import pytest

from data.feeds.cloze import cloze_feed
from models.layers.bidirectional import hidden_columns
from tests import tiny
from tests.gradients import check_loss_and_gradient
from tests.oracles.layers_oracle import post_norm_block
from tf_utils.cli import UserError
from tf_utils.keras_gate import tf

MASK = tiny.N_ITEMS + 1


@pytest.mark.parametrize("windows", ["last", "sliding"])
@pytest.mark.parametrize("share", [0.2, 0.5])
def test_cloze_hides_a_share_of_each_window(tiny_split, windows, share):
    seq, length, expected = tiny_split.sequences, 5, []
    for user, (start, end) in enumerate(zip(seq.offsets[:-1], tiny_split.train_ends, strict=True), 1):
        history = seq.items[start:end].tolist()
        while history:
            expected.append((user, tuple(history[-length:])))
            history = history[:-length] if windows == "sliding" else []
    feed = cloze_feed(tiny_split, length, 7, seed=1, windows=windows, share=share)
    assert feed.instances == len(expected)
    found, hidden = [], 0
    for step in range(feed.steps_per_epoch):
        batch = tiny.arrays(feed.batch(tf.constant(step, tf.int64)))
        for user, items, positives in zip(*(batch[k].tolist() for k in ("user", "items", "positives")), strict=True):
            assert all((item == MASK) == (positive > 0) for item, positive in zip(items, positives, strict=True))
            whole = [positive or item for item, positive in zip(items, positives, strict=True) if item]
            found.append((user, tuple(whole)))
            assert items.count(MASK) == max(1, round(share * len(whole)))
        masked = batch["items"] == MASK
        assert batch["valid_count"] == masked.sum() and not batch["categories"][masked].any()
        hidden += int(masked.sum())
    assert sorted(found) == sorted(expected) and feed.targets == hidden


def test_every_place_is_hidden_equally_often(tiny_split):
    feed, counts = cloze_feed(tiny_split, 5, 64, seed=1, share=0.4), Counter()
    for epoch in range(300):
        batch = tiny.arrays(feed.batch(tf.constant(epoch * feed.steps_per_epoch, tf.int64)))
        full = (batch["items"] > 0).all(1)
        counts.update(np.nonzero(batch["items"][full] == MASK)[1].tolist())
    share = np.array([counts[place] for place in range(5)]) / sum(counts.values())
    np.testing.assert_allclose(share, 0.2, atol=4 * math.sqrt(0.16 / sum(counts.values())))


def test_some_rows_hide_the_newest_alone(tiny_split):
    """With last_share = 1 all do; with 1/11 one in eleven, beside those that hide one place by chance."""
    batch = tiny.arrays(cloze_feed(tiny_split, 5, 64, 1, share=0.5, last_share=1.0).batch(tf.constant(0, tf.int64)))
    assert (batch["items"][:, -1] == MASK).all() and (batch["items"] == MASK).sum() == len(batch["items"])
    feed, alone = cloze_feed(tiny_split, 5, 64, 1, share=0.9, last_share=1 / 11), []
    for step in range(600):
        items = tiny.arrays(feed.batch(tf.constant(step, tf.int64)))["items"]
        items = items[(items > 0).all(1)]  # five places: at a share of 0.9, one hidden by chance is rare
        alone += ((items == MASK).sum(1) == 1).tolist()
    by_chance = 5 * 0.9 * 0.1**4 + 0.1**5  # a row must hide something, so none becomes one
    assert np.mean(alone) == pytest.approx(1 / 11 + 10 / 11 * by_chance, abs=4 * math.sqrt(0.083 / len(alone)))


@pytest.mark.parametrize("options", [{"share": 0.0}, {"last_share": 2.0}, {"windows": "all"}])
def test_arguments(tiny_split, options):
    with pytest.raises(UserError):
        cloze_feed(tiny_split, 5, 7, 1, **options)


def hidden_states(weights, items):
    """items: ids without padding -> [T, d + 1], the last column 1: what item vectors and bias are multiplied by."""

    def norm(x, name):
        normed = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-12)
        return normed * weights[f"{name}/gamma"] + weights[f"{name}/beta"]

    x = norm(weights["items/table"][items] + weights["positions/table"][-len(items) :], "input_norm")
    for name in ("block_0", "block_1"):
        x = post_norm_block(x, weights, name, 2, causal=False)
    x = x @ weights["projection/kernel"] + weights["projection/bias"]
    x = norm(x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2))), "output_norm")
    return np.concatenate([x, np.ones((len(x), 1))], axis=1)


def loss_by_hand(weights, data):
    vectors = np.concatenate([weights["items/table"][1:-1], weights["output_bias/table"][1:]], axis=1)
    total, count = 0.0, 0
    for items, positives in zip(data["items"], data["positives"], strict=True):
        for state, target in zip(hidden_states(weights, items[items > 0]), positives[items > 0], strict=True):
            if target:
                logits = vectors @ state
                total += np.log(np.exp(logits).sum()) - logits[target - 1]
                count += 1
    return total / count


def test_states_scores_loss_and_gradient(tiny_split):
    model = tiny.make_model("bert4rec", tiny_split, "float64", inner=6)
    batch = tiny.make_feed(model, tiny_split, batch_size=6).batch(tf.constant(0, tf.int64))
    model.compute_loss(batch, training=False)
    weights, data = tiny.perturb_weights(model), tiny.arrays(batch)
    queries = model.encode(batch)[0].numpy()[:, :, 0]
    newest = model.encode(batch, positions="last")[0].numpy()[:, 0, 0]
    for row, items in enumerate(data["items"]):
        own = items[items > 0]
        tiny.close(queries[row][items > 0], hidden_states(weights, own), 1e-7)  # TensorFlow's erf has 9 digits
        behind = np.append(own, MASK)[-tiny.LENGTH :]
        tiny.close(newest[row], hidden_states(weights, behind)[-1], 1e-7)
    objective = lambda moved: loss_by_hand(moved, data)  # noqa: E731
    check_loss_and_gradient(model, batch, weights, objective, tolerance=1e-7, rtol=1e-5)


def test_columns_of_what_is_hidden():
    """Oldest first; behind a row's own come columns without a target; where nothing is hidden there is one such."""
    positives = tf.constant([[0, 0, 5, 0, 7], [3, 0, 0, 0, 0], [0, 2, 4, 6, 0]])
    columns = hidden_columns(positives).numpy()
    assert columns.shape == (3, 3)
    assert columns[0, :2].tolist() == [2, 4] and columns[1, 0] == 0 and columns[2].tolist() == [1, 2, 3]
    assert np.take_along_axis(positives.numpy(), columns, 1).tolist() == [[5, 7, 0], [3, 0, 0], [2, 4, 6]]
    assert hidden_columns(tf.zeros([2, 4], tf.int32)).shape == (2, 1)


@pytest.mark.parametrize("name", ["bert4rec", "bert_f", "locker", "locker_f"])
def test_the_loss_asks_for_hidden_events_alone(tiny_split, name):
    """The states that it reads are those of the whole history, at the hidden places."""
    model = tiny.make_model(name, tiny_split, "float64")
    batch = tiny.make_feed(model, tiny_split).batch(tf.constant(0, tf.int64))
    model.compute_loss(batch, training=False)
    tiny.perturb_weights(model)
    at = hidden_columns(batch["positives"])
    assert at.shape[1] < batch["items"].shape[1]
    every, some = (model.states(batch, batch["items"], False, False, where)[0].numpy() for where in (None, at))
    tiny.close(some, np.take_along_axis(every, at.numpy()[..., None], 1), 1e-12)
