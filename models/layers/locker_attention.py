"""Attention of which some heads are global and the others local (LOCKER)."""

import math

from models.layers.attention import fresh, head_width, split_heads
from models.layers.dropout import StatelessDropout
from models.layers.local_heads import AdaptiveScores, GaussScores, LocalConvolution, LocalRecurrence, within
from tf_utils.keras_gate import tf
from tf_utils.masks import softmax_where

SCORES = ("adapt", "gauss", "gauss_sigmoid", "window")  # re-weighted attention
ENCODERS = {"conv": LocalConvolution, "rnn": LocalRecurrence}
LOCAL_POSITIONS = ("adapt", "gauss", "gauss_sigmoid")  # absolute positions enter inside the local heads alone
GAUSS_WIDTH, TEMPERATURE = 0.5, 0.1


class MixedAttention(tf.keras.layers.Layer):
    """Bidirectional attention of several heads: the first ones see everything, the others mind the neighbourhood.

    Args:
        dim: d, the width of queries, keys and result.
        heads: number of heads; d must be a multiple.
        local_heads: how many of them are local: the last ones.
        local: their form: "adapt": `AdaptiveScores` as ln theta; "gauss": `GaussScores` as ln theta; "gauss_sigmoid":
            the logits times s(p / 0.1) instead, as the released code has it; "window": `within`; "conv", "rnn":
            `LocalConvolution`, `LocalRecurrence` of the values, no attention.
        length: n, the longest history.
        reach: of the window, the convolution and the recurrence, in events.
        dropout: rate on the attention weights.
        initializer: of all matrices.

    Reference: He et al., CIKM 2021, section 3; LEDGER B4.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        local_heads: int,
        local: str,
        length: int,
        reach: int,
        dropout: float,
        initializer,
        **kwargs,
    ):
        super().__init__(**kwargs)
        width = head_width(dim, heads)
        if not 0 < local_heads < heads:
            raise ValueError(f"local_heads must be in 1..{heads - 1} (heads - 1), got {local_heads}")
        if local not in (*SCORES, *ENCODERS):
            raise ValueError(f"local must be one of {', '.join((*SCORES, *ENCODERS))}, got {local!r}")
        if reach < 0:
            raise ValueError(f"reach must not be negative, got {reach}")
        self.dim, self.width, self.local, self.reach = dim, width, local, reach
        self.length, self.global_heads, self.local_heads = length, heads - local_heads, local_heads
        self.initializer = initializer
        attending = (heads if local in SCORES else self.global_heads) * self.width

        def dense(units, name):
            return tf.keras.layers.Dense(units, kernel_initializer=fresh(initializer), name=name)

        self.query, self.key = dense(attending, "query"), dense(attending, "key")
        self.value, self.output_projection = dense(dim, "value"), dense(dim, "output")
        self.dropout = StatelessDropout(dropout)
        self.scores = self.encoder = None
        if local == "adapt":
            self.scores = AdaptiveScores(local_heads, self.width, length, initializer, name="scores")
        elif local in ("gauss", "gauss_sigmoid"):
            self.scores = GaussScores(local_heads, length, GAUSS_WIDTH, name="scores")
        elif local in ENCODERS:
            self.encoder = ENCODERS[local](local_heads, self.width, reach, initializer, name=local)

    def build(self, input_shape):
        if self.local in LOCAL_POSITIONS:
            shape = [self.length, self.local_heads, self.width]
            self.query_positions, self.key_positions = (
                self.add_weight(name=f"{name}_positions", shape=shape, initializer=fresh(self.initializer))
                for name in ("query", "key")
            )
        super().build(input_shape)

    def call(self, queries: tf.Tensor, keys: tf.Tensor, key_mask: tf.Tensor, users=None, training: bool = False):
        """Attends.

        Args:
            queries: [B, Q, d], the newest Q.
            keys: [B, K, d].
            key_mask: bool [B, K], True for valid keys.
            users: [B, d], of "adapt" alone.

        Returns:
            (result [B, Q, d], weights [B, heads that attend, Q, K]: the global heads, then the local ones)
        """
        rows, columns = tf.shape(queries)[1], tf.shape(keys)[1]
        products = (split_heads(x, self.width) for x in (self.query(queries), self.key(keys), self.value(keys)))
        (q, near_q), (k, near_k), (v, near_v) = (tf.split(x, [self.global_heads, -1], axis=1) for x in products)
        mask = key_mask[:, None, None, :]
        result, weights = self._attend(self._logits(q, k), v, mask, training)
        if self.encoder is not None:
            near = self.encoder(near_v * tf.cast(key_mask, v.dtype)[:, None, :, None])[:, :, columns - rows :]
        else:
            near, more = self._near(near_q, near_k, near_v, mask, users, training)
            weights = tf.concat([weights, more], axis=1)
        joined = tf.reshape(tf.transpose(tf.concat([result, near], axis=1), [0, 2, 1, 3]), tf.shape(queries))
        return self.output_projection(tf.ensure_shape(joined, queries.shape)), weights

    def _near(self, q, k, v, mask, users, training):
        """What re-weighted local heads give."""
        rows, columns = tf.shape(q)[2], tf.shape(k)[2]
        if self.local in LOCAL_POSITIONS:
            q += self._newest(self.query_positions, rows, q.dtype)
            k += self._newest(self.key_positions, columns, k.dtype)
        logits = self._logits(q, k)
        if self.local == "adapt":
            logits += self.scores(v, users, rows)
        elif self.local == "gauss":
            logits += self.scores(rows, columns)
        elif self.local == "gauss_sigmoid":
            logits *= tf.sigmoid(self.scores(rows, columns) / TEMPERATURE)
        else:
            mask &= within(self.reach, rows, columns)
        return self._attend(logits, v, mask, training)

    def _logits(self, q, k):
        return tf.matmul(q * (1.0 / math.sqrt(self.width)), k, transpose_b=True)

    def _attend(self, logits, v, mask, training):
        weights = softmax_where(logits, mask)
        dropped = self.dropout(weights, training=training)
        # Where nothing is visible the softmax is uniform; such rows are padding, or there is none.
        sees = tf.cast(tf.reduce_any(mask, axis=-1, keepdims=True), v.dtype)
        return tf.matmul(dropped, v) * sees, weights * sees

    def _newest(self, table: tf.Tensor, steps: tf.Tensor, dtype) -> tf.Tensor:
        """[h, T, e]: the positions of the newest `steps` cells."""
        return tf.transpose(tf.cast(table, dtype)[self.length - steps :], [1, 0, 2])
