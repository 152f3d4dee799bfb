"""IdDistance: items ranked by how near they are to the newest event in one order of all items, that of no clock.

| what | paper says | authors' code does | here | why |
|---|---|---|---|---|
| the model | - | - | score(i) = - abs(place of i - place of the newest item) | a source without timestamps may list every user's items in one order (SAIR's Anime, LEDGER R22): a table made of it needs this row beside it |
| the order | - | - | the one all users' training events follow, ties by raw id; where users contradict each other, that of the raw ids | in Anime's source it is that of the ids, but a copy may have numbered them anew |
| side | - | - | either; variant "later": all later items before the earlier ones (`later_first`) | there the next item always comes later |
"""  # noqa: E501

import heapq

import ml_collections
import numpy as np

from data.splits import Split
from models.base import Recommender
from tf_utils.keras_gate import tf


class IdDistance(Recommender):
    """The nearest in the order first; knows nothing of users or time.

    The query is the newest item's place itself, [B, T, 1, 1]: a distance on a line is no inner product, so there are no
    retrieval factors. A history without events has place 0.
    """

    regime = None
    float32_scores = True  # whole numbers up to 2^24 are exact in float32; in half precision they would tie

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(dict(variant="paper", later_first=False))

    @staticmethod
    def variants():
        return {"paper": {}, "later": {"later_first": True}}

    def __init__(self, config, spec):
        super().__init__(config, spec)
        self.places = tf.Variable(tf.range(spec.n_items + 1, dtype=tf.float32), trainable=False, name="places")

    def fit_counts(self, split):
        """Labels of items and training events are read, no held-out one."""
        by_id = raw_order(split.sequences.labels["item"])
        self.places.assign(by_id if (common := common_order(split, by_id)) is None else common)

    def encode(self, batch, training=False, positions="all"):
        items = batch["items"][:, -1:] if positions == "last" else batch["items"]
        return tf.gather(self.places, items)[:, :, None, None], {}

    def score(self, queries, candidates):
        return self._nearness(tf.gather(self.places, candidates) - queries[:, 0, 0])

    def score_all(self, queries):
        return self._nearness(self.places[None, :] - queries[:, 0, 0])

    def _nearness(self, steps: tf.Tensor) -> tf.Tensor:
        """steps: [B, C], by how many places a candidate comes after the newest item. Same shape."""
        nearness = -tf.abs(steps)
        return tf.where(steps < 0, nearness - self.spec.n_items, nearness) if self.config.later_first else nearness

    def retrieval_factors(self):
        return None


def raw_order(labels: np.ndarray) -> np.ndarray:
    """float32 [n_items + 1]: the place, from 1, of each item among the raw ids in ascending order; 0 for padding.

    labels: raw ids, [n_items]; in numeric order where all of them are whole numbers, else as text.
    """
    try:
        keys = np.asarray(labels).astype(np.int64)
    except ValueError:
        keys = np.asarray(labels).astype(str)
    places = np.zeros(len(keys) + 1, np.float32)
    places[1:][np.argsort(keys, kind="stable")] = np.arange(1, len(keys) + 1)
    return places


def common_order(split: Split, ties: np.ndarray) -> np.ndarray | None:
    """The places of the items in an order that no user's training events contradict; None where there is none.

    Of the items that no item left over has to precede, the first by `ties` comes next: where histories ascend by it,
    the order is `ties` itself.

    ties: [n_items + 1], each item's place in some order, from 1.  Returns float32 [n_items + 1], likewise.
    """
    items, trained = split.sequences.items, split.train_mask()
    together = trained[:-1] & trained[1:]
    together[split.sequences.offsets[1:-1] - 1] = False  # the newest of a user and the oldest of the next one
    steps = np.unique(np.stack([items[:-1][together], items[1:][together]]), axis=1)
    later = np.split(steps[1], np.cumsum(np.bincount(steps[0], minlength=len(ties)))[:-1])
    waits_for = np.bincount(steps[1], minlength=len(ties))
    free = [(ties[item], item) for item in range(1, len(ties)) if not waits_for[item]]
    heapq.heapify(free)
    places = np.zeros(len(ties), np.float32)
    for place in range(1, len(ties)):
        if not free:
            return None
        _, item = heapq.heappop(free)
        places[item] = place
        for follower in later[item]:
            waits_for[follower] -= 1
            if not waits_for[follower]:
                heapq.heappush(free, (ties[follower], follower))
    return places
