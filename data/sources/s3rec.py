"""S3-Rec's 5-core sequences (Zhou et al., CIKM 2020) with item attributes: Beauty, Toys and Games, LastFM.

`<Name>.txt` as in `sequences`; `<Name>_item2attributes.json` maps an item id to attribute ids. Beauty and Toys: a
frequent brand first, then the category path from top to leaf; the leaf is the category, and all attributes (the leaf
first) are kept. CAFE's intents need a vocabulary of categories that holds nothing else: the `-leaf` data sets keep the
leaf only, `-level2` the second level of the path. LastFM: tags, one entry an assignment; the most frequent (ties: the
smaller id) is the category.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

from data.cache import fingerprint
from data.schema import Interactions
from data.sources.attributed import assemble_attributed
from data.sources.files import ending_note, file_in, read_text
from data.sources.sequences import ACTIONS, ORDER_NOTE, read_sequences
from tf_utils.cli import UserError

STEMS = {
    "s3rec-beauty": "Beauty",
    "s3rec-beauty-leaf": "Beauty",
    "s3rec-beauty-level2": "Beauty",
    "s3rec-toys": "Toys_and_Games",
    "s3rec-toys-leaf": "Toys_and_Games",
    "s3rec-lastfm": "LastFM",
}
STANDS_IN_FOR = {"Beauty": "CAFE's Amazon", "Toys_and_Games": "CAFE's Amazon", "LastFM": "lastfm-hetrec"}


def side_file(name: str) -> str:
    return f"{STEMS[name]}_item2attributes.json"


def where(name: str) -> str:
    files = f"{STEMS[name]}.txt and {side_file(name)}"
    return f"get {files} from https://github.com/RUCAIBox/CIKM2020-S3Rec (data) into DATA_DIR/s3rec"


def load(path: Path, name: str = "s3rec-beauty") -> Interactions:
    """Parses the folder, or the file of sequences in it; nothing is filtered.  Raises UserError for bad input.

    Category labels are the attribute ids as text.
    """
    if name not in STEMS:
        raise UserError(f"unknown S3-Rec data set {name!r}; known are {', '.join(STEMS)}")
    path = file_in(path, f"{STEMS[name]}.txt")
    side = path.parent / side_file(name)
    raw = read_sequences(path, where(name))
    attributes, notes = _attributes(side, where(name)), (*ending_note(path), ORDER_NOTE)
    rank = _by_frequency if name == "s3rec-lastfm" else _leaf_first
    categories = {item: rank(values) for item, values in attributes.items()}
    if name.endswith("-leaf"):
        categories = {item: values[:1] for item, values in categories.items()}
        notes += ("An item's intent is the last of its attributes, the leaf of its category path: one an item.",)
    if name.endswith("-level2"):
        categories, shallow = _second_level(attributes)
        note = "An item's intent is the second level of its category path: one an item"
        notes += (f"{note} ({shallow} items have no second level: the first stands for it).",)
    prints = fingerprint(path) + fingerprint(side)
    data = assemble_attributed(name, raw, ACTIONS, prints, notes, categories)
    return replace(data, provenance=replace(data.provenance, stand_in_for=STANDS_IN_FOR[STEMS[name]]))


def _attributes(path: Path, where: str) -> dict[int, list[int]]:
    try:
        content = json.loads(read_text(path, where))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: line {error.lineno} is not JSON ({error.msg}), or is cut off; {where}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: is not a JSON object of item ids; {where}")
    for item, values in content.items():
        if not item.isdigit() or not isinstance(values, list) or not all(type(value) is int for value in values):
            raise UserError(f"{path}: the entry of item {item!r} is not a list of whole numbers; {where}")
    return {int(item): values for item, values in content.items()}


def _leaf_first(values: list[int]) -> list[int]:
    return list(dict.fromkeys([*values[-1:], *values]))


def _second_level(attributes: dict[int, list[int]]) -> tuple[dict[int, list[int]], int]:
    """Item -> the second category of its path, or its only one; and the number of items with only one.

    A brand may stand before the path and never stands second, so an id that stands first in one item and second in
    another is a top category.
    """
    top = {v[0] for v in attributes.values() if v} & {v[1] for v in attributes.values() if len(v) > 1}
    paths = {item: v if v and v[0] in top else v[1:] or v for item, v in attributes.items()}
    return {item: path[:2][-1:] for item, path in paths.items()}, sum(len(path) == 1 for path in paths.values())


def _by_frequency(values: list[int]) -> list[int]:
    return [value for value, count in sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0]))]
