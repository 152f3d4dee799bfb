"""The ceiling of a generated log: the ranks of a scorer that knows the true process.

It knows every parameter of the process (transitions, emissions, moves, popularity, rings), the user's own categories
and weights, and the observed history of (item, category, action); it does not know the intents, nor the future. The
forward algorithm gives the belief over (intent, last action), hence exactly
    P(next item | history) = sum over intents P(intent | history) P(category | intent, last event, user)
                             x P(item | category, last item there, items met).
No scorer that reads the same history and the catalogue can have a higher expected HR@k or NDCG@k in a full ranking or
among uniform negatives: both are largest if items are ranked by this probability. (Among popular negatives the best
ranking is by the probability over that of being drawn, so this one is not the ceiling there.) It knows items that
training never shows; a model that learns a vector an item cannot. With `observe_actions=False` it does not see the
actions: the best that a model of items and categories could do, so the difference is what actions are worth. A log that
was filtered afterwards is no longer a sample of the process, and the scorer only an approximation.
The intents' side of it is in `synthetic_filter.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from data.candidates import Candidates
from data.schema import Sequences
from data.sources.synthetic_filter import IntentFilter
from data.sources.synthetic_process import Process
from data.splits import EvalSet
from tf_utils.cli import UserError
from tf_utils.ranking import Ranks

_SCORES_PER_BATCH = 20_000_000


class Ceiling:
    """Scores for the targets of an `EvalSet` of a generated log; B is the number of targets.

    Args:
        process: `build_process` with the arguments of `generate`.
        sequences: the log, perhaps filtered; its labels lead back to the catalogue.
        observe_actions: whether the scorer sees the actions of the history.
    Raises `UserError` if the log was not made by this process.
    """

    def __init__(self, process: Process, sequences: Sequences, observe_actions: bool = True):
        if not sequences.provenance.synthetic:
            raise UserError(f"{sequences.provenance.name} is no generated log: nobody knows its true process")
        if sequences.provenance.made_by != process.fingerprint():
            raise UserError("the log was generated with other arguments than the process; give both the same")
        self._process, self._sequences = process, sequences
        self._sizes = np.diff(process.starts)
        self._weights = np.diff(process.cumulative)
        self._totals = np.diff(process.cumulative[process.starts])
        self._category_of = np.repeat(np.arange(len(self._sizes)), self._sizes)
        self._catalogue = np.asarray(sequences.labels["item"], np.int64) - 1  # item of the log -> catalogue item
        self._item_category = self._category_of[self._catalogue]
        self._item_chance = self._weights[self._catalogue] / self._totals[self._item_category]
        self._place = np.full(process.n_catalogue, -1, np.int64)  # catalogue item -> item of the log, -1 for none
        self._place[self._catalogue] = np.arange(len(self._catalogue))
        self._filter = IntentFilter(process, sequences, observe_actions)

    def next_category_probabilities(self, targets: EvalSet) -> np.ndarray:
        """float64 [B, C]: P(category of the target event | history), over the process's 0-based categories."""
        return self._filter.next_category_probabilities(targets)

    def next_item_probabilities(self, targets: EvalSet) -> np.ndarray:
        """float64 [B, n_items + 1]: P(target item | history); column 0 (padding) is 0.

        A row sums to less than 1 by the chance of catalogue items that occur nowhere in the log.
        """
        chance = np.zeros((len(targets), len(self._catalogue) + 1))
        for row, (category_chance, start, end) in enumerate(
            zip(self.next_category_probabilities(targets), targets.starts, targets.targets, strict=True)
        ):
            self._items(category_chance, self._history(start, end), chance[row, 1:])
        return chance

    def scores(self, targets: EvalSet, candidates: np.ndarray) -> np.ndarray:
        """float64 [B, C']: the probabilities of `candidates` (int32 [B, C'], item ids of the log; 0 scores 0)."""
        return np.take_along_axis(self.next_item_probabilities(targets), candidates.astype(np.int64), axis=1)

    def ranks(self, targets: EvalSet, candidates: Candidates | None = None) -> Ranks:
        """Full ranks (all items of the log but the history; the target always stays), or among frozen candidates."""
        seq, parts = self._sequences, []
        for rows in self._batches(len(targets)):
            some = targets.select(rows)
            chance = self.next_item_probabilities(some)
            own_item = seq.items[some.targets].astype(np.int64)
            own = np.take_along_axis(chance, own_item[:, None], axis=1)
            if candidates is None:
                rival = np.ones(chance.shape, bool)
                rival[:, 0] = False
                for k, (start, end) in enumerate(zip(some.starts, some.targets, strict=True)):
                    rival[k, seq.items[start:end]] = False
                rival[np.arange(len(some)), own_item] = False
            else:
                listed = candidates.items[rows].astype(np.int64)
                rival = (listed > 0) & (np.arange(listed.shape[1]) > 0)
                chance = np.take_along_axis(chance, listed, axis=1)
            greater, equal = (rival & (chance > own)).sum(axis=1), (rival & (chance == own)).sum(axis=1)
            parts.append(np.stack([greater, equal, rival.sum(axis=1) + 1]))
        greater, equal, total = np.concatenate(parts, axis=1) if parts else np.zeros((3, 0), np.int64)
        return Ranks(targets.users, greater, equal, total)

    def _batches(self, n: int) -> Iterator[np.ndarray]:
        size = max(1, min(512, _SCORES_PER_BATCH // (len(self._catalogue) + 1)))
        for first in range(0, n, size):
            yield np.arange(first, min(first + size, n))

    def _history(self, start: int, end: int) -> np.ndarray:
        return self._catalogue[self._sequences.items[start:end] - 1]

    def _items(self, category_chance: np.ndarray, history: np.ndarray, out: np.ndarray) -> None:
        """Fills `out` [n_items] for one user: spreads each category's chance over its items, with the ring's."""
        process, offsets = self._process, self._process.offsets
        category = self._category_of[history]
        visited, last_place = np.unique(category[::-1], return_index=True)
        last = history[::-1][last_place]
        ring = np.zeros(len(self._sizes))
        ring[visited] = process.spec.neighbour
        near = (
            process.starts[visited, None]
            + ((last - process.starts[visited])[:, None] + np.arange(len(offsets))) % self._sizes[visited, None]
        )
        scale = category_chance
        if not process.spec.repeats:
            met = np.unique(history)
            at = self._category_of[met]
            taken = np.bincount(at, (1 - ring[at]) * self._weights[met] / self._totals[at], len(self._sizes))
            taken[visited] += ring[visited] * (offsets * np.isin(near, met)).sum(axis=1)
            left = 1 - taken
            scale = np.divide(category_chance, left, out=np.zeros_like(left), where=left > 1e-12)
        out[:] = (scale * (1 - ring))[self._item_category] * self._item_chance
        place, add = self._place[near], (scale * ring)[visited, None] * offsets
        np.add.at(out, place[place >= 0], add[place >= 0])
        if not process.spec.repeats:
            out[self._place[met]] = 0.0
