"""Item -> intent is a function in every data set of CAFE's tables; Amazon 2018's JSON lines; the authors' own Tmall."""

import gzip
import json

import numpy as np
import pytest

from data import catalog
from data.sources import amazon_2018, cafe_tmall, ijcai15, s3rec, taobao_favourites
from data.sources.one_category import one_category
from tests import data_files as files
from tests.test_sources import raw, refused

NAME = "amazon-2018-beauty"


def test_the_category_of_most_events_is_kept():
    items = np.array([7, 7, 7, 900, 900, 3, 3, 5])
    shops = np.array([40, 2, 40, 9, 8, -1, 6, -1])
    chosen, note = one_category(items, shops, "seller")
    assert chosen.tolist() == [40, 40, 40, 8, 8, 6, 6, -1]  # of equals the smaller id; nothing is known of item 5
    assert note == (
        "2 of 4 items had more than one seller; the one of most of their events was kept (2 events changed, 1 without "
        "one filled in)."
    )


def test_a_function_is_left_alone():
    shops = np.array([40, 2, 40])
    chosen, note = one_category(np.array([1, 2, 1]), shops, "seller")
    assert chosen is shops and note == "Every item has one seller in the source."


def test_choice_against_a_slow_twin():
    rng = np.random.default_rng(3)
    items, shops = rng.integers(0, 12, 300), rng.integers(-1, 4, 300)
    expected = []
    for item in items:
        own = [shop for shop in shops[items == item].tolist() if shop >= 0]
        expected.append(min(own, key=lambda shop: (-own.count(shop), shop)) if own else -1)
    assert one_category(items, shops)[0].tolist() == expected


def test_loaders_settle_it(tmp_path):
    rows = [(1, 5, 70, 10), (1, 5, 71, 11), (2, 5, 71, 12), (2, 6, 70, 13)]
    path = files.write(tmp_path / "taobao_fav.csv", "user,item,category,timestamp\n" + files.lines(rows))
    data = taobao_favourites.load(path)
    assert data.labels["category"][data.category - 1].tolist() == [71, 71, 71, 70]
    assert data.provenance.notes[0].startswith("1 of 2 items had more than one category;")
    rows = [(1, 5, 1, 30, 9, 511, 0), (1, 5, 1, 31, 9, 512, 0), (2, 5, 1, 31, 9, 513, 0)]
    path = files.write(tmp_path / ijcai15.FILE_NAME, files.TMALL15_HEADER + "\n" + files.lines(rows))
    assert ijcai15.load(path).labels["category"].tolist() == [31]


def test_second_level_of_a_path(tmp_path):
    """Of the attributes in data_files, 2 is the only id that stands first and second: 9 is a brand."""
    files.write_s3rec(tmp_path, "Beauty")
    data = s3rec.load(tmp_path, "s3rec-beauty-level2")
    names = np.array(["", *data.labels["category"]])[data.category].tolist()
    assert names == ["4", "6", "4", "4", "", "4", "4"]  # items 1 2 3, then 3 12 1 7; 12 has no attributes
    assert data.provenance.notes[-2].endswith("(1 items have no second level: the first stands for it).")  # item 99


def test_amazon_2018(tmp_path):
    files.write_amazon_2018(tmp_path)
    data = amazon_2018.load(tmp_path, NAME)
    assert data.labels["item"].tolist() == ["0007", "B00X", "B00Y"] and data.labels["user"].tolist() == ["A1", "A2"]
    named = [
        (data.labels["user"][u - 1], data.labels["item"][i - 1]) for u, i in zip(data.user, data.item, strict=True)
    ]
    assert named == [row[:2] for row in files.REVIEWS_2018]
    assert data.labels["action"][data.action - 1].tolist() == ["rating 5", "rating 4", "rating 1", "rating 3"]
    assert data.timestamp.tolist() == [200, 100, 300, 300]
    leaves = np.array(["", *data.labels["category"]])[data.category].tolist()
    assert leaves == ["Lip Color", "Lip Color", "All Beauty", ""]
    assert sorted(data.labels["category"]) == ["All Beauty", "Lip Color"]  # no "Makeup", which is no item's intent
    assert "(1 items are described twice" in data.provenance.notes[0]
    assert data.provenance.notes[1] == "1 events of 1 items have no category (id 0)."


