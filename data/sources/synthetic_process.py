"""The true process behind a generated log: tables that the generator draws from and the ceiling reads.

Ids are 0-based here (catalogue items, categories, actions, intents, users) and become 1-based in the log.
The items of a category are neighbours on a ring, in the order of their catalogue ids; popularity is shuffled over it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from data.sources.synthetic_presets import ACTIONS, Preset, resolve
from tf_utils.cli import UserError

GENERATOR_VERSION = 1
MARKS = {"view": 0, "favourite": 1, "cart": 1, "purchase": 2}
BLOCK = 4096  # users that share a random stream; part of the process, never an argument
_GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True)
class Process:
    """Every parameter of the true process; with Z intents, A actions, C categories and V catalogue items.

    start: float64 [Z], the stationary distribution.  transition: [A, Z, Z], P(next intent | last action, intent).
    emission: [Z, A], P(action | intent).  moves: [Z, A + 1, 5], P(move | intent, 1 + last action; 0 = first event).
    popularity: [C].  starts: int64 [C + 1], the first item of each category.  cumulative: [V + 1], the running sum of
    item weights; within a category its differences give P(item | category) of a popularity draw.
    marks: int64 [A], what an action leaves pending: 0 nothing new, 1 its category, 2 the complement of its category.
    offsets: [R], the chances of stepping 0, 1, ... `reach` items forward on the ring.
    """

    spec: Preset
    seed: int
    action_names: tuple[str, ...]
    start: np.ndarray
    transition: np.ndarray
    emission: np.ndarray
    moves: np.ndarray
    popularity: np.ndarray
    starts: np.ndarray
    cumulative: np.ndarray
    marks: np.ndarray
    offsets: np.ndarray
    length_location: float

    @property
    def n_catalogue(self) -> int:
        return len(self.cumulative) - 1

    def complement(self, category: np.ndarray) -> np.ndarray:
        """The accessory of a category: categories are paired by popularity; an odd last one is its own."""
        return np.minimum(category ^ 1, self.spec.n_categories - 1)

    def pending(self, previous: np.ndarray, category: np.ndarray, action: np.ndarray) -> np.ndarray:
        """The pending category after an event; before any, it is the user's favourite home category."""
        return np.choose(self.marks[action], [previous, category, self.complement(category)])

    def fingerprint(self) -> str:
        """sha256 of the generator's version, the seed and every resolved argument."""
        text = json.dumps(
            {"version": GENERATOR_VERSION, "seed": self.seed} | asdict(self.spec), sort_keys=True, default=float
        )
        return hashlib.sha256(text.encode()).hexdigest()

    def stream(self, kind: int, block: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(np.random.SeedSequence((self.seed, kind, block))))

    def lengths(self, users: np.ndarray) -> np.ndarray:
        """int64: events of each user. A golden-ratio sequence of quantiles keeps the mean right for any few users."""
        shift = self.stream(0, 0).random()
        return _lengths(self.spec, self.length_location, (shift + (users + 1) * _GOLDEN) % 1.0)

    def preferences(self, block: int) -> tuple[np.ndarray, np.ndarray]:
        """A block's home categories, int64 [BLOCK, H] (ascending; one may recur), and weights, float64 [BLOCK, H]."""
        rng, spec = self.stream(1, block), self.spec
        shape = (BLOCK, int(np.ceil(spec.home_categories * spec.max_ratio)))
        home = np.minimum(np.searchsorted(np.cumsum(self.popularity), rng.random(shape)), len(self.popularity) - 1)
        weights = rng.standard_gamma(spec.home_alpha, shape) + 1e-12
        lengths = self.lengths(np.arange(block * BLOCK, (block + 1) * BLOCK))
        used = np.arange(shape[1]) < np.ceil(spec.home_categories * lengths / spec.mean_actions)[:, None]
        home, weights = np.where(used, home, home[:, :1]), weights * used
        order = np.argsort(home, axis=1, kind="stable")
        home, weights = np.take_along_axis(home, order, 1), np.take_along_axis(weights, order, 1)
        return home, weights / weights.sum(axis=1, keepdims=True)


def build_process(preset: str, fraction: float = 1.0, seed: int = 0, **overrides) -> Process:
    """The process of `generate` with the same arguments. Raises `UserError` as `resolve` does."""
    return process_of(resolve(preset, fraction, overrides), seed)


