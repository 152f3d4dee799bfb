"""SASRec as one would write it in tf-keras in an afternoon: the yardstick of the training step.

Padded batches, Keras' own Dense, Dropout, LayerNormalization and Adam, masks of -1e9 that are added. It computes the
same loss as models/baselines/sasrec.py from the same weights (tests/test_bench.py), or the comparison would mean
nothing. Reference: Kang and McAuley, ICDM 2018, section III, with the residuals of their code.
"""

from __future__ import annotations

from models.baselines.sasrec import SASRec
from tf_utils.keras_gate import tf

keras = tf.keras


class NaiveBlock(keras.layers.Layer):
    """One attention block with one head."""

    def __init__(self, dim: int, dropout: float, **kwargs):
        super().__init__(**kwargs)
        self.query_norm = keras.layers.LayerNormalization(epsilon=1e-8)
        self.ffn_norm = keras.layers.LayerNormalization(epsilon=1e-8)
        self.query, self.key, self.value = (keras.layers.Dense(dim) for _ in range(3))
        self.inner, self.outer = keras.layers.Dense(dim, activation="relu"), keras.layers.Dense(dim)
        self.weight_dropout, self.inner_dropout, self.outer_dropout = (keras.layers.Dropout(dropout) for _ in range(3))
        self.scale = dim**-0.5

    def call(self, x, mask, bias, training):
        """x [B, n, d], mask [B, n, 1] of 0 and 1, bias [B, n, n] of 0 and -1e9 -> [B, n, d]."""
        normed = self.query_norm(x)
        logits = tf.matmul(self.query(normed), self.key(x), transpose_b=True) * self.scale + bias
        weights = self.weight_dropout(tf.nn.softmax(logits), training=training)
        x = self.ffn_norm(tf.matmul(weights, self.value(x)) + normed)
        hidden = self.inner_dropout(self.inner(x), training=training)
        return (x + self.outer_dropout(self.outer(hidden), training=training)) * mask


class NaiveSASRec(keras.Model):
    """items, positions, blocks: as in SASRec; `length` is n, and every batch has that width."""

    def __init__(self, n_items: int, dim: int, length: int, blocks: int, dropout: float):
        super().__init__()
        self.dim, self.length = dim, length
        self.items = keras.layers.Embedding(n_items + 1, dim)
        self.positions = keras.layers.Embedding(length, dim)
        self.dropout = keras.layers.Dropout(dropout)
        self.blocks = [NaiveBlock(dim, dropout) for _ in range(blocks)]
        self.norm = keras.layers.LayerNormalization(epsilon=1e-8)

    def call(self, items, training=False):
        """items int32 [B, n], left-padded with 0 -> [B, n, d]."""
        x = self.items(items) * self.dim**0.5
        x = self.dropout(x + self.positions(tf.range(self.length)), training=training)
        mask = tf.cast(items > 0, x.dtype)
        causal = tf.linalg.band_part(tf.ones([self.length, self.length], x.dtype), -1, 0)
        bias = (1.0 - causal[None] * mask[:, None, :]) * -1e9
        x *= mask[:, :, None]
        for block in self.blocks:
            x = block(x, mask[:, :, None], bias, training=training)
        return self.norm(x)

    def loss_of(self, batch, training: bool):
        """[]: mean binary cross-entropy of positives and negatives over valid cells; fields are [B, n]."""
        queries = self(batch["items"], training=training)
        scores = [tf.reduce_sum(queries * self.items(batch[name]), -1) for name in ("positives", "negatives")]
        losses = keras.losses.binary_crossentropy  # of one cell at a time, hence the last axis of width 1
        positive = losses(tf.ones_like(scores[0])[..., None], scores[0][..., None], from_logits=True)
        negative = losses(tf.zeros_like(scores[1])[..., None], scores[1][..., None], from_logits=True)
        valid = tf.cast(batch["positives"] > 0, positive.dtype)
        return tf.reduce_sum((positive + negative) * valid) / tf.reduce_sum(valid)

    def copy_from(self, model: SASRec) -> None:
        """Takes over the weights of a built SASRec; needs to be built too (call it once)."""
        _copy(self.items, [model.items.table])
        _copy(self.positions, [model.positions.table])
        _copy(self.norm, [model.norm.gamma, model.norm.beta])
        for naive, block in zip(self.blocks, model.blocks, strict=True):
            _copy(naive.query_norm, [block.query_norm.gamma, block.query_norm.beta])
            _copy(naive.ffn_norm, [block.ffn_norm.gamma, block.ffn_norm.beta])
            for name in ("query", "key", "value"):
                source = getattr(block.attention, name)
                _copy(getattr(naive, name), [source.kernel, source.bias])
            for name in ("inner", "outer"):
                source = getattr(block.ffn, name)
                _copy(getattr(naive, name), [source.kernel, source.bias])


def _copy(layer, weights) -> None:
    layer.set_weights([weight.numpy() for weight in weights])
