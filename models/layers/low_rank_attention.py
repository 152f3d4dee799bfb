"""Low-rank self-attention: items attend to k latent interests, and positions to positions apart from the items."""

import math

from models.layers.attention import fresh, head_width, split_heads
from models.layers.dropout import StatelessDropout
from models.layers.initializers import normal
from models.layers.norm import LayerNorm
from models.layers.transformer import PostNormBlock
from tf_utils.keras_gate import tf
from tf_utils.precision import precise

AXES = {"queries": -2, "interests": -1}  # what the weights sum to 1 over


class InterestAggregation(tf.keras.layers.Layer):
    """D' X with D = softmax(X theta) over the positions: each of k interests is a mean of the rows of X.

    Args:
        interests: k.

    Reference: LightSANs (Fan et al., SIGIR 2021), item-to-interest aggregation; theta starts as N(0, 1) in their code.
    """

    def __init__(self, interests: int, **kwargs):
        super().__init__(**kwargs)
        self.interests = interests

    def build(self, input_shape):
        shape = [input_shape[-1], self.interests]
        self.theta = self.add_weight(name="theta", shape=shape, initializer=normal(1.0))
        super().build(input_shape)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """x: [B, n, d]. Returns [B, k, d]."""
        weights = _softmax(tf.matmul(x, tf.cast(self.theta, x.dtype)), axis=-2)  # D: [B, n, k]
        return tf.matmul(weights, x, transpose_a=True)


class LowRankAttention(tf.keras.layers.Layer):
    """softmax(Q f(K)' / sqrt(e)) f(V) + softmax(Qp Kp' / (e sqrt(2))) V, joined over heads and times W_O.

    f is an `InterestAggregation`, one for keys and one for values, before the heads are split; Qp and Kp come from the
    normalised position vectors alone; e = d / heads. Nothing is masked: every cell is a query, a key and part of every
    interest, padding and later events too.

    Args:
        dim: d, a multiple of `heads`.
        heads: number of heads.
        interests: k.
        normalise: what each softmax runs over: "interests" (for positions: keys), so that the weights of a query sum
            to 1; "queries": the weights of an interest (a key) over all queries do, as in the released code.
        dropout: rate on the weights of the interests.
        initializer: of the projections.

    Raises:
        ValueError: for another `normalise`, or where d is no multiple of the heads.

    Reference: LightSANs (Fan et al., SIGIR 2021), low-rank decomposed self-attention and decoupled position encoding;
    the scale of the second term is their code's (after Ke et al., ICLR 2021, eq. 8).
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        interests: int,
        normalise: str = "interests",
        dropout: float = 0.0,
        initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        width = head_width(dim, heads)
        if normalise not in AXES:
            raise ValueError(f"normalise must be one of {', '.join(AXES)}, got {normalise!r}")
        self.heads, self.width, self.axis = heads, width, AXES[normalise]

        def dense(name):
            return tf.keras.layers.Dense(dim, kernel_initializer=fresh(initializer), name=name)

        self.query, self.key, self.value = dense("query"), dense("key"), dense("value")
        self.position_query, self.position_key = dense("position_query"), dense("position_key")
        self.output_projection = dense("output")
        self.key_interests = InterestAggregation(interests, name="key_interests")
        self.value_interests = InterestAggregation(interests, name="value_interests")
        self.position_norm = LayerNorm(epsilon=1e-12, name="position_norm")
        self.dropout = StatelessDropout(dropout)

    def call(self, x: tf.Tensor, positions: tf.Tensor, cell: tf.Tensor | None = None, training: bool = False):
        """Attends.

        Args:
            x: [B, n, d].
            positions: [n, d], the vector of each cell's position.
            cell: int32 [B], the one cell of each row whose result is wanted; None: all.

        Returns:
            (result [B, Q, d], weights of the interests [B, heads, Q, k], weights of the positions [heads, n, n]);
            Q = n, or 1 where `cell` is given.
        """
        q, values = self._split(self.query(x)), self.value(x)
        k, v = self._split(self.key_interests(self.key(x))), self._split(self.value_interests(values))
        weights = _softmax(tf.matmul(q, k, transpose_b=True) / math.sqrt(self.width), self.axis)
        by_position = self._position_weights(positions)
        values = self._split(values)
        if cell is None:
            context = tf.einsum("hij,bhje->bhie", by_position, values)
        else:
            weights = tf.gather(tf.transpose(weights, [0, 2, 1, 3]), cell, batch_dims=1)[:, :, None, :]
            row = tf.gather(tf.transpose(by_position, [1, 0, 2]), cell)  # [B, heads, n]
            context = tf.einsum("bhj,bhje->bhe", row, values)[:, :, None, :]
        context += tf.matmul(self.dropout(weights, training=training), v)
        shape = tf.stack([tf.shape(x)[0], tf.shape(context)[2], self.heads * self.width])
        joined = tf.reshape(tf.transpose(context, [0, 2, 1, 3]), shape)
        joined = tf.ensure_shape(joined, [None, None, self.heads * self.width])
        return self.output_projection(joined), weights, by_position

    def _position_weights(self, positions: tf.Tensor) -> tf.Tensor:
        """[n, d] -> [heads, n, n]: the same for every row of a batch."""
        normed = self.position_norm(positions[None])
        q, k = self._split(self.position_query(normed)), self._split(self.position_key(normed))
        logits = tf.matmul(q, k, transpose_b=True)[0] / (math.sqrt(2.0) * self.width)
        return _softmax(logits, self.axis)

    def _split(self, x: tf.Tensor) -> tf.Tensor:
        return split_heads(x, self.width)


class LowRankBlock(PostNormBlock):
    """The post-norm block of BERT around `LowRankAttention`.

    Args:
        inner: width of the feed-forward network.
        dropout: rate after attention and feed-forward.
        attention_dropout, dim, heads, interests, normalise: as in `LowRankAttention`.
        initializer: of all matrices.

    Reference: LightSANs (Fan et al., SIGIR 2021).
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        interests: int,
        inner: int,
        normalise: str = "interests",
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        initializer="glorot_uniform",
        **kwargs,
    ):
        attention = LowRankAttention(dim, heads, interests, normalise, attention_dropout, initializer, name="attention")
        super().__init__(dim, heads, inner, dropout, initializer=initializer, attention=attention, **kwargs)

    def call(self, x: tf.Tensor, positions: tf.Tensor, cell: tf.Tensor | None = None, training: bool = False):
        """As `LowRankAttention.call`; the first of the three results is the block's."""
        attended, weights, by_position = self.attention(x, positions, cell, training=training)
        if cell is not None:
            x = tf.gather(x, cell, batch_dims=1)[:, None, :]
        return self.after_attention(x, attended, training), weights, by_position


def _softmax(logits: tf.Tensor, axis: int) -> tf.Tensor:
    """In float32 at least; the result has the dtype of `logits`."""
    return tf.cast(tf.nn.softmax(precise(logits), axis=axis), logits.dtype)
