"""The forward algorithm over the latent intents of a generated log: what the next category is, given the history.

Letters: B users, Z intents, A actions, C categories, K = 5 moves, M = pending categories to be told apart: 1 if the
actions are observed, for then it is known, else C (and the cost C times as high). The item of an event depends on its
category and on earlier items alone, so it says nothing about the intent and drops out of the recursion.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from data.schema import Sequences
from data.sources.synthetic_process import BLOCK, Process
from data.splits import EvalSet
from tf_utils.cli import UserError

_CELLS = 4_000_000  # numbers in a batch's beliefs


class IntentFilter:
    """Args as of `synthetic_ceiling.Ceiling`."""

    def __init__(self, process: Process, sequences: Sequences, observe_actions: bool = True):
        self._process, self._sequences, self._observe = process, sequences, observe_actions
        place = {name: k for k, name in enumerate(process.action_names)}
        self._action_of = np.array([0, *(place[name] for name in sequences.labels["action"])])
        self._category_of = np.concatenate([[0], np.asarray(sequences.labels["category"], np.int64) - 1])
        self._preferences = lru_cache(maxsize=4)(process.preferences)

    def next_category_probabilities(self, targets: EvalSet) -> np.ndarray:
        """float64 [B, C]: P(category of the target event | history), by the process's 0-based categories."""
        result = np.empty((len(targets), len(self._process.popularity)))
        order = np.argsort(targets.starts - targets.targets, kind="stable")  # longest first
        cells = self._process.emission.size * (1 if self._observe else len(self._process.popularity))
        for rows in np.array_split(order, max(1, -(-len(order) * cells // _CELLS))):
            result[rows] = self._run(targets.select(rows))
        return result

    def _run(self, targets: EvalSet) -> np.ndarray:
        lengths, seq = targets.targets - targets.starts, self._sequences
        state = _State(self._process, *self._homes(targets.users), self._observe)
        for t in range(int(lengths.max(initial=0))):
            events = targets.starts[: int(np.searchsorted(-lengths, -t, side="left"))] + t
            state.observe(t, self._category_of[seq.categories[events]], self._action_of[seq.actions[events]])
        return state.predict(lengths > 0)

    def _homes(self, users: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Home categories and weights [B, H] of users given by their ids in the log."""
        users = np.asarray(self._sequences.labels["user"], np.int64)[users - 1] - 1
        shape = self._preferences(0)[0].shape[1]
        home, weights = np.empty((len(users), shape), np.int64), np.empty((len(users), shape))
        for block in np.unique(users // BLOCK):
            rows = np.flatnonzero(users // BLOCK == block)
            homes = self._preferences(int(block))
            home[rows], weights[rows] = homes[0][users[rows] % BLOCK], homes[1][users[rows] % BLOCK]
        return home, weights


class _State:
    """The beliefs of B users, longest history first; each step updates the first n of them.

    belief [B, Z, A, M]: P(intent, action of the last event, pending category | history); pending [B or 1, M]: which
    category each place of the last axis stands for.
    """

    def __init__(self, process: Process, home: np.ndarray, weights: np.ndarray, observe_actions: bool):
        self.process, self.home, self.weights, self.known = process, home, weights, observe_actions
        popularity, self.sizes = process.popularity, np.diff(process.starts)
        rows = np.arange(len(home))
        first = np.concatenate([np.ones((len(home), 1), bool), home[:, 1:] != home[:, :-1]], axis=1)
        self.has_away = first.sum(axis=1) < len(popularity)
        self.free = np.where(self.has_away, 1.0 - (popularity[home] * first).sum(axis=1), 1.0)
        favourite = home[rows, weights.argmax(axis=1)]
        if observe_actions:
            self.pending, at_first = favourite[:, None], np.ones((len(home), 1))
        else:
            self.pending = np.arange(len(popularity))[None]
            at_first = (self.pending == favourite[:, None]).astype(float)
        self.at_first = at_first  # [B, M]
        self.belief = np.zeros((len(home), *process.emission.shape, at_first.shape[1]))
        self.last = np.zeros(len(home), np.int64)
        self.met = np.zeros((len(home), len(popularity)), np.int32)
        self.exhausted = np.zeros(self.met.shape, bool)
        self.exhausted_mass = np.zeros((len(home), 3))  # what home, popular and away would give exhausted categories

    def observe(self, t: int, category: np.ndarray, action: np.ndarray) -> None:
        """Takes in event t: category, action int64 [n]."""
        process, n = self.process, len(category)
        fixed, pending = self._move_chances(category)
        if t == 0:
            intent = np.einsum("z,zk,nk,nm->nzm", process.start, process.moves[:, 0], fixed, self.at_first[:n])
        else:
            ahead = self._ahead(n)
            intent = (ahead * np.einsum("yak,nk->nya", process.moves[:, 1:], fixed)[..., None]).sum(axis=2)
            intent += (ahead * process.moves[:, 1:, 1, None]).sum(axis=2) * pending[:, None, :]
        total = intent.sum(axis=(1, 2), keepdims=True)
        if (total <= 0).any():  # only in a log that was filtered or altered
            raise UserError("the log holds an event that the process cannot produce; rank the log as it was generated")
        self.belief[:n] = self._act(intent / total, category, action)
        self.last[:n] = category
        if not process.spec.repeats:
            self._count(category)

    def _ahead(self, n: int) -> np.ndarray:
        """float64 [n, Z, A, M]: P(next intent, last action, pending category | history)."""
        return np.stack(
            [np.einsum("nzm,zy->nym", self.belief[:n, :, a], t) for a, t in enumerate(self.process.transition)], 2
        )

    def _act(self, intent: np.ndarray, category: np.ndarray, action: np.ndarray) -> np.ndarray:
        """The beliefs [n, Z, A, M] after the event's action, seen or not, from those [n, Z, M] before it."""
        process, rows = self.process, np.arange(len(category))
        if self.known:
            self.pending[: len(rows), 0] = process.pending(self.pending[: len(rows), 0], category, action)
            seen = intent[:, :, None] * process.emission[:, :, None]
            seen *= (np.arange(len(process.marks)) == action[:, None])[:, None, :, None]
            return seen / seen.sum(axis=(1, 2, 3), keepdims=True)
        after = np.zeros((len(rows), *self.belief.shape[1:]))
        for a, mark in enumerate(process.marks):
            if mark == 0:
                after[:, :, a] = intent
            else:
                after[rows, :, a, category if mark == 1 else process.complement(category)] = intent.sum(axis=2)
        return after * process.emission[:, :, None]

    def predict(self, has_history: np.ndarray) -> np.ndarray:
        """float64 [B, C]: P(next category)."""
        process, rows = self.process, np.arange(len(self.last))
        ahead = self._ahead(len(rows))
        move = np.einsum("nyam,yak->nk", ahead, process.moves[:, 1:])
        move = np.where(has_history[:, None], move, process.start @ process.moves[:, 0])
        chance = (move[:, 4] / self.free)[:, None] * process.popularity
        chance[rows[self.has_away, None], self.home[self.has_away]] = 0.0
        chance += move[:, 3, None] * process.popularity
        np.add.at(chance, (rows[:, None], self.home), move[:, 2, None] * self.weights)
        np.add.at(chance, (rows, self.last), move[:, 0])
        np.add.at(chance, (rows[:, None], self.pending), np.einsum("nyam,ya->nm", ahead, process.moves[:, 1:, 1]))
        lost = (chance * self.exhausted).sum(axis=1)
        left = np.where(self.exhausted, 0.0, process.popularity)
        return np.where(self.exhausted, 0.0, chance) + lost[:, None] * left / left.sum(axis=1, keepdims=True)

    def _move_chances(self, category: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """P(category | move): [n, K] for all moves but pending (0 there), and [n, M] for that one.

        Includes the second draw where the first falls on an exhausted category.
        """
        n, rows = len(category), np.arange(len(category))
        own, popular = self._shares(category)
        away = np.where((own > 0) & self.has_away[:n], 0.0, popular / self.free[:n])
        nothing, stay, lost = np.zeros(n), self.last[:n] == category, self.exhausted_mass[:n]
        direct = np.stack([stay, nothing, own, popular, away], axis=1)
        gone = np.stack([self.exhausted[rows, self.last[:n]], nothing, *lost.T], axis=1)
        again = popular / np.maximum(1.0 - lost[:, 1], 1e-300)
        there = self.pending[:n] if self.known else self.pending
        pending = (there == category[:, None]) + self.exhausted[rows[:, None], there] * again[:, None]
        return direct + gone * again[:, None], pending

    def _shares(self, category: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        own = ((self.home[: len(category)] == category[:, None]) * self.weights[: len(category)]).sum(axis=1)
        return own, self.process.popularity[category]

    def _count(self, category: np.ndarray) -> None:
        n, rows = len(category), np.arange(len(category))
        self.met[rows, category] += 1
        full = self.met[rows, category] == self.sizes[category]
        if full.any():
            own, popular = self._shares(category)
            away = np.where((own > 0) & self.has_away[:n], 0.0, popular / self.free[:n])
            self.exhausted_mass[:n] += np.stack([own, popular, away], axis=1) * full[:, None]
            self.exhausted[rows[full], category[full]] = True
