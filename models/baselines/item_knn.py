"""ItemKNN: items like those of the history, by the users they share (Sarwar et al., WWW 2001).

| what | paper says | authors' code does | here | why |
|---|---|---|---|---|
| similarity | cosine of the items' columns | - | of binary user-item columns of training events, `shrink` added to the denominator | shrinkage damps pairs with little support |
| neighbourhood | k most similar items | - | the `neighbours` most similar items of each item of the history (Deshpande and Karypis, TOIS 2004) | |
| repeats, order | - | - | an item of the history counts once; `decay` < 1 weighs it by decay^(events since) | off by default; variant "recent" has 0.9 |
"""  # noqa: E501

import ml_collections
import numpy as np
from scipy import sparse

from models.baselines.history import HistoryScorer
from tf_utils.keras_gate import tf

BLOCK = 1024  # items whose similarities are held at once


class ItemKNN(HistoryScorer):
    """score(i) = sum over the items j of the history of sim(j, i), where i is among the k nearest of j."""

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(dict(variant="paper", neighbours=100, shrink=10.0, decay=1.0))

    @staticmethod
    def variants():
        return {"paper": {}, "recent": {"decay": 0.9}}

    def __init__(self, config, spec):
        super().__init__(config, spec)
        shape = [spec.n_items + 1, min(config.neighbours, spec.n_items)]
        # Free places, and item 0, hold neighbour 0 with similarity 0.
        self.neighbours = tf.Variable(tf.zeros(shape, tf.int32), trainable=False, name="neighbours")
        self.similarities = tf.Variable(tf.zeros(shape), trainable=False, name="similarities")

    def fit_counts(self, split):
        chosen, seq = split.train_mask(), split.sequences
        neighbours, similarities = nearest(
            seq.users_of_events()[chosen],
            seq.items[chosen],
            seq.size("item"),
            self.neighbours.shape[1],
            self.config.shrink,
        )
        self.neighbours.assign(neighbours)
        self.similarities.assign(similarities)

    def scores(self, history):
        """history [R, N + 1] -> [R, N + 1], one row after the other: the neighbours of all rows would not fit."""

        def row(weights):
            items = tf.where(weights > 0)[:, 0]
            parts = tf.gather(self.similarities, items) * tf.gather(weights, items)[:, None]
            near = tf.gather(self.neighbours, items)
            return tf.math.unsorted_segment_sum(parts, near, self.spec.n_items + 1)

        return tf.map_fn(row, history)


def nearest(users: np.ndarray, items: np.ndarray, n_items: int, k: int, shrink: float) -> tuple[np.ndarray, np.ndarray]:
    """The k most similar other items of each item, of equal ones those with the smaller ids.

    sim(i, j) = |users of both| / (sqrt(|users of i| |users of j|) + shrink).

    Args:
        users, items: int [events], ids.
        n_items: N.
        k: neighbours.
        shrink: at least 0.

    Returns:
        neighbours int32 [N + 1, k], similarities float32 [N + 1, k], by falling similarity, then 0.
    """
    matrix = sparse.csr_array((np.ones(len(users)), (users, items)), shape=(users.max() + 1, n_items + 1))
    matrix.data[:] = 1.0  # duplicates were added up
    columns = matrix.T.tocsr()
    support = np.asarray(columns.sum(axis=1), float).ravel()
    neighbours, similarities = np.zeros((n_items + 1, k), np.int32), np.zeros((n_items + 1, k), np.float32)
    for first in range(0, n_items + 1, BLOCK):
        both = (columns[first : first + BLOCK] @ matrix).tocoo()
        mine, other = both.row + first, both.col
        keep = mine != other
        mine, other, shared = mine[keep], other[keep], both.data[keep]
        value = shared / (np.sqrt(support[mine] * support[other]) + shrink)
        order = np.lexsort((other, -value, mine))
        mine, other, value = mine[order], other[order], value[order]
        place = np.arange(len(mine)) - np.searchsorted(mine, mine)
        top = place < k
        neighbours[mine[top], place[top]] = other[top]
        similarities[mine[top], place[top]] = value[top]
    return neighbours, similarities
