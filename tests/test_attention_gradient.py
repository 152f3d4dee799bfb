"""The attention core's own gradient and its query chunks against plain masked attention under autodiff, in float64."""

import numpy as np
import pytest

from models.layers import attention
from models.layers.attention import MaskedAttention
from tests import tiny
from tf_utils.keras_gate import tf
from tf_utils.masks import causal, softmax_where
from tf_utils.rng import step_rng

B, T, D = 3, 11, 6


def inputs():
    rng = np.random.default_rng(0)
    queries, keys, upstream = (tf.constant(rng.normal(size=(B, T, D))) for _ in range(3))
    return queries, keys, upstream, tf.constant(np.arange(T) >= np.array([[0], [4], [T]]))  # the last row: padding only


def layer(chunks, monkeypatch, **options):
    monkeypatch.setattr(attention, "QUERY_CHUNKS", chunks)
    tf.keras.utils.set_random_seed(1)
    with tiny.precision("float64"):
        return MaskedAttention(D, **options)


def plain(made, queries, keys, mask, keep, scale):
    rows = queries.shape[1]
    q, k, v = made._split(made.query(queries)), made._split(made.key(keys)), made._split(made.value(keys))
    seen = mask[:, None, None, :]
    if made.causal:
        seen = seen & causal(rows, T)
    weights = softmax_where(tf.matmul(q, k, transpose_b=True) * made.scale, seen) * keep * scale
    result = tf.matmul(weights, v) * tf.cast(tf.reduce_any(seen, -1, keepdims=True), tf.float64)
    return tf.reshape(tf.transpose(result, [0, 2, 1, 3]), [B, rows, D])


def gradients(function, sources, upstream):
    with tf.GradientTape() as tape:
        tape.watch(sources)
        result = function()
    return [result, *tape.gradient(result, sources, upstream)]


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize(("heads", "rows"), [(1, T), (2, T), (1, 1)])
@pytest.mark.parametrize(("causal_", "chunks"), [(False, 2), (True, 1), (True, 2), (True, 4)])
def test_gradient_is_that_of_autodiff(monkeypatch, causal_, chunks, heads, rows, dropout):
    made = layer(chunks, monkeypatch, heads=heads, causal=causal_, dropout=dropout)
    queries, keys, upstream, mask = inputs()
    queries, upstream = queries[:, -rows:], upstream[:, -rows:]
    made(queries, keys, mask)
    kept, keep = [], np.ones((B, heads, rows, T))
    draw = made.dropout.draw

    def recorded(shape):
        kept.append(draw(shape))
        return kept[-1]

    monkeypatch.setattr(made.dropout, "draw", recorded)
    sources = [queries, keys, *made.trainable_variables]

    def ours():
        with step_rng(1, tf.constant(0)):
            return made(queries, keys, mask, training=True)[0]

    found = gradients(ours, sources, upstream)
    scale, row = kept[0][1] if kept else 1.0, 0
    for chunk, _ in kept:
        keep[:, :, row : row + chunk.shape[2], : chunk.shape[3]] = chunk
        row += chunk.shape[2]
    expected = gradients(lambda: plain(made, queries, keys, mask, keep, scale), sources, upstream)
    assert len(kept) == (0 if not dropout else chunks if causal_ else 1)
    for a, b in zip(found, expected, strict=True):
        tiny.close(a, b, 1e-12)
