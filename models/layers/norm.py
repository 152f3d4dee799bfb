"""Layer normalisation with its own gradient: half the cost of the composed one on a CPU."""

from tf_utils.keras_gate import tf
from tf_utils.precision import precise_dtype


class LayerNorm(tf.keras.layers.Layer):
    """y = (x - mean) / sqrt(variance + epsilon) * gamma + beta over the last axis.

    Statistics are taken in float32 at least. epsilon defaults to 1e-8, the value of SASRec's and ASLI's code.

    Reference: Ba, Kiros and Hinton, arXiv 1607.06450, eq. 4.
    """

    def __init__(self, epsilon: float = 1e-8, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        width = input_shape[-1]
        self.gamma = self.add_weight(name="gamma", shape=[width], initializer="ones")
        self.beta = self.add_weight(name="beta", shape=[width], initializer="zeros")
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """inputs: [..., d], floating. Returns the same shape and dtype."""
        gamma, beta = tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
        return _layer_norm(inputs, gamma, beta, self.epsilon)


def normalise(x: tf.Tensor, epsilon: float) -> tf.Tensor:
    """Layer normalisation without gamma and beta. x: [..., d], floating. Returns the same shape and dtype."""
    width = tf.shape(x)[-1:]
    return _layer_norm(x, tf.ones(width, x.dtype), tf.zeros(width, x.dtype), epsilon)


def _layer_norm(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: float) -> tf.Tensor:
    work = precise_dtype(x)

    @tf.custom_gradient
    def forward(x, gamma, beta):
        dtype, parameter_dtype = x.dtype, gamma.dtype
        x, g, b = tf.cast(x, work), tf.cast(gamma, work), tf.cast(beta, work)
        mean = tf.reduce_mean(x, axis=-1, keepdims=True)
        centred = x - mean
        rstd = tf.math.rsqrt(tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True) + tf.cast(epsilon, work))
        normed = centred * rstd

        def backward(dy):
            dy = tf.cast(dy, work)
            axes = list(range(dy.shape.rank - 1))
            dgamma, dbeta = tf.reduce_sum(dy * normed, axes), tf.reduce_sum(dy, axes)
            dn = dy * g
            # d normed / d x is a projection: out of the mean and out of `normed` itself.
            along = tf.reduce_mean(dn * normed, axis=-1, keepdims=True)
            dx = (dn - tf.reduce_mean(dn, axis=-1, keepdims=True) - normed * along) * rstd
            return tf.cast(dx, dtype), tf.cast(dgamma, parameter_dtype), tf.cast(dbeta, parameter_dtype)

        return tf.cast(normed * g + b, dtype), backward

    return forward(x, gamma, beta)
