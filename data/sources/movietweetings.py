"""MovieTweetings, folder `latest/` of the repository: ratings 0..10 out of tweets (AttRec section "Datasets
Descriptions").

`ratings.dat` (user::IMDb id::rating::timestamp) and `movies.dat` (IMDb id::Title (year)::genre|genre); `users.dat` is
not needed. The rating is the action, the first genre the category, all genres the attributes. The data set grows: a
note tells the days that a copy covers.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from data.cache import fingerprint
from data.schema import Interactions
from data.sources.attributed import assemble_attributed
from data.sources.files import ending_note, file_in
from data.sources.side_files import read_side_lines, whole_number
from data.sources.tabular import Column, read_columns

FILE_NAME, SIDE_FILES = "ratings.dat", ("movies.dat",)
WHERE = (
    "get latest/ratings.dat and movies.dat from https://github.com/sidooms/MovieTweetings into DATA_DIR/movietweetings"
)
ACTIONS = tuple(f"rating {points}" for points in range(11))
IMDB_DIGITS = 7  # IMDb ids have leading zeros up to this width


def parse_rating(text: str) -> int:
    if f"rating {text}" not in ACTIONS:
        raise ValueError(f"has the unknown rating {text!r}; known are 0 to 10")
    return int(text) + 1


def load(path: Path) -> Interactions:
    """Parses the folder that holds the two files, or the rating file in it; nothing is filtered.

    Item labels are the IMDb ids as text, with their leading zeros.  Raises UserError for bad input.
    """
    path = file_in(path, FILE_NAME)
    films = path.parent / SIDE_FILES[0]
    raw = read_columns(  # separated by "::": read with ":", every second field is empty
        path,
        {
            "user": Column(0),
            "item": Column(2),
            "action": Column(4, parse_rating, np.uint8),
            "timestamp": Column(6),
        },
        where=WHERE,
        delimiter=":",
        width=7,
    )
    genres, titles = {}, {}
    for number, (item, title, names) in read_side_lines(films, "::", 3, WHERE):
        item = whole_number(films, number, "film id", item)
        titles[item], genres[item] = title, [genre for genre in names.strip().split("|") if genre]
    first, last = (datetime.fromtimestamp(int(end), UTC) for end in (raw["timestamp"].min(), raw["timestamp"].max()))
    notes = (*ending_note(path), f"This copy covers {first:%Y-%m-%d} to {last:%Y-%m-%d}.")
    prints = fingerprint(path) + fingerprint(films)
    data = assemble_attributed("movietweetings", raw, ACTIONS, prints, notes, genres, titles)
    imdb = np.char.zfill(data.labels["item"].astype(np.str_), IMDB_DIGITS)
    return replace(data, labels={**data.labels, "item": imdb})
