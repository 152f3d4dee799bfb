"""Leave-one-out: the last event is for test, the one before it for validation, the rest for training."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from data.schema import Sequences


@dataclass(frozen=True)
class EvalSet:
    """One target a user: event `targets[k]` of the flat arrays, with the history `starts[k] : targets[k]`.

    users: int32 [n].  starts, targets: int64 [n].
    """

    users: np.ndarray
    starts: np.ndarray
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.users)

    def select(self, keep: np.ndarray) -> EvalSet:
        return EvalSet(self.users[keep], self.starts[keep], self.targets[keep])


@dataclass(frozen=True)
class Split:
    """Training events of user u are `sequences.offsets[u - 1] : train_ends[u - 1]`; see `leave_one_out`."""

    sequences: Sequences
    train_ends: np.ndarray  # int64 [n_users]
    validation: EvalSet
    test: EvalSet

    def train_mask(self) -> np.ndarray:
        """bool [events]: True for the events a model may train on."""
        seq = self.sequences
        return np.arange(len(seq)) < np.repeat(self.train_ends, seq.lengths)

    def with_validation(self) -> Split:
        """The same split, with the validation targets among the training events (to refit before the test)."""
        ends = self.train_ends.copy()
        ends[self.validation.users - 1] = self.validation.targets + 1
        return replace(self, train_ends=ends)

    def item_counts(self, train_only: bool) -> np.ndarray:
        """int64 [n_items + 1]: events an item, over the training part or over everything."""
        items = self.sequences.items
        return np.bincount(items[self.train_mask()] if train_only else items, minlength=self.sequences.size("item") + 1)


def leave_one_out(sequences: Sequences) -> Split:
    """Holds out each user's last two events; a user with fewer than three events is for training only."""
    starts, ends = sequences.offsets[:-1], sequences.offsets[1:]
    held_out = ends - starts >= 3
    users = (np.flatnonzero(held_out) + 1).astype(np.int32)
    return Split(
        sequences=sequences,
        train_ends=np.where(held_out, ends - 2, ends),
        validation=EvalSet(users, starts[held_out], ends[held_out] - 2),
        test=EvalSet(users, starts[held_out], ends[held_out] - 1),
    )
