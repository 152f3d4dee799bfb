"""What a generated log looks like: the intents, the marginals, and one preset for each data set nobody can download.

Sources of the numbers: ASLI (WWW '20) Table 2 and section 2.1 (Etsy, Tmall, Tmall-Small; Etsy's user-category density
of 1.68%), CAFE (SIGIR '22) Table 1 Amazon (`sparse_intent`), SINE (WSDM '21) Table 2 and section 4.4 (`ularge`).
What no table gives (home categories, exponents, intents) is a free choice; `home_categories` and `catalogue` were
calibrated once on the full size so that the density and the number of distinct items come out as published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from tf_utils.cli import UserError

ACTIONS = ("view", "favourite", "cart", "purchase")
MOVES = ("stay", "pending", "home", "popular", "away")


@dataclass(frozen=True)
class Intents:
    """The latent intents; rows are intents, columns as named. Tuples, so that a preset is immutable and hashable.

    transition [Z][Z]: P(next intent | intent) after a plain view.  jump [4]: the probability that an action of
    `ACTIONS` overrules it, and jump_to [4][Z]: the intent it then leads to.  action_tilt [Z][4]: how much likelier than
    on average an intent takes an action.  moves [Z][5]: how the next event's category is found (`MOVES`), before
    boost [4][5] multiplies it by what the last action does to it.
    """

    names: tuple[str, ...]
    transition: tuple[tuple[float, ...], ...]
    jump: tuple[float, ...]
    jump_to: tuple[tuple[float, ...], ...]
    action_tilt: tuple[tuple[float, ...], ...]
    moves: tuple[tuple[float, ...], ...]
    boost: tuple[tuple[float, ...], ...]

    def check(self) -> None:
        """Raises `UserError` if a table has the wrong shape, a negative entry, or rows that are no distribution."""
        z = len(self.names)
        shapes = {
            "transition": (z, z),
            "jump": (len(ACTIONS),),
            "jump_to": (len(ACTIONS), z),
            "action_tilt": (z, len(ACTIONS)),
            "moves": (z, len(MOVES)),
            "boost": (len(ACTIONS), len(MOVES)),
        }
        for name, shape in shapes.items():
            try:
                table = np.asarray(getattr(self, name), float)
            except (TypeError, ValueError):
                table = np.zeros(0)
            if table.shape != shape or not np.isfinite(table).all() or (table < 0).any():
                raise UserError(f"intents.{name} must be a table of shape {list(shape)} of finite numbers >= 0")
            if name in ("transition", "jump_to", "moves") and not np.allclose(table.sum(-1), 1, atol=1e-6):
                raise UserError(f"each row of intents.{name} must sum to 1")
        if max(self.jump) > 1:
            raise UserError("intents.jump holds probabilities; give numbers in [0, 1]")
        if np.min(self.action_tilt) <= 0 or np.min(np.asarray(self.moves)[:, 2:].sum(1)) <= 0:
            raise UserError(
                "intents.action_tilt must be > 0, and each intent must move home, popular or away sometimes"
            )


ECOMMERCE = Intents(
    names=("browse", "shop", "gift", "buy", "collect"),
    transition=(
        (0.90, 0.06, 0.02, 0.00, 0.02),
        (0.05, 0.90, 0.01, 0.03, 0.01),
        (0.06, 0.02, 0.90, 0.02, 0.00),
        (0.10, 0.10, 0.00, 0.80, 0.00),
        (0.06, 0.03, 0.01, 0.00, 0.90),
    ),
    jump=(0.0, 0.3, 0.6, 0.9),  # a favourite starts collecting, a cart leads to buying, a purchase ends it
    jump_to=(
        (0.2, 0.2, 0.2, 0.2, 0.2),
        (0.0, 0.0, 0.0, 0.0, 1.0),
        (0.0, 0.0, 0.0, 1.0, 0.0),
        (0.9, 0.0, 0.1, 0.0, 0.0),
    ),
    action_tilt=(
        (1.0, 0.2, 0.1, 0.02),
        (1.0, 0.4, 1.0, 0.2),
        (1.0, 0.4, 1.2, 0.6),
        (0.4, 0.1, 2.0, 4.0),
        (0.6, 8.0, 0.3, 0.1),
    ),
    moves=(
        (0.20, 0.35, 0.10, 0.35, 0.00),
        (0.52, 0.32, 0.14, 0.02, 0.00),
        (0.55, 0.10, 0.00, 0.05, 0.30),
        (0.55, 0.40, 0.05, 0.00, 0.00),
        (0.25, 0.35, 0.38, 0.02, 0.00),
    ),
    boost=(
        (1.0, 1.0, 1.0, 1.0, 1.0),
        (0.3, 1.0, 1.0, 1.0, 1.0),  # what is marked can wait: the user looks elsewhere, and comes back to it
        (3.0, 1.0, 0.5, 0.2, 0.2),
        (0.05, 8.0, 1.0, 1.0, 1.0),
    ),
)


@dataclass(frozen=True)
class Preset:
    """The arguments of the process. Counts are those of the log aimed at, after the paper's own preprocessing.

    mean_actions: events a user, log-normal (spread `length_sigma`) between `min_actions` and `longest`.
    action_mix: share of each action, in the order of `ACTIONS`; an action of share 0 is left out of the vocabulary.
    home_categories: own categories of a user of mean length (longer users have proportionally more); their weights are
    Dirichlet(`home_alpha`).
    catalogue: items offered per item aimed at, since the tail of the catalogue is never touched.
    category_floor: items a category below which `fraction` takes away categories.
    category_zipf, item_zipf: (exponent, shift) of Zipf-Mandelbrot popularity over the rank as a part of the whole,
    (rank / number + shift) ** -exponent, so that the share of the top percent does not depend on the size.
    neighbour: the probability that the next item in a category is one of the `reach` items after the user's last one.
    repeats: whether a user may meet an item again; `revisit`: the share of neighbour steps that then stay on the item.
    """

    name: str
    stand_in_for: str
    n_users: int
    n_items: int
    n_categories: int
    mean_actions: float
    action_mix: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0)
    home_categories: int = 12
    home_alpha: float = 0.5
    catalogue: float = 1.2
    category_floor: int = 20
    min_actions: int = 5
    max_ratio: float = 8.0
    length_sigma: float = 0.8
    category_zipf: tuple[float, float] = (0.7, 0.01)
    item_zipf: tuple[float, float] = (1.0, 0.01)
    neighbour: float = 0.5
    reach: int = 4
    repeats: bool = False
    revisit: float = 0.3
    intents: Intents = ECOMMERCE

    @property
    def longest(self) -> int:
        """The most events a user: `max_ratio` x the mean, and without repeats no more than there are items."""
        longest = round(self.max_ratio * self.mean_actions)
        return longest if self.repeats else min(longest, self.n_items)


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("demo", "an e-commerce log", 3_000, 2_000, 60, 30.0, (80, 8, 8, 4), home_categories=8, catalogue=1.0),
        Preset(
            "etsy",
            "Etsy",
            n_users=6_690,
            n_items=119_310,
            n_categories=608,
            mean_actions=34.17,
            action_mix=(27.31, 3.37, 2.47, 1.02),
            home_categories=9,
            catalogue=1.89,
            category_floor=8,
        ),
        Preset(
            "tmall",
            "Tmall",
            n_users=9_883,
            n_items=569_658,
            n_categories=6_352,
            mean_actions=248.10,
            action_mix=(211.32, 11.66, 17.15, 7.97),
            catalogue=1.068,
        ),
        Preset(
            "tmall_small",
            "Tmall-Small",
            n_users=6_280,
            n_items=47_759,
            n_categories=130,
            mean_actions=71.98,
            action_mix=(62.84, 3.01, 4.22, 1.91),
            catalogue=1.01,
        ),
        Preset("sparse_intent", "CAFE's Amazon", 131_248, 1_910_226, 1_392, 40.9, catalogue=1.332),
        Preset("ularge", "ULarge", 106_527_123, 25_000_000, 14_874, 37.55, catalogue=1.0),
    )
}


def resolve(preset: str, fraction: float = 1.0, overrides: Mapping[str, object] | None = None) -> Preset:
    """The preset at `fraction` of its users and items, with `overrides` (absolute values) put in afterwards.

    Actions a user and interactions an item stay. Categories stay too unless fewer than `category_floor` items
    would be left for each: then they shrink to that. An `action_mix` may be a mapping from action name to share.
    Raises `UserError` for an unknown preset, field, or a value out of its range.
    """
    if preset not in PRESETS:
        raise UserError(f"unknown synthetic preset {preset!r}; known: {', '.join(PRESETS)}")
    if not _is_number(fraction) or not 0 < fraction <= 1:
        raise UserError(f"fraction must be in (0, 1], got {fraction}; for a larger log override n_users and n_items")
    overrides = dict(overrides or {})
    allowed = [field.name for field in fields(Preset) if field.name not in ("name", "stand_in_for")]
    for name in overrides:
        if name not in allowed:
            raise UserError(f"unknown argument {name!r} of the generator; known: {', '.join(allowed)}")
    if isinstance(overrides.get("action_mix"), Mapping):
        overrides["action_mix"] = _mix_of(overrides["action_mix"])
    base = PRESETS[preset]
    scaled = {"n_users": max(1, round(base.n_users * fraction)), "n_items": max(1, round(base.n_items * fraction))}
    spec = replace(base, **(scaled | overrides))
    _check(spec)
    if "n_categories" not in overrides:
        spec = replace(spec, n_categories=max(1, min(spec.n_categories, spec.n_items // spec.category_floor)))
    if spec.n_categories > spec.n_items:
        raise UserError(f"n_categories={spec.n_categories} is more than n_items={spec.n_items}; give fewer categories")
    if not spec.repeats and spec.n_items < 1.5 * spec.mean_actions:
        raise UserError(
            f"n_items={spec.n_items} is too few for {spec.mean_actions:g} actions a user without repeats; "
            "give more items, a smaller mean_actions, or repeats=True"
        )
    mix = np.asarray(spec.action_mix, float)
    return replace(spec, action_mix=tuple((mix / mix.sum()).tolist()))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and bool(np.isfinite(value))


def _are_shares(value: object, count: int) -> bool:
    return isinstance(value, (tuple, list)) and len(value) == count and all(_is_number(x) and x >= 0 for x in value)


def _mix_of(shares: Mapping) -> tuple[float, ...]:
    unknown = [name for name in shares if name not in ACTIONS]
    if unknown:
        raise UserError(f"unknown action {unknown[0]!r} in action_mix; known: {', '.join(ACTIONS)}")
    return tuple(shares.get(name, 0.0) for name in ACTIONS)


def _check(spec: Preset) -> None:
    for name in ("n_users", "n_items", "n_categories", "home_categories", "min_actions", "reach", "category_floor"):
        value = getattr(spec, name)
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not 1 <= value < 2**31:
            raise UserError(f"{name} must be a whole number >= 1, got {value!r}")
    for name in ("mean_actions", "home_alpha", "catalogue", "max_ratio", "length_sigma"):
        if not _is_number(getattr(spec, name)) or getattr(spec, name) <= 0:
            raise UserError(f"{name} must be a number > 0, got {getattr(spec, name)!r}")
    for name in ("neighbour", "revisit"):
        if not _is_number(getattr(spec, name)) or not 0 <= getattr(spec, name) < 1:
            raise UserError(f"{name} must be a probability in [0, 1), got {getattr(spec, name)!r}")
    if spec.catalogue < 1 or spec.max_ratio <= 1:
        raise UserError(f"catalogue must be >= 1 and max_ratio > 1, got {spec.catalogue} and {spec.max_ratio}")
    if spec.mean_actions <= spec.min_actions:
        raise UserError(
            f"mean_actions={spec.mean_actions} must exceed min_actions={spec.min_actions}; lower min_actions"
        )
    if not isinstance(spec.repeats, bool):
        raise UserError(f"repeats must be True or False, got {spec.repeats!r}")
    if not _are_shares(spec.action_mix, len(ACTIONS)) or sum(spec.action_mix) <= 0:
        raise UserError(
            f"action_mix must give shares >= 0, not all 0, of {', '.join(ACTIONS)}; got {spec.action_mix!r}"
        )
    for name in ("category_zipf", "item_zipf"):
        pair = getattr(spec, name)
        if not _are_shares(pair, 2) or pair[1] == 0:
            raise UserError(f"{name} must be (exponent >= 0, shift > 0), got {pair!r}")
    if not isinstance(spec.intents, Intents):
        raise UserError("intents must be an Intents (see data/sources/synthetic_presets.py)")
    spec.intents.check()
