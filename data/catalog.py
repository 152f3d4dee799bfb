"""Every data set by name: which file it is read from, and how the papers prepare it.

`load("jd_appliances")`, `load("jd_appliances-uia")` (the other de-duplication), `load("synthetic-etsy", fraction=0.1)`.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from data import filters
from data.cache import HASH_WHOLE_BELOW, cached, code_digest, digest, file_key, fingerprint
from data.download import ARCHIVES, fetch, locate
from data.schema import Interactions, Sequences
from data.sources.table import SOURCES
from tf_utils.cli import UserError

CACHE_FROM_BYTES = HASH_WHOLE_BELOW  # a smaller file is parsed anew each time: that takes a second or two


@dataclass(frozen=True)
class Recipe:
    """How a data set is prepared; every field but `source` and `stand_in` may be overridden in `load`.

    source: the key of `SOURCES`, "" for generated data.  stand_in: the generator's preset that replaces a missing file.
    actions: labels to keep, () for all.  fraction: share of the users (files) or of the size (generator).  seed: of the
    sample, of random ties or of the generator.  ties: see `filters.order_ties`.  The rest as in `filters.prepare`.
    """

    source: str
    stand_in: str = ""
    actions: tuple[str, ...] = ()
    min_rating: int = 0
    min_user: int = 0
    min_item: int = 0
    iterative: bool = True
    order: str = "together"
    dedup: str = "none"
    filter_order: str = "before"
    ties: str = "row"
    fraction: float = 1.0
    seed: int = 0


RECIPES = {
    "ml-100k": Recipe("ml-100k"),
    "ml-1m": Recipe("ml-1m"),
    # SASRec's preprocessing: one pass, both counts on the raw data: 3,416 items, 999,611 events.
    "ml-1m-sasrec": Recipe("ml-1m", min_user=5, min_item=5, iterative=False),
    # As ASLI prepares Tmall (section 4.1), but each item kept once: a target then never repeats the history.
    "jd_appliances": Recipe("jd_appliances", min_user=5, min_item=5, dedup="ui"),
    "jd_computers": Recipe("jd_computers", min_user=5, min_item=5, dedup="ui"),
    "tmall": Recipe("tianchi", "tmall", min_user=5, min_item=5, dedup="uia"),
    # For these two the text names the filter alone; that first actions alone are kept there too is a reading.
    "tmall_small": Recipe("tianchi", "tmall_small", min_user=20, min_item=20, dedup="uia"),
    "etsy": Recipe("etsy", "etsy", min_user=20, min_item=20, dedup="uia"),
    # SINE section 4.1: clicks only; no filter is stated (its code's 5-core: min_item=5, min_user=5, order=item_user).
    "taobao": Recipe("taobao", actions=("pv",)),
    # AttRec: MovieLens as it is; elsewhere users with 10 actions and no cold items (LEDGER T17). How cold is unstated:
    # here an item only has to occur. Table 1's LastFM keeps 97% of the tagged artists, so there it was no stricter.
    "ml-hetrec": Recipe("ml-hetrec"),
    "lastfm-hetrec": Recipe("lastfm-hetrec", min_user=10),
    "movietweetings": Recipe("movietweetings", min_user=10),
    "amazon-android": Recipe("amazon-android", min_user=10),
    "amazon-health": Recipe("amazon-health", min_user=10),
    "amazon-video-games": Recipe("amazon-video-games", min_user=10),
    "amazon-tools": Recipe("amazon-tools", min_user=10),
    "amazon-digital-music": Recipe("amazon-digital-music", min_user=10),
    "amazon-garden": Recipe("amazon-garden", min_user=10),
    "amazon-instant-video": Recipe("amazon-instant-video", min_user=10),
    "amazon-tools-sequences": Recipe("amazon-tools-sequences", min_user=10),
    # SINE (Books) and CAFE state no filter; SINE's code uses ComiRec's 5-core (LEDGER S18): min_user=5, min_item=5.
    "amazon-books": Recipe("amazon-books"),
    "amazon-beauty": Recipe("amazon-beauty"),
    "amazon-toys": Recipe("amazon-toys"),
    # Already 5-core, and nothing more for CAFE and SINE; AttRec's LastFM stand-in asks for min_user=10.
    "s3rec-beauty": Recipe("s3rec-beauty"),
    "s3rec-beauty-leaf": Recipe("s3rec-beauty-leaf"),
    "s3rec-beauty-level2": Recipe("s3rec-beauty-level2"),
    "s3rec-toys": Recipe("s3rec-toys"),
    "s3rec-toys-leaf": Recipe("s3rec-toys-leaf"),
    "s3rec-lastfm": Recipe("s3rec-lastfm"),
    # SAIR: "records with a non-negative rating" (LEDGER R20); only Anime has others, its -1.
    "ml-20m": Recipe("ml-20m"),
    "anime": Recipe("anime", min_rating=1),
    "anime-random": Recipe("anime-random", min_rating=1),
    # CAFE states no filter (LEDGER C18). Favourites of users with 5 of them, as sparse as its data: 3.3 events an item.
    "cafe-tmall": Recipe("cafe-tmall"),  # as its authors prepared it
    "ijcai15": Recipe("ijcai15"),
    "taobao_favourites": Recipe("taobao_favourites", min_user=5),
    # Users with 10: 2.6 events an item (CAFE's Amazon: 2.8). CAFE's Figure 4 asks for min_item: items are counted in
    # what these users leave, once, since users and items with enough of each other do not exist in data this sparse.
    "taobao_favourites-10": Recipe("taobao_favourites", min_user=10, iterative=False, order="user_item"),
    **{name: Recipe(name) for name in ("amazon-2018", "amazon-2018-beauty", "amazon-2018-toys")},
}
OVERRIDES = tuple(field.name for field in dataclasses.fields(Recipe) if field.name not in ("source", "stand_in"))
SYNTHETIC = "synthetic-"


def names() -> list[str]:
    """The names that `load` knows. All but the synthetic ones may also end in `-uia` or `-ui`, the `dedup` to use."""
    from data.sources.synthetic_presets import PRESETS

    return [*RECIPES, *(SYNTHETIC + preset for preset in PRESETS)]


def load(name: str, data_dir: str | os.PathLike | None = None, *, download: bool = True, **overrides) -> Sequences:
    """The prepared data set.

    data_dir: where to look, default $DATA_DIR.  download: fetch MovieLens if it is not there.  overrides: fields of
    `Recipe` (see `OVERRIDES`); for generated data also the generator's own arguments.  If tmall, tmall_small or etsy
    is not there, the generator's preset stands in: `provenance.synthetic` is True, and nothing is filtered unless an
    override asks for it, since the presets have the marginals of the data as prepared.
    Raises UserError: unknown name or override, missing or bad file, nothing left after filtering.
    """
    origin = _origin(name, data_dir, download, overrides)
    if origin is None:
        looked_in = data_dir or os.environ.get("DATA_DIR") or "DATA_DIR (not set)"
        raise UserError(f"{name}: not in {looked_in}; {_where(_parse(name, {})[0])}")
    sequences = origin.load()
    return replace(sequences, provenance=replace(sequences.provenance, name=name))


def fingerprint_of(name: str, data_dir: str | os.PathLike | None = None, **overrides) -> str:
    """`provenance.fingerprint` of what `load` gives for the same arguments, from the files' bytes, without parsing
    them; "" if they are not there.  Raises UserError: unknown name or override."""
    origin = _origin(name, data_dir, False, overrides)
    return "" if origin is None else origin.fingerprint()


class Available(NamedTuple):
    """What `load(name)` would read: `text` is one line for a person.

    kind: "file"; "generated", asked for by name; "stand-in", generated since the file is not there; "download", not
    there yet; "missing".
    """

    kind: str
    text: str

    @property
    def generated(self) -> bool:
        return self.kind in ("generated", "stand-in")


def available(name: str, data_dir: str | os.PathLike | None = None) -> Available:
    """What `load(name)` would read.  Raises UserError for an unknown name."""
    if preset := _preset(name):
        return Available("generated", f"generator preset {preset}")
    base, _ = _parse(name, {})
    recipe = RECIPES[base]
    path = _find(recipe.source, data_dir, download=False)
    if path is not None:
        return Available("file", str(path))
    if recipe.stand_in:
        text = f"generator preset {recipe.stand_in}, standing in for the real file ({_where(base)})"
        return Available("stand-in", text)
    if recipe.source in ARCHIVES:
        return Available("download", f"download of {ARCHIVES[recipe.source].url}")
    return Available("missing", f"missing: {_where(base)}")


def _preset(name: str) -> str:
    """The generator's preset that a `synthetic-` name stands for, "" for other names."""
    from data.sources.synthetic_presets import PRESETS

    preset = name.removeprefix(SYNTHETIC)
    return preset if preset != name and preset in PRESETS else ""


