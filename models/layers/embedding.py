"""Embedding tables: id 0 (padding) is the zero vector, positions are anchored at the newest or the oldest item."""

from tf_utils.keras_gate import tf
from tf_utils.masks import valid


def built(layer: tf.keras.layers.Layer) -> tf.keras.layers.Layer:
    """The layer, with its weights made now and named as by its first call: for those that are read without a call."""
    with tf.name_scope(layer.name):
        layer.build()
    return layer


class UnitBall(tf.keras.constraints.Constraint):
    """Rows longer than 1 are scaled back to length 1; the others stay as they are, to the bit.

    The optimiser applies it after each update, on every replica alike. (Keras' MaxNorm shrinks short rows too, by its
    epsilon.) Reference: AttRec eq. 12; TransRec constrains its items so.
    """

    def __call__(self, w: tf.Tensor) -> tf.Tensor:
        """w: [rows, d]. Returns the same shape and dtype."""
        return tf.clip_by_norm(w, 1.0, axes=[1])


class PaddedEmbedding(tf.keras.layers.Layer):
    """A table [size + 1, d] whose row 0 reads as zeros and receives no gradient.

    Args:
        size: number of ids, padding not counted.
        dim: d.
        initializer: of the table.
        constraint: of the table, e.g. UnitBall().

    Reference: ASLI section 3.4.1 ("a constant zero vector 0 is used for padding").
    """

    def __init__(self, size: int, dim: int, initializer="glorot_uniform", constraint=None, **kwargs):
        super().__init__(**kwargs)
        self.size, self.dim, self.initializer = size, dim, tf.keras.initializers.get(initializer)
        self.constraint = constraint

    def build(self, input_shape=None):
        shape = [self.size + 1, self.dim]
        self.table = self.add_weight(
            name="table", shape=shape, initializer=self.initializer, constraint=self.constraint
        )
        super().build(input_shape)

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        """ids: int32 [...], 0..size. Returns [..., d] in the compute dtype, zeros where the id is 0."""
        vectors = tf.cast(tf.gather(self.table, ids), self.compute_dtype)
        return vectors * tf.cast(valid(ids), vectors.dtype)[..., None]

    def squares(self) -> tf.Tensor:
        """[]: the sum of the squares of the table, padding left out, in its own dtype (for L2 on whole tables)."""
        return 2 * tf.nn.l2_loss(self.table * self._rows()[:, None])  # cutting row 0 off would cost its gradient a copy

    def matrix(self) -> tf.Tensor:
        """[size + 1, d]: all vectors, row 0 zeros (one product with it scores every item)."""
        return tf.cast(self.table * self._rows()[:, None], self.compute_dtype)

    def _rows(self) -> tf.Tensor:
        """[size + 1]: 0 for the padding, 1 for every other row."""
        return tf.cast(tf.range(self.size + 1) > 0, self.table.dtype)


class LearnedPositions(tf.keras.layers.Layer):
    """A learned vector for each of `length` positions.

    Args:
        length: n, the longest history.
        dim: d.
        anchor: "newest": the last cell always has position n - 1 (SASRec, ASLI); "oldest": the first valid cell has
            position 0 (SINE, CAFE `official`).
    """

    def __init__(self, length: int, dim: int, anchor: str = "newest", initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        if anchor not in ("newest", "oldest"):
            raise ValueError(f'anchor must be "newest" or "oldest", got {anchor!r}')
        self.length, self.dim, self.anchor = length, dim, anchor
        self.initializer = tf.keras.initializers.get(initializer)

    def build(self, input_shape=None):
        self.table = self.add_weight(name="table", shape=[self.length, self.dim], initializer=self.initializer)
        super().build(input_shape)

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        """ids: int32 [B, T], left-padded, T <= n. Returns [1, T, d] (newest) or [B, T, d] (oldest)."""
        width = tf.shape(ids)[1]
        table = tf.cast(self.table, self.compute_dtype)
        if self.anchor == "newest":
            return table[None, -width:]  # too long a row fails in the addition
        first = width - tf.reduce_sum(tf.cast(valid(ids), tf.int32), axis=1)
        index = tf.maximum(tf.range(width)[None, :] - first[:, None], 0)
        return tf.gather(table, index)
