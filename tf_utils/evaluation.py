"""Ranks of held-out targets: for each user, how many candidates score higher than the target, and how many the same.

The target's score is taken from the same product as its rivals' scores: two kernels differ in the last bit, which would
fake wins and ties. Metrics are pure functions of these counts (tf_utils/ranking.py).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from data.candidates import Candidates
from data.pipeline import Store, evaluation_batches
from data.schema import Sequences
from data.splits import EvalSet
from models.base import Recommender
from tf_utils.cli import UserError
from tf_utils.keras_gate import tf
from tf_utils.ranking import Ranks

FULL = ("full", "full_with_seen")
_SCORES_PER_BATCH = 50_000_000  # 200 MB of float32


class Evaluator:
    """Ranks the targets of an EvalSet under several protocols at once, each user encoded once.

    Args:
        model: a built model.
        sequences, targets: the data; `targets` is the split's validation or test set.
        length: n, the longest history that the model is given.
        protocols: the protocols asked for; those that are not in `FULL` need an entry in `candidates`.
        candidates: protocol -> frozen candidate lists, of the same users in the same order as `targets`. Where a list
            pairs items with intents, a model that `scores_intents` is asked for the pairs; to any other it is a list
            of items.
        batch_size: users a batch; cut down where a full ranking of so many would not fit.

    Attributes:
        notes: what a reader of the ranks must know of the candidate lists.
    """

    def __init__(
        self,
        model: Recommender,
        sequences: Sequences,
        targets: EvalSet,
        length: int,
        protocols: tuple[str, ...],
        candidates: Mapping[str, Candidates],
        batch_size: int = 256,
    ):
        self._model, self._targets = model, targets
        self.protocols = protocols
        self._full = [name for name in protocols if name in FULL]
        self._lists, self._intents = {}, {}
        self.notes = tuple(note for name in protocols if name in candidates for note in candidates[name].notes)
        for name in protocols:
            if name not in FULL:
                if not np.array_equal(candidates[name].users, targets.users):
                    raise ValueError(f"{name}: the candidate lists are for other users than the targets")
                self._lists[name] = tf.constant(candidates[name].items, tf.int32)
                if candidates[name].intents is not None and model.scores_intents:
                    self._intents[name] = tf.constant(candidates[name].intents, tf.int32)
        n_items = sequences.size("item")
        if self._full:
            batch_size = max(1, min(batch_size, _SCORES_PER_BATCH // (n_items + 1)))
        trim = model.padding_invariant
        self._store = Store(sequences)
        self._batches, self._rows = evaluation_batches(self._store, targets, length, batch_size, trim)
        self._target_items = tf.constant(sequences.items[targets.targets], tf.int32)
        self._starts, self._ends = tf.constant(targets.starts), tf.constant(targets.targets)
        self._count = tf.function(self._count_batch, input_signature=[self._batches.element_spec])

    def ranks(self) -> dict[str, Ranks]:
        """Protocol -> Ranks of all users of the EvalSet. Raises UserError if a score is not finite."""
        collected: dict[str, list] = {name: [] for name in self.protocols}
        for batch in self._batches:
            counts, finite = self._count(batch)
            if not finite:
                raise UserError("the model gives scores that are not finite; the training has diverged")
            for name, rows in counts.items():
                collected[name].append(rows.numpy())
        order = np.argsort(self._rows)
        result = {}
        for name, parts in collected.items():
            greater, equal, total = np.concatenate(parts)[order].T.astype(np.int32)
            result[name] = Ranks(users=self._targets.users, greater=greater, equal=equal, candidates=total)
        return result

    def _count_batch(self, batch):
        queries, _ = self._model.encode(batch, training=False, positions="last")
        target = tf.gather(self._target_items, batch["row"])
        counts, finite = {}, tf.constant(True)
        everything = None
        if self._full:
            everything = tf.cast(self._model.score_all(queries), tf.float32)
            finite = tf.reduce_all(tf.math.is_finite(everything[:, 1:]))
            own = tf.gather(everything, target, batch_dims=1)[:, None]
            rivals = tf.ones_like(everything, tf.bool)
            rivals &= tf.not_equal(tf.range(tf.shape(everything)[1])[None, :], target[:, None])
            rivals &= tf.range(tf.shape(everything)[1])[None, :] > 0
            if "full_with_seen" in self._full:
                counts["full_with_seen"] = _counts(everything, own, rivals)
            if "full" in self._full:
                counts["full"] = _counts(everything, own, rivals & ~self._seen(batch, tf.shape(everything)))
        for name, table in self._lists.items():
            listed = tf.gather(table, batch["row"])  # [B, C], the target first
            if everything is None or name in self._intents:
                if name in self._intents:
                    scores = self._model.score_paired(queries, listed, tf.gather(self._intents[name], batch["row"]))
                else:
                    scores = self._model.score(queries, listed)
                scores = tf.cast(scores, tf.float32)
                finite &= tf.reduce_all(tf.math.is_finite(scores) | (listed == 0))
            else:
                scores = tf.gather(everything, listed, batch_dims=1)
            rivals = (listed > 0) & (tf.range(tf.shape(listed)[1]) > 0)[None, :]
            counts[name] = _counts(scores, scores[:, :1], rivals)
        return counts, finite

    def _seen(self, batch, shape) -> tf.Tensor:
        """bool [B, N + 1]: the items of the whole history, also of what lies beyond the model's n."""
        starts, ends = tf.gather(self._starts, batch["row"]), tf.gather(self._ends, batch["row"])
        items = self._store.window(starts, ends, tf.reduce_max(ends - starts))["items"]
        rows = tf.broadcast_to(tf.range(tf.shape(items)[0])[:, None], tf.shape(items))
        hits = tf.scatter_nd(tf.stack([rows, items], axis=-1), tf.ones_like(items), shape)
        return hits > 0


def _counts(scores: tf.Tensor, own: tf.Tensor, rivals: tf.Tensor) -> tf.Tensor:
    """int32 [B, 3]: rivals that score higher, rivals that score the same, length of the list with the target."""
    count = lambda mask: tf.reduce_sum(tf.cast(mask, tf.int32), axis=1)  # noqa: E731
    return tf.stack([count(rivals & (scores > own)), count(rivals & (scores == own)), count(rivals) + 1], axis=1)
