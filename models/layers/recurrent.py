"""Recurrent units side by side, whose update gates can be scaled from outside."""

import numpy as np

from tf_utils.keras_gate import tf


class ChannelGRU(tf.keras.layers.Layer):
    """Gated recurrent units of m channels, each with weights of its own, over one sequence.

        r = s(W_r x + U_r h + b_r)
        z = c s(W_z x + U_z h + b_z)
        h' = (1 - z) h + z tanh(W_h x + U_h (r * h) + b_h)

    The states begin at 0. c comes with the inputs, one number a channel and cell: 1 makes it a plain GRU, 0 leaves the
    state as it was (so c is 0 at padding), and what lies between is MCPRN's concentration gate.

    Args:
        units: d, of a channel.
        channels: m.
        reset_bias, update_bias: what b_r and b_z begin with; b_h begins with 0. TensorFlow 1's GRUCell begins with 1
            for r and for 1 - z, which is 1 and -1 here.

    Kernels begin uniform in +-1 / sqrt(d), as PyTorch's do. Reference: Cho et al., EMNLP 2014, section 2.3; Wang et
    al., IJCAI 2019 (PSRU).
    """

    def __init__(self, units: int, channels: int = 1, reset_bias: float = 0.0, update_bias: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.units, self.channels = units, channels
        self.biases = (reset_bias, update_bias, 0.0)

    def build(self, input_shape):
        d, m = self.units, self.channels

        def kernel(name, shape):
            initial = tf.keras.initializers.RandomUniform(-(d**-0.5), d**-0.5)
            return self.add_weight(name=name, shape=shape, initializer=initial)

        self.kernel = kernel("kernel", [input_shape[-1], m, 3 * d])  # W_r, W_z, W_h
        self.recurrent_gates = kernel("recurrent_gates", [m, d, 2 * d])  # U_r, U_z
        self.recurrent_candidate = kernel("recurrent_candidate", [m, d, d])  # U_h
        first = np.tile(np.repeat(self.biases, d), (m, 1))
        self.bias = self.add_weight(name="bias", shape=[m, 3 * d], initializer=tf.keras.initializers.Constant(first))
        super().build(input_shape)

    def call(self, inputs: tf.Tensor, gates: tf.Tensor) -> tf.Tensor:
        """The states after each cell.

        Args:
            inputs: [B, n, e], n known when the graph is made.
            gates: c, [B, n, m].

        Returns:
            [B, n, m, d].
        """
        d, m, length = self.units, self.channels, inputs.shape[1]
        gates_kernel, candidate_kernel, kernel, bias = (
            tf.cast(w, inputs.dtype) for w in (self.recurrent_gates, self.recurrent_candidate, self.kernel, self.bias)
        )
        # The inputs' part of all cells is one product; the loop has the states' part alone.
        x = tf.matmul(inputs, tf.reshape(kernel, [inputs.shape[-1], m * 3 * d])) + tf.reshape(bias, [-1])
        x = tf.transpose(tf.reshape(x, [-1, length, m, 3 * d]), [1, 2, 0, 3])  # [n, m, B, 3 d]
        c = tf.transpose(gates, [1, 2, 0])[..., None]  # [n, m, B, 1]
        return tf.transpose(_unrolled(x, c, gates_kernel, candidate_kernel), [2, 0, 1, 3])


@tf.custom_gradient
def _unrolled(x: tf.Tensor, c: tf.Tensor, gates_kernel: tf.Tensor, candidate_kernel: tf.Tensor):
    """The states [n, m, B, d]; x: [n, m, B, 3 d], the inputs' part; c: [n, m, B, 1].

    With a gradient of its own: those of the kernels are one product over all cells, not a sum of n.
    """
    d = candidate_kernel.shape[-1]
    state = tf.zeros_like(x[0, :, :, :d])
    steps = []  # (state before, r, z / c, candidate) of each cell
    states = []
    for x_t, c_t in zip(tf.unstack(x), tf.unstack(c), strict=True):
        both = tf.sigmoid(x_t[..., : 2 * d] + tf.matmul(state, gates_kernel))
        reset, update = both[..., :d], both[..., d:]
        candidate = tf.tanh(x_t[..., 2 * d :] + tf.matmul(reset * state, candidate_kernel))
        steps.append((state, reset, update, candidate))
        state = state + c_t * update * (candidate - state)
        states.append(state)

    def backward(grad):
        dstate = tf.zeros_like(state)
        dx, dc = [], []
        for g_t, c_t, (before, reset, update, candidate) in reversed(
            list(zip(tf.unstack(grad), tf.unstack(c), steps, strict=True))
        ):
            dstate += g_t
            dz, z = dstate * (candidate - before), c_t * update
            dc.append(tf.reduce_sum(dz * update, axis=-1, keepdims=True))
            dcandidate = dstate * z * (1 - tf.square(candidate))
            dproduct = tf.matmul(dcandidate, candidate_kernel, transpose_b=True)  # of r * h
            dgates = tf.concat([dproduct * before * reset * (1 - reset), dz * z * (1 - update)], axis=-1)
            dstate = dstate * (1 - z) + dproduct * reset + tf.matmul(dgates, gates_kernel, transpose_b=True)
            dx.append(tf.concat([dgates, dcandidate], axis=-1))
        dx.reverse()
        dc.reverse()
        every = tf.concat(dx, axis=1)  # [m, n B, 3 d]
        befores = tf.concat([before for before, *_ in steps], axis=1)
        products = tf.concat([reset * before for before, reset, *_ in steps], axis=1)
        return (
            tf.stack(dx),
            tf.stack(dc),
            tf.matmul(befores, every[..., : 2 * d], transpose_a=True),
            tf.matmul(products, every[..., 2 * d :], transpose_a=True),
        )

    return tf.stack(states), backward
