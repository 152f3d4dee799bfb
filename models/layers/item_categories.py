"""The categories of items as vectors."""

import numpy as np

from models.layers.embedding import PaddedEmbedding, built
from tf_utils.keras_gate import tf
from tf_utils.masks import valid

POOLS = ("mean", "sum", "first")


class ItemCategories(tf.keras.layers.Layer):
    """One vector an item, made of those of its categories; an item without any has the vector of an extra id, [UNK].

    Args:
        item_categories: int32 [n_items + 1, A], category ids, then 0 (models.base.DataSpec).
        n_categories: of the vocabulary, [UNK] not counted.
        dim: d.
        pool: "mean", "sum" or "first" (the main category alone).
        initializer: of the table.

    Reference: SAIR eq. 1 and section IV-B (LEDGER R1).
    """

    def __init__(self, item_categories: np.ndarray, n_categories: int, dim: int, pool: str, initializer, **kwargs):
        super().__init__(**kwargs)
        if pool not in POOLS:
            raise ValueError(f"category_pool must be one of {', '.join(POOLS)}, got {pool!r}")
        lists = np.array(item_categories[:, :1] if pool == "first" else item_categories, np.int32)
        lists[1:, 0] = np.where(lists[1:, 0] == 0, n_categories + 1, lists[1:, 0])
        self._lists, self._mean = tf.constant(lists), pool == "mean"
        self.embedding = PaddedEmbedding(n_categories + 1, dim, initializer, name="categories")

    def build(self, input_shape=None):
        built(self.embedding)
        super().build(input_shape)

    def call(self, items: tf.Tensor) -> tf.Tensor:
        """items: int32 [...], 0 is padding. Returns [..., d], zeros where padding."""
        ids = tf.gather(self._lists, items)
        total = tf.reduce_sum(self.embedding(ids), axis=-2)
        if not self._mean:
            return total
        count = tf.reduce_sum(tf.cast(valid(ids), total.dtype), axis=-1, keepdims=True)
        return total / tf.maximum(count, 1)
