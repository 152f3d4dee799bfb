"""Every loader on small files in the official formats, every error as one line, and the published counts."""

import gzip
import random
import re

import numpy as np
import pytest

from data.schema import FIELDS
from data.sources import etsy, jd, movielens, taobao, tianchi
from data.sources.files import file_in
from data.sources.tabular import MISSING, vocabulary
from data.splits import leave_one_out
from tests import data_files as files
from tf_utils.cli import UserError


def refused(load, *args, match, **kwargs):
    """Asserts a UserError of one line that matches."""
    with pytest.raises(UserError) as error:
        load(*args, **kwargs)
    assert "\n" not in str(error.value)
    assert re.search(match, str(error.value)), str(error.value)


def raw(data):
    """The events with their labels, in row order."""
    columns = [np.concatenate([[None], data.labels[name]])[getattr(data, name)].tolist() for name in FIELDS]
    return list(zip(*columns, data.timestamp.tolist(), strict=True))


# --- what the loaders read -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, write", [("ml-1m", files.write_ml1m), ("ml-100k", files.write_ml100k)])
def test_movielens(tmp_path, name, write):
    data = movielens.load(write(tmp_path / name), name)
    genre = {item: genres[0] for item, _, genres in files.FILMS}
    assert raw(data) == [(u, i, genre[i], f"rating {r}", t) for u, i, r, t in files.RATINGS]
    assert data.labels["user"].tolist() == [2, 7, 9]  # ascending raw ids
    assert data.labels["item"].tolist() == [10, 25, 30]  # film 99 was never rated
    genres = ["Comedy", "Drama", "Horror", "Romance", "Sci-Fi", "Thriller"]  # and Western goes with it
    assert data.labels["category"].tolist() == genres
    assert [[genres[c - 1] for c in data.attributes.of(i)] for i in (1, 2, 3)] == [list(f[2]) for f in files.FILMS[:3]]
    assert data.item_names.tolist() == ["Amélie (2001)", "Drama: A Story (1995)", "Alien (1979)"]
    assert data.action.dtype == np.uint8 and data.item.dtype == np.int32 and data.timestamp.dtype == np.int64
    assert data.provenance.name == name and len(data.provenance.fingerprint) >= 64 and data.provenance.notes == ()


def test_movielens_also_takes_the_rating_file_itself_and_utf8_titles(tmp_path):
    folder = files.write_ml1m(tmp_path)
    path = folder / "movies.dat"
    path.write_bytes(path.read_bytes().decode("latin-1").encode("utf-8"))
    assert movielens.load(folder / "ratings.dat").item_names[0] == "Amélie (2001)"


def test_a_film_without_genres_gets_category_0_and_a_note(tmp_path):
    films = ((10, "Amélie (2001)", ()), *files.FILMS[1:])
    data = movielens.load(files.write_ml1m(tmp_path, films=films))
    assert data.category[data.item == 1].tolist() == [0, 0, 0]
    assert (data.category[data.item != 1] > 0).all()
    assert data.attributes.of(1).tolist() == []
    assert data.provenance.notes == ("3 events of 1 items have no category (id 0).",)


def test_a_rated_film_that_the_list_lacks_is_kept(tmp_path):
    data = movielens.load(files.write_ml1m(tmp_path, films=files.FILMS[1:]))
    assert data.item_names.tolist()[0] == "film 10"
    assert len(data.provenance.notes) == 1


def test_jd(tmp_path):
    data = jd.load(files.write_jd(tmp_path / "sample"), "jd_appliances")
    assert raw(data) == [
        (1, 500, 70, "SearchList2Product", 0),
        (1, 500, 70, "Detail_specification", 12),
        (1, 10_388_261_552, 71, "ShopList2Product", 15),
        (1, 500, 70, "Cart", 23),
        (2, 10_388_261_552, 72, "Order", 0),  # the same sku under another category keeps that category
    ]
    assert data.size("action") == 10
    assert data.labels["category"].tolist() == [70, 71, 72]


