"""Writes small files in the official formats, so that every loader is tested without the data sets themselves."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from data.sources import amazon_2018
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
# user, IMDb id, rating, timestamp: leading zeros, the rating 0, an id of eight digits.
TWEETS = ((1, "0054890", 9, 1381945744), (2, "10048342", 10, 1362062307), (1, "0000628", 0, 1381945744))
TWEETED_FILMS = (
    ("0000628", "The Adventures of Dollie (1908)", "Action|Short"),
    ("0054890", "Fantômas: II (1961)", ""),
    ("10048342", "New (2013)", "Short"),
)
# user, film, rating in half stars, timestamp
HALF_STARS = ((3, 260, "4.0", 1256677221), (1, 2, "3.5", 1112486027), (1, 260, "0.5", 1112484676))
FILMS_20M = ((2, '"Jumanji, the ""game"" (1995)"', "Adventure|Children"), (260, "Amélie (1977)", "(no genres listed)"))
# user, artist, tag, milliseconds: user 2 gives artist 52 two tags at once, and another one a day later.
TAGGED = (
    (2, 52, 13, 1238536800000),
    (2, 52, 15, 1238536800000),
    (4, 51, 15, 1107212400000),
    (2, 52, 13, 1238623200000),
    (4, 51, 13, 1241128800000),
    (9, 52, 15, -428720400000),
)
TAGS = ((13, "chillout"), (15, "dub"))
# user, anime, rating
ANIME = ((1, 20, -1), (1, 24, 10), (2, 24, 7), (2, 20, 1))
ANIMES = ((20, "Naruto &#039;x&#039;", '"Action, Comedy"', "TV"), (24, '"School, Rumble"', "", "TV"))
FAVOURITES = ((0, 0, 3425093, 1511551860), (2, 7, 4145812, 1511853291), (0, 7, 4145812, 1511853291))
# user_id, item_id, cat_id, seller_id, brand_id, time_stamp, action_type
TMALL15 = (
    (328862, 323294, 833, 2882, 2661, 829, 0),
    (328862, 844400, 1271, 2882, 2661, 1111, 2),
    (10, 323294, 833, 2882, "", 511, 3),
)
# JSON files of CAFE's authors. User 9 is in train.json alone; item 5 stands twice in user 7's history; ids have gaps.
CAFE_TMALL = {
    "train.json": {"7": [5, 2, 5], "10": [9], "9": [2, 2]},
    "val.json": {"7": [9], "10": [5]},
    "test.json": {"7": [2], "10": [3]},
}
CAFE_SELLERS = {5: 1, 2: 4, 9: 1, 3: 6}  # item id: category id
CAFE_SMAP = {"323294": 2, "844400": 3, "1": 5, "77": 9, "unseen": 4}
CAFE_SMAP_META = {"category": {"2882": 1, "31": 4, "900": 6, "unseen": 2}, "brand": {"5": 1}}
TMALL15_HEADER = "user_id,item_id,cat_id,seller_id,brand_id,time_stamp,action_type"
# user, item, rating, timestamp
AMAZON = (
    ("A2CX7LUOHB2NDG", "0000013714", "5.0", 1353612262),
    ("A1GI0U4ZRJA8WN", "B00000J1V5", "1.0", 1353612262),
    ("A2CX7LUOHB2NDG", "B00000J1V5", "4.0", 1123804800),
)
SEQUENCES = ((1, 1, 2, 3), (5, 3, 12, 1, 7))  # user item item ...
ITEM_ATTRIBUTES = {"1": [9, 2, 4], "2": [2, 6], "3": [2, 4], "7": [2, 4, 2], "99": [50]}  # none of item 12
# reviewerID, asin, overall, unixReviewTime; asin, category
REVIEWS_2018 = (("A2", "B00X", 5.0, 200), ("A1", "B00X", 4.0, 100), ("A1", "0007", 1.0, 300), ("A1", "B00Y", 3.0, 300))
META_2018 = (
    ("B00X", ["All Beauty", "Makeup", "Lip Color"]),
    ("B00X", ["All Beauty", "Nails"]),  # described twice
    ("0007", ["All Beauty", "<b>\n</b>"]),  # a remnant of a web page
    ("B0ZZ", ["Never reviewed"]),
    ("B00Y", []),
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


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def write_movietweetings(folder: Path) -> Path:
    write(folder / "movies.dat", lines(TWEETED_FILMS, "::"))
    return write(folder / "ratings.dat", lines(TWEETS, "::"))


def write_ml20m(folder: Path) -> Path:
    write(folder / "movies.csv", "movieId,title,genres\n" + lines(FILMS_20M))
    return write(folder / "ratings.csv", "userId,movieId,rating,timestamp\n" + lines(HALF_STARS))


def write_ml_hetrec(folder: Path, timestamps: bool = True) -> Path:
    films = "id\ttitle\timdbID\n" + lines([(2, 'The "Game', 1), (260, "Amélie", 2)], "\t")
    write(folder / "movies.dat", films, "latin-1")
    write(folder / "movie_genres.dat", "movieID\tgenre\n2\tAdventure\n2\tChildren\n2\tAdventure\n")
    if timestamps:
        rows = [(user, film, rating.removesuffix(".0"), time * 1000 + 123) for user, film, rating, time in HALF_STARS]
        return write(
            folder / "user_ratedmovies-timestamps.dat", "userID\tmovieID\trating\ttimestamp\n" + lines(rows, "\t")
        )
    parts = ("day", "month", "year", "hour", "minute", "second")
    header = "\t".join(["userID", "movieID", "rating", *(f"date_{part}" for part in parts)])
    dates = ((27, 10, 2009, 21, 0, 21), (2, 4, 2005, 23, 53, 47), (2, 4, 2005, 23, 31, 16))  # of HALF_STARS' seconds
    rows = [(*row[:3], *date) for row, date in zip(HALF_STARS, dates, strict=True)]
    return write(folder / "user_ratedmovies.dat", header + "\n" + lines(rows, "\t"))


def write_lastfm_hetrec(folder: Path) -> Path:
    write(folder / "artists.dat", "id\tname\turl\tpictureURL\n51\tDuran Duran\tu\tp\n52\tMalo\tu\t\n")
    write(folder / "tags.dat", "tagID\ttagValue\n" + lines(TAGS, "\t"))
    return write(
        folder / "user_taggedartists-timestamps.dat", "userID\tartistID\ttagID\ttimestamp\n" + lines(TAGGED, "\t")
    )


def write_anime(folder: Path) -> Path:
    write(folder / "anime.csv", "anime_id,name,genre,type\n" + lines(ANIMES))
    return write(folder / "rating.csv", "user_id,anime_id,rating\n" + lines(ANIME))


def write_favourites(path: Path) -> Path:
    return write(path, "user,item,category,timestamp\n" + lines(FAVOURITES))


def write_cafe_tmall(folder: Path) -> Path:
    """The processed Tmall; returns the main file."""
    metas = {
        name.replace(".json", "_meta.json"): {
            user: [{"category": CAFE_SELLERS[item], "brand": 1} for item in items] for user, items in content.items()
        }
        for name, content in CAFE_TMALL.items()
    }
    for name, content in (CAFE_TMALL | metas | {"smap.json": CAFE_SMAP, "smap_meta.json": CAFE_SMAP_META}).items():
        write(folder / name, json.dumps(content))
    return folder / "train.json"


def write_ijcai15(path: Path) -> Path:
    return write(path, TMALL15_HEADER + "\n" + lines(TMALL15))


def write_amazon(path: Path) -> Path:
    return write(path, lines(AMAZON))


def write_sequences(path: Path, ending: str = "\r\n") -> Path:
    return write(path, lines(SEQUENCES, " ", ending))


def write_s3rec(folder: Path, stem: str) -> Path:
    write(folder / f"{stem}_item2attributes.json", json.dumps(ITEM_ATTRIBUTES))
    return write_sequences(folder / f"{stem}.txt", "\n")


def write_amazon_2018(folder: Path, name: str = "amazon-2018-beauty") -> Path:
    """Reviews and metadata as JSON lines."""
    reviews = [dict(zip(("reviewerID", "asin", "overall", "unixReviewTime"), row, strict=True)) for row in REVIEWS_2018]
    meta = [{"asin": asin, "category": path, "title": "x"} for asin, path in META_2018]
    write(folder / amazon_2018.side_files(name)[0], "".join(json.dumps(entry) + "\n" for entry in meta))
    return write(folder / amazon_2018.main_files(name)[0], "".join(json.dumps(entry) + "\n" for entry in reviews))


def official(name: str) -> Path:
    """The real file of a source, or a skip that says why: for tests against the published counts."""
    from data.download import locate

    if not os.environ.get("DATA_DIR"):
        pytest.skip("DATA_DIR is not set: the real data sets are not here")
    return locate(name) or pytest.skip(f"the file of {name} is not in DATA_DIR")
