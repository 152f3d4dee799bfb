"""Feed-forward networks side by side: one for each slot of a stack of vectors."""

from models.layers.dropout import StatelessDropout
from models.layers.norm import normalise
from tf_utils.keras_gate import tf


class SlotFeedForward(tf.keras.layers.Layer):
    """LN(W2 ReLU(dropout(W1 x + b1)) + b2), slot k of the input with the k-th weights, gamma and beta too.

    Args:
        slots: K; 1: the same network for every slot.
        dim: d.
        dropout: rate.
        residual: adds the input before the normalisation.
        initializer: of the matrices, a function that gives a new one.

    Reference: SAIR eq. 3 and section III-C, "with its own feed-forward networks" (LEDGER R3, R9).
    """

    def __init__(self, slots: int, dim: int, dropout: float, residual: bool, initializer, **kwargs):
        super().__init__(**kwargs)
        self.slots, self.dim, self.residual, self._initializer = slots, dim, residual, initializer
        self.dropout = StatelessDropout(dropout)

    def build(self, input_shape):
        square, row = [self.slots, self.dim, self.dim], [self.slots, self.dim]
        make = lambda name, shape, initializer: self.add_weight(name=name, shape=shape, initializer=initializer)  # noqa: E731
        self.inner, self.outer = make("inner", square, self._initializer()), make("outer", square, self._initializer())
        self.inner_bias, self.outer_bias = make("inner_bias", row, "zeros"), make("outer_bias", row, "zeros")
        self.gamma, self.beta = make("gamma", row, "ones"), make("beta", row, "zeros")
        super().build(input_shape)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """inputs: [..., K, d]. Returns the same shape."""
        inner, outer = (tf.cast(w, inputs.dtype) for w in (self.inner, self.outer))
        rows = (self.inner_bias, self.outer_bias, self.gamma, self.beta)
        inner_bias, outer_bias, gamma, beta = (tf.cast(w, inputs.dtype)[:, None] for w in rows)
        stacked = self._stacked(inputs)
        x = tf.matmul(stacked, inner) + inner_bias
        x = tf.nn.relu(self.dropout(x, training=training))
        x = tf.matmul(x, outer) + outer_bias
        x = normalise(x + stacked if self.residual else x, 1e-12) * gamma + beta
        if self.slots > 1:
            x = tf.transpose(x, [1, 0, 2])
        return tf.reshape(x, tf.shape(inputs))

    def _stacked(self, x: tf.Tensor) -> tf.Tensor:
        """[..., K, d] -> [slots, rows, d]: products of plain matrices, one a slot. (An einsum with the slot among the
        rows takes 20 times as long, nearly all of it in its gradient.)"""
        if self.slots == 1:
            return tf.reshape(x, [1, -1, self.dim])
        return tf.transpose(tf.reshape(x, [-1, self.slots, self.dim]), [1, 0, 2])