def test_jd_reads_blocks_of_lines(tmp_path, monkeypatch):
    sessions = [[(sku, 1 + sku % 10, 7, sku, 1) for sku in range(1, 2 + n % 5)] for n in range(50)]
    path = files.write_jd(tmp_path / "sample", sessions)
    whole = jd.load(path)
    monkeypatch.setattr(jd, "BLOCK_BYTES", 64)
    assert raw(jd.load(path)) == raw(whole)
    assert whole.size("user") == 50


def test_tianchi(tmp_path):
    data = tianchi.load(files.write_tianchi(tmp_path / tianchi.FILE_NAME))
    hour = 3600
    base = 1_416_268_800  # 2014-11-18T00:00Z
    assert raw(data) == [
        (98047837, 232431562, 4245, "click", base + (18 * 24 + 2) * hour),
        (97726136, 383583590, 5894, "purchase", base + (21 * 24 + 20) * hour),
        (98047837, 383583590, 5894, "cart", base + (18 * 24 + 2) * hour),
        (98047837, 232431562, 4245, "favourite", base),
    ]
    sequences = data.sequences()
    assert sequences.ties == 1  # hour resolution: the tie keeps the order of the file
    assert sequences.actions.tolist() == [4, 2, 1, 3]


def test_tianchi_allows_an_empty_category_with_a_note(tmp_path):
    rows = [(5, 8, 1, "", "", "2014-12-06 02"), (5, 9, 1, "", 0, "2014-12-06 03")]
    data = tianchi.load(files.write_tianchi(tmp_path / "f.csv", rows))
    assert data.category.tolist() == [0, 1]  # the raw category 0 is a category like any other
    assert data.labels["category"].tolist() == [0]
    assert data.provenance.notes == ("1 events of 1 items have no category (id 0).",)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_taobao(tmp_path, ending):
    data = taobao.load(files.write_taobao(tmp_path / taobao.FILE_NAME, ending=ending))
    assert raw(data) == list(files.TAOBAO)
    assert data.labels["action"].tolist() == ["pv", "fav", "cart", "buy"]


def test_taobao_can_drop_timestamps_outside_its_days(tmp_path):
    rows = (*files.TAOBAO, (1, 5, 5, "pv", -2134949234), (1, 5, 5, "pv", 2122867355), (1, 5, 5, "pv", 1512316799))
    path = files.write_taobao(tmp_path / "UserBehavior.csv", rows)
    data = taobao.load(path, bad_timestamps="drop")
    assert raw(data) == [*files.TAOBAO, (1, 5, 5, "pv", 1512316799)]
    assert data.provenance.notes == ("2 rows with a timestamp outside 2017-11-25 to 2017-12-03 were left out.",)
    refused(taobao.load, path, match="line 5 has the negative timestamp -2134949234")
    refused(taobao.load, path, bad_timestamps="x", match="choose error or drop")


def test_etsy_takes_its_columns_in_any_order(tmp_path):
    path = tmp_path / "etsy.csv"
    path.write_text("action,extra,user,timestamp,item,category\nview,x,3,10,8,2\npurchase,,1,20,9,\n")
    data = etsy.load(path)
    assert raw(data) == [(3, 8, 2, "view", 10), (1, 9, None, "purchase", 20)]
    assert raw(etsy.load(files.write_etsy(tmp_path / "b.csv"))) == list(files.ETSY)


def test_ids_do_not_depend_on_the_order_of_the_rows(tmp_path):
    rows = [
        (u, i, 1 + i % 4, "", i % 3, f"2014-12-{1 + k:02d} 0{u}") for k, (u, i) in enumerate([(3, 9), (1, 4), (2, 9)])
    ]
    first = tianchi.load(files.write_tianchi(tmp_path / "a.csv", rows)).sequences()
    random.Random(1).shuffle(rows)
    second = tianchi.load(files.write_tianchi(tmp_path / "b.csv", rows)).sequences()
    for name in ("offsets", "items", "categories", "actions", "timestamps"):
        assert np.array_equal(getattr(first, name), getattr(second, name))
    assert all(np.array_equal(first.labels[name], second.labels[name]) for name in FIELDS)


