"""Masked attention over histories."""

import math

from models.layers.dropout import StatelessDropout
from tf_utils.keras_gate import tf
from tf_utils.masks import causal, softmax_where
from tf_utils.precision import precise

QUERY_CHUNKS = 2  # more save less than their slices cost


def fresh(initializer):
    """A new instance of the same kind: an unseeded one that is used twice draws the same values twice."""
    return (
        type(initializer).from_config(initializer.get_config()) if hasattr(initializer, "get_config") else initializer
    )


def head_width(dim: int, heads: int) -> int:
    """d / heads.  Raises ValueError where that is no whole number."""
    if dim % heads:
        raise ValueError(f"dim {dim} is not a multiple of heads {heads}")
    return dim // heads


def split_heads(x: tf.Tensor, width: int) -> tf.Tensor:
    """[B, T, h e] -> [B, h, T, e], e = `width`."""
    shape = tf.shape(x)
    return tf.transpose(tf.reshape(x, [shape[0], shape[1], x.shape[-1] // width, width]), [0, 2, 1, 3])


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
        scale: what the logits are divided by: "head" sqrt(d / heads), "model" sqrt(d), or a number.
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
        scale: str | float = "head",
        dropout: float = 0.0,
        initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        named = {"head": math.sqrt(head_width(dim, heads)), "model": math.sqrt(dim)}
        if isinstance(scale, str) and scale not in named:
            raise ValueError(f'scale must be "head", "model" or a number, got {scale!r}')
        self.dim, self.heads, self.causal = dim, heads, causal
        self.scale = 1.0 / named.get(scale, scale)

        def dense(name):
            return tf.keras.layers.Dense(
                dim, use_bias=use_bias, kernel_initializer=fresh(initializer), name=name, dtype=self.dtype_policy
            )

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
        q, k, v = self._projected(queries, keys)
        result, weights = self._attended(q * self.scale, k, v, key_mask, training)
        return self._joined(result, queries), weights

    def _projected(self, queries: tf.Tensor, keys: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Q [B, h, Q, e], K and V [B, h, K, e], e = d / heads."""
        return self._split(self.query(queries)), self._split(self.key(keys)), self._split(self.value(keys))

    def _attended(self, q, k, v, key_mask: tf.Tensor, training: bool, bias: tf.Tensor | None = None):
        """softmax(q k' + bias where visible) v.

        q, k: [B, h, Q, e'], [B, h, K, e'].  v: [B, h, K, e].  bias: [h, Q, K], the same for every row, or None.

        Returns:
            (result [B, h, Q, e], weights [B, h, Q, K])
        """
        logits = tf.matmul(q, k, transpose_b=True)
        if bias is not None:
            logits += bias
        mask = self._visible(key_mask, tf.shape(q)[2])
        weights = softmax_where(logits, mask)
        if training:
            # `weights` is computed beside this for those who look at it; a graph in which nobody does drops it.
            result = self._attend(q, k, v, mask, bias)
        else:
            result = tf.matmul(weights, v)
        # Where nothing is visible the softmax is uniform. To clear that here costs d cells a row instead of T.
        sees = tf.cast(tf.reduce_any(mask, axis=-1, keepdims=True), result.dtype)
        return result * sees, weights * sees

    def _visible(self, key_mask: tf.Tensor, queries: tf.Tensor) -> tf.Tensor:
        """bool, broadcastable to [B, h, Q, K]: the keys that each of the newest Q queries sees."""
        mask = key_mask[:, None, None, :]
        return mask & causal(queries, tf.shape(key_mask)[1]) if self.causal else mask

    def _joined(self, result: tf.Tensor, queries: tf.Tensor) -> tf.Tensor:
        """[B, h, Q, e] -> [B, Q, d], the shape of `queries`, through W_O if there is one."""
        result = tf.reshape(tf.transpose(result, [0, 2, 1, 3]), tf.shape(queries))
        result = tf.ensure_shape(result, queries.shape)
        return result if self.output_projection is None else self.output_projection(result)

    def _attend(self, q, k, v, mask: tf.Tensor, bias: tf.Tensor | None) -> tf.Tensor:
        """[B, h, Q, e]: `_weighted_sum`; causal queries go in QUERY_CHUNKS chunks, each with the keys up to its end."""
        rows, keys = tf.shape(q)[2], tf.shape(k)[2]
        chunks = QUERY_CHUNKS if self.causal else 1
        ends = [(rows * (j + 1) // chunks, keys - rows + rows * (j + 1) // chunks) for j in range(chunks - 1)]
        ends.append((rows, keys))
        starts = [0, *(row for row, _ in ends[:-1])]
        seen = [mask[:, :, lo:hi, :to] for lo, (hi, to) in zip(starts, ends, strict=True)] if chunks > 1 else [mask]
        keeps, scale = [None] * chunks, 1.0
        if self.dropout.drops:
            for j, (lo, (hi, to)) in enumerate(zip(starts, ends, strict=True)):
                keeps[j], scale = self.dropout.draw(tf.concat([tf.shape(q)[:2], tf.stack([hi - lo, to])], axis=0))
        biases = []
        if bias is not None:
            biases = [bias[:, lo:hi, :to] for lo, (hi, to) in zip(starts, ends, strict=True)] if chunks > 1 else [bias]
        return _weighted_sum(q, k, v, ends, seen, keeps, scale, biases)

    def _split(self, x: tf.Tensor) -> tf.Tensor:
        return split_heads(x, self.dim // self.heads)


def _weighted_sum(q, k, v, ends, masks, keeps, scale, biases=()) -> tf.Tensor:
    """softmax(q k' + bias where mask) v with dropout of the weights; with a gradient of few passes over the map.

    Chunk j has the queries ends[j - 1][0]..ends[j][0] - 1 and the keys below ends[j][1].
    The gradient of the logits is P * (drop(dO v') - rowsum(dO * O)) (Dao et al., NeurIPS 2022, appendix B.2); where the
    mask is False, P is 0. Rows in which nothing is visible must get no gradient (the caller clears their result).
    Slices and their gradients are written out: that of a strided slice costs as much as a product.

    Args:
        q, k, v: [B, h, Q, e], [B, h, K, e] twice.
        ends, masks, keeps: one entry a chunk: int32 [] twice, bool broadcastable to the chunk's map, and bool of its
            shape (or None: nothing is dropped).
        scale: of what dropout keeps.
        biases: one a chunk, [h, queries, keys] of the chunk's map, or none at all.
    """
    chunks = list(range(len(ends)))
    cut = lambda x, lo, hi: x if len(ends) == 1 else x[:, :, lo:hi]  # noqa: E731
    rows = lambda x, j: cut(x, ends[j - 1][0] if j else 0, ends[j][0])  # noqa: E731
    upto = lambda x, j: x if j == chunks[-1] else x[:, :, : ends[j][1]]  # noqa: E731
    join = lambda parts: parts[0] if len(parts) == 1 else tf.concat(parts, axis=2)  # noqa: E731

    def drop(x, j):
        return x if keeps[j] is None else tf.raw_ops.Select(condition=keeps[j], x=x, y=tf.zeros_like(x))

    def add_up(parts):
        """The sum of [B, h, ends[j][1], e]."""
        total = parts[-1]
        for j in reversed(chunks[:-1]):
            total = tf.concat([total[:, :, : ends[j][1]] + parts[j], total[:, :, ends[j][1] :]], axis=2)
        return total

    @tf.custom_gradient
    def forward(q, k, v, *biases):
        factor = tf.constant(scale, q.dtype)
        logits = [tf.matmul(rows(q, j), upto(k, j), transpose_b=True) for j in chunks]
        if biases:
            logits = [x + bias for x, bias in zip(logits, biases, strict=True)]
        weights = [softmax_where(x, masks[j]) for j, x in enumerate(logits)]
        dropped = [drop(weights[j], j) for j in chunks]
        result = join([tf.matmul(dropped[j], upto(v, j)) for j in chunks]) * factor

        def backward(grad):
            along = tf.reduce_sum(grad * result, axis=-1, keepdims=True)
            grad *= factor
            dq, dk, dv, dbiases = [], [], [], []
            for j in chunks:
                part = rows(grad, j)
                dlogits = weights[j] * (drop(tf.matmul(part, upto(v, j), transpose_b=True), j) - rows(along, j))
                dq.append(tf.matmul(dlogits, upto(k, j)))
                dk.append(tf.matmul(dlogits, rows(q, j), transpose_a=True))
                dv.append(tf.matmul(dropped[j], part, transpose_a=True))
                if biases:  # shared by the rows of the batch
                    dbiases.append(tf.cast(tf.reduce_sum(precise(dlogits), axis=0), dlogits.dtype))
            return join(dq), add_up(dk), add_up(dv), *dbiases

        return result, backward

    return forward(q, k, v, *biases)