def _parse(name: str, overrides: dict) -> tuple[str, dict]:
    """(a key of `RECIPES`, the overrides with the suffix's `dedup` put in)."""
    base, _, suffix = name.rpartition("-")
    if suffix in ("ui", "uia") and base in RECIPES:
        return base, {"dedup": suffix} | overrides
    if name not in RECIPES:
        raise UserError(f"unknown data set {name!r}; known are {', '.join(names())}")
    return name, overrides


def _checked(name: str, overrides: dict) -> dict:
    unknown = [key for key in overrides if key not in OVERRIDES]
    if unknown:
        raise UserError(f"unknown argument {unknown[0]!r} for {name}; known are {', '.join(OVERRIDES)}")
    return overrides


def _where(base: str) -> str:
    return SOURCES[RECIPES[base].source].where


def _find(source: str, data_dir: str | os.PathLike | None, download: bool) -> Path | None:
    path = locate(source, data_dir)
    return fetch(source, data_dir) if path is None and download and source in ARCHIVES else path


def _files(source: str, path: Path) -> list[Path]:
    """The main file and those of its side files that are there."""
    return [path, *(file for name in SOURCES[source].sides if (file := path.parent / name).is_file())]


def _parsed(source: str, path: Path) -> Interactions:
    """The parsed file; of a large one the parsed form is cached too, since preparations of it will differ."""
    if path.stat().st_size < CACHE_FROM_BYTES:
        return SOURCES[source].load(path)
    keys = [file_key(file) for file in _files(source, path)]
    return cached({"source": source, "files": keys, "code": code_digest()}, lambda: SOURCES[source].load(path))