def test_many_blocks_read_as_one(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    rows = [(int(u), int(i), 4, "pv", 1511540000 + k) for k, (u, i) in enumerate(rng.integers(1, 99, (3000, 2)))]
    rows[2999] = (1, 2**33, 4, "buy", 1511540000)  # an id beyond int32 in the last block only
    path = files.write_taobao(tmp_path / "f.csv", rows)
    monkeypatch.setattr("data.sources.tabular.BLOCK_BYTES", 2048)
    assert raw(taobao.load(path)) == rows


@pytest.mark.parametrize("values", [[5, 3, MISSING, 3], [2**40, 3, MISSING, 3], [7], [MISSING], [0, 2**31]])
def test_vocabulary_is_ascending_and_keeps_missing_at_0(values):
    ids, labels = vocabulary(np.array(values, np.int64))
    known = sorted(set(values) - {MISSING})
    assert labels.tolist() == known
    assert ids.tolist() == [known.index(value) + 1 if value != MISSING else 0 for value in values]


def test_a_user_with_one_action_is_kept_for_training(tmp_path):
    data = movielens.load(files.write_ml1m(tmp_path))
    split = leave_one_out(data.sequences())
    assert split.sequences.lengths.tolist() == [3, 2, 1]
    assert split.test.users.tolist() == [1]
    assert split.train_mask().tolist() == [True, False, False, True, True, True]


# --- what the loaders refuse -----------------------------------------------------------------------------------------

LOADS = {
    "ml-1m": (lambda folder: movielens.load(folder, "ml-1m"), "ratings.dat"),
    "ml-100k": (lambda folder: movielens.load(folder, "ml-100k"), "u.data"),
    "jd_appliances": (lambda folder: jd.load(folder, "jd_appliances"), jd.FILE_NAMES["jd_appliances"]),
    "tianchi": (tianchi.load, tianchi.FILE_NAME),
    "taobao": (taobao.load, taobao.FILE_NAME),
    "etsy": (etsy.load, etsy.FILE_NAME),
}
GOOD = {
    "ml-1m": files.lines(files.RATINGS, "::"),
    "ml-100k": files.lines(files.RATINGS, "\t"),
    "jd_appliances": "500+5+70+12+30 500+7+70+3+30\n501+5+70+1+1\n",
    "tianchi": files.TIANCHI_HEADER + "\n" + files.lines(files.TIANCHI),
    "taobao": files.lines(files.TAOBAO),
    "etsy": "user,item,category,action,timestamp\n" + files.lines(files.ETSY),
}
# (source, text of the good file, what replaces it, expected message)
BAD_CELLS = [
    ("ml-1m", "2::10::3::100", "2::x1::3::100", "line 2 has the item 'x1', which is not a whole number"),
    ("ml-1m", "2::10::3::100", "2::10::6::100", "line 2 has the unknown rating '6'"),
    ("ml-1m", "2::10::3::100", "2::10::3::-100", "line 2 has the negative timestamp -100"),
    ("ml-1m", "2::10::3::100", "2::10::3", "line 2 has 5 fields separated by ':' instead of 7$"),
    ("ml-1m", "9::10::5::7\n", "9::10::", "line 6 has 5 fields .*the last line, so the file is cut off.*data.download"),
    ("ml-100k", "2\t10\t3\t100", "2\t10\t\t100", "line 2 action is empty"),
    ("ml-100k", "2\t10\t3\t100", "2.5\t10\t3\t100", "line 2 has the user '2.5'"),
    ("ml-100k", "9\t10\t5\t7\n", "9\t1", "line 6 .*cut off"),
    ("jd_appliances", "501+5+70+1+1", "50x+5+70+1+1", "line 2, event '50x.*' has the sku '50x'"),
    (
        "jd_appliances",
        "501+5+70+1+1",
        "501+11+70+1+1",
        "line 2, event .* has the unknown behaviour 11; known are 1 to 10",
    ),
    ("jd_appliances", "501+5+70+1+1", "50123456789012345678+5+70+1+1", "line 2, event .* has 50123456..., a sku of 20"),
    ("jd_appliances", "501+5+70+1+1", "501+5++1+1", "line 2, event .* has the category ''"),
    ("jd_appliances", "501+5+70+1+1", "501+5+70+-1+1", "line 2, event .* has the negative interval -1"),
    (
        "jd_appliances",
        "501+5+70+1+1\n",
        "501+5+7",
        "line 2, event '501.5.7' .*the last one, the file is cut off: get the",
    ),
    ("tianchi", "97726136,383583590,4", "97726136,383583590,5", "line 3 has the unknown behavior_type '5'"),
    ("tianchi", "97726136,", "-7,", "line 3 has the negative user -7"),
    ("tianchi", "97726136,", ",", "line 3 user is empty"),
    ("tianchi", "2014-12-09 20", "2014-12-9 20", "line 3 has the time '2014-12-9 20', which is not YYYY-MM-DD HH"),
    ("tianchi", "2014-12-09 20", "2014-13-09 20", "line 3 has the time '2014-13-09 20'"),
    ("tianchi", "4245,2014-11-18 00\n", "4245,2014-11", "line 5 has the time '2014-11'.*cut off"),
    ("tianchi", "4245,2014-11-18 00\n", "42", "line 5 has 5 fields.*cut off.*tianchi.aliyun.com/dataset/46"),
    ("taobao", "2576651,149192,buy", "2576651,149192,like", "line 2 has the unknown action 'like'; known are pv, fav"),
    ("taobao", "2576651,149192,buy", "2576651,,buy", "line 2 category is empty"),
    ("taobao", "1511593493", "-5", "line 3 has the negative timestamp -5"),
    ("taobao", "1511593493", "NA", "line 3 has the timestamp 'NA', which is not a whole number"),
    ("taobao", "cart,1511572885\n", "ca", "line 4 has 4 fields.*cut off.*dataset/649"),
    ("etsy", "1,9,2,purchase", "1,9,2,buy", "line 3 has the unknown action 'buy'; known are view"),
    ("etsy", "1,9,2,purchase", "1,9,two,purchase", "line 3 has the category 'two'"),
]


def put(folder, name, content):
    """The rest of the files as they should be, and the main one with `content` (text or bytes)."""
    if name == "ml-1m":
        files.write_ml1m(folder)
    if name == "ml-100k":
        files.write_ml100k(folder)
    content = content if isinstance(content, bytes) else content.encode()
    (folder / LOADS[name][1]).write_bytes(content)


@pytest.mark.parametrize("name, good, bad, message", BAD_CELLS)
def test_bad_cells_are_named_with_their_line(tmp_path, name, good, bad, message):
    assert GOOD[name].count(good) == 1
    put(tmp_path, name, GOOD[name].replace(good, bad))
    refused(LOADS[name][0], tmp_path, match=message)


@pytest.mark.parametrize("name", LOADS)
def test_broken_files(tmp_path, name):
    load, file = LOADS[name]
    put(tmp_path, name, GOOD[name])
    assert len(load(tmp_path)) >= 3
    path = tmp_path / file
    path.unlink()
    refused(load, tmp_path, match=f"{file}: no such file; .*DATA_DIR")
    path.mkdir()
    refused(load, path / "x" if name.startswith("ml") else path, match="no such file|is a folder")
    path.rmdir()
    for content, message in [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (gzip.compress(GOOD[name].encode()), "is a gzip archive; unpack it first"),
        (b"PK\x03\x04rest", "is a zip archive; unpack it first"),
        (GOOD[name].encode("utf-16"), "not UTF-8 or Latin-1 text .UTF-16.."),
        (GOOD[name].encode() + b"\xff\xfe\xfd\n", "line \\d+.* is not UTF-8 text; convert"),
    ]:
        path.write_bytes(content)
        refused(load, tmp_path, match=message)


@pytest.mark.parametrize(
    "name, header", [("tianchi", files.TIANCHI_HEADER), ("etsy", "user,item,category,action,timestamp")]
)
def test_a_missing_column_and_a_file_without_events(tmp_path, name, header):
    put(tmp_path, name, GOOD[name].replace(",item", ",thing", 1))
    refused(LOADS[name][0], tmp_path, match="no column 'item.*' in its first line")
    put(tmp_path, name, header + "\n")
    refused(LOADS[name][0], tmp_path, match="holds no events")
    put(tmp_path, name, b"\xff\xff" + header.encode() + b"\n1,2\n")
    refused(LOADS[name][0], tmp_path, match="line 1 is not UTF-8 text")


def test_a_byte_order_mark_and_blank_lines_do_no_harm(tmp_path):
    for name in ("tianchi", "taobao"):
        put(tmp_path, name, b"\xef\xbb\xbf" + GOOD[name].encode() + b"\n\n")
        assert len(LOADS[name][0](tmp_path)) == 4


def test_a_missing_final_newline_is_noted(tmp_path):
    put(tmp_path, "taobao", GOOD["taobao"].rstrip("\n"))
    assert taobao.load(tmp_path).provenance.notes == (
        "UserBehavior.csv does not end with a newline: its last event may be cut off.",
    )


def test_film_lists_are_checked(tmp_path):
    folder = files.write_ml1m(tmp_path / "a")
    (folder / "movies.dat").write_text("10::Amélie::Comedy\nxx::B::Drama\n", "latin-1")
    refused(movielens.load, folder, match="movies.dat: line 2 has the film id 'xx'")
    (folder / "movies.dat").write_text("10::A::Comedy\n25::B", "latin-1")
    refused(movielens.load, folder, match="movies.dat: line 2 has 2 fields .* cut off")
    (folder / "movies.dat").unlink()
    refused(movielens.load, folder, match="movies.dat: no such file; run python -m data.download")
    folder = files.write_ml100k(tmp_path / "b")
    content = (folder / "u.item").read_bytes()
    (folder / "u.item").write_bytes(content.replace(b"|0\n", b"|2\n", 1))
    refused(movielens.load, folder, "ml-100k", match="u.item: line 1 has genre flags other than 0 and 1")


def test_unknown_variants():
    refused(movielens.load, "x", "ml-2m", match="unknown MovieLens data set 'ml-2m'; known are ml-100k, ml-1m")
    refused(jd.load, "x", "jd_phones", match="unknown JD data set")


# --- the real files --------------------------------------------------------------------------------------------------


def counts(data):
    return data.size("user"), data.size("item"), len(data)


def test_official_ml1m():
    path = files.official("ml-1m")
    data = movielens.load(path)
    assert counts(data) == (6_040, 3_706, 1_000_209)
    assert data.size("category") == 18
    assert len(movielens._films_1m(path.parent / "movies.dat")[0]) == 3_883
    assert data.provenance.notes == ()


def test_official_ml100k():
    data = movielens.load(files.official("ml-100k"), "ml-100k")
    assert counts(data) == (943, 1_682, 100_000)
    assert data.size("category") == 19


@pytest.mark.parametrize(
    "name, users, items, categories, events",
    [("jd_appliances", 1_000, 9_134, 71, 57_332), ("jd_computers", 1_000, 9_289, 77, 43_014)],
)
def test_official_jd(name, users, items, categories, events):
    data = jd.load(files.official(name), name)
    assert (*counts(data), data.size("category")) == (users, items, events, categories)


def test_official_samples():
    head = taobao.load(files.official("taobao_head"))
    assert counts(head) == (294, 21_688, 30_958)
    sample = tianchi.load(files.official("tianchi_sample"))
    assert (sample.size("user"), len(sample)) == (34, 1_999)


def test_a_folder_stands_for_the_first_file_of_its_names(tmp_path):
    assert file_in(tmp_path, "a", "b") == tmp_path / "a"  # none is there: the message will name the first
    (tmp_path / "b").write_text("1")
    assert file_in(str(tmp_path), "a", "b") == tmp_path / "b"
    assert file_in(tmp_path / "c", "a", "b") == tmp_path / "c"
