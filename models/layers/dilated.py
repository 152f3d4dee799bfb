"""Causal dilated convolutions over histories."""

from models.layers.norm import LayerNorm
from tf_utils.keras_gate import tf


class CausalConvolution(tf.keras.layers.Layer):
    """y[t] = b + sum_{j = 0}^{l - 1} x[t - (l - 1 - j) r] W_j, zeros before the first cell.

    Args:
        dim: d, the width of the result.
        kernel_size: l.
        dilation: r, the distance between taps.
        initializer: of W.

    Reference: Yuan et al., WSDM 2019, sections 3.3 and 3.4.
    """

    def __init__(self, dim: int, kernel_size: int = 3, dilation: int = 1, initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        if kernel_size < 1 or dilation < 1:
            raise ValueError(f"kernel_size and dilation must be at least 1, got {kernel_size} and {dilation}")
        self.dim, self.kernel_size, self.dilation = dim, kernel_size, dilation
        self.initializer = tf.keras.initializers.get(initializer)

    def build(self, input_shape):
        shape = [self.kernel_size, input_shape[-1], self.dim]
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=self.initializer)
        self.bias = self.add_weight(name="bias", shape=[self.dim], initializer="zeros")
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """inputs: [B, T, c]. Returns [B, T, d]."""
        kernel = tf.cast(tf.convert_to_tensor(self.kernel), inputs.dtype)
        return _causal_convolution(inputs, kernel, self.dilation) + tf.cast(self.bias, inputs.dtype)


class NextItNetBlock(tf.keras.layers.Layer):
    """x + ReLU(LN(conv_2r(ReLU(LN(conv_r(x)))))), both convolutions causal, of one kernel size and width.

    Args:
        dim: d.
        kernel_size: of both convolutions.
        dilation: r; the second convolution has 2 r.
        initializer: makes the initialiser of a kernel (called once for each).

    Reference: Yuan et al., WSDM 2019, section 3.4.2, figure 3 (b), eq. 5.
    """

    def __init__(self, dim: int, kernel_size: int, dilation: int, initializer, **kwargs):
        super().__init__(**kwargs)
        self.first = CausalConvolution(dim, kernel_size, dilation, initializer(), name="first")
        self.second = CausalConvolution(dim, kernel_size, 2 * dilation, initializer(), name="second")
        self.first_norm, self.second_norm = LayerNorm(name="first_norm"), LayerNorm(name="second_norm")

    @property
    def reach(self) -> int:
        """How many earlier cells an output depends on."""
        return (self.first.kernel_size - 1) * 3 * self.first.dilation

    def call(self, inputs: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
        """inputs: [B, T, d]; mask: bool [B, T] or None. Returns [B, T, d], with a mask zeros where it is False.

        The cells between the two convolutions are masked as well: norm and bias make them non-zero, and the second
        convolution would read them.
        """
        x = tf.nn.relu(self.first_norm(self.first(inputs)))
        if mask is not None:
            x *= tf.cast(mask, x.dtype)[..., None]
        x = tf.nn.relu(self.second_norm(self.second(x)))
        if mask is not None:
            x *= tf.cast(mask, x.dtype)[..., None]
        return inputs + x


def _causal_convolution(x: tf.Tensor, kernel: tf.Tensor, dilation: int) -> tf.Tensor:
    """x [B, T, c], kernel [l, c, d] -> [B, T, d]: one product a tap, shifted afterwards, with its own gradient.

    On a CPU, tf.nn.conv1d takes four fifths of the time where oneDNN serves it (float32), but without oneDNN and in
    float64 its gradient does not exist for dilations above 1. The same products under automatic differentiation, or
    one product over concatenated taps, take 2.4 times as long as this.
    """
    taps = kernel.shape[0]

    @tf.custom_gradient
    def forward(x, kernel):
        steps = tf.shape(x)[1]
        shifts = [tf.minimum((taps - 1 - j) * dilation, steps) for j in range(taps)]
        older = lambda a, j: a if j == taps - 1 else a[:, : steps - shifts[j]]  # noqa: E731  what tap j reads
        newer = lambda a, j: a if j == taps - 1 else a[:, shifts[j] :]  # noqa: E731  what tap j writes
        parts = [tf.pad(_product(older(x, j), kernel[j]), [[0, 0], [shifts[j], 0], [0, 0]]) for j in range(taps - 1)]

        def backward(dy):
            flat = lambda a: tf.reshape(a, [-1, a.shape[-1]])  # noqa: E731
            dkernel = [tf.matmul(flat(older(x, j)), flat(newer(dy, j)), transpose_a=True) for j in range(taps)]
            parts = [
                tf.pad(_product(newer(dy, j), kernel[j], transpose_b=True), [[0, 0], [0, shifts[j]], [0, 0]])
                for j in range(taps - 1)
            ]
            return tf.add_n([_product(dy, kernel[-1], transpose_b=True), *parts]), tf.stack(dkernel)

        return tf.add_n([_product(x, kernel[-1]), *parts]), backward

    return forward(x, kernel)


def _product(x: tf.Tensor, weights: tf.Tensor, transpose_b: bool = False) -> tf.Tensor:
    """x [B, T, c] times weights [c, d] (or [d, c] transposed) -> [B, T, d], as one matrix product."""
    flat = tf.matmul(tf.reshape(x, [-1, x.shape[-1]]), weights, transpose_b=transpose_b)
    return tf.reshape(flat, tf.concat([tf.shape(x)[:2], [flat.shape[-1]]], axis=0))
