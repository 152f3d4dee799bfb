"""MovieLens-20M (SAIR Table I): `ratings.csv` and `movies.csv`, both with a header.

The rating in half stars is the action, the first genre the category, all genres the attributes. The layout is that of
the published README; the parser was not tried on the full file (20,000,263 ratings by 138,493 users).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from data.cache import fingerprint
from data.schema import Interactions
from data.sources.attributed import assemble_attributed
from data.sources.files import ending_note, file_in
from data.sources.side_files import read_side_table, whole_number
from data.sources.tabular import Column, read_columns

FILE_NAME, SIDE_FILES = "ratings.csv", ("movies.csv",)
WHERE = (
    "run python -m data.download --name=ml-20m, or unpack "
    "https://files.grouplens.org/datasets/movielens/ml-20m.zip into DATA_DIR"
)
ACTIONS = tuple(f"rating {half / 2:g}" for half in range(1, 11))
NO_GENRES = "(no genres listed)"


def parse_rating(text: str) -> int:
    """1 for half a star to 10 for five; `4.0` and `4` are the same."""
    label = f"rating {text.removesuffix('.0')}"
    if label not in ACTIONS:
        raise ValueError(f"has the unknown rating {text!r}; known are 0.5 to 5.0 in halves")
    return ACTIONS.index(label) + 1


def load(path: Path) -> Interactions:
    """Parses the folder that holds the two files, or the rating file in it; nothing is filtered.

    Raises UserError for bad input.
    """
    path = file_in(path, FILE_NAME)
    films = path.parent / SIDE_FILES[0]
    raw = read_columns(
        path,
        {
            "user": Column("userId"),
            "item": Column("movieId"),
            "action": Column("rating", parse_rating, np.uint8),
            "timestamp": Column("timestamp"),
        },
        where=WHERE,
    )
    genres, titles = {}, {}
    for number, (item, title, names) in read_side_table(films, ("movieId", "title", "genres"), WHERE):
        item = whole_number(films, number, "movieId", item)
        titles[item] = title
        genres[item] = [genre for genre in names.split("|") if genre and genre != NO_GENRES]
    prints = fingerprint(path) + fingerprint(films)
    return assemble_attributed("ml-20m", raw, ACTIONS, prints, ending_note(path), genres, titles)
