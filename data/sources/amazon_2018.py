"""Amazon reviews of 2018 with metadata (Ni et al., EMNLP 2019), JSON lines: CAFE's Amazon (section 4.1.1, LEDGER C18).

Reviews: `<Category>.json`, of which reviewerID, asin, overall and unixReviewTime are read; the rating is the action.
Metadata: `meta_<Category>.json` beside it, asin and category, a path from the top. An item's category is the leaf of
its path; the categories above it are left out, since the vocabulary of CAFE's intents holds nothing but intents. Both
files may be gzipped, as they are published. Which part of the 233 million reviews CAFE used is not told; `amazon-2018`
is all of them. Memory: 17 bytes a review and about 200 a user and item while reading. Written from the published
description and tried on generated files only.
"""

from __future__ import annotations

import gzip
import json
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from data.cache import fingerprint
from data.schema import Interactions
from data.sources.amazon_ratings import ACTIONS
from data.sources.attributed import assemble_attributed
from data.sources.files import file_in
from tf_utils.cli import UserError

STEMS = {  # (reviews, metadata)
    "amazon-2018": ("All_Amazon_Review", "All_Amazon_Meta"),
    "amazon-2018-beauty": ("All_Beauty", "meta_All_Beauty"),
    "amazon-2018-toys": ("Toys_and_Games", "meta_Toys_and_Games"),
}
ENDINGS = (".json", ".json.gz")
SITE = "https://nijianmo.github.io/amazon"
LONGEST = 100  # characters of a category's name; what is longer, or has a tag in it, is a remnant of a web page


def main_files(name: str) -> tuple[str, ...]:
    return tuple(STEMS[name][0] + ending for ending in ENDINGS)


def side_files(name: str) -> tuple[str, ...]:
    return tuple(STEMS[name][1] + ending for ending in ENDINGS)


def where(name: str) -> str:
    reviews, meta = STEMS[name]
    return f"get {reviews}.json.gz and {meta}.json.gz from {SITE} into DATA_DIR/amazon_2018"


def load(path: Path, name: str = "amazon-2018") -> Interactions:
    """Parses the folder, or the file of reviews in it; nothing is filtered.  Raises UserError for bad input."""
    if name not in STEMS:
        raise UserError(f"unknown Amazon data set {name!r}; known are {', '.join(STEMS)}")
    path, advice = Path(path), where(name)
    path = file_in(path, *main_files(name))
    meta = file_in(path.parent, *side_files(name))
    raw, labels = _reviews(path, advice)
    categories, note = _categories(meta, labels["item"], advice)
    data = assemble_attributed(name, raw, ACTIONS, fingerprint(path) + fingerprint(meta), (note,), categories)
    return replace(data, labels={**data.labels, **labels})


def _reviews(path: Path, advice: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The columns of the events, users and items as places in their labels; and the labels, ascending."""
    numbers: dict[str, dict[str, int]] = {"user": {}, "item": {}}
    columns = {"user": array("i"), "item": array("i"), "action": array("b"), "timestamp": array("q")}
    for number, entry in _lines(path, advice):
        try:
            texts = {"user": entry["reviewerID"], "item": entry["asin"]}
            stars, seconds = float(entry["overall"]), entry["unixReviewTime"]
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path}: line {number} is no review ({_why(error)}); {advice}") from None
        if stars not in (1, 2, 3, 4, 5) or not all(isinstance(text, str) and text for text in texts.values()):
            raise UserError(f"{path}: line {number} has the rating {stars:g} or an empty id; {advice}")
        if type(seconds) is not int or seconds < 0:
            raise UserError(
                f"{path}: line {number}: unixReviewTime must be whole seconds >= 0, got {seconds!r}; {advice}"
            )
        for field, text in texts.items():
            columns[field].append(numbers[field].setdefault(text, len(numbers[field])))
        columns["action"].append(int(stars))
        columns["timestamp"].append(seconds)
    raw, labels = {field: np.array(values) for field, values in columns.items()}, {}
    for field, known in numbers.items():
        labels[field], place = np.unique(np.array(list(known)), return_inverse=True)
        raw[field] = place[raw[field]]
    return raw, labels


def _categories(path: Path, items: np.ndarray, advice: str) -> tuple[dict[int, list[str]], str]:
    """Place of an item -> the leaf of its path alone, or nothing; the first line about an item counts."""
    place = {asin: number for number, asin in enumerate(items.tolist())}
    found: dict[int, list[str]] = {}
    several = set()
    for number, entry in _lines(path, advice):
        asin, names = entry.get("asin"), entry.get("category", [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise UserError(f"{path}: line {number} has a category that is no list of names; {advice}")
        if asin not in place:
            continue
        names = [name for name in names if name and len(name) <= LONGEST and "<" not in name]
        if found.setdefault(place[asin], names[-1:]) != names[-1:]:
            several.add(asin)
    return found, (
        f"An item's intent is the leaf of its category path: one an item ({len(several)} items are described twice, "
        "with different leaves; the first description counts)."
    )


def _lines(path: Path, advice: str) -> Iterator[tuple[int, dict]]:
    """(line number, object) of every line that is not blank."""
    number = 0
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    entry = json.loads(line)
                    if not isinstance(entry, dict):
                        raise UserError(f"{path}: line {number} is not a JSON object; {advice}")
                    yield number, entry
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: line {number} is not JSON ({error}), or is cut off; {advice}") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path}: cannot be unpacked after line {number} ({error}); {advice}") from None
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; {advice}") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    if not number:
        raise UserError(f"{path}: is empty; {advice}")


def _why(error: Exception) -> str:
    return f"no {error.args[0]}" if isinstance(error, KeyError) else str(error)
