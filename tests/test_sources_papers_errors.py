"""What the loaders of AttRec's, SINE's, SAIR's and CAFE's data refuse: every error is one line that names its place."""

import gzip
from functools import partial

import pytest

from data.sources import (
    amazon_ratings,
    anime,
    ijcai15,
    lastfm_hetrec,
    movielens_20m,
    movielens_hetrec,
    movietweetings,
    s3rec,
    sequences,
    taobao_favourites,
)
from data.sources.table import SOURCES
from tests import data_files as files
from tests.test_sources import refused

# name: (load, what writes all its files into a folder, the main file)
LOADS = {
    "movietweetings": (movietweetings.load, files.write_movietweetings, "ratings.dat"),
    "ml-20m": (movielens_20m.load, files.write_ml20m, "ratings.csv"),
    "ml-hetrec": (movielens_hetrec.load, files.write_ml_hetrec, "user_ratedmovies-timestamps.dat"),
    "lastfm-hetrec": (
        partial(lastfm_hetrec.load, bad_timestamps="drop"),
        files.write_lastfm_hetrec,
        lastfm_hetrec.FILE_NAME,
    ),
    "anime": (anime.load, files.write_anime, "rating.csv"),
    "taobao_favourites": (
        taobao_favourites.load,
        lambda folder: files.write_favourites(folder / "taobao_fav.csv"),
        "taobao_fav.csv",
    ),
    "ijcai15": (ijcai15.load, lambda folder: files.write_ijcai15(folder / ijcai15.FILE_NAME), ijcai15.FILE_NAME),
    "amazon-garden": (
        partial(amazon_ratings.load, name="amazon-garden"),
        lambda folder: files.write_amazon(folder / "ratings_Patio_Lawn_and_Garden.csv"),
        "ratings_Patio_Lawn_and_Garden.csv",
    ),
    "amazon-tools-sequences": (
        sequences.load,
        lambda folder: files.write_sequences(folder / sequences.FILE_NAME, "\n"),
        sequences.FILE_NAME,
    ),
    "s3rec-toys": (
        partial(s3rec.load, name="s3rec-toys"),
        lambda folder: files.write_s3rec(folder, "Toys_and_Games"),
        "Toys_and_Games.txt",
    ),
}
# (source, file or "" for the main one, text of the good file, what replaces it, expected message)
BAD = [
    ("movietweetings", "", "10048342::10", "10048342::11", "line 2 has the unknown rating '11'; known are 0 to 10"),
    ("movietweetings", "", "10048342::10", "tt10048342::10", "line 2 has the item 'tt10048342', which is not a whole"),
    ("movietweetings", "", "::1362062307", "", "line 2 has 5 fields"),
    (
        "movietweetings",
        "",
        "0::1381945744\n",
        "0",
        "line 3 .*last line, so the file is cut off: get latest/ratings.dat",
    ),
    ("movietweetings", "movies.dat", "0054890::", "x::", "movies.dat: line 2 has the film id 'x'"),
    ("movietweetings", "movies.dat", "::New (2013)::Short\n", "::New", "movies.dat: line 3 has 2 fields .*cut off"),
    ("ml-20m", "", ",3.5,", ",3.6,", "line 3 has the unknown rating '3.6'; known are 0.5 to 5.0"),
    ("ml-20m", "", "movieId", "film", "no column 'movieId' in its first line 'userId,film,rating,timestamp'"),
    ("ml-20m", "", "1,2,3.5", "1,x,3.5", "line 3 has the item 'x', which is not a whole number"),
    ("ml-20m", "", ",0.5,1112484676\n", ",0.", "line 4 .*cut off: run python -m data.download --name=ml-20m"),
    (
        "ml-20m",
        "movies.csv",
        "title,genres",
        "title,kinds",
        "movies.csv: no column 'genres' in its first line 'movieId,title,kinds'",
    ),
    ("ml-20m", "movies.csv", "260,", "m260,", "movies.csv: line 3 has the movieId 'm260'"),
    ("ml-20m", "movies.csv", ",(no genres listed)\n", "", "movies.csv: line 3 has 2 fields .*instead of 3; .*cut off"),
    ("ml-hetrec", "", "\t3.5\t", "\t9\t", "line 3 has the unknown rating '9'"),
    ("ml-hetrec", "", "timestamp", "time", "no column 'timestamp'"),
    ("ml-hetrec", "", "\t1112484676123\n", "", "line 4 has 3 fields .*cut off: unpack https://files.grouplens.org"),
    ("ml-hetrec", "movie_genres.dat", "2\tAdventure\n2\tC", "2\n2\tC", "movie_genres.dat: line 2 has 1 fields"),
    ("ml-hetrec", "movies.dat", "260\t", "26O\t", "movies.dat: line 3 has the id '26O'"),
    ("lastfm-hetrec", "", "2\t52\t15", "2\t52\trock", "line 3 has the tag 'rock', which is not a whole number"),
    ("lastfm-hetrec", "", "artistID", "artist", "no column 'artistID'"),
    ("lastfm-hetrec", "", "\t-428720400000\n", "", "line 7 has 3 fields .*cut off: unpack https://files.grouplens.org"),
    ("lastfm-hetrec", "tags.dat", "13\tchillout", "13", "tags.dat: line 2 has 1 fields"),
    ("lastfm-hetrec", "artists.dat", "51\tD", "\tD", "artists.dat: line 2 has the id ''"),
    ("anime", "", "2,24,7", "2,24,11", "line 4 has the unknown rating '11'; known are 1 to 10 and -1"),
    ("anime", "", "2,24,7", "-2,24,7", "line 4 has the negative user -2"),
    ("anime", "", "anime_id", "id", "no column 'anime_id'"),
    ("anime", "", "2,20,1\n", "2,20", "line 5 has 2 fields .*cut off: get anime.csv"),
    ("anime", "anime.csv", "name", "title", "anime.csv: no column 'name'"),
    ("anime", "anime.csv", ",,TV\n", "", "anime.csv: line 3 has 2 fields .*cut off"),
    ("taobao_favourites", "", "category", "cat", "no column 'category' in its first line 'user,item,cat,timestamp'"),
    ("taobao_favourites", "", "2,7,4145812", "2,7.5,4145812", "line 3 has the item '7.5'"),
    ("taobao_favourites", "", "0,7,4145812,1511853291\n", "0,7", "line 4 has 2 fields .*cut off"),
    ("ijcai15", "", "seller_id", "merchant_id", "no column 'seller_id'"),
    ("ijcai15", "", ",1111,2", ",1131,2", "line 3 has the time_stamp '1131', which is not a day as mmdd"),
    ("ijcai15", "", ",1111,2", ",1111,4", "line 3 has the unknown action_type '4'; known are 0 click"),
    ("ijcai15", "", ",511,3\n", "", "line 4 has 5 fields .*cut off: get user_log_format1.csv"),
    (
        "amazon-garden",
        "",
        "1.0,1353612262",
        "6.0,1353612262",
        "line 2 has the unknown rating '6.0'; known are 1.0 to 5.0",
    ),
    ("amazon-garden", "", "B00000J1V5,1.0", ",1.0", "line 2 item is empty"),
    ("amazon-garden", "", "A1GI0U4ZRJA8WN", "", "line 2 user is empty"),
    ("amazon-garden", "", ",1123804800\n", "", "line 3 has 3 fields .*cut off: get https://snap.stanford.edu"),
    ("amazon-garden", "", "4.0,1123804800", "4.0,11238O48", "line 3 has the timestamp '11238O48'"),
    ("amazon-tools-sequences", "", "3 12 1", "3 1234567890123456789 1", "line 2 has an item of 19 digits; ids have 18"),
    ("amazon-tools-sequences", "", "3 12 1", "3 b12 1", "line 2 has the item 'b12', which is not a whole number"),
    ("amazon-tools-sequences", "", "5 3 12", "-5 3 12", "line 2 has the user '-5', which is not a whole number"),
    (
        "amazon-tools-sequences",
        "",
        "5 3 12 1 7\n",
        "5",
        "line 2 has a user without items; it is .*cut off: put Tools_and",
    ),
    ("amazon-tools-sequences", "", "1 1 2 3", "1", "line 1 has a user without items$"),
    ("amazon-tools-sequences", "", "5 3 12", "1 3 12", "line 2 has user 1 again, whose line is 1"),
    ("s3rec-toys", "Toys_and_Games_item2attributes.json", "50]}", "50", "line 1 is not JSON .*cut off; get Toys_and"),
    (
        "s3rec-toys",
        "Toys_and_Games_item2attributes.json",
        "[50]",
        "50",
        "the entry of item '99' is not a list of whole",
    ),
    ("s3rec-toys", "Toys_and_Games_item2attributes.json", '"99"', '"x"', "the entry of item 'x'"),
    ("s3rec-toys", "", "1 1 2 3", "1 1 2.0 3", "line 1 has the item '2.0'"),
]


