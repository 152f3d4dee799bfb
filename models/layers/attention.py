"""Masked attention over histories."""

import math

from models.layers.dropout import StatelessDropout
from tf_utils.keras_gate import tf
from tf_utils.masks import causal, softmax_where


class MaskedAttention(tf.keras.layers.Layer):
    """softmax(Q K^T / s) V with padded keys, and (if causal) later keys, masked out; heads are slices of d.

    Q = queries W_Q, K = keys W_K, V = keys W_V. Queries and keys are aligned at the newest position, so position i of
    the queries sees keys 0..i.

    Args:
        dim: d, the width of queries, keys and result.
        heads: number of heads; d must be a multiple.
        causal: whether later keys are hidden.
        use_bias: biases of the three projections.
        output_projection: adds W_O after the heads are joined (Vaswani et al.; SASRec, ASLI have none).
        scale: "head" divides the logits by sqrt(d / heads), "model" by sqrt(d).
        dropout: rate on the attention weights.

    Reference: ASLI eq. 1; SASRec (Kang and McAuley, ICDM 2018) eq. 2.
    """

    def __init__(
        self,
        dim: int,
        heads: int = 1,
        causal: bool = True,
        use_bias: bool = True,
        output_projection: bool = False,
        scale: str = "head",
        dropout: float = 0.0,
        initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if dim % heads:
            raise ValueError(f"dim {dim} is not a multiple of heads {heads}")
        if scale not in ("head", "model"):
            raise ValueError(f'scale must be "head" or "model", got {scale!r}')
        self.dim, self.heads, self.causal = dim, heads, causal
        self.scale = 1.0 / math.sqrt(dim // heads if scale == "head" else dim)
        dense = lambda name: tf.keras.layers.Dense(dim, use_bias=use_bias, kernel_initializer=initializer, name=name)  # noqa: E731
        self.query, self.key, self.value = dense("query"), dense("key"), dense("value")
        self.output_projection = dense("output") if output_projection else None
        self.dropout = StatelessDropout(dropout)

    def call(self, queries: tf.Tensor, keys: tf.Tensor, key_mask: tf.Tensor, training: bool = False):
        """Attends.

        Args:
            queries: [B, Q, d].
            keys: [B, K, d]; K = Q where causal, or Q = 1 for the newest position only.
            key_mask: bool [B, K], True for valid keys.

        Returns:
            (result [B, Q, d], weights [B, heads, Q, K]); a query that sees no valid key has zero weights and result.
        """
        q, k, v = self._split(self.query(queries)), self._split(self.key(keys)), self._split(self.value(keys))
        q = q * self.scale
        logits = tf.einsum("bhqd,bhkd->bhqk", q, k)
        mask = key_mask[:, None, None, :]
        if self.causal:
            mask = mask & causal(tf.shape(queries)[1], tf.shape(keys)[1])
        weights = softmax_where(logits, mask)
        result = tf.einsum("bhqk,bhkd->bhqd", self.dropout(weights, training=training), v)
        # Where nothing is visible the softmax is uniform. To clear that here costs d cells a row instead of T.
        sees = tf.cast(tf.reduce_any(mask, axis=-1, keepdims=True), result.dtype)
        result = tf.reshape(tf.transpose(result * sees, [0, 2, 1, 3]), tf.shape(queries))
        result = tf.ensure_shape(result, queries.shape)
        if self.output_projection is not None:
            result = self.output_projection(result)
        return result, weights * sees

    def _split(self, x: tf.Tensor) -> tf.Tensor:
        """[B, T, d] -> [B, heads, T, d / heads]."""
        shape = tf.shape(x)
        x = tf.reshape(x, [shape[0], shape[1], self.heads, self.dim // self.heads])
        return tf.transpose(x, [0, 2, 1, 3])