def process_of(spec: Preset, seed: int) -> Process:
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or seed < 0:
        raise UserError(f"seed must be a whole number >= 0, got {seed!r}")
    n_catalogue = round(spec.n_items * spec.catalogue)
    popularity = _zipf_mandelbrot(np.arange(spec.n_categories), spec.n_categories, *spec.category_zipf)
    popularity /= popularity.sum()
    starts = np.concatenate([[0], np.cumsum(_apportion(popularity, n_catalogue))])
    start, transition, emission, moves = _intent_tables(spec)
    offsets = np.exp(-0.5 * np.arange(spec.reach + 1))
    offsets[0] = 0.0
    offsets *= (1 - spec.revisit * spec.repeats) / offsets.sum()
    offsets[0] = spec.revisit * spec.repeats
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, 2, 0))))
    return Process(
        spec=spec,
        seed=int(seed),
        action_names=tuple(name for name, share in zip(ACTIONS, spec.action_mix, strict=True) if share > 0),
        start=start,
        transition=transition,
        emission=emission,
        moves=moves,
        popularity=popularity,
        starts=starts,
        cumulative=_item_weights(starts, spec.item_zipf, rng),
        marks=np.array([MARKS[name] for name, share in zip(ACTIONS, spec.action_mix, strict=True) if share > 0]),
        offsets=offsets,
        length_location=_length_location(spec),
    )


def _zipf_mandelbrot(rank: np.ndarray, number: np.ndarray | int, exponent: float, shift: float) -> np.ndarray:
    return ((rank + 0.5) / number + shift) ** -exponent


def _apportion(shares: np.ndarray, total: int) -> np.ndarray:
    """Whole numbers near shares x total, each at least 1, that sum to `total` (largest remainders)."""
    ideal = 1 + shares * (total - len(shares))
    counts = np.floor(ideal).astype(np.int64)
    counts[np.argsort(counts - ideal, kind="stable")[: total - counts.sum()]] += 1
    return counts


def _item_weights(starts: np.ndarray, zipf: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    sizes = np.diff(starts)
    category = np.repeat(np.arange(len(sizes)), sizes)
    shuffled = np.lexsort((rng.random(starts[-1]), category))
    weights = np.empty(starts[-1])
    weights[shuffled] = _zipf_mandelbrot(np.arange(starts[-1]) - starts[category], sizes[category], *zipf)
    return np.concatenate([[0.0], np.cumsum(weights)])


def _intent_tables(spec: Preset) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Tables for the actions in use; action propensities are fitted so that the stationary mix is the one asked for."""
    used = np.flatnonzero(spec.action_mix)
    mix, intents = np.asarray(spec.action_mix)[used], spec.intents
    jump, jump_to = np.asarray(intents.jump)[used], np.asarray(intents.jump_to)[used]
    transition = (1 - jump)[:, None, None] * np.asarray(intents.transition) + jump[:, None, None] * jump_to[:, None]
    tilt = np.asarray(intents.action_tilt)[:, used]
    base = mix.copy()
    for _ in range(2000):
        emission = tilt * base
        emission /= emission.sum(axis=1, keepdims=True)
        start = _stationary(np.einsum("za,azy->zy", emission, transition))
        achieved = start @ emission
        if np.abs(achieved - mix).max() < 1e-10:
            break
        base *= mix / achieved
    else:
        raise UserError("the intents cannot produce this action_mix; make the action_tilt rows less extreme")
    boost = np.concatenate([[[0.0, 0.0, 1.0, 1.0, 1.0]], np.asarray(intents.boost)[used]])
    moves = np.asarray(intents.moves)[:, None] * boost
    if (moves.sum(axis=-1) <= 0).any():
        raise UserError("intents.boost forbids every move of an intent; leave one of them above 0")
    return start, transition, emission, moves / moves.sum(axis=-1, keepdims=True)


def _stationary(chain: np.ndarray) -> np.ndarray:
    """The distribution p with p = p @ chain (least squares, so that it is well defined for reducible chains too)."""
    equations = np.concatenate([chain.T - np.eye(len(chain)), np.ones((1, len(chain)))])
    solution = np.linalg.lstsq(equations, np.eye(len(chain) + 1)[-1], rcond=None)[0].clip(0)
    return solution / solution.sum()


def _lengths(spec: Preset, location: float, quantile: np.ndarray) -> np.ndarray:
    raw = np.exp(location + spec.length_sigma * norm.ppf(np.clip(quantile, 1e-12, 1 - 1e-12)))
    return np.clip(np.rint(raw), spec.min_actions, spec.longest).astype(np.int64)


def _length_location(spec: Preset) -> float:
    grid = (np.arange(20_000) + 0.5) / 20_000
    low = np.log(spec.min_actions) - 20 * spec.length_sigma
    high = np.log(spec.longest) + 20 * spec.length_sigma
    excess = lambda location: _lengths(spec, location, grid).mean() - spec.mean_actions  # noqa: E731
    return float(brentq(excess, low, high, xtol=1e-7))


def arguments_of(overrides: Mapping[str, object]) -> str:
    """The overrides as one line for a provenance note."""
    return ", ".join(f"{name}={value}" for name, value in sorted(overrides.items()) if name != "intents")
