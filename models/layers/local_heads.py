"""LOCKER's local forms: what a head that looks at the neighbourhood puts in the place of plain attention.

Two kinds. A masking score re-weights attention, exp(w_ij) theta_ij / sum_k exp(w_ik) theta_ik: `GaussScores`,
`AdaptiveScores` give ln theta, `within` is the fixed window. A local encoder makes the head's output from the values
next to it: `LocalConvolution`, `LocalRecurrence`.

Reference: He et al., CIKM 2021; LEDGER B4.
"""

import numpy as np

from models.layers.attention import fresh
from tf_utils.keras_gate import tf


def relative(table: tf.Tensor, queries: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
    """[h, Q, K]: cell (i, j) is row n - 1 + i - j of the table [2 n - 1, h]; the newest query meets the newest key."""
    middle = table.shape[0] // 2
    i, j = tf.range(queries)[:, None] + (keys - queries), tf.range(keys)[None, :]
    return tf.transpose(tf.gather(table, middle + i - j), [2, 0, 1])


def within(reach: int, queries: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
    """bool [Q, K]: |i - j| <= reach, the fixed window; the newest query meets the newest key."""
    i, j = tf.range(queries)[:, None] + (keys - queries), tf.range(keys)[None, :]
    return tf.abs(i - j) <= reach


class GaussScores(tf.keras.layers.Layer):
    """One learned number p a head and distance, first a Gaussian of the distance, exp(-(i - j)^2 / (2 width^2)).

    Args:
        heads: h, local heads.
        length: n, the longest history.
        width: of the Gaussian, in events.
    """

    def __init__(self, heads: int, length: int, width: float, **kwargs):
        super().__init__(**kwargs)
        distances = np.arange(2 * length - 1) - (length - 1)
        self._first = np.repeat(np.exp(-0.5 * (distances / width) ** 2)[:, None], heads, axis=1)

    def build(self, input_shape=None):
        self.scores = self.add_weight(
            name="scores", shape=self._first.shape, initializer=tf.keras.initializers.Constant(self._first)
        )
        super().build(input_shape)

    def call(self, queries: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """Numbers of queries and keys, int32 []. Returns p_ij [h, Q, K] in the compute dtype."""
        return tf.cast(relative(self.scores, queries, keys), self.compute_dtype)


class AdaptiveScores(tf.keras.layers.Layer):
    """ln theta_ij = (V_i + V_j + d_ij + U u) w + b, of each head.

    It separates into terms of i, of j and of the distance, so nothing of the size Q K d is made. The terms of i (V_i,
    the user, b) add the same to all logits of a query: the softmax cancels them, they are kept as published.

    Args:
        heads: h, local heads.
        width: e, of a head.
        length: n, the longest history.
        initializer: of the matrices.
    """

    def __init__(self, heads: int, width: int, length: int, initializer, **kwargs):
        super().__init__(**kwargs)
        self.heads, self.width, self.length, self.initializer = heads, width, length, initializer
        self.user = tf.keras.layers.Dense(heads * width, kernel_initializer=fresh(initializer), name="user")

    def build(self, input_shape=None):
        h, e = self.heads, self.width

        def weight(name, shape, initializer=None):
            return self.add_weight(name=name, shape=shape, initializer=initializer or fresh(self.initializer))

        self.relative_positions = weight("relative_positions", [2 * self.length - 1, h, e])  # d_ij
        self.kernel = weight("kernel", [h, e])  # w
        self.bias = weight("bias", [h], "zeros")  # b
        super().build(input_shape)

    def call(self, values: tf.Tensor, users: tf.Tensor, queries: tf.Tensor) -> tf.Tensor:
        """ln theta.

        Args:
            values: V [B, h, K, e].
            users: u [B, d].
            queries: int32 [], their number Q.

        Returns:
            [B, h, Q, K]
        """
        kernel, bias, distances = (tf.cast(w, values.dtype) for w in (self.kernel, self.bias, self.relative_positions))
        of_key = tf.einsum("bhke,he->bhk", values, kernel)
        user = tf.reshape(self.user(users), [-1, self.heads, self.width])
        of_user = tf.einsum("bhe,he->bh", user, kernel) + bias
        of_query = of_key[:, :, tf.shape(of_key)[2] - queries :] + of_user[..., None]
        of_distance = relative(tf.einsum("phe,he->ph", distances, kernel), queries, tf.shape(values)[2])
        return of_distance + of_key[:, :, None, :] + of_query[..., None]


class LocalConvolution(tf.keras.layers.Layer):
    """y_i = ReLU(b + sum_r x_{i+r} W_r), r = -reach..reach, of each head; events outside the history are zeros.

    Args:
        heads: h, local heads.
        width: e, of a head.
        reach: neighbours on each side.
        initializer: of the matrices.
    """

    def __init__(self, heads: int, width: int, reach: int, initializer, **kwargs):
        super().__init__(**kwargs)
        self.heads, self.width, self.reach, self.initializer = heads, width, reach, initializer

    def build(self, input_shape=None):
        shape = [2 * self.reach + 1, self.heads, self.width, self.width]
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=fresh(self.initializer))
        self.bias = self.add_weight(name="bias", shape=[self.heads, 1, self.width], initializer="zeros")
        super().build(input_shape)

    def call(self, values: tf.Tensor) -> tf.Tensor:
        """values: [B, h, T, e], zeros where padding. Returns the same shape."""
        kernel, steps = tf.cast(self.kernel, values.dtype), tf.shape(values)[2]
        padded = tf.pad(values, [[0, 0], [0, 0], [self.reach, self.reach], [0, 0]])
        parts = [tf.matmul(padded[:, :, r : r + steps], kernel[r]) for r in range(2 * self.reach + 1)]
        return tf.nn.relu(tf.add_n(parts) + tf.cast(self.bias, values.dtype))


class LocalRecurrence(tf.keras.layers.Layer):
    """The last state of a gated recurrent unit that reads the events i - reach..i, of each head.

        r, z = s(x W_rz + h U_rz + b_rz)
        h' = z h + (1 - z) tanh(x W_c + b_c + r * (h U_c + u_c))

    It begins with h = 0 at each i; events before the history are zeros.

    Args:
        heads: h, local heads.
        width: e, of a head.
        reach: the depth, steps before the last one.
        initializer: of the matrices.
    """

    def __init__(self, heads: int, width: int, reach: int, initializer, **kwargs):
        super().__init__(**kwargs)
        self.heads, self.width, self.reach, self.initializer = heads, width, reach, initializer

    def build(self, input_shape=None):
        h, e = self.heads, self.width

        def weight(name, shape, initializer):
            return self.add_weight(name=name, shape=shape, initializer=initializer)

        self.kernel = weight("kernel", [h, e, 3 * e], fresh(self.initializer))  # W_r, W_z, W_c
        self.recurrent = weight("recurrent", [h, e, 3 * e], fresh(self.initializer))  # U_r, U_z, U_c
        self.bias = weight("bias", [h, 1, 3 * e], "zeros")  # b_r, b_z, b_c
        self.candidate_bias = weight("candidate_bias", [h, 1, e], "zeros")  # u_c
        super().build(input_shape)

    def call(self, values: tf.Tensor) -> tf.Tensor:
        """values: [B, h, T, e], zeros where padding. Returns the same shape."""
        e, steps = self.width, tf.shape(values)[2]
        kernel, recurrent, bias, candidate_bias = (
            tf.cast(w, values.dtype) for w in (self.kernel, self.recurrent, self.bias, self.candidate_bias)
        )
        # The inputs' part of all steps is one product.
        x = tf.matmul(tf.pad(values, [[0, 0], [0, 0], [self.reach, 0], [0, 0]]), kernel) + bias
        state = tf.zeros_like(values)
        for step in range(self.reach + 1):
            own, past = x[:, :, step : step + steps], tf.matmul(state, recurrent)
            reset, keep = tf.split(tf.sigmoid(own[..., : 2 * e] + past[..., : 2 * e]), 2, axis=-1)
            candidate = tf.tanh(own[..., 2 * e :] + reset * (past[..., 2 * e :] + candidate_bias))
            state = candidate + keep * (state - candidate)
        return state
