"""Depth-wise temporal convolution."""

from tf_utils.keras_gate import tf


class DepthwiseTCN(tf.keras.layers.Layer):
    """y[t, c] = sum_j W[c, j] x[t + j - offset, c], one kernel a channel, no bias, zeros outside the sequence.

    Args:
        kernel_size: l.
        alignment: "causal" reads t - l + 1 .. t; "centered" reads t + j - ceil((l + 1) / 2), j = 1..l, as ASLI's eq. 2
            is printed. The latter sees later events, so it leaks the target of the interaction head (LEDGER A6).
        weights: "depthwise" d x l; "shared": one kernel of l weights for all channels (ASLI's released code, A7).
        initializer: of the weights.

    Reference: ASLI eq. 2; Wu et al., ICLR 2019, section 2 (the same formula for lightweight convolutions).
    """

    def __init__(
        self,
        kernel_size: int,
        alignment: str = "causal",
        weights: str = "depthwise",
        initializer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if kernel_size < 1:
            raise ValueError(f"kernel_size must be at least 1, got {kernel_size}")
        if alignment not in ("causal", "centered"):
            raise ValueError(f'alignment must be "causal" or "centered", got {alignment!r}')
        if weights not in ("depthwise", "shared"):
            raise ValueError(f'weights must be "depthwise" or "shared", got {weights!r}')
        self.kernel_size, self.alignment, self.sharing = kernel_size, alignment, weights
        self.initializer = initializer or tf.keras.initializers.VarianceScaling(
            scale=1.0, mode="fan_avg", distribution="uniform"
        )

    def build(self, input_shape):
        channels = input_shape[-1] if self.sharing == "depthwise" else 1
        # Shape [l, 1, channels]: each output channel reads l inputs, which is what the initialiser's fans should see.
        self.kernel = self.add_weight(
            name="kernel", shape=[self.kernel_size, 1, channels], initializer=self.initializer
        )
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """inputs: [B, T, d], zeros where padded. Returns [B, T, d]."""
        l = self.kernel_size
        ahead = 0 if self.alignment == "causal" else l - -(-(l + 1) // 2)  # the last tap reads t + ahead
        padded = tf.pad(inputs, [[0, 0], [l - 1 - ahead, ahead], [0, 0]])
        return _depthwise(padded, tf.cast(tf.squeeze(self.kernel, 1), inputs.dtype), l)


@tf.custom_gradient
def _depthwise(padded: tf.Tensor, kernel: tf.Tensor, taps: int):
    """padded [B, T + l - 1, d], kernel [l, d or 1] -> [B, T, d] as a sum of l shifted products.

    TensorFlow's own depth-wise convolution is a 2-d one whose CPU gradients are several times slower.
    """
    steps = tf.shape(padded)[1] - (taps - 1)
    shifted = lambda x, j: x[:, j : j + steps]  # noqa: E731

    def backward(dy):
        rows = tf.reshape(dy, [-1, tf.shape(dy)[2]])
        dkernel = tf.stack(
            [tf.reduce_sum(rows * tf.reshape(shifted(padded, j), tf.shape(rows)), axis=0) for j in range(taps)]
        )
        if kernel.shape[1] == 1:
            dkernel = tf.reduce_sum(dkernel, axis=1, keepdims=True)
        wide = tf.pad(dy, [[0, 0], [taps - 1, taps - 1], [0, 0]])
        length = tf.shape(padded)[1]
        dpadded = tf.add_n([wide[:, taps - 1 - j : taps - 1 - j + length] * kernel[j] for j in range(taps)])
        return dpadded, dkernel, None

    return tf.add_n([shifted(padded, j) * kernel[j] for j in range(taps)]), backward
