"""A pool of concepts of which each user activates a few."""

from typing import NamedTuple

from tf_utils.keras_gate import tf


class Activated(NamedTuple):
    """K activated concepts a row, by rank slot.

    ids: int32 [R, K], rows of the prototype matrix; -1 where fewer than K were allowed.
    gates: [R, K], sigmoid of the similarities; 0 where the slot is empty.
    prototypes: [R, K, d], not gated; zeros where the slot is empty.
    live: bool [R, K], False for empty slots; None where no slot can be.
    """

    ids: tf.Tensor
    gates: tf.Tensor
    prototypes: tf.Tensor
    live: tf.Tensor | None


class ConceptActivation(tf.keras.layers.Layer):
    """The K of L prototypes most similar to a vector, with a sigmoid gate.

    The choice of indices has no gradient. Through the gate both the vector and the chosen prototypes get one.

    Args:
        concepts: L.
        active: K, at most L.
        order: slots by similarity, "desc" or "asc" (RecBole), which names them otherwise: it matters to weights that
            were trained with the other order.
        initializer: of the prototypes C [L, d].

    Reference: SINE section 3.2.1, eq. 2 (LEDGER S2); Gao and Ji, ICML 2019 (Graph U-Nets), eq. 2.
    """

    def __init__(self, concepts: int, active: int, order: str = "desc", initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        if order not in ("desc", "asc"):
            raise ValueError(f'order must be "desc" or "asc", got {order!r}')
        if not 0 < active <= concepts:
            raise ValueError(f"active must be between 1 and the number of concepts, {concepts}; got {active}")
        self.concepts, self.active, self.order = concepts, active, order
        self.initializer = tf.keras.initializers.get(initializer)

    def build(self, input_shape):
        shape = [self.concepts, input_shape[-1]]
        self.prototypes = self.add_weight(name="prototypes", shape=shape, initializer=self.initializer)
        super().build(input_shape)

    def call(self, vectors: tf.Tensor, allowed: tf.Tensor | None = None) -> Activated:
        """vectors: z [R, d].  allowed: bool [R, L], what may be activated; None: anything."""
        c = tf.cast(self.prototypes, vectors.dtype)
        similarity = tf.matmul(vectors, c, transpose_b=True)  # s, [R, L]
        ranked = similarity if allowed is None else tf.where(allowed, similarity, similarity.dtype.min)
        ids = tf.math.top_k(ranked, self.active).indices
        if self.order == "asc":
            ids = tf.reverse(ids, [1])
        gates = tf.sigmoid(tf.gather(similarity, ids, batch_dims=1))
        prototypes = tf.gather(c, ids)
        if allowed is None:
            return Activated(ids, gates, prototypes, None)
        live = tf.gather(allowed, ids, batch_dims=1)
        gates = tf.where(live, gates, tf.zeros([], gates.dtype))
        prototypes = tf.where(live[..., None], prototypes, tf.zeros([], prototypes.dtype))
        return Activated(tf.where(live, ids, -1), gates, prototypes, live)


def present(ids: tf.Tensor, size: int) -> tf.Tensor:
    """ids: int32 [R, n], 0..size.  Returns bool [R, size]: whether id c + 1 is among the row's."""
    rows = tf.repeat(tf.range(tf.shape(ids)[0])[:, None], tf.shape(ids)[1], axis=1)
    counts = tf.zeros([tf.shape(ids)[0], size + 1], tf.int32)
    counts = tf.tensor_scatter_nd_max(counts, tf.stack([rows, ids], axis=-1), tf.ones_like(ids))
    return counts[:, 1:] > 0


def covariance_penalty(prototypes: tf.Tensor, axis: str = "row") -> tf.Tensor:
    """(||M||_F^2 - ||diag M||^2) / 2, M = (C - mean) (C - mean)' / d.

    Args:
        prototypes: C [L, d].
        axis: what the mean is of: "row": each prototype's entries; "col": all prototypes.

    Returns:
        [].

    Reference: SINE eq. 10 (LEDGER S10); Cogswell et al., ICLR 2016 (arXiv 1511.06068), eq. 2.
    """
    if axis not in ("row", "col"):
        raise ValueError(f'axis must be "row" or "col", got {axis!r}')
    size, dim = prototypes.shape
    centred = prototypes - tf.reduce_mean(prototypes, axis=1 if axis == "row" else 0, keepdims=True)
    # ||A A'|| = ||A' A||: the smaller of the two, for L may be thousands.
    gram = tf.matmul(centred, centred, transpose_a=size > dim, transpose_b=size <= dim)
    diagonal = tf.reduce_sum(tf.square(centred), axis=1)
    return 0.5 * (tf.reduce_sum(tf.square(gram)) - tf.reduce_sum(tf.square(diagonal))) / dim**2
