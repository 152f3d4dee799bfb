"""Self-attentive pooling: how much each position of a sequence counts, judged from the position itself."""

import math

from models.layers.initializers import normal
from tf_utils.keras_gate import tf
from tf_utils.masks import masked_softmax


class PoolingLogits(tf.keras.layers.Layer):
    """tanh(X W1 + b1) W2 + b2: a logit for each position and head.

    Args:
        hidden: width of the tanh layer.
        heads: columns of W2, or pairs (W1, W2) with `separate`.
        separate: each head has a W1 of its own.
        use_bias: b1 and b2 (the latter adds the same to all positions of a head).
        own_kernel: False: W1 is given at each call.
        stddev: of normal initial weights; None: Glorot's uniform ones, each matrix by its own shape.

    Weights: w1 [d, hidden] (separate: [d, heads * hidden]); w2 [heads, hidden]; b1, b2.

    Reference: Lin et al., ICLR 2017 (arXiv 1703.03130), eq. 6; SINE eq. 1, 4 and 6.
    """

    def __init__(
        self,
        hidden: int,
        heads: int = 1,
        separate: bool = False,
        use_bias: bool = False,
        own_kernel: bool = True,
        stddev: float | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.hidden, self.heads, self.separate = hidden, heads, separate and heads > 1
        self.use_bias, self.own_kernel, self.stddev = use_bias, own_kernel, stddev

    def build(self, input_shape):
        width = self.hidden * (self.heads if self.separate else 1)
        dim, columns = input_shape[-1], 1 if self.separate else self.heads
        if self.own_kernel:
            self.w1 = self.add_weight(
                name="w1", shape=[dim, width], initializer=matrix_initializer(dim, self.hidden, self.stddev)
            )
        self.w2 = self.add_weight(
            name="w2",
            shape=[self.heads, self.hidden],
            initializer=matrix_initializer(self.hidden, columns, self.stddev),
        )
        if self.use_bias:
            self.b1 = self.add_weight(name="b1", shape=[width], initializer="zeros")
            self.b2 = self.add_weight(name="b2", shape=[self.heads], initializer="zeros")
        super().build(input_shape)

    def call(self, inputs: tf.Tensor, kernel: tf.Tensor | None = None) -> tf.Tensor:
        """inputs: [R, n, d].  kernel: W1 where the layer has none.  Returns [R, n, heads]."""
        w1, w2 = (tf.cast(w, inputs.dtype) for w in (self.w1 if self.own_kernel else kernel, self.w2))
        x = tf.tensordot(inputs, w1, 1)
        if self.use_bias:
            x += tf.cast(self.b1, x.dtype)
        x = tf.tanh(x)
        if self.separate:
            # Block diagonal, so that all heads are one product: their tanh layers lie side by side in x.
            blocks = w2[:, :, None] * tf.eye(self.heads, dtype=w2.dtype)[:, None, :]
            logits = tf.tensordot(x, tf.reshape(blocks, [self.heads * self.hidden, self.heads]), 1)
        else:
            logits = tf.tensordot(x, tf.transpose(w2), 1)
        return logits + tf.cast(self.b2, x.dtype) if self.use_bias else logits


def position_weights(logits: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """Softmax over positions.

    logits: [R, n, heads].  mask: bool [R, n], False for padding; None: padding takes its share too.
    Returns [R, heads, n]; rows sum to 1, or to 0 where all is padding.
    """
    logits = tf.transpose(logits, [0, 2, 1])
    return tf.nn.softmax(logits, axis=-1) if mask is None else masked_softmax(logits, mask[:, None, :])


def matrix_initializer(rows: int, columns: int, stddev: float | None = None):
    """Of a weight matrix [rows, columns], whatever shape it is stored in: Glorot's uniform, or normal with `stddev`."""
    if stddev is not None:
        return normal(stddev)
    limit = math.sqrt(6 / (rows + columns))
    return tf.keras.initializers.RandomUniform(-limit, limit)
