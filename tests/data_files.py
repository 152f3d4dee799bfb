"""Writes small files in the official formats, so that every loader is tested without the data sets themselves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from data.sources.movielens import GENRES_100K

# (user, item, rating, timestamp): unsorted, with ties, an item rated once, ids with gaps.
RATINGS = ((7, 30, 5, 200), (2, 10, 3, 100), (7, 10, 4, 100), (2, 30, 1, 100), (2, 25, 2, 50), (9, 10, 5, 7))
# Film 99 is never rated. Genres stand in the order of u.genre, since the flags of u.item know no other.
FILMS = (
    (10, "Amélie (2001)", ("Comedy", "Romance")),
    (25, "Drama: A Story (1995)", ("Drama", "Thriller")),
    (30, "Alien (1979)", ("Horror", "Sci-Fi")),
    (99, "Unseen (1990)", ("Western",)),
)

# One tuple an event: sku, behaviour, category, interval, dwell. The second sku has two categories.
SESSIONS = (
    ((500, 5, 70, 12, 30), (500, 7, 70, 3, 30), (10_388_261_552, 2, 71, 8, 9), (500, 9, 70, 1, 30)),
    ((10_388_261_552, 10, 72, 4, 4),),
)

# user_id, item_id, behavior_type, user_geohash, item_category, time
TIANCHI = (
    (98047837, 232431562, 1, "", 4245, "2014-12-06 02"),
    (97726136, 383583590, 4, "9rr23bo", 5894, "2014-12-09 20"),
    (98047837, 383583590, 3, "", 5894, "2014-12-06 02"),
    (98047837, 232431562, 2, "", 4245, "2014-11-18 00"),
)
TIANCHI_HEADER = "user_id,item_id,behavior_type,user_geohash,item_category,time"

# user, item, category, behaviour, timestamp
TAOBAO = (
    (1, 2333346, 2520771, "pv", 1511561733),
    (100, 2576651, 149192, "buy", 1511572885),
    (1, 3830808, 4181361, "fav", 1511593493),
    (100, 2333346, 2520771, "cart", 1511572885),
)
ETSY = ((3, 8, 2, "view", 10), (1, 9, 2, "purchase", 20), (3, 8, 2, "favorite", 30))


def lines(rows, separator: str = ",", ending: str = "\n") -> str:
    return "".join(separator.join(map(str, row)) + ending for row in rows)


def write_ml1m(folder: Path, ratings=RATINGS, films=FILMS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ratings.dat").write_text(lines(ratings, "::"), "latin-1")
    films = [(item, title, "|".join(genres)) for item, title, genres in films]
    (folder / "movies.dat").write_text(lines(films, "::"), "latin-1")
    return folder


def write_ml100k(folder: Path, ratings=RATINGS, films=FILMS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "u.data").write_text(lines(ratings, "\t"), "latin-1")
    films = [
        (item, title, "01-Jan-1995", "", "http://x/", *(int(genre in genres) for genre in GENRES_100K))
        for item, title, genres in films
    ]
    (folder / "u.item").write_text(lines(films, "|"), "latin-1")
    return folder


def write_jd(path: Path, sessions=SESSIONS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(lines([["+".join(map(str, event)) for event in session] for session in sessions], " "))
    return path


def write_tianchi(path: Path, rows=TIANCHI, header: str = TIANCHI_HEADER) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(header + "\n" + lines(rows))
    return path


def write_taobao(path: Path, rows=TAOBAO, ending: str = "\r\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lines(rows, ending=ending).encode())
    return path


def write_etsy(path: Path, rows=ETSY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("user,item,category,action,timestamp\n" + lines(rows))
    return path


def official(name: str) -> Path:
    """The real file of a source, or a skip that says why: for tests against the published counts."""
    from data.download import FILES, locate

    if not os.environ.get("DATA_DIR"):
        pytest.skip("DATA_DIR is not set: the real data sets are not here")
    return locate(name) or pytest.skip(f"{FILES[name][0]} is not in DATA_DIR")
