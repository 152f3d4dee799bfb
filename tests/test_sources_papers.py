"""The loaders of AttRec's, SINE's, SAIR's and CAFE's data: small files in the official formats, published counts."""

import itertools

import numpy as np
import pytest

from data import catalog
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
    text_columns,
)
from data.sources.table import SOURCES
from tests import data_files as files
from tests.test_sources import counts, raw, refused

# --- what the loaders read -------------------------------------------------------------------------------------------


def attributes(data):
    """{item label: its categories' labels, the main one first}"""
    names = data.labels["category"].tolist()
    return {
        label: [names[category - 1] for category in data.attributes.of(item)]
        for item, label in enumerate(data.labels["item"].tolist(), 1)
    }


def test_movietweetings_keeps_leading_zeros_and_the_rating_0(tmp_path):
    data = movietweetings.load(files.write_movietweetings(tmp_path).parent)
    assert raw(data) == [
        (1, "0054890", None, "rating 9", 1381945744),
        (2, "10048342", "Short", "rating 10", 1362062307),
        (1, "0000628", "Action", "rating 0", 1381945744),
    ]
    assert attributes(data) == {"0000628": ["Action", "Short"], "0054890": [], "10048342": ["Short"]}
    assert data.item_names.tolist() == ["The Adventures of Dollie (1908)", "Fantômas: II (1961)", "New (2013)"]
    assert data.provenance.notes == (
        "This copy covers 2013-02-28 to 2013-10-16.",
        "1 events of 1 items have no category (id 0).",
    )


def test_movielens_20m(tmp_path):
    data = movielens_20m.load(files.write_ml20m(tmp_path).parent)
    assert raw(data) == [
        (3, 260, None, "rating 4", 1256677221),
        (1, 2, "Adventure", "rating 3.5", 1112486027),
        (1, 260, None, "rating 0.5", 1112484676),
    ]
    assert attributes(data) == {2: ["Adventure", "Children"], 260: []}
    assert data.item_names.tolist() == ['Jumanji, the "game" (1995)', "Amélie (1977)"]
    assert movielens_20m.ACTIONS[0] == "rating 0.5" and movielens_20m.ACTIONS[9] == "rating 5"


@pytest.mark.parametrize("timestamps", [True, False])
def test_movielens_hetrec_in_both_forms(tmp_path, timestamps):
    path = files.write_ml_hetrec(tmp_path, timestamps)
    for place in (path, tmp_path):
        data = movielens_hetrec.load(place)
        assert raw(data) == [
            (3, 260, None, "rating 4", 1256677221),  # milliseconds are cut, the date columns are whole seconds
            (1, 2, "Adventure", "rating 3.5", 1112486027),
            (1, 260, None, "rating 0.5", 1112484676),
        ]
        assert attributes(data) == {2: ["Adventure", "Children"], 260: []}
        assert data.item_names.tolist() == ['The "Game', "Amélie"]


def test_lastfm_hetrec_makes_one_event_of_tags_given_at_once(tmp_path):
    folder = files.write_lastfm_hetrec(tmp_path).parent
    data = lastfm_hetrec.load(folder, bad_timestamps="drop")
    # Of the five good rows, two agree in (user, artist, time); user 4's first tag is of January 2005, too early.
    assert raw(data) == [
        (2, 52, "chillout", "tag", 1238536800),
        (2, 52, "chillout", "tag", 1238623200),
        (4, 51, "chillout", "tag", 1241128800),
    ]
    assert attributes(data) == {51: ["chillout"], 52: ["chillout", "dub"]}
    assert data.item_names.tolist() == ["Duran Duran", "Malo"]
    assert data.provenance.notes == (
        "2 rows dated outside August 2005 to May 2011 were left out.",
        "3 events out of 4 tag assignments: one each (user, artist, time).",
    )
    refused(lastfm_hetrec.load, folder, match="line 7 has the negative timestamp -428720400000")
    refused(lastfm_hetrec.load, folder, bad_timestamps="x", match="choose error or drop")
    lines = (folder / lastfm_hetrec.FILE_NAME).read_text().splitlines()
    (folder / lastfm_hetrec.FILE_NAME).write_text("\n".join(lines[:6]) + "\n")
    kept = lastfm_hetrec.load(folder)
    assert len(kept) == 4 and kept.timestamp.min() == 1107212400
    assert attributes(kept) == {51: ["chillout", "dub"], 52: ["chillout", "dub"]}  # 51: a tie, the smaller tag id first


