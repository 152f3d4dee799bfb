"""A seeded e-commerce log whose true process is known: the stand-in for data that nobody can download.

The process, for each user and each event t (tables in `synthetic_presets.py`, drawn up in `synthetic_process.py`):

1. intent z[t] ~ transition[a[t-1], z[t-1]]: browsing, shopping, looking for a gift, buying, collecting. Intents
   persist; a favourite or a cart may start another one, a purchase ends the shopping.
2. move m ~ moves[z[t], a[t-1]], then category c[t]: stay in c[t-1]; go (back) to the pending category, where the user
   last marked a favourite or filled the cart, or the complement of the one of the last purchase; one of the user's own
   (home) categories by their weights; any by popularity; or, as for a gift, one that is not a home category (away).
3. item i[t] from c[t] alone: with probability `neighbour`, and if the user has been in c[t] before, one of the items
   that follow the last one met there on the category's ring; else by Zipf-Mandelbrot popularity within the category.
   Without `repeats`, items the user has met are excluded from this distribution (exactly: redrawn, then inverted),
   and if every item of c[t] has been met, c[t] is drawn again by popularity from the categories that have some left.
4. action a[t] ~ emission[z[t]].

So the next item depends on the last items, the category, and through the intent on the (category, action) history;
with one category nothing but the items is left to learn from. Gaps between events are drawn independently of all else.

What does not vary: a user's events are a pure function of (resolved arguments but `n_users`, seed, user id); generating
fewer users, or in other chunks, changes nothing. Across `fraction`, `n_items` and `n_categories` also the users'
lengths, intents, actions and timestamps stay (the catalogue changes, and with it categories and items), unless there
are so few items that `Preset.longest` cuts the lengths.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from data.schema import Interactions, Provenance
from data.sources.synthetic_presets import PRESETS, Preset, resolve
from data.sources.synthetic_process import BLOCK, Process, arguments_of, process_of
from tf_utils.cli import UserError

MAX_EVENTS = 400_000_000  # about 21 bytes an event, and as much again while ids are made dense
_REDRAWS = 6
_DRAWS = 9 + 2 * _REDRAWS  # uniforms a user and step, used or not, so that no draw depends on another user
_FIRST_TIME = 1_500_000_000
_MEAN_GAP = 600.0


@dataclass(frozen=True)
class Chunk:
    """Events of consecutive users, by user and then time; 0-based ids as in `Process`.

    user, item, category, action, intent: int32, int32, int32, uint8, uint8.  timestamp: int64 seconds, without ties.
    """

    user: np.ndarray
    item: np.ndarray
    category: np.ndarray
    action: np.ndarray
    intent: np.ndarray
    timestamp: np.ndarray


def generate(preset: str = "demo", fraction: float = 1.0, seed: int = 0, **overrides) -> Interactions:
    """The log of `preset` as it stands after the paper's preprocessing (do not filter it again by item counts).

    fraction: of the users and items, in (0, 1].  overrides: fields of `Preset`, such as n_users, n_items, n_categories,
    mean_actions, action_mix, repeats, intents; absolute numbers, not scaled.  Item labels are catalogue ids (int64,
    1-based), so items that no event touched leave no gap in the ids.
    Raises `UserError` for an unknown preset or argument, a value out of range, or a log too large for memory.
    """
    spec = resolve(preset, fraction, overrides)
    if spec.n_users * spec.mean_actions > MAX_EVENTS:
        raise UserError(
            f"{preset} at this size has about {spec.n_users * spec.mean_actions:.2g} events, and no more than "
            f"{MAX_EVENTS:.0e} fit in memory; use a smaller fraction, or read it by synthetic.chunks"
        )
    return log_of(
        process_of(spec, seed), _note(preset, fraction, seed, overrides), *_differences(preset, spec, overrides)
    )


def log_of(process: Process, *notes: str) -> Interactions:
    """All events of a process as `Interactions`."""
    spec = process.spec
    total = sum(int(process.lengths(users).sum()) for users in _blocks(spec.n_users))
    columns = {name: np.empty(total, np.int32) for name in ("user", "item", "category")}
    columns |= {"action": np.empty(total, np.uint8), "timestamp": np.empty(total, np.int64)}
    filled = 0
    for chunk in chunks(process):
        end = filled + len(chunk.item)
        for name, column in columns.items():
            column[filled:end] = getattr(chunk, name)
            if name != "timestamp":
                column[filled:end] += 1
        filled = end
    labels = {
        "user": np.arange(1, spec.n_users + 1),
        "item": np.arange(1, process.n_catalogue + 1),
        "category": np.arange(1, spec.n_categories + 1),
        "action": np.array(process.action_names),
    }
    made_by = process.fingerprint()
    provenance = Provenance(f"synthetic-{spec.name}", made_by, True, spec.stand_in_for, notes, made_by)
    return Interactions(**columns, labels=labels, provenance=provenance).compact()


def chunks(process: Process, users_a_chunk: int = BLOCK) -> Iterator[Chunk]:
    """The log piece by piece, for sizes beyond memory; `users_a_chunk` (at most `BLOCK`) changes no event."""
    for users in _blocks(process.spec.n_users):
        for first in range(0, len(users), users_a_chunk):
            yield simulate(process, users[first : first + users_a_chunk])


def simulate(process: Process, users: np.ndarray) -> Chunk:
    """The events of `users`: int64, ascending, 0-based, all of one block of `BLOCK` users."""
    walk = _Walk(process, users)
    for step in range(walk.lengths.max(initial=0)):
        walk.step(step)
    return walk.chunk()


def _blocks(n_users: int) -> Iterator[np.ndarray]:
    for first in range(0, n_users, BLOCK):
        yield np.arange(first, min(first + BLOCK, n_users))


def _note(preset: str, fraction: float, seed: int, overrides: dict) -> str:
    given = f", {arguments_of(overrides)}" if arguments_of(overrides) else ""
    return f"Generated data (preset {preset}, fraction {fraction:g}, seed {seed}{given}), not a real log."


def _differences(preset: str, spec: Preset, overrides: dict) -> Iterator[str]:
    """What a reader who knows the data it stands for must be told of this log."""
    whole = PRESETS[preset].n_categories
    if spec.n_categories < whole and "n_categories" not in overrides:
        yield f"At this size it has {spec.n_categories:,} of {whole:,} categories, so a user meets more of them."
    if not spec.repeats:
        yield "No user meets an item twice in it, and no target repeats the history."


def _pick(cdf: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """The index drawn by inversion from each row of `cdf` [B, K], whose last column counts as 1."""
    return (uniform[:, None] >= cdf[:, :-1]).sum(axis=1)


class _Walk:
    """A block's users side by side, longest first, so that those still active are always the first rows."""

    def __init__(self, process: Process, users: np.ndarray):
        self.process = process
        block = int(users[0]) // BLOCK
        lengths = process.lengths(users)
        self.order = np.argsort(-lengths, kind="stable")
        self.users, self.lengths = users[self.order], lengths[self.order]
        self.column = self.users - block * BLOCK  # a user's place in the block's random stream
        self.rng = process.stream(3, block)
        home, weights = process.preferences(block)
        self.pending = home[np.arange(BLOCK), weights.argmax(axis=1)][self.column]
        self.home, self.home_cdf = home[self.column], np.cumsum(weights[self.column], axis=1)
        shape = (len(users), int(lengths.max(initial=0)))
        self.item, self.category = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
        self.action, self.intent = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
        self.gap = np.zeros(shape, np.int32)
        self.start_cdf = np.cumsum(process.start)[None]
        self.transition_cdf, self.emission_cdf = np.cumsum(process.transition, -1), np.cumsum(process.emission, -1)
        self.moves_cdf = np.cumsum(process.moves, -1)
        self.popularity_cdf = np.cumsum(process.popularity)
        self.offsets_cdf = np.cumsum(process.offsets)

    def step(self, t: int) -> None:
        n = int(np.searchsorted(-self.lengths, -t, side="left"))
        draws = self.rng.random((_DRAWS, BLOCK))
        main, self.spare = draws[:7, self.column[:n]], draws[7:]
        repeats = self.process.spec.repeats
        if t:
            last_action = self.action[:n, t - 1].astype(np.int64)
            intent = _pick(self.transition_cdf[last_action, self.intent[:n, t - 1]], main[0])
            move = _pick(self.moves_cdf[intent, last_action + 1], main[1])
        else:
            intent = _pick(self.start_cdf, main[0])
            move = _pick(self.moves_cdf[intent, 0], main[1])
        category = self._categories(t, move, main[2])
        if not repeats:
            self._leave_exhausted(t, category)
        last = self._last_items(t, category)
        item = self._propose(category, last, main[3], main[4])
        if not repeats:
            self._avoid_repeats(t, item, category, last)
        self.item[:n, t] = item
        self.category[:n, t], self.intent[:n, t] = category, intent
        self.action[:n, t] = action = _pick(self.emission_cdf[intent], main[5])
        self.pending[:n] = self.process.pending(self.pending[:n], category, action)
        self.gap[:n, t] = 1 - np.log1p(-main[6]) * _MEAN_GAP

    def _categories(self, t: int, move: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        category = np.zeros(len(move), np.int64)
        if t:
            previous = self.category[: len(move), t - 1].astype(np.int64)
            category = np.where(move == 0, previous, self.pending[: len(move)])
        rows = np.flatnonzero(move == 2)
        category[rows] = self.home[rows, _pick(self.home_cdf[rows], uniform[rows])]
        rows = np.flatnonzero(move == 3)
        category[rows] = self._by_popularity(uniform[rows])
        rows = np.flatnonzero(move == 4)
        category[rows] = self._away(rows, uniform[rows])
        return category

    def _by_popularity(self, mass: np.ndarray) -> np.ndarray:
        return np.minimum(np.searchsorted(self.popularity_cdf, mass, side="right"), len(self.popularity_cdf) - 1)

    def _away(self, rows: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        """By popularity over all but the home categories: shift the draw past each home category's share (exact)."""
        home = self.home[rows]
        first = np.concatenate([np.ones((len(rows), 1), bool), home[:, 1:] != home[:, :-1]], axis=1)
        share = self.process.popularity[home] * first
        free = 1.0 - share.sum(axis=1)
        everywhere = first.sum(axis=1) == len(self.popularity_cdf)  # all categories are home: none is away
        mass = uniform * np.where(everywhere, 1.0, free)
        for slot in range(home.shape[1]):
            passed = mass >= self.popularity_cdf[home[:, slot]] - self.process.popularity[home[:, slot]]
            mass = mass + share[:, slot] * (passed & ~everywhere)
        return self._by_popularity(mass)

    def _last_items(self, t: int, category: np.ndarray) -> np.ndarray:
        """int64 [n]: the user's last item in the category, -1 if there is none."""
        last = np.full(len(category), -1, np.int64)
        if t == 0:
            return last
        same = self.category[: len(category), t - 1] == category
        last[same] = self.item[: len(category), t - 1][same]
        rows = np.flatnonzero(~same)
        met = self.category[rows, :t] == category[rows, None]
        when = t - 1 - np.argmax(met[:, ::-1], axis=1)
        found = met[np.arange(len(rows)), when]
        last[rows[found]] = self.item[rows[found], when[found]]
        return last

    def _leave_exhausted(self, t: int, category: np.ndarray) -> None:
        """In place: another category by popularity, where the user has met every item of the one chosen."""
        sizes = np.diff(self.process.starts)
        rows = np.flatnonzero(sizes[category] <= t)
        met = (self.category[rows, :t] == category[rows, None]).sum(axis=1)  # no repeats: events are distinct items
        for row in rows[met >= sizes[category[rows]]]:
            left = np.bincount(self.category[row, :t], minlength=len(sizes)) < sizes
            category[row] = _invert(self.process.popularity * left, self.spare[0, self.column[row]])

    def _avoid_repeats(self, t: int, item: np.ndarray, category: np.ndarray, last: np.ndarray) -> None:
        """In place: items the user has met are drawn again, and at last by inverting the exact distribution."""
        clash = np.flatnonzero((self.item[: len(item), :t] == item[:, None]).any(axis=1))
        for trial in range(_REDRAWS):
            uniform = self.spare[2 + 2 * trial : 4 + 2 * trial, self.column[clash]]
            item[clash] = self._propose(category[clash], last[clash], uniform[0], uniform[1])
            clash = clash[(self.item[clash, :t] == item[clash, None]).any(axis=1)]
            if not len(clash):
                return
        for row in clash:
            start, end = self.process.starts[category[row] : category[row] + 2]
            chance, seen = item_distribution(self.process, category[row], last[row]), self.item[row, :t]
            chance[seen[(seen >= start) & (seen < end)] - start] = 0.0
            item[row] = start + _invert(chance, self.spare[1, self.column[row]])

    def _propose(self, category: np.ndarray, last: np.ndarray, branch: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        process = self.process
        start, end = process.starts[category], process.starts[category + 1]
        near = (last >= 0) & (branch < process.spec.neighbour)
        steps = np.minimum(np.searchsorted(self.offsets_cdf, uniform, side="right"), len(self.offsets_cdf) - 1)
        item = np.where(near, start + (last - start + steps) % (end - start), 0)
        rows = np.flatnonzero(~near)
        low, high = process.cumulative[start[rows]], process.cumulative[end[rows]]
        drawn = np.searchsorted(process.cumulative, low + uniform[rows] * (high - low), side="right") - 1
        item[rows] = np.clip(drawn, start[rows], end[rows] - 1)
        return item

    def chunk(self) -> Chunk:
        back = np.argsort(self.order, kind="stable")
        lengths, gap = self.lengths[back], self.gap[back]
        starts = _FIRST_TIME + self.column[back, None] * 60
        keep = np.arange(gap.shape[1]) < lengths[:, None]
        columns = {name: getattr(self, name)[back][keep] for name in ("item", "category", "action", "intent")}
        return Chunk(
            user=np.repeat(self.users[back].astype(np.int32), lengths),
            timestamp=(starts + np.cumsum(gap, axis=1, dtype=np.int64))[keep],
            **columns,
        )


def _invert(weights: np.ndarray, uniform: float) -> int:
    """The index of one draw in proportion to `weights`, never one whose weight is 0."""
    running = np.cumsum(weights)
    return int(min(np.searchsorted(running, uniform * running[-1], side="right"), np.flatnonzero(weights)[-1]))


def item_distribution(process: Process, category: int, last: int) -> np.ndarray:
    """float64 [items of the category]: P(item | category, last item there; -1 for none), repeats not yet excluded."""
    start, end = process.starts[category], process.starts[category + 1]
    chance = np.diff(process.cumulative[start : end + 1])
    chance /= chance.sum()
    if last >= 0:
        chance *= 1.0 - process.spec.neighbour
        steps = np.arange(len(process.offsets))
        np.add.at(chance, (last - start + steps) % (end - start), process.spec.neighbour * process.offsets)
    return chance