@pytest.mark.parametrize("name, file, good, bad, message", BAD)
def test_bad_cells_are_named_with_their_line(tmp_path, name, file, good, bad, message):
    load, write, main = LOADS[name]
    write(tmp_path)
    path = tmp_path / (file or main)
    text = path.read_bytes().decode("latin-1")
    assert text.count(good) == 1
    path.write_bytes(text.replace(good, bad).encode("latin-1"))
    refused(load, tmp_path, match=message)


@pytest.mark.parametrize("name", LOADS)
def test_broken_files(tmp_path, name):
    load, write, main = LOADS[name]
    write(tmp_path)
    assert len(load(tmp_path)) >= 3
    path = tmp_path / main
    good = path.read_bytes()
    path.unlink()
    refused(load, tmp_path, match=f"{main}: no such file; .*DATA_DIR")
    for content, message in [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (gzip.compress(good), "is a gzip archive; unpack it first"),
        (b"PK\x03\x04rest", "is a zip archive; unpack it first"),
        (good.decode().encode("utf-16"), "not UTF-8 or Latin-1 text .UTF-16.."),
        (good + b"\xff\xfe\xfd\n", "line \\d+.* is not UTF-8 text; convert"),
    ]:
        path.write_bytes(content)
        refused(load, tmp_path, match=message)
    path.write_bytes(b"\xef\xbb\xbf" + good.rstrip(b"\n") + b"\n\n")  # a byte order mark and blank lines do no harm
    assert len(load(tmp_path)) >= 3