def test_anime_has_no_times(tmp_path):
    folder = files.write_anime(tmp_path).parent
    data = anime.load(folder)
    assert raw(data) == [
        (1, 20, "Action", "rating -1", 0),
        (1, 24, None, "rating 10", 1),
        (2, 24, None, "rating 7", 2),
        (2, 20, "Action", "rating 1", 3),
    ]
    assert attributes(data) == {20: ["Action", "Comedy"], 24: []}
    assert data.item_names.tolist() == ["Naruto 'x'", "School, Rumble"]
    assert [note.split(":")[0] for note in data.provenance.notes] == [
        "The source has no timestamps",
        "A sample",
        "2 events of 1 items have no category (id 0).",
    ]
    assert data.sequences().ties == 0


def test_anime_in_a_random_order_that_stays(tmp_path):
    rows = [(user, item, 5) for user in range(1, 21) for item in range(1, 31)]
    files.write(tmp_path / "rating.csv", "user_id,anime_id,rating\n" + files.lines(rows))
    files.write(tmp_path / "anime.csv", "anime_id,name,genre\n" + files.lines((i, "x", "A") for i in range(1, 31)))
    first, again = (anime.load(tmp_path, order="random_fixed").sequences() for _ in range(2))
    assert np.array_equal(first.items, again.items)
    ascending = np.diff(first.items.reshape(20, 30), axis=1) > 0
    assert 0.4 < ascending.mean() < 0.6 and first.ties == 0  # 580 pairs: four standard errors are 0.08
    assert (np.diff(anime.load(tmp_path).sequences().items.reshape(20, 30), axis=1) > 0).all()
    refused(anime.load, tmp_path, order="x", match="choose file or random_fixed")


def test_taobao_favourites(tmp_path):
    data = taobao_favourites.load(files.write_favourites(tmp_path / taobao_favourites.FILE_NAME))
    assert raw(data) == [(user, item, category, "fav", time) for user, item, category, time in files.FAVOURITES]
    assert data.labels["user"].tolist() == [0, 2]  # the raw id 0 is a user like any other
    assert data.provenance.stand_in_for and not data.provenance.synthetic


def test_ijcai15(tmp_path):
    path = files.write_ijcai15(tmp_path / ijcai15.FILE_NAME)
    day = 86_400
    august, november, may = 1_409_270_400, 1_409_270_400 + 74 * day, 1_409_270_400 - 110 * day  # 2014-08-29, ...
    assert raw(ijcai15.load(path)) == [
        (328862, 323294, 2882, "click", august),
        (328862, 844400, 2882, "purchase", november),
        (10, 323294, 2882, "favourite", may),
    ]
    assert ijcai15.load(path, "category").labels["category"].tolist() == [833, 1271]
    brands = ijcai15.load(path, "brand")
    assert brands.category.tolist() == [1, 1, 1]  # the brand that another event of the item has
    assert brands.provenance.notes == (
        "0 of 2 items had more than one brand; the one of most of their events was kept (0 events changed, 1 without "
        "one filled in).",
    )
    refused(ijcai15.load, path, "shop", match="choose one of seller, category, brand")


def test_amazon_ratings(tmp_path):
    data = amazon_ratings.load(files.write_amazon(tmp_path / "ratings_Books.csv"), "amazon-books")
    assert raw(data) == [(user, item, None, f"rating {stars[0]}", time) for user, item, stars, time in files.AMAZON]
    assert data.labels["user"].tolist() == ["A1GI0U4ZRJA8WN", "A2CX7LUOHB2NDG"]  # ascending
    assert data.labels["item"].dtype == np.dtype("U10") and data.user.dtype == np.int32
    assert data.size("category") == 0 and not data.category.any()


