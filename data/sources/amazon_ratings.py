"""Amazon's official ratings-only files of 2014 (He and McAuley 2016): `ratings_<Category>.csv`, without a header.

Columns: user, item (ASIN), rating 1.0..5.0, Unix timestamp. The rating is the action; there are no categories. Used by
AttRec (seven categories, Table 1), SINE (Books) and, for want of a better description, CAFE (LEDGER C18). Ids are text;
the files are read in blocks (`ratings_Books.csv` has 22.5 million rows). Written from the published layout and tried on
generated files only.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from data.cache import fingerprint
from data.schema import Interactions
from data.sources.assemble import assemble
from data.sources.files import ending_note, file_in
from data.sources.tabular import Column, read_columns
from data.sources.text_columns import read_texts
from tf_utils.cli import UserError

CATEGORIES = {
    "amazon-android": "Apps_for_Android",
    "amazon-health": "Health_and_Personal_Care",
    "amazon-video-games": "Video_Games",
    "amazon-tools": "Tools_and_Home_Improvement",
    "amazon-digital-music": "Digital_Music",
    "amazon-garden": "Patio_Lawn_and_Garden",
    "amazon-instant-video": "Amazon_Instant_Video",
    "amazon-books": "Books",
    "amazon-beauty": "Beauty",
    "amazon-toys": "Toys_and_Games",
}
ACTIONS = tuple(f"rating {stars}" for stars in range(1, 6))
WIDTH = 4


def file_name(name: str) -> str:
    return f"ratings_{CATEGORIES[name]}.csv"


def where(name: str) -> str:
    site = "https://snap.stanford.edu/data/amazon/productGraph/categoryFiles"
    instead = ", or use amazon-tools-sequences" if name == "amazon-tools" else ""
    return f"get {site}/{file_name(name)} into DATA_DIR/amazon{instead}"


def parse_rating(text: str) -> int:
    stars = text.removesuffix(".0")
    if f"rating {stars}" not in ACTIONS:
        raise ValueError(f"has the unknown rating {text!r}; known are 1.0 to 5.0")
    return int(stars)


def load(path: Path, name: str = "amazon-tools") -> Interactions:
    """Parses the file (or the folder that holds it); nothing is filtered.  Raises UserError for bad input."""
    if name not in CATEGORIES:
        raise UserError(f"unknown Amazon data set {name!r}; known are {', '.join(CATEGORIES)}")
    path = file_in(path, file_name(name))
    numbers = {"action": Column(2, parse_rating, np.uint8), "timestamp": Column(3)}
    raw = read_columns(path, numbers, where=where(name), width=WIDTH)
    texts = read_texts(path, {"user": 0, "item": 1}, where=where(name), width=WIDTH)
    labels = {field: names for field, (_, names) in texts.items()}
    raw |= {field: texts.pop(field)[0] for field in ("user", "item")}
    raw["category"] = np.zeros(len(raw["user"]), np.int32)
    data = assemble(name, raw, ACTIONS, fingerprint(path), ending_note(path), category_labels=())
    return replace(data, labels={**data.labels, **labels})
