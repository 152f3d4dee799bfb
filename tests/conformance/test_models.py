"""What every registered model must keep, or say that it does not."""

import numpy as np
import pytest

from tests import tiny
from tests.conformance.table import histories, rows, tensors, trained_rows
from tf_utils.keras_gate import tf


@pytest.fixture(scope="module", params=rows())
def row(request):
    return request.param


@pytest.fixture(scope="module")
def model(row, tiny_split):
    model = row.make(tiny_split)
    if row.trains:
        tiny.perturb_weights(model, 0.1)
    return model


@pytest.fixture(scope="module")
def batch(tiny_split):
    return histories(tiny_split)


@pytest.fixture(scope="module", params=trained_rows())
def trained_row(request):
    return request.param


def newest(model, batch) -> np.ndarray:
    """Scores of all items at the newest position, [B, N]."""
    return model.score_all(model.encode(tensors(batch), positions="last")[0]).numpy()[:, 1:]


def test_how_much_of_a_history_is_read_has_the_name_that_the_runner_reads(model):
    assert (model.regime in (None, "pairwise")) or model.config.max_length > 0


def test_queries(model, batch):
    queries, out = model.encode(tensors(batch))
    last, _ = model.encode(tensors(batch), positions="last")
    rows, steps = batch["items"].shape
    assert queries.shape[:2] == (rows, steps) and last.shape == (rows, 1, *queries.shape[2:])
    assert np.isfinite(queries).all() and isinstance(out, dict)
    same = np.allclose(last[:, 0], queries[:, -1], rtol=1e-5, atol=1e-5)
    assert same != model.mask_token
    tiny.close(model(tensors(batch)), queries, 1e-6)


def test_causality(model, batch):
    """Other events after position 7 move nothing at or before it, or the model says that it is not causal."""
    moved = {name: x.copy() for name, x in batch.items()}
    sizes = {"items": tiny.N_ITEMS, "categories": tiny.N_CATEGORIES, "actions": tiny.N_ACTIONS}
    for name, size in sizes.items():
        later = moved[name][:, 8:]
        moved[name][:, 8:] = np.where(later > 0, later % size + 1, 0)
    before, after = model.encode(tensors(batch))[0].numpy(), model.encode(tensors(moved))[0].numpy()
    valid = batch["items"][:, :8] > 0
    change = np.abs(after - before)[:, :8][valid].max()
    assert change < 1e-5 if model.causal else change > 1e-3


def test_padding(model, batch):
    """Three more cells of padding, and other vectors in row 0 of every table, move nothing; or the model says so."""
    narrow = {name: x if x.ndim == 1 else x[:, 3:] for name, x in batch.items()}
    scores, narrow_scores = newest(model, batch), newest(model, narrow)
    saved = [w.numpy() for w in model.trainable_variables]
    for weight in model.trainable_variables:
        if "table" in weight.name and "positions" not in weight.name:
            # Not the same in every cell: a layer normalisation would cancel that.
            weight[0].assign(weight[0] + np.linspace(1.0, 2.0, weight.shape[-1]))
    other = newest(model, batch)
    for weight, value in zip(model.trainable_variables, saved, strict=True):
        weight.assign(value)
    if model.padding_invariant:
        tiny.close(narrow_scores, scores, 1e-5)
        tiny.close(other, scores, 1e-6)
    else:
        assert np.abs(other - scores).max() > 1e-4


def test_scores(model, batch):
    """score gathers score_all, and the retrieval factors, where there are any, reproduce it."""
    queries, _ = model.encode(tensors(batch), positions="last")
    everything = model.score_all(queries).numpy()
    assert everything.shape == (8, tiny.N_ITEMS + 1)
    candidates = np.random.default_rng(0).integers(1, tiny.N_ITEMS + 1, (8, 6)).astype(np.int32)
    expected = np.take_along_axis(everything, candidates, axis=1)
    tiny.close(model.score(queries, tf.constant(candidates)), expected, 1e-5)
    factors = model.retrieval_factors()
    if factors is None:
        with pytest.raises(NotImplementedError):  # no inner product: there is no item matrix either
            model.item_matrix()
    else:
        function, matrix = factors
        products = np.einsum("bkd,nd->bkn", function(tensors(batch)), matrix).max(axis=1)
        tiny.close(products[:, 1:], everything[:, 1:], 1e-5)


def test_attention_rows(row, model, batch):
    """The rows of every map sum to 1 over valid keys (where a model says so), and to 0 where nothing is visible."""
    maps = {name: x.numpy() for name, x in model.encode(tensors(batch))[1].items() if name.endswith("attention")}
    assert maps or row.name not in ("asli", "sasrec")
    valid = batch["items"] > 0
    for name, weights in maps.items():
        steps = valid.shape[1]
        assert weights.shape[0] == 8 and weights.shape[2:] == (steps, steps)
        assert (weights >= 0).all(), name
        assert (weights[np.broadcast_to(~valid[:, None, None], weights.shape)] == 0).all(), name
        sees = np.cumsum(valid, axis=1) > 0
        sums, expected = weights.sum(-1), np.broadcast_to(sees[:, None], weights.shape[:3])
        if not model.causal:  # padding may look at what comes after it; nobody looks at padding
            sums, expected = sums * valid[:, None], expected & valid[:, None]
        assert (sums[~expected] == 0).all() and (sums < 1 + 1e-5).all()
        assert np.allclose(sums, expected, atol=1e-5) == model.normalised_attention


def test_saved_and_loaded(row, model, batch, tiny_split, tmp_path):
    path = tf.train.Checkpoint(model=model).write(str(tmp_path / "model"))
    other = tiny.make_model(row.name, tiny_split, **row.hyper)
    other.encode(tensors(batch))
    if row.trains:
        other.compute_loss(row.batch(other, tiny_split), training=False)
    tf.train.Checkpoint(model=other).read(path).assert_existing_objects_matched().assert_consumed()
    np.testing.assert_array_equal(newest(other, batch), newest(model, batch))


def test_mixed_bfloat16(trained_row, tiny_split, batch):
    model, half = trained_row.make(tiny_split), trained_row.make(tiny_split, "mixed_bfloat16")
    tiny.perturb_weights(model, 0.1)
    for mine, other in zip(half.trainable_variables, model.trainable_variables, strict=True):
        assert mine.dtype == tf.float32 and mine.name == other.name
        mine.assign(other)
    training = trained_row.batch(model, tiny_split)
    with tf.GradientTape(persistent=True) as tape:
        losses = [m.compute_loss(training, training=False) for m in (half, model)]
    assert losses[0].dtype == tf.float32
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.02)
    for loss, m in zip(losses, (half, model), strict=True):
        for gradient in tape.gradient(loss, m.trainable_variables):
            assert np.isfinite(tf.convert_to_tensor(gradient)).all()
    scores = newest(model, batch)
    assert half.encode(tensors(batch))[0].dtype == (tf.float32 if half.float32_scores else tf.bfloat16)
    assert np.abs(newest(half, batch).astype(np.float32) - scores).max() < 0.05 * np.abs(scores).max()