def test_text_ids_of_many_blocks_are_one_vocabulary(tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    rows = [(f"A{u:05d}", f"é{i}", "5.0", 7) for u, i in rng.integers(0, 400, (3000, 2))]
    path = files.write(tmp_path / "f.csv", files.lines(rows))
    monkeypatch.setattr("data.sources.tabular.BLOCK_BYTES", 2048)
    monkeypatch.setattr(text_columns, "LABELS_AT_ONCE", 7)
    for name, place in (("user", 0), ("item", 1)):
        ids, labels = text_columns.read_texts(path, {name: place}, where="", width=4)[name]
        assert labels[ids].tolist() == [row[place] for row in rows]
        assert labels.tolist() == sorted({row[place] for row in rows})
        assert ids.dtype == np.int32


def test_sequences_have_their_order_for_a_time(tmp_path):
    data = sequences.load(files.write_sequences(tmp_path / sequences.FILE_NAME))
    assert raw(data) == [
        (1, 1, None, "interaction", 0),
        (1, 2, None, "interaction", 1),
        (1, 3, None, "interaction", 2),
        (5, 3, None, "interaction", 0),
        (5, 12, None, "interaction", 1),
        (5, 1, None, "interaction", 2),
        (5, 7, None, "interaction", 3),
    ]
    assert data.provenance.stand_in_for == "amazon-tools"


@pytest.mark.parametrize(
    "name, expected",
    [
        ("s3rec-beauty", {1: ["4", "9", "2"], 2: ["6", "2"], 3: ["4", "2"], 7: ["2", "4"], 12: []}),
        ("s3rec-toys-leaf", {1: ["4"], 2: ["6"], 3: ["4"], 7: ["2"], 12: []}),
        ("s3rec-lastfm", {1: ["2", "4", "9"], 2: ["2", "6"], 3: ["2", "4"], 7: ["2", "4"], 12: []}),
    ],
)
def test_s3rec(tmp_path, name, expected):
    files.write_s3rec(tmp_path, s3rec.STEMS[name])
    data = s3rec.load(tmp_path, name)
    assert [(user, item, time) for user, item, _, _, time in raw(data)] == [
        (user, item, place) for user, *items in files.SEQUENCES for place, item in enumerate(items)
    ]
    assert attributes(data) == expected
    main = {item: (names or [None])[0] for item, names in expected.items()}
    assert [event[2] for event in raw(data)] == [main[event[1]] for event in raw(data)]
    labels = {name for names in expected.values() for name in names}  # item 99 was never met: no category 50
    assert data.labels["category"].tolist() == sorted(labels, key=int)


def test_categories_are_numbered_by_value_not_by_text(tmp_path):
    files.write(tmp_path / "LastFM_item2attributes.json", '{"1": [10], "2": [9]}')
    files.write(tmp_path / "LastFM.txt", "1 1 2\n")
    assert s3rec.load(tmp_path, "s3rec-lastfm").labels["category"].tolist() == ["9", "10"]


# --- the real files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, expected",
    [
        ("movietweetings", (21_081, 12_611, 141_695, 25)),
        ("anime", (5_000, 7_390, 520_609, 43)),
        ("taobao_favourites", (54_474, 68_010, 267_131, 2_974)),
        ("s3rec-beauty-leaf", (22_363, 12_101, 198_502, 195)),
        ("s3rec-beauty", (22_363, 12_101, 198_502, 637)),
        ("s3rec-beauty-level2", (22_363, 12_101, 198_502, 42)),
        ("s3rec-toys-leaf", (19_412, 11_924, 167_597, 333)),
        ("s3rec-lastfm", (1_090, 3_646, 52_551, 388)),
        ("amazon-tools-sequences", (16_638, 10_217, 134_476, 0)),
    ],
)
def test_official_counts(name, expected):
    path = files.official(name)
    if name == "anime" and path.parent.name != "anime_5k":
        pytest.skip("the counts are those of the sample anime_5k")
    data = SOURCES[name].load(path)
    assert (*counts(data), data.size("category")) == expected


def test_official_movietweetings_ends_when_it_was_taken():
    notes = movietweetings.load(files.official("movietweetings")).provenance.notes
    assert notes[0] == "This copy covers 2013-02-28 to 2013-11-06."


def test_official_leaves_are_the_main_categories():
    path = files.official("s3rec-beauty")
    whole, leaf = (s3rec.load(path, name) for name in ("s3rec-beauty", "s3rec-beauty-leaf"))
    assert [event[2] for event in raw(whole)] == [event[2] for event in raw(leaf)]
    assert len(np.unique(whole.category)) == 195


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ({"min_user": 5}, (18_908, 59_508, 198_415)),
        ({"min_user": 10}, (7_570, 47_128, 124_010)),
        ({"min_user": 5, "min_item": 3}, (12_908, 19_325, 122_170)),
    ],
)
def test_official_favourites_as_filtered(arguments, expected):
    files.official("taobao_favourites")
    found = catalog.load("taobao_favourites", download=False, **arguments)
    assert (found.size("user"), found.size("item"), len(found)) == expected


def test_official_table_1_of_attrec():
    """The three data sets of AttRec Table 1 that are the same here; and what the stand-ins give beside the others."""
    same = {"ml-100k": (943, 1_682, 100_000), "ml-1m": (6_040, 3_706, 1_000_209)}
    other = {  # published: 9,608 / 14,220 / 461,970; 5,855 / 23,620 / 96,467; 951 / 12,113 / 83,382
        "movietweetings": (3_602, 11_150, 99_477),
        "amazon-tools-sequences": (3_368, 9_842, 53_075),
        "s3rec-lastfm": (788, 3_646, 50_538),
    }
    for name, expected in itertools.chain(same.items(), other.items()):
        files.official(name)
        found = catalog.load(name, download=False, **({} if name in same else {"min_user": 10}))
        assert (found.size("user"), found.size("item"), len(found)) == expected
