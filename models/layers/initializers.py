"""Initialisers by name; each call gives a new one, since an unseeded one that is used twice draws the same twice."""

from tf_utils.keras_gate import tf


def normal(stddev: float = 0.02) -> tf.keras.initializers.Initializer:
    """N(0, stddev^2); RecBole's by default."""
    return tf.keras.initializers.RandomNormal(stddev=stddev)


def truncated_normal(stddev: float = 0.02) -> tf.keras.initializers.Initializer:
    """BERT's, of standard deviation 0.02; cut off at twice that."""
    return tf.keras.initializers.TruncatedNormal(stddev=stddev)
