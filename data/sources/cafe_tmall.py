"""CAFE's Tmall as its authors processed it (SIGIR 2022, section 4.1.1): the download that their repository links to.

Eight JSON files in one folder. `train.json`, `val.json`, `test.json`: {user: [item id, ...]} in time order, all events
but the last two, then one each. `train_meta.json` and so on: {user: [{"category": id, ...}, ...]}, an entry for each of
these events. `smap.json`: {raw label: item id}; `smap_meta.json`: {"category": {raw label: category id}, ...}. The
category is the seller, CAFE's intent on Tmall.

Written from what the authors' code reads; tried on small files of our own only. Memory: about 2 GB while reading.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from data.cache import fingerprint
from data.schema import Interactions, places
from data.sources.assemble import assemble
from data.sources.files import file_in, read_text
from data.sources.sequences import ACTIONS, ORDER_NOTE
from tf_utils.cli import UserError

PARTS = ("train", "val", "test")
FILE_NAME = "train.json"
SIDE_FILES = ("val.json", "test.json", *(f"{part}_meta.json" for part in PARTS), "smap.json", "smap_meta.json")
WHERE = (
    "get the processed Tmall that https://github.com/JiachengLi1995/CAFE links to and unpack train.json and its seven "
    "neighbours into DATA_DIR/cafe_tmall"
)
CATEGORY_NOTE = "Every item has one category in the source: its seller."
LARGEST_ID = 2**31 - 1


class _Category(int):
    """What is kept of an event's entry in a meta file: a dict an event would take gigabytes."""

    __slots__ = ()


_KINDS = {int: "whole numbers", _Category: 'objects with a whole number as "category"'}


def load(path: Path) -> Interactions:
    """Parses the folder, or `train.json` in it; nothing is filtered, but users that test.json does not have are left
    out, as by the authors' reader.

    Labels of users, items and categories are the raw ones, as text [vocabulary]; ids of items and categories have the
    order of the files' own. timestamp: int64 [events], the place in the user's sequence. Rows: train, val, test.
    Raises UserError: a file is missing, no JSON, cut off or of other types than told above; a user of test.json is
    missing elsewhere or has more or less than one item in val.json or test.json; items and categories of a user differ
    in number; an id has no label or two; an item has two categories.
    """
    main = file_in(path, FILE_NAME)
    files = {FILE_NAME: main, **{name: main.parent / name for name in SIDE_FILES}}
    content = {part: _read(files[f"{part}.json"]) for part in PARTS}
    items = _names(files["smap.json"], "item", _read(files["smap.json"]))
    categories = _names(files["smap_meta.json"], "category", _read(files["smap_meta.json"]).get("category"))
    users = sorted(content["test"])
    if not users:
        raise UserError(f"{files['test.json']}: holds no users; {WHERE}")
    left_out = len(content["train"].keys() - content["test"].keys())
    counts, item, category = {}, [], []
    for part in PARTS:
        lists = _lists(files[f"{part}.json"], content.pop(part), users, int, items)
        meta = files[f"{part}_meta.json"]
        described = _lists(meta, _read(meta, _category), users, _Category, categories)
        counts[part] = _counts(files, part, users, lists, described)
        item.append(_joined(lists))
        category.append(_joined(described))
    seen = counts["train"]
    raw = {
        "user": np.concatenate([np.repeat(np.arange(len(users)), count) for count in counts.values()]),
        "item": np.concatenate(item),
        "category": np.concatenate(category),
        "action": np.ones(sum(map(len, item)), np.uint8),
        "timestamp": np.concatenate([places(seen), seen, seen + 1]),
    }
    notes = (f"{left_out} users of train.json are not in test.json: they were left out.",) if left_out else ()
    prints = "".join(fingerprint(file) for file in files.values())
    data = assemble("cafe-tmall", raw, ACTIONS, prints, (*notes, ORDER_NOTE, CATEGORY_NOTE))
    texts = {
        "user": users,
        "item": [items[number] for number in data.labels["item"].tolist()],
        "category": [categories[number] for number in data.labels["category"].tolist()],
    }
    data = replace(data, labels={**data.labels, **{field: np.array(found) for field, found in texts.items()}})
    _check_categories(main.parent, data)
    return data