def _prepared(data: Interactions, recipe: Recipe) -> Sequences:
    data = filters.order_ties(data, recipe.ties, recipe.seed)
    if recipe.fraction != 1:
        data = filters.sample_users(data, recipe.fraction, recipe.seed)
    if recipe.actions:
        data = filters.keep_actions(data, recipe.actions)
    if recipe.min_rating:
        data = filters.drop_below_rating(data, recipe.min_rating)
    steps = ("min_user", "min_item", "iterative", "order", "dedup", "filter_order")
    return filters.prepare(data, **{step: getattr(recipe, step) for step in steps}).compact().sequences()


def process(name: str, data_dir: str | os.PathLike | None = None, **overrides):
    """The generator's process behind `load` with the same arguments; None for real data, and for a log that filters
    were applied to afterwards, which is no sample of it."""
    origin = _origin(name, data_dir, False, overrides)
    if not isinstance(origin, _Generator) or set(origin.given) - {"fraction", "seed"}:
        return None
    return origin.process()


@dataclass(frozen=True)
class _File:
    """A source's file at `path`, to be prepared by `recipe`."""

    path: Path
    recipe: Recipe

    def settings(self) -> dict:
        found = {key: value for key, value in dataclasses.asdict(self.recipe).items() if key != "stand_in"}
        if found["ties"] == "row":
            del found["ties"]  # fingerprints of before there was a choice
        return found

    def fingerprint(self) -> str:
        files = _files(self.recipe.source, self.path)
        return digest({"files": [fingerprint(file) for file in files], "settings": self.settings()})

    def load(self) -> Sequences:
        def build() -> Sequences:
            return _prepared(_parsed(self.recipe.source, self.path), self.recipe)

        if self.path.stat().st_size < CACHE_FROM_BYTES:
            sequences = build()
        else:
            files = [file_key(file) for file in _files(self.recipe.source, self.path)]
            sequences = cached({"files": files, "settings": self.settings(), "code": code_digest()}, build)
        return replace(sequences, provenance=replace(sequences.provenance, fingerprint=self.fingerprint()))


@dataclass(frozen=True)
class _Generator:
    """The generator's log of `preset`, in place of `stands_in`; only the filters that `given` names are applied."""

    preset: str
    given: dict
    arguments: dict
    stands_in: str = ""

    def settings(self) -> dict:
        arguments = {key: repr(value) for key, value in self.arguments.items()}
        return {"preset": self.preset, "given": self.given, "arguments": arguments}

    def process(self):
        from data.sources.synthetic_process import build_process

        size = {key: self.given[key] for key in ("fraction", "seed") if key in self.given}
        return build_process(self.preset, **size, **self.arguments)

    def fingerprint(self, log: str = "") -> str:
        """log: the print of the log as generated, where it is at hand; else the process is built for it."""
        return digest({"log": log or self.process().fingerprint(), "settings": self.settings()})

    def load(self) -> Sequences:
        def build() -> Sequences:
            from data.sources.synthetic import generate

            recipe = replace(Recipe(""), **self.given)
            log = generate(self.preset, fraction=recipe.fraction, seed=recipe.seed, **self.arguments)
            return _prepared(log, replace(recipe, fraction=1.0))

        sequences = cached({"settings": self.settings(), "code": code_digest()}, build)
        log = sequences.provenance
        provenance = replace(log, fingerprint=self.fingerprint(log.fingerprint))
        if self.stands_in:
            where = _where(self.stands_in)
            provenance = provenance.noting(f"No real {self.stands_in} here ({where}): the generator stands in.")
        return replace(sequences, provenance=provenance)


def _origin(name: str, data_dir, download: bool, overrides: dict) -> _File | _Generator | None:
    """Where a data set comes from; None if its file is not there and nothing stands in.  Raises UserError."""
    for key, value in overrides.items():
        if isinstance(value, int | float) and value < 0:
            raise UserError(f"{name}: {key} must not be negative, got {value}")
    base, preset = "", _preset(name)
    if not preset:
        base, overrides = _parse(name, overrides)
        path = _find(RECIPES[base].source, data_dir, download)
        if path is not None:
            return _File(path, replace(RECIPES[base], **_checked(name, overrides)))
        preset = RECIPES[base].stand_in
        if not preset:
            return None
    given = {key: value for key, value in overrides.items() if key in OVERRIDES}
    arguments = {key: value for key, value in overrides.items() if key not in OVERRIDES}
    return _Generator(preset, given, arguments, base)
