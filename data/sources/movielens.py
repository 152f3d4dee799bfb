"""MovieLens-100K (`u.data`, `u.item`) and 1M (`ratings.dat`, `movies.dat`).

The rating is the action (1..5), the first genre the category, all genres the attributes, titles the item names.
Films that nobody rated are not in the vocabulary.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from data.cache import fingerprint
from data.schema import Interactions
from data.sources.assemble import assemble, attributes_from_lists
from data.sources.files import ending_note, read_text
from data.sources.tabular import Column, read_columns
from tf_utils.cli import UserError

RATINGS = {"ml-100k": "u.data", "ml-1m": "ratings.dat"}
FILMS = {"ml-100k": "u.item", "ml-1m": "movies.dat"}
ACTIONS = tuple(f"rating {stars}" for stars in range(1, 6))
# The flags of u.item, in the order of u.genre.
GENRES_100K = [
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
]


def where(name: str) -> str:
    archive = f"https://files.grouplens.org/datasets/movielens/{name}.zip"
    return f"run python -m data.download --name={name}, or unpack {archive} into DATA_DIR"


def parse_rating(text: str) -> int:
    if text not in ("1", "2", "3", "4", "5"):
        raise ValueError(f"has the unknown rating {text!r}; known are 1 to 5")
    return int(text)


def load(path: Path, name: str = "ml-1m") -> Interactions:
    """Parses the folder that holds the two official files; nothing is filtered.  Raises UserError for bad input.

    path: the folder, or the rating file in it.  A rated film without genres gets category 0, with a note.
    """
    if name not in RATINGS:
        raise UserError(f"unknown MovieLens data set {name!r}; known are {', '.join(RATINGS)}")
    folder = Path(path) if Path(path).is_dir() else Path(path).parent
    ratings, films = folder / RATINGS[name], folder / FILMS[name]
    # 1M is separated by "::": read with ":", every second field is empty.
    places = {"ml-100k": (0, 1, 2, 3), "ml-1m": (0, 2, 4, 6)}[name]
    raw = read_columns(
        ratings,
        {
            "user": Column(places[0]),
            "item": Column(places[1]),
            "action": Column(places[2], parse_rating, np.uint8),
            "timestamp": Column(places[3]),
        },
        where=where(name),
        delimiter="\t" if name == "ml-100k" else ":",
        width=places[3] + 1,
    )
    titles, genres = (_films_100k if name == "ml-100k" else _films_1m)(films)
    known = sorted({genre for item in genres.values() for genre in item})
    number = {genre: i for i, genre in enumerate(known, 1)}
    rated = np.unique(raw["item"]).tolist()
    lists = [[number[genre] for genre in genres.get(item, ())] for item in rated]
    main = np.array([ids[0] if ids else 0 for ids in lists], np.int32)
    raw["category"] = main[np.searchsorted(rated, raw["item"])]
    data = assemble(
        name, raw, ACTIONS, fingerprint(ratings) + fingerprint(films), ending_note(ratings), category_labels=known
    )
    names = np.array([titles.get(item, f"film {item}") for item in rated])
    return replace(data, attributes=attributes_from_lists(lists), item_names=names).compact()


def _films_1m(path: Path) -> tuple[dict[int, str], dict[int, list[str]]]:
    titles, genres = {}, {}
    for number, fields in _lines(path, "::", 3, "ml-1m"):
        item = _item(path, number, fields[0])
        titles[item], genres[item] = fields[1], [genre for genre in fields[2].split("|") if genre]
    return titles, genres


def _films_100k(path: Path) -> tuple[dict[int, str], dict[int, list[str]]]:
    titles, genres = {}, {}
    for number, fields in _lines(path, "|", 5 + len(GENRES_100K), "ml-100k"):
        item, flags = _item(path, number, fields[0]), fields[5:]
        if not set(flags) <= {"0", "1"}:
            raise UserError(f"{path}: line {number} has genre flags other than 0 and 1: {'|'.join(flags)}")
        titles[item] = fields[1]
        genres[item] = [genre for genre, flag in zip(GENRES_100K, flags, strict=True) if flag == "1"]
    return titles, genres


def _lines(path: Path, separator: str, width: int, name: str):
    lines = read_text(path, where(name)).split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        fields = line.rstrip("\r").split(separator)
        if len(fields) != width:
            fault = f"line {number} has {len(fields)} fields separated by {separator!r} instead of {width}"
            if not "".join(lines[number:]).strip():
                fault += f"; it is the last line, so the file is cut off: {where(name)}"
            raise UserError(f"{path}: {fault}")
        yield number, fields


def _item(path: Path, number: int, text: str) -> int:
    if not text.isdigit():
        raise UserError(f"{path}: line {number} has the film id {text!r}, which is not a whole number")
    return int(text)
