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
        weights = (self.inner, self.inner_bias, self.outer, self.outer_bias, self.gamma, self.beta)
        inner, inner_bias, outer, outer_bias, gamma, beta = (tf.cast(w, inputs.dtype) for w in weights)
        x = self._product(inputs, inner) + inner_bias
        x = tf.nn.relu(self.dropout(x, training=training))
        x = self._product(x, outer) + outer_bias
        return normalise(x + inputs if self.residual else x, 1e-12) * gamma + beta

    def _product(self, x, kernels):
        """[..., K, d] with [K or 1, d, d]."""
        if self.slots == 1:
            return tf.einsum("...ki,ij->...kj", x, kernels[0])
        return tf.einsum("...ki,kij->...kj", x, kernels)
