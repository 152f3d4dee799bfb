"""Attention whose weights are multiplied by learned masking scores (CAFE's item encoder)."""

from models.layers.attention import MaskedAttention, fresh
from models.layers.embedding import LearnedPositions
from models.layers.local_heads import relative
from tf_utils.keras_gate import tf

FORMS = ("paper", "official")


class LocalAttention(MaskedAttention):
    """Causal attention with exp(w_ij) theta_ij in place of exp(w_ij), theta_ij from both events and their distance.

    Under "paper", per head, Q and K the projections that the logits use, D a table of 2n rows,

        ln theta_ij = (Q_i + K_j + D_{n+i-j}) W_L + b_L                                             (eq. 6)

    This is a sum of a number a query, a number a key and a number a distance, so no [n, n, d] tensor is made. The
    number of a key joins the product: Q_i K_j' / s + K_j W_L = (Q_i / s + W_L') K_j'. The number of a query and b_L are
    the same for all keys of a query and cancel in the softmax: they are in theta, and Q_i W_L is not in the logits.

    Args:
        dim: d.
        length: n, the longest history.
        local_heads: heads that are re-weighted.
        global_heads: heads before these with theta = 1.
        form: "paper", or "official": V_i + V_j + D in eq. 6, b_L of each head, and learned vectors of absolute
            positions added to queries and keys of the local heads (LEDGER C5).
        anchor: of the absolute positions (see LearnedPositions).
        scale, dropout: as in MaskedAttention.
        table_initializer: of the tables of distances and positions.

    Reference: CAFE (Li et al., SIGIR 2022), eqs. 2, 3, 5, 6.
    """

    def __init__(
        self,
        dim: int,
        length: int,
        local_heads: int = 1,
        global_heads: int = 0,
        form: str = "paper",
        anchor: str = "newest",
        scale: str = "model",
        dropout: float = 0.0,
        table_initializer="glorot_uniform",
        **kwargs,
    ):
        heads = local_heads + global_heads
        super().__init__(dim, heads, output_projection=True, scale=scale, dropout=dropout, **kwargs)
        if form not in FORMS:
            raise ValueError(f"form of the local attention must be one of {', '.join(FORMS)}, got {form!r}")
        if local_heads < 1:
            raise ValueError(f"local attention needs a local head, got {local_heads}")
        self.length, self.local_heads, self.global_heads, self.form = length, local_heads, global_heads, form
        self._table_initializer = tf.keras.initializers.get(table_initializer)
        if form == "official":
            width = local_heads * (dim // heads)
            self.query_positions, self.key_positions = (
                LearnedPositions(length, width, anchor, fresh(self._table_initializer), name=f"{name}_positions")
                for name in ("query", "key")
            )

    def build(self, input_shape):
        width = self.dim // self.heads
        shape = [2 * self.length, self.local_heads * width]
        # Rows 0..n - 1 of the table would be distances to later keys, which are hidden; row n is the query's own.
        self.distances = self.add_weight(name="distance_table", shape=shape, initializer=fresh(self._table_initializer))
        self.local_kernel = self.add_weight(
            name="local_kernel", shape=[width, self.local_heads], initializer="glorot_uniform"
        )
        biases = self.local_heads if self.form == "official" else 1
        self.local_bias = self.add_weight(name="local_bias", shape=[biases], initializer="zeros")
        super().build(input_shape)

    def call(self, queries: tf.Tensor, keys: tf.Tensor, key_mask: tf.Tensor, training: bool = False):
        """Attends; arguments as in MaskedAttention, K at most n.

        Returns:
            (result [B, Q, d], weights [B, heads, Q, K], theta [B, heads, Q, K]: 1 in global heads, 0 where hidden)
        """
        q, k, v = self._projected(queries, keys)
        kernel = self._every_head(tf.transpose(tf.cast(self.local_kernel, q.dtype)), axis=0)  # W_L: [h, e]
        by_distance = self._by_distance(tf.shape(q)[2], tf.shape(k)[2])  # [local heads, Q, K]
        term = lambda x: tf.einsum("bhte,he->bht", x, kernel)  # noqa: E731
        if self.form == "paper":
            by_query, by_key = term(q), term(k)
            q_in, k_in = q * self.scale + kernel[None, :, None, :], k
        else:
            by_key = term(v)
            by_query = by_key[:, :, -tf.shape(q)[2] :]
            q_in, k_in = self._with_positions(q, k, key_mask)
            # One more column: its product is the number of the key.
            q_in = tf.concat([q_in * self.scale, tf.ones_like(q[..., :1])], axis=-1)
            k_in = tf.concat([k_in, by_key[..., None]], axis=-1)
        by_distance = self._every_head(by_distance, axis=0)
        result, weights = self._attended(q_in, k_in, v, key_mask, training, by_distance)
        theta = self._theta(by_query[..., None] + by_key[:, :, None, :] + by_distance, key_mask)
        return self._joined(result, queries), weights, theta

    def _by_distance(self, queries: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """D_{n+i-j} W_L + b_L: [local heads, Q, K]."""
        dtype, width = self.compute_dtype, self.dim // self.heads
        table = tf.reshape(tf.cast(self.distances, dtype), [2 * self.length, self.local_heads, width])
        scalars = tf.einsum("rhe,eh->rh", table, tf.cast(self.local_kernel, dtype))
        scalars += tf.cast(self.local_bias, dtype)
        return relative(scalars[1:], queries, keys)  # row n - 1 + i - j of these is n + i - j of the table

    def _with_positions(self, q: tf.Tensor, k: tf.Tensor, key_mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        cells = tf.cast(key_mask, tf.int32)
        added = []
        for x, positions in ((q, self.query_positions), (k, self.key_positions)):
            vectors = positions(cells)[:, -tf.shape(x)[2] :]  # [1 or B, T, local heads * e]
            shape = tf.shape(vectors)
            vectors = tf.reshape(vectors, [shape[0], shape[1], self.local_heads, self.dim // self.heads])
            added.append(x + self._every_head(tf.transpose(vectors, [0, 2, 1, 3]), axis=1))
        return added[0], added[1]

    def _every_head(self, x: tf.Tensor, axis: int) -> tf.Tensor:
        """Zeros for the global heads, put before the local ones along `axis`."""
        if not self.global_heads:
            return x
        pads = [[0, 0]] * x.shape.rank
        pads[axis] = [self.global_heads, 0]
        return tf.pad(x, pads)

    def _theta(self, logs: tf.Tensor, key_mask: tf.Tensor) -> tf.Tensor:
        """exp(ln theta); that of the global heads is exp(0)."""
        seen = self._visible(key_mask, tf.shape(logs)[2])
        return tf.where(seen, tf.exp(logs), tf.zeros([], logs.dtype))