def test_amazon_2018_gzipped_gives_the_same(tmp_path):
    path = files.write_amazon_2018(tmp_path)
    plain = amazon_2018.load(path, NAME)
    for file in (path, tmp_path / amazon_2018.side_files(NAME)[0]):
        (tmp_path / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    packed = amazon_2018.load(tmp_path, NAME)
    for field in ("user", "item", "category", "action", "timestamp"):
        assert np.array_equal(getattr(plain, field), getattr(packed, field))


@pytest.mark.parametrize(
    "text, message",
    [
        ('{"reviewerID": "A", "asin": "B", "overall": 5.0}\n', "line 1 is no review .no unixReviewTime."),
        ('{"reviewerID": "A", "asin": "B", "overall": 9, "unixReviewTime": 1}\n', "line 1 has the rating 9"),
        *(
            (
                f'{{"reviewerID": "A", "asin": "B", "overall": 5.0, "unixReviewTime": {time}}}\n',
                "line 1: unixReviewTime must be whole seconds >= 0",
            )
            for time in ("-5", "3.9", "true", '"7"')
        ),
        ('{"reviewerID": "A"', "line 1 is not JSON"),
        ("[1]\n", "line 1 is not a JSON object"),
        ("", "is empty"),
    ],
)
def test_bad_reviews(tmp_path, text, message):
    path = files.write_amazon_2018(tmp_path)
    path.write_text(text)
    refused(amazon_2018.load, path, NAME, match=message)


def test_bad_metadata(tmp_path):
    path = files.write_amazon_2018(tmp_path)
    meta = tmp_path / amazon_2018.side_files(NAME)[0]
    meta.write_text('{"asin": "B00X", "category": "Lips"}\n')
    refused(amazon_2018.load, path, NAME, match="line 1 has a category that is no list of names")
    meta.unlink()
    refused(amazon_2018.load, path, NAME, match="no such file; get All_Beauty.json.gz")
    (tmp_path / f"{meta.name}.gz").write_bytes(gzip.compress(b"{}\n" * 1000)[:20])
    refused(amazon_2018.load, path, NAME, match="cannot be unpacked after line")
    refused(amazon_2018.load, path, "amazon-2019", match="known are amazon-2018")


def test_the_authors_tmall(tmp_path):
    path = files.write_cafe_tmall(tmp_path)
    for place in (path, tmp_path):
        data = cafe_tmall.load(place)
        assert raw(data) == [
            ("10", "77", "2882", "interaction", 0),
            ("7", "1", "2882", "interaction", 0),
            ("7", "323294", "31", "interaction", 1),
            ("7", "1", "2882", "interaction", 2),
            ("10", "1", "2882", "interaction", 1),
            ("7", "77", "2882", "interaction", 3),
            ("10", "844400", "900", "interaction", 2),
            ("7", "323294", "31", "interaction", 4),
        ]
    assert data.labels["user"].tolist() == ["10", "7"]
    assert data.labels["item"].tolist() == ["323294", "844400", "1", "77"]  # in the order of the file's ids
    assert data.labels["category"].tolist() == ["2882", "31", "900"]
    assert (data.item.dtype, data.category.dtype, data.timestamp.dtype) == (np.int32, np.int32, np.int64)
    assert data.provenance.notes == (
        "1 users of train.json are not in test.json: they were left out.",
        "The source has sequences without timestamps: a timestamp is the place in the user's sequence.",
        "Every item has one category in the source: its seller.",
    )


def test_the_authors_split_is_leave_one_out(tmp_path, monkeypatch):
    """The last two events of a user are those of val.json and test.json."""
    monkeypatch.setenv("DATA_CACHE", str(tmp_path / "cache"))
    files.write_cafe_tmall(tmp_path / "cafe_tmall")
    data = catalog.load("cafe-tmall", tmp_path)
    names = data.labels["item"][data.items - 1].tolist()
    assert data.lengths.tolist() == [3, 5] and data.ties == 0 and data.provenance.stand_in_for == ""
    assert names == ["77", "1", "844400", "1", "323294", "1", "77", "323294"]
    assert data.provenance.name == "cafe-tmall"


# (file, text of the good file, what replaces it, expected message)
BAD_TMALL = {
    "cut off": ("train.json", "[2, 2]}", "[2, 2]", "train.json: is not JSON .*, or is cut off; get the"),
    "no JSON": ("val.json", '{"7"', "7: ", "val.json: is not JSON"),
    "a list": ("test.json", '{"7": [2], "10": [3]}', "[2, 3]", "test.json: is not a JSON object"),
    "no users": ("test.json", '{"7": [2], "10": [3]}', "{}", "test.json: holds no users"),
    "no list": ("train.json", "[9]", "9", "the entry of user '10' is not a list of whole numbers"),
    "text": ("train.json", "[9]", '["9"]', "the entry of user '10' is not a list of whole numbers"),
    "truth": ("train.json", "[9]", "[true]", "the entry of user '10' is not a list of whole numbers"),
    "fraction": ("val.json", "[9]", "[9.0]", "val.json: the entry of user '7' is not a list of whole numbers"),
    "no category": ("test_meta.json", '[{"category": 6, ', '[{"cat": 6, ', "user '10' is not a list of objects with a"),
    "text category": ("val_meta.json", '"10": [{"category": 1', '"10": [{"category": "1"', "whole number as .cat"),
    "bare category": ("train_meta.json", '[{"category": 1, "brand": 1}]', "[1]", "user '10' is not a list of objects"),
    "not in train": ("train.json", '"10"', '"11"', "train.json: has no user '10', who is in test.json"),
    "not in val": ("val.json", '"7"', '"8"', "val.json: has no user '7', who is in test.json"),
    "not in meta": ("train_meta.json", '"7"', '"8"', "train_meta.json: has no user '7', who is in test.json"),
    "lengths": ("train.json", "[5, 2, 5]", "[5, 2]", "user '7' has 3 entries here and 2 items in train.json"),
    "two targets": ("val.json", "[9]", "[9, 5]", "val.json: user '7' has 2 items, one was expected"),
    "no target": ("test.json", "[2]", "[]", "test.json: user '7' has 0 items, one was expected"),
    "two categories": ("test_meta.json", '"category": 4', '"category": 6', "item '323294' .* '31' and '900', one was"),
    "unknown item": ("train.json", "[9]", "[8]", "train.json: user '10' has the id 8, which is not in smap.json"),
    "unknown category": ("val_meta.json", '"7": [{"category": 1', '"7": [{"category": 3', "id 3, which is not in "),
    "labels of one id": ("smap.json", '"77": 9', '"77": 5', "smap.json: has 2 labels of the item id 5"),
    "a label's type": ("smap.json", '"77": 9', '"77": "9"', "not an object of raw labels and the item ids they have"),
    "negative id": ("smap.json", '"unseen": 4', '"unseen": -4', "not an object of raw labels and the item ids they"),
    "no sellers": ("smap_meta.json", '"category"', '"seller"', "not an object of raw labels and the category ids they"),
}


@pytest.mark.parametrize("kind", BAD_TMALL)
def test_bad_files_of_the_authors_tmall(tmp_path, kind):
    name, good, bad, message = BAD_TMALL[kind]
    files.write_cafe_tmall(tmp_path)
    text = (tmp_path / name).read_text()
    assert text.count(good) == 1
    (tmp_path / name).write_text(text.replace(good, bad))
    refused(cafe_tmall.load, tmp_path, match=message)


@pytest.mark.parametrize("name", [cafe_tmall.FILE_NAME, *cafe_tmall.SIDE_FILES])
def test_all_files_of_the_authors_tmall_are_needed(tmp_path, name):
    files.write_cafe_tmall(tmp_path)
    (tmp_path / name).write_bytes(b"")
    refused(cafe_tmall.load, tmp_path, match=f"{name}: is empty; ")
    (tmp_path / name).write_bytes(b"PK\x03\x04")
    refused(cafe_tmall.load, tmp_path, match=f"{name}: is a zip archive; unpack it first")
    (tmp_path / name).unlink()
    refused(cafe_tmall.load, tmp_path, match=f"{name}: no such file; .*JiachengLi1995/CAFE .*DATA_DIR/cafe_tmall")


def test_other_users_of_the_authors_tmall_do_not_matter(tmp_path):
    """Those that test.json does not have may hold anything."""
    files.write_cafe_tmall(tmp_path)
    train = json.loads((tmp_path / "train.json").read_text())
    (tmp_path / "train.json").write_text(json.dumps(train | {"9": [1000]}))
    assert len(cafe_tmall.load(tmp_path)) == 8


@pytest.mark.parametrize(
    "name", ["taobao_favourites-10", "s3rec-beauty-leaf", "s3rec-beauty-level2", "s3rec-toys-leaf", "cafe-tmall"]
)
def test_official_files_have_one_intent_an_item(name):
    files.official(catalog.RECIPES[name].source)
    data = catalog.load(name, download=False)
    assert np.array_equal(data.categories, data.item_categories()[data.items]) and data.categories.min() > 0
    assert any("one category" in note or "one an item" in note for note in data.provenance.notes)


def test_official_favourites_of_figure_4():
    """Items are counted once, in what users with ten events leave."""
    files.official("taobao_favourites")
    found = [catalog.load("taobao_favourites-10", download=False, min_item=k) for k in (0, 5, 20)]
    assert [(d.size("user"), d.size("item"), len(d)) for d in found] == [
        (7_570, 47_128, 124_010),
        (7_481, 6_225, 53_747),
        (4_075, 269, 8_108),
    ]
