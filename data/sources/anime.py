"""The Kaggle anime data (SAIR Table I): `rating.csv` (user_id,anime_id,rating) and `anime.csv`, both with a header.

The rating 1..10 is the action, with `rating -1` for "watched, not rated"; the first genre is the category (SAIR's
categories are genres), all genres are the attributes.

The files have no timestamps (LEDGER R22). `order="file"`: the order of the rows, in the source by anime id within every
user, so that all users meet the items in one common order (also where a copy has numbered them anew);
`order="random_fixed"`: a seeded random order of the rows, to see how much of a result is due to the other one.
"""

from __future__ import annotations

import html
from pathlib import Path

import numpy as np

from data.cache import fingerprint
from data.schema import Interactions
from data.sources.attributed import assemble_attributed
from data.sources.files import ending_note, file_in
from data.sources.side_files import read_side_table, whole_number
from data.sources.tabular import Column, read_columns
from tf_utils.cli import UserError

FILE_NAME, SIDE_FILES = "rating.csv", ("anime.csv",)
WHERE = (
    "get anime.csv and rating.csv from "
    "https://www.kaggle.com/datasets/CooperUnion/anime-recommendations-database into DATA_DIR/anime"
)
RATINGS = (-1, *range(1, 11))
ACTIONS = tuple(f"rating {points}" for points in RATINGS)
ALL_USERS = 73_515  # of the full file
SEED = 0
ORDER_NOTE = (
    "The source has no timestamps: the order is that of the file (by the source's anime ids: one order of the items "
    "for all users), so whatever depends on the order is an artefact."
)


def parse_rating(text: str) -> int:
    if f"rating {text}" not in ACTIONS:
        raise ValueError(f"has the unknown rating {text!r}; known are 1 to 10 and -1 (watched, not rated)")
    return RATINGS.index(int(text)) + 1


def load(path: Path, order: str = "file") -> Interactions:
    """Parses the folder that holds the two files, or the rating file in it; nothing is filtered.

    Timestamps are places in the order (see above), from 0.  Raises UserError for bad input.
    """
    path = file_in(path, FILE_NAME)
    if order not in ("file", "random_fixed"):
        raise UserError(f"order={order!r}: choose file or random_fixed")
    catalogue = path.parent / SIDE_FILES[0]
    raw = read_columns(
        path,
        {
            "user": Column("user_id"),
            "item": Column("anime_id"),
            "action": Column("rating", parse_rating, np.uint8),
        },
        where=WHERE,
    )
    rows = len(raw["item"])
    notes = ending_note(path)
    if order == "file":
        raw["timestamp"] = np.arange(rows, dtype=np.int64)
        notes += (ORDER_NOTE,)
    else:
        raw["timestamp"] = np.random.default_rng(SEED).permutation(rows)
        notes += (f"The source has no timestamps: the order is random (seed {SEED}).",)
    users = len(np.unique(raw["user"]))
    if users < ALL_USERS:
        notes += (f"A sample: {users:,} of the {ALL_USERS:,} users of the full data.",)
    genres, titles = {}, {}
    for number, (item, title, names) in read_side_table(catalogue, ("anime_id", "name", "genre"), WHERE):
        item = whole_number(catalogue, number, "anime_id", item)
        titles[item] = html.unescape(title)
        genres[item] = list(dict.fromkeys(genre.strip() for genre in names.split(",") if genre.strip()))
    prints = fingerprint(path) + fingerprint(catalogue)
    return assemble_attributed("anime", raw, ACTIONS, prints, notes, genres, titles)