def _read(path: Path, hook: Callable[[dict], object] | None = None) -> dict:
    """hook: as `object_hook` of `json.loads`."""
    try:
        content = json.loads(read_text(path, WHERE), object_hook=hook)
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: is not JSON ({error.msg}, character {error.pos}), or is cut off; {WHERE}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: is not a JSON object; {WHERE}")
    return content


def _category(entry: dict) -> object:
    """The category of an event's entry; any other object, the whole file's too, as it is."""
    value = entry.get("category")
    return _Category(value) if type(value) is int else entry


def _names(path: Path, what: str, content: object) -> dict[int, str]:
    """Id -> raw label, from raw label -> id."""
    ids = list(content.values()) if isinstance(content, dict) else [None]
    if not all(type(number) is int and 0 <= number <= LARGEST_ID for number in ids):
        raise UserError(f"{path}: is not an object of raw labels and the {what} ids they have; {WHERE}")
    number, times = max(Counter(ids).items(), key=lambda pair: pair[1], default=(0, 1))
    if times > 1:
        raise UserError(f"{path}: has {times} labels of the {what} id {number}; {WHERE}")
    return dict(zip(ids, content, strict=True))


def _lists(path: Path, content: dict, users: Sequence[str], kind: type, names: Mapping[int, str]) -> list[list[int]]:
    """The list of each of `users`, of ids in `names`; kind: the type of its values."""
    known, smap = names.keys(), "smap.json" if kind is int else "smap_meta.json"
    lists = []
    for user in users:
        if user not in content:
            raise UserError(f"{path}: has no user {user!r}, who is in test.json; {WHERE}")
        values = content[user]
        if not isinstance(values, list) or not set(map(type, values)) <= {kind}:
            raise UserError(f"{path}: the entry of user {user!r} is not a list of {_KINDS[kind]}; {WHERE}")
        if not known >= set(values):
            number = next(value for value in values if value not in known)
            raise UserError(f"{path}: user {user!r} has the id {number}, which is not in {smap}; {WHERE}")
        lists.append(values)
    return lists


def _counts(files: Mapping[str, Path], part: str, users: Sequence[str], lists: list, described: list) -> np.ndarray:
    """int64 [users]: events of each user in this part."""
    for user, ids, categories in zip(users, lists, described, strict=True):
        if part != "train" and len(ids) != 1:
            path = files[f"{part}.json"]
            raise UserError(f"{path}: user {user!r} has {len(ids)} items, one was expected; {WHERE}")
        if len(ids) != len(categories):
            path = files[f"{part}_meta.json"]
            raise UserError(
                f"{path}: user {user!r} has {len(categories)} entries here and {len(ids)} items in {part}.json; {WHERE}"
            )
    return np.array([len(ids) for ids in lists], np.int64)


def _joined(lists: list[list[int]]) -> np.ndarray:
    """int32 [sum of lengths]"""
    return np.fromiter(chain.from_iterable(lists), np.int32, sum(map(len, lists)))


def _check_categories(folder: Path, data: Interactions) -> None:
    table = np.zeros(data.size("item") + 1, np.int32)
    table[data.item] = data.category
    other = np.flatnonzero(table[data.item] != data.category)
    if len(other):
        item, both = data.item[other[0]], (data.category[other[0]], table[data.item[other[0]]])
        named = " and ".join(repr(str(data.labels["category"][category - 1])) for category in both)
        label = str(data.labels["item"][item - 1])
        raise UserError(f"{folder}: item {label!r} has the categories {named}, one was expected; {WHERE}")
