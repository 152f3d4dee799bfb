"""Depth-wise temporal convolution."""

from models.layers.initializers import truncated_normal
from tf_utils.keras_gate import tf


class DepthwiseTCN(tf.keras.layers.Layer):
    """y[t, c] = sum_j W[c, j] x[t + j - offset, c], one kernel a channel, no bias, zeros outside the sequence.

    Args:
        kernel_size: l.
        alignment: "causal" reads t - l + 1 .. t; "centered" reads t + j - ceil((l + 1) / 2), j = 1..l, as ASLI's eq. 2
            is printed. The latter sees later events, so it leaks the target of the interaction head (LEDGER A6).
        weights: "depthwise" d x l; "shared": one kernel of l weights for all channels (ASLI's released code, A7).
        initializer: of the weights; default: ASLI's released code's, a truncated normal of 0.02.

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
        self.initializer = initializer or truncated_normal()

    def build(self, input_shape):
        channels = input_shape[-1] if self.sharing == "depthwise" else 1
        self.kernel = self.add_weight(
            name="kernel", shape=[self.kernel_size, 1, channels], initializer=self.initializer
        )
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """inputs: [B, T, d], zeros where padded. Returns [B, T, d]."""
        l = self.kernel_size
        ahead = 0 if self.alignment == "causal" else l - -(-(l + 1) // 2)  # the last tap reads t + ahead
        padded = tf.pad(inputs, [[0, 0], [l - 1 - ahead, ahead], [0, 0]])
        kernel = tf.broadcast_to(tf.cast(self.kernel, inputs.dtype), [l, 1, inputs.shape[-1]])
        # A 2-d depth-wise convolution over a picture of height 1: filter [1, l, d, 1].
        filters = tf.transpose(kernel, [1, 0, 2])[..., None]
        return tf.nn.depthwise_conv2d(padded[:, None], filters, [1, 1, 1, 1], "VALID")[:, 0]