@pytest.mark.parametrize("name, side", [(name, side) for name in LOADS for side in SOURCES[name].sides])
def test_side_files_are_needed(tmp_path, name, side):
    load, write, _ = LOADS[name]
    write(tmp_path)
    (tmp_path / side).write_bytes(b"")
    refused(load, tmp_path, match=f"{side}: is empty; ")
    (tmp_path / side).unlink()
    refused(load, tmp_path, match=f"{side}: no such file; .*DATA_DIR")


@pytest.mark.parametrize("name", ["ml-20m", "ml-hetrec", "lastfm-hetrec", "anime", "taobao_favourites", "ijcai15"])
def test_a_header_alone_holds_no_events(tmp_path, name):
    load, write, main = LOADS[name]
    path = write(tmp_path)
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    refused(load, tmp_path, match=f"{main}: holds no events; ")


@pytest.mark.parametrize("part, bad", [("date_month", "13"), ("date_hour", "24"), ("date_day", "x")])
def test_dates_out_of_range(tmp_path, part, bad):
    path = files.write_ml_hetrec(tmp_path, timestamps=False)
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    rows[2][rows[0].index(part)] = bad
    path.write_text(files.lines(rows, "\t"))
    refused(movielens_hetrec.load, path, match=f"line 3 has the {part} '{bad}', which is not a whole number from")


def test_a_quote_that_never_ends_is_told(tmp_path):
    files.write_anime(tmp_path)
    text = (tmp_path / "anime.csv").read_text() + '26,"' + "x" * 200_000 + "\n"
    (tmp_path / "anime.csv").write_text(text)
    refused(anime.load, tmp_path, match="anime.csv: line 4 cannot be read")


def test_unknown_variants():
    refused(
        amazon_ratings.load, "x", "amazon-cars", match="unknown Amazon data set 'amazon-cars'; known are amazon-and"
    )
    refused(s3rec.load, "x", "s3rec-sports", match="unknown S3-Rec data set")
