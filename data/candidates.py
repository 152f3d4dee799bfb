"""Frozen candidate lists for sampled evaluation: drawn once from a seed and shared by every model.

A user's list depends on nothing but (seed, protocol, part), the user's id and items, and the catalogue: each user has a
random stream of its own (Philox, the user's id in the counter), so evaluating other users, or fewer, changes nothing.
Sampled metrics rank models differently from full ones (Krichene and Rendle, KDD 2020): report `full` beside them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data.schema import PAD, Sequences
from data.splits import EvalSet, Split
from tf_utils.cli import UserError

PAIRED = "cafe_released_pairing"
PROTOCOLS = ("uniform100", "popularity100", "asli_official", "recbole_uni100", PAIRED)  # append only: seeds the streams
PARTS = ("validation", "test")
NEGATIVES = 100
_BLOCK = 256  # draws tried at once under popularity; any size gives the same distribution


@dataclass(frozen=True)
class Candidates:
    """One list a user; read-only.

    users: int32 [n].  items: int32 [n, C], the target in column 0, then its rivals, then 0 (padding) where fewer than
    C - 1 are to be had. An item can occur twice only under `asli_official`.  notes: sentences for the run record.
    intents: int32 [n, C], what `items` are paired with by position, 0 where they are padding; None: each item has its
    own intent.
    """

    users: np.ndarray
    items: np.ndarray
    protocol: str
    part: str
    seed: int
    notes: tuple[str, ...] = ()
    intents: np.ndarray | None = None

    def __post_init__(self):
        self.users.flags.writeable = self.items.flags.writeable = False
        if self.intents is not None:
            self.intents.flags.writeable = False

    def __len__(self) -> int:
        return len(self.users)

    @property
    def lengths(self) -> np.ndarray:
        """int32 [n]: candidates of each user, the target included."""
        return np.sum(self.items != PAD, axis=1, dtype=np.int32)

    @property
    def fingerprint(self) -> str:
        """12 hex digits that two draws share only if their users and lists are the same."""
        digest = hashlib.sha256(np.ascontiguousarray(self.users).tobytes())
        digest.update(np.ascontiguousarray(self.items).tobytes())
        if self.intents is not None:
            digest.update(np.ascontiguousarray(self.intents).tobytes())
        return digest.hexdigest()[:12]


def draw(
    protocol: str,
    split: Split,
    part: str = "test",
    seed: int = 0,
    negatives: int = NEGATIVES,
    popularity: str = "all",
) -> Candidates:
    """The candidates of every user of `split.validation` or `split.test`.

    Raises UserError for an unknown name, and under `cafe_released_pairing` where an item has no intent, or several.

    protocol:
      uniform100: `negatives` distinct items, uniform over those the user never touched (train, validation, test).
      popularity100: the same, drawn one after another with probability proportional to an item's number of events: over
        everything (`popularity="all"`, BERT4Rec and CAFE, LEDGER C15) or over training (`"train"`). Never drawn: items
        without events.
      asli_official: uniform with replacement over the items not in the user's training events, so the validation item
        and the target itself can come up (ASLI's code, LEDGER A22; there redrawn at each evaluation, here frozen).
      recbole_uni100: uniform with replacement over all items but the target, the history included; repeats collapse
        (RecBole's `uni100` with a repeatable sampler, LEDGER R19; there redrawn at each evaluation, here frozen).
      cafe_released_pairing: the items of popularity100, and `intents`: the target's own intent, then the other intents
        in uniformly shuffled order, whatever the user did; so a rival is scored with an intent that is not its own,
        while the target keeps its own (CAFE's released loader, LEDGER C0; there redrawn at each evaluation, here
        frozen).
    negatives: rivals a list; the named protocols are published with 100.
    """
    for kind, value, known in (
        ("sampled protocol", protocol, PROTOCOLS),
        ("part", part, PARTS),
        ("popularity", popularity, ("all", "train")),
    ):
        if value not in known:
            raise UserError(f"unknown {kind} {value!r}; choose one of {', '.join(known)}")
    if seed < 0 or negatives < 1:
        raise UserError(f"seed must be 0 or more and negatives 1 or more, not {seed} and {negatives}")
    held_out: EvalSet = split.validation if part == "validation" else split.test
    seq = split.sequences
    listed = "popularity100" if protocol == PAIRED else protocol
    own_intents = item_intents(seq) if protocol == PAIRED else None
    sampler = _SAMPLERS[listed](split, negatives, popularity)
    items = np.zeros((len(held_out), 1 + negatives), np.int32)
    items[:, 0] = targets = seq.items[held_out.targets]
    for row, (user, target, rng) in enumerate(
        zip(held_out.users, targets, _streams(listed, part, seed, held_out.users), strict=True)
    ):
        start, end, train_end = seq.offsets[user - 1], seq.offsets[user], split.train_ends[user - 1]
        drawn = sampler(rng, target, seq.items[start:end], seq.items[start:train_end])
        items[row, 1 : 1 + len(drawn)] = drawn
    notes = _notes(protocol, part, items)
    if listed == "popularity100" and popularity == "train":
        notes = (f"{protocol}/{part}: popularity is counted over training events only", *notes)
    intents = None
    if own_intents is not None:
        intents = _shuffled_intents(own_intents, items, _streams(protocol, part, seed, held_out.users))
        n_others = len(np.unique(own_intents[own_intents > 0])) - 1
        notes = (*notes, *_pairing_notes(f"{protocol}/{part}", n_others, negatives))
    return Candidates(held_out.users.copy(), items, protocol, part, seed, notes, intents)


def item_intents(sequences: Sequences) -> np.ndarray:
    """int32 [n_items + 1]: the intent (category) of each item, 0 for items without events.

    Raises UserError where the data do not give every item that occurs exactly one intent (LEDGER C17), and where there
    are not two intents to tell apart.
    """
    table, name = sequences.item_categories(), sequences.provenance.name
    problem = ""
    occurring, expected = np.unique(sequences.items), table[sequences.items]
    if missing := int(np.sum(table[occurring] == 0)):
        problem = f"{missing} of {len(occurring)} items have no category"
    elif several := len(np.unique(sequences.items[(sequences.categories > 0) & (sequences.categories != expected)])):
        problem = f"{several} of {len(occurring)} items have events of different categories"
    elif len(np.unique(table[occurring])) < 2:
        problem = "there are fewer than two categories"
    if problem:
        raise UserError(f"{name}: {PAIRED} needs one intent an item, but {problem}; leave this protocol out")
    return table


def _shuffled_intents(own: np.ndarray, items: np.ndarray, streams) -> np.ndarray:
    """int32, the shape of `items`: the target's intent, then the others shuffled; again from the start if too few."""
    known = np.unique(own[own > 0])
    intents = np.zeros_like(items)
    intents[:, 0] = own[items[:, 0]]
    wanted, n_others = items.shape[1] - 1, len(known) - 1
    for row, (target, rng) in enumerate(zip(intents[:, 0], streams, strict=True)):
        places = [rng.choice(n_others, min(n_others, wanted - k), replace=False) for k in range(0, wanted, n_others)]
        places = np.concatenate(places)
        intents[row, 1:] = known[places + (places >= np.searchsorted(known, target))]
    return np.where(items > 0, intents, PAD)


def _pairing_notes(where: str, n_others: int, wanted: int) -> tuple[str, ...]:
    notes = [f"{where}: where a model scores intents, the target has its own and each rival a random other one"]
    if n_others < wanted:
        notes.append(f"{where}: there are only {n_others} other intents, so each comes up several times in a list")
    return tuple(notes)


def _streams(protocol: str, part: str, seed: int, users: np.ndarray):
    """One generator a user, in turn (the same object, moved to the user's own stretch of Philox's counter)."""
    place = (PROTOCOLS.index(protocol), PARTS.index(part))
    bits = np.random.Philox(key=np.random.SeedSequence(seed, spawn_key=place).generate_state(2, np.uint64))
    rng, state = np.random.Generator(bits), bits.state
    for user in users:
        state["state"]["counter"][:] = (0, 0, user, 0)  # 2 ** 128 blocks lie between two users
        bits.state = state  # the buffers of `state` are empty, as they were at the start
        yield rng


def _complement(own: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The items at `places` (from 0) among 1..N without `own` (ascending, distinct)."""
    left_below = own - 1 - np.arange(len(own))  # items below own[i] that are not in `own`
    return places + 1 + np.searchsorted(left_below, places, side="right")


def _uniform(split: Split, negatives: int, popularity: str) -> Callable[..., np.ndarray]:
    n_items = split.sequences.size("item")

    def sample(rng, target, everything, train):
        own = np.unique(everything)
        left = n_items - len(own)
        return _complement(own, rng.choice(left, min(negatives, left), replace=False))

    return sample


def _asli(split: Split, negatives: int, popularity: str) -> Callable[..., np.ndarray]:
    n_items = split.sequences.size("item")

    def sample(rng, target, everything, train):
        own = np.unique(train)
        left = n_items - len(own)
        return _complement(own, rng.integers(left, size=negatives if left else 0))

    return sample


def _recbole(split: Split, negatives: int, popularity: str) -> Callable[..., np.ndarray]:
    n_items = split.sequences.size("item")

    def sample(rng, target, everything, train):
        places = rng.integers(n_items - 1, size=negatives if n_items > 1 else 0)
        return np.unique(_complement(np.array([target], np.int64), places))

    return sample


def _popularity(split: Split, negatives: int, popularity: str) -> Callable[..., np.ndarray]:
    """Successive sampling. The item of a random event is an item drawn by popularity, so drawing events and keeping the
    first of each eligible item is exact; where a block of draws is too short (the user owns most of the mass), the rest
    is drawn by exponential races (the k smallest of Exp(1) / count, the Gumbel top-k in other words)."""
    seq = split.sequences
    events = seq.items if popularity == "all" else seq.items[split.train_mask()]
    counts = split.item_counts(train_only=popularity == "train")
    counts[PAD] = 0
    n_drawable = int(np.count_nonzero(counts))
    taken = np.zeros(len(counts), bool)  # scratch, cleared after each user

    def sample(rng, target, everything, train):
        own = np.unique(everything)
        taken[own] = True
        if n_drawable - np.count_nonzero(counts[own]) <= negatives:
            drawn = np.flatnonzero((counts > 0) & ~taken)
        else:
            block = events[rng.integers(len(events), size=_BLOCK)]
            block = block[~taken[block]]
            drawn = block[np.sort(np.unique(block, return_index=True)[1])][:negatives]
            missing = negatives - len(drawn)
            if missing:
                taken[drawn] = True
                rest = np.flatnonzero((counts > 0) & ~taken)
                taken[drawn] = False
                arrival = rng.standard_exponential(len(rest)) / counts[rest]
                drawn = np.concatenate([drawn, rest[np.argpartition(arrival, missing - 1)[:missing]]])
        taken[own] = False
        return drawn

    return sample


_SAMPLERS = {
    "uniform100": _uniform,
    "popularity100": _popularity,
    "asli_official": _asli,
    "recbole_uni100": _recbole,
}


def _notes(protocol: str, part: str, items: np.ndarray) -> tuple[str, ...]:
    rivals = np.count_nonzero(items[:, 1:], axis=1)
    wanted, notes = items.shape[1] - 1, []
    short = int(np.sum(rivals < wanted))
    if short and protocol == "recbole_uni100":
        notes.append(f"repeated draws collapse: {rivals.mean():.1f} rivals a list on average, at least {rivals.min()}")
    elif short:
        notes.append(
            f"{short} of {len(items)} users have fewer than {wanted} items left to draw (at least {rivals.min()}); "
            "all of them are used"
        )
    if hit := int(np.sum((items[:, 1:] == items[:, :1]).any(axis=1))):
        notes.append(f"the target itself is among the rivals of {hit} of {len(items)} users")
    return tuple(f"{protocol}/{part}: {note}" for note in notes)
