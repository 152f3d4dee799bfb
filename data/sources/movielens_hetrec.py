"""HetRec 2011 MovieLens (AttRec Table 1: 2,113 users, 10,109 films, 855,598 ratings), tab-separated with headers.

`user_ratedmovies-timestamps.dat` (userID, movieID, rating, timestamp in milliseconds), or if that is missing
`user_ratedmovies.dat` (date_day ... date_second instead), with `movies.dat` (id, title, ...) and `movie_genres.dat`.
The rating in half stars is the action, the first genre in the file the category, all genres the attributes. Written
from the published README and headers; not tried on the full files, so two things are unchecked: whether the clock of
the date columns is UTC (as read here; order does not depend on it) and the encoding of the titles (UTF-8 if they are
that, else Latin-1).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from data.cache import fingerprint
from data.schema import Interactions
from data.sources.attributed import assemble_attributed
from data.sources.files import ending_note, file_in
from data.sources.movielens_20m import ACTIONS, parse_rating
from data.sources.side_files import read_side_table, whole_number
from data.sources.tabular import Column, read_columns

FILE_NAMES = ("user_ratedmovies-timestamps.dat", "user_ratedmovies.dat")
SIDE_FILES = ("movies.dat", "movie_genres.dat")
WHERE = (
    "unpack https://files.grouplens.org/datasets/hetrec2011/hetrec2011-movielens-2k-v2.zip "
    "into DATA_DIR/hetrec2011-movielens-2k-v2"
)
LIMITS = {"year": (1970, 2100), "month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59), "second": (0, 59)}


def load(path: Path) -> Interactions:
    """Parses the folder, or a rating file in it; nothing is filtered.  Raises UserError for bad input."""
    path = file_in(path, *FILE_NAMES)
    films, film_genres = (path.parent / name for name in SIDE_FILES)
    columns = {"user": Column("userID"), "item": Column("movieID"), "action": Column("rating", parse_rating, np.uint8)}
    if path.name == FILE_NAMES[1]:
        columns |= {part: Column(f"date_{part}", _within(part), np.int32) for part in LIMITS}
    else:
        columns["timestamp"] = Column("timestamp")
    raw = read_columns(path, columns, where=WHERE, delimiter="\t")
    if "timestamp" in raw:
        raw["timestamp"] = raw["timestamp"] // 1000
    else:
        raw["timestamp"] = _seconds({part: raw.pop(part) for part in LIMITS})
    titles, genres = {}, {}
    for number, (item, title) in read_side_table(films, ("id", "title"), WHERE, "\t", quoted=False):
        titles[whole_number(films, number, "id", item)] = title
    for number, (item, genre) in read_side_table(film_genres, ("movieID", "genre"), WHERE, "\t", quoted=False):
        known = genres.setdefault(whole_number(film_genres, number, "movieID", item), [])
        if genre and genre not in known:
            known.append(genre)
    prints = "".join(fingerprint(file) for file in (path, films, film_genres))
    return assemble_attributed("ml-hetrec", raw, ACTIONS, prints, ending_note(path), genres, titles)


def _within(part: str) -> Callable[[str], int]:
    low, high = LIMITS[part]

    def parse(text: str) -> int:
        if not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"has the date_{part} {text!r}, which is not a whole number from {low} to {high}")
        return int(text)

    return parse


def _seconds(parts: dict[str, np.ndarray]) -> np.ndarray:
    """int64 seconds since 1970 of the six date columns, read as UTC."""
    months = (parts["year"] - 1970) * 12 + parts["month"] - 1
    days = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + parts["day"] - 1
    return ((days * 24 + parts["hour"]) * 60 + parts["minute"]) * 60 + parts["second"]
