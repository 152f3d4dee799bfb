"""Data sets by name, the cache under them, and what makes their fingerprints."""

import dataclasses
import os
from functools import partial

import numpy as np
import pytest

from data import cache, catalog
from data.download import ARCHIVES
from data.sources import amazon_2018, amazon_ratings, movielens, s3rec, taobao
from data.stats import statistics
from tests import data_files as files
from tests.test_schema import table
from tf_utils.cli import UserError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A data folder with every source in small, and a cache that is thrown away."""
    monkeypatch.setenv("DATA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DATA_DIR", raising=False)
    root = tmp_path / "data"
    files.write_ml1m(root / "ml-1m")
    files.write_ml100k(root / "ml-100k")
    for sample in ("JD_Applicances_sample", "JD_Computers_sample"):
        files.write_jd(root / "jd_microbehavior" / sample)
    files.write_tianchi(root / "tianchi/tianchi_mobile_recommend_train_user.csv")
    files.write_taobao(root / "taobao/UserBehavior.csv")
    files.write_etsy(root / "etsy/etsy.csv")
    files.write_movietweetings(root / "movietweetings")
    files.write_ml20m(root / "ml-20m")
    files.write_ml_hetrec(root / "hetrec2011-movielens-2k-v2")
    files.write_lastfm_hetrec(root / "hetrec2011-lastfm-2k")
    files.write_anime(root / "anime")
    files.write_favourites(root / "taobao_favourites/taobao_fav.csv")
    files.write_cafe_tmall(root / "cafe_tmall")
    files.write_ijcai15(root / "ijcai15/user_log_format1.csv")
    files.write_sequences(root / "amazon_sequences/Tools_and_Home_Improvement.txt")
    for name in amazon_ratings.CATEGORIES:
        files.write_amazon(root / "amazon" / amazon_ratings.file_name(name))
    for stem in s3rec.STEMS.values():
        files.write_s3rec(root / "s3rec", stem)
    for name in amazon_2018.STEMS:
        files.write_amazon_2018(root / "amazon_2018", name)
    return root


def same(first, second):
    arrays = ("offsets", "items", "categories", "actions", "timestamps")
    return (
        all(np.array_equal(getattr(first, name), getattr(second, name)) for name in arrays)
        and all(np.array_equal(first.labels[name], second.labels[name]) for name in first.labels)
        and first.ties == second.ties
        and first.provenance == second.provenance
    )


def test_every_name_loads_real_files(folder):
    few = {"min_user": 0, "min_item": 0, "actions": ()}
    sizes = {name: len(catalog.load(name, folder, **few)) for name in catalog.RECIPES}
    assert sizes == {
        "ml-100k": 6,
        "ml-1m": 6,
        "ml-1m-sasrec": 6,
        "jd_appliances": 3,  # of five events, the first of each (user, item)
        "jd_computers": 3,
        "tmall": 4,
        "tmall_small": 4,
        "etsy": 3,
        "taobao": 4,
        "movietweetings": 3,
        "ml-20m": 3,
        "ml-hetrec": 3,
        "lastfm-hetrec": 3,
        "anime": 3,  # of four, the one that is not rated is left out
        "anime-random": 3,
        "taobao_favourites": 3,
        "taobao_favourites-10": 3,
        "cafe-tmall": 8,  # of ten, two of a user who is in train.json alone
        "ijcai15": 3,
        "amazon-tools-sequences": 7,
        **dict.fromkeys(amazon_ratings.CATEGORIES, 3),
        **dict.fromkeys(s3rec.STEMS, 7),
        **dict.fromkeys(amazon_2018.STEMS, 4),
    }
    for name in catalog.RECIPES:
        found = catalog.load(name, folder, **few).provenance
        assert (found.name, found.synthetic) == (name, False)
        real_stand_in = name in (*s3rec.STEMS, "amazon-tools-sequences", "taobao_favourites", "taobao_favourites-10")
        assert bool(found.stand_in_for) == real_stand_in
        assert catalog.available(name, folder).text.startswith(str(folder))


def test_data_dir_may_come_from_the_environment(folder, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(folder))
    assert same(catalog.load("ml-1m"), catalog.load("ml-1m", folder))


def test_a_suffix_chooses_the_deduplication(folder):
    load = partial(catalog.load, data_dir=folder, min_user=0, min_item=0)  # the file has five events
    assert len(load("jd_appliances-uia")) == 5
    assert len(load("jd_appliances-ui")) == len(load("jd_appliances")) == 3
    assert len(load("jd_appliances-ui", dedup="none")) == 5  # an argument wins
    assert load("jd_appliances-uia").provenance.name == "jd_appliances-uia"


def test_the_defaults_are_those_of_the_papers():
    recipes = catalog.RECIPES
    assert [(r.min_user, r.min_item, r.dedup, r.filter_order) for r in (recipes["tmall"], recipes["etsy"])] == [
        (5, 5, "uia", "before"),
        (20, 20, "uia", "before"),
    ]
    assert recipes["tmall_small"].min_item == 20
    assert (recipes["ml-1m-sasrec"].min_item, recipes["ml-1m-sasrec"].iterative) == (5, False)
    assert recipes["taobao"].actions == ("pv",)
    # AttRec's: users with 10 actions, but MovieLens as it is; SAIR's Anime: no negative ratings.
    tens = {name for name, recipe in recipes.items() if recipe.min_user == 10} - {"taobao_favourites-10"}
    books = {"amazon-books", "amazon-beauty", "amazon-toys"}
    assert tens == {"movietweetings", "lastfm-hetrec", "amazon-tools-sequences", *amazon_ratings.CATEGORIES} - books
    assert all(recipes[name].min_item == 0 for name in tens)
    assert recipes["ml-hetrec"] == catalog.Recipe("ml-hetrec") and recipes["ml-20m"] == catalog.Recipe("ml-20m")
    assert recipes["anime"].min_rating == 1


def test_filters_run_in_their_order_and_leave_notes(folder):
    sequences = catalog.load("ml-1m", folder, min_rating=2, min_item=2)
    # Ratings of 2 and more: item 10 three times, 25 and 30 once each.
    assert sequences.labels["item"].tolist() == [10]
    assert [note.split(":")[0] for note in sequences.provenance.notes] == [
        "Kept ratings of at least 2",
        "Kept users and items with enough events (users >= 0, items >= 2 in 2 rounds)",
    ]
    assert catalog.load("taobao", folder).labels["user"].tolist() == [1]  # one click is left


def test_users_with_ten_actions_by_an_argument(folder):
    rows = [(1, *range(1, 11)), (2, *range(1, 10)), (3, *range(5, 16))]
    files.write(folder / "s3rec/LastFM.txt", files.lines(rows, " "))
    assert catalog.load("s3rec-lastfm", folder).lengths.tolist() == [10, 9, 11]
    assert catalog.load("s3rec-lastfm", folder, min_user=10).lengths.tolist() == [10, 11]


def test_the_ratings_of_amazon_tools_are_never_replaced_by_the_sequences(folder):
    (folder / "amazon/ratings_Tools_and_Home_Improvement.csv").unlink()
    with pytest.raises(UserError, match="^amazon-tools: not in .*ratings_Tools_.*, or use amazon-tools-sequences"):
        catalog.load("amazon-tools", folder)
    assert len(catalog.load("amazon-tools-sequences", folder, min_user=0)) == 7


@pytest.mark.parametrize("name", [name for name, source in catalog.SOURCES.items() if source.sides])
def test_side_files_shape_the_fingerprint(folder, name):
    few = {"min_user": 0, "min_item": 0}
    first = catalog.load(name, folder, **few).provenance.fingerprint
    main = catalog.locate(name, folder)
    sides = [main.parent / side for side in catalog.SOURCES[name].sides if (main.parent / side).is_file()]
    assert sides  # of amazon-2018, either the plain or the gzipped one
    for path in sides:
        path.write_bytes(path.read_bytes() + b"\n")
        second = catalog.load(name, folder, **few).provenance.fingerprint
        assert second != first
        first = second


def test_the_fingerprint_depends_on_files_and_arguments_only(folder, tmp_path):
    first = catalog.load("ml-1m", folder).provenance.fingerprint
    assert len(first) == 64
    os.utime(folder / "ml-1m/ratings.dat", (1, 1))
    assert catalog.load("ml-1m", folder).provenance.fingerprint == first
    assert catalog.load("ml-1m", folder, min_rating=2).provenance.fingerprint != first
    elsewhere = files.write_ml1m(tmp_path / "copy/ml-1m").parent
    assert catalog.load("ml-1m", elsewhere).provenance.fingerprint == first
    files.write_ml1m(tmp_path / "copy/ml-1m", films=files.FILMS[::-1])
    assert catalog.load("ml-1m", elsewhere).provenance.fingerprint != first


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        *((name, {"min_user": 0, "min_item": 0}) for name in catalog.RECIPES),
        ("jd_computers-uia", {"min_user": 0, "min_item": 0}),
        ("ml-100k", {"ties": "first_last"}),
        ("synthetic-demo", {"fraction": 0.05, "seed": 3, "n_categories": 4}),
        ("synthetic-demo", {"fraction": 0.05, "min_user": 3}),
    ],
)
def test_the_fingerprint_is_known_without_the_data(folder, name, arguments):
    assert (
        catalog.fingerprint_of(name, folder, **arguments)
        == catalog.load(name, folder, **arguments).provenance.fingerprint
    )


def test_the_fingerprint_of_what_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_CACHE", str(tmp_path / "cache"))
    assert catalog.fingerprint_of("ml-1m", tmp_path) == catalog.fingerprint_of("jd_computers", tmp_path) == ""
    small = {"fraction": 0.003, "mean_actions": 15.0}
    assert (
        catalog.fingerprint_of("etsy", tmp_path, **small)
        == catalog.load("etsy", tmp_path, **small).provenance.fingerprint
    )
    with pytest.raises(UserError, match="unknown data set 'ml-2m'"):
        catalog.fingerprint_of("ml-2m", tmp_path)


def test_missing_files_are_told(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UserError, match="^jd_computers: not in .*; get the samples from https://github.com"):
        catalog.load("jd_computers", tmp_path)
    with pytest.raises(UserError, match="^ml-1m: not in .*; run python -m data.download --name=ml-1m"):
        catalog.load("ml-1m", tmp_path, download=False)
    assert (
        catalog.available("ml-1m", tmp_path).text
        == "download of https://files.grouplens.org/datasets/movielens/ml-1m.zip"
    )
    assert catalog.available("jd_computers", tmp_path).text.startswith("missing: get the samples")
    found = catalog.available("tmall", tmp_path)
    assert found.kind == "stand-in" and found.text.startswith("generator preset tmall, standing in for the real file")
    assert catalog.available("synthetic-etsy", tmp_path) == ("generated", "generator preset etsy")


def test_unknown_names_and_arguments_are_told(folder):
    for name in ("ml-2m", "synthetic-x", "ml-1m-u"):
        with pytest.raises(UserError, match=f"unknown data set '{name}'; known are ml-100k, .*synthetic-etsy"):
            catalog.load(name, folder)
    with pytest.raises(UserError, match="unknown argument 'min_users' for ml-1m; known are actions"):
        catalog.load("ml-1m", folder, min_users=3)
    with pytest.raises(UserError, match="unknown argument 'min_users'"):
        catalog.load("synthetic-etsy", folder, min_users=3)


@pytest.mark.parametrize("name", ["tmall", "tmall_small", "etsy"])
def test_the_generator_stands_in_and_says_so(tmp_path, monkeypatch, name):
    monkeypatch.setenv("DATA_CACHE", str(tmp_path / "cache"))
    small = {"fraction": 0.003, "mean_actions": 15.0}
    stand_in = catalog.load(name, tmp_path, **small)
    assert stand_in.provenance.synthetic and stand_in.provenance.stand_in_for
    assert stand_in.provenance.name == name
    assert "the generator stands in" in stand_in.provenance.notes[-1]
    assert not any("Kept" in note for note in stand_in.provenance.notes)  # as it left the generator
    plain = catalog.load(f"synthetic-{name}", tmp_path, **small)
    assert np.array_equal(plain.items, stand_in.items)
    assert plain.provenance.synthetic and not any("stands in" in note for note in plain.provenance.notes)
    assert statistics(plain)["mean_length"] > 10
    filtered = catalog.load(f"synthetic-{name}", tmp_path, **small, actions=("purchase",))
    assert 0 < len(filtered) < len(plain) / 5
    assert filtered.provenance.fingerprint != plain.provenance.fingerprint
    assert not np.array_equal(catalog.load(name, tmp_path, **small, seed=1).items, stand_in.items)


# --- the cache -------------------------------------------------------------------------------------------------------


@pytest.fixture
def cached_folder(folder, monkeypatch):
    monkeypatch.setattr(catalog, "CACHE_FROM_BYTES", 0)
    return folder


def entries():
    return sorted(cache.cache_root().glob("*"))


def test_the_second_load_comes_from_the_cache(cached_folder, monkeypatch):
    first = catalog.load("ml-1m", cached_folder)
    assert len(entries()) == 2  # the parsed table and the sequences
    parsed_again = dataclasses.replace(catalog.SOURCES["ml-1m"], load=lambda path: pytest.fail("parsed again"))
    monkeypatch.setitem(catalog.SOURCES, "ml-1m", parsed_again)
    again = catalog.load("ml-1m", cached_folder)
    assert same(first, again)
    assert again.item_names.tolist() == first.item_names.tolist()
    assert [again.attributes.of(i).tolist() for i in range(4)] == [first.attributes.of(i).tolist() for i in range(4)]
    catalog.load("ml-1m", cached_folder, min_rating=2)  # another preparation starts from the parsed table
    assert len(entries()) == 3


def test_a_changed_side_file_is_read_again(cached_folder):
    assert catalog.load("ml-20m", cached_folder).item_names.tolist()[1] == "Amélie (1977)"
    films = cached_folder / "ml-20m/movies.csv"
    films.write_text(films.read_text().replace("1977", "2001"))
    assert catalog.load("ml-20m", cached_folder).item_names.tolist()[1] == "Amélie (2001)"


def test_text_labels_come_back_from_the_cache(cached_folder):
    first, again = (catalog.load("amazon-books", cached_folder) for _ in range(2))
    assert same(first, again) and again.labels["item"].tolist() == ["0000013714", "B00000J1V5"]


def test_a_changed_file_is_read_again(cached_folder):
    assert catalog.load("ml-1m", cached_folder).size("user") == 3
    files.write_ml1m(cached_folder / "ml-1m", ratings=files.RATINGS[:1])
    assert catalog.load("ml-1m", cached_folder).size("user") == 1


def test_a_damaged_entry_is_built_again(cached_folder):
    first = catalog.load("ml-100k", cached_folder)
    for damage in (lambda b: b"", lambda b: b[: len(b) // 2], lambda b: b"x" * len(b), lambda b: flip(b)):
        for entry in entries():
            entry.write_bytes(damage(entry.read_bytes()))
        assert same(first, catalog.load("ml-100k", cached_folder))
        assert len(entries()) == 2
        cache.load(entries()[0])  # whole again


def flip(content):
    """One byte of the first array's data changed."""
    place = content.index(b"NUMPY") + 200
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def test_a_cache_that_cannot_be_written_is_no_failure(folder, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("DATA_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(catalog, "CACHE_FROM_BYTES", 0)
    assert len(catalog.load("jd_appliances", folder, min_user=0, min_item=0)) == 3


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch):
    def fail(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.np, "savez", fail)
    with pytest.raises(OSError, match="No space left"):
        cache.save(tmp_path / "a.npz", table([(1, 1, 1, 1, 1)]))
    assert list(tmp_path.iterdir()) == []


def test_interactions_and_sequences_come_back_as_they_were(tmp_path):
    data = table([(1, 1, 1, 1, 5), (2, 3, 0, 2, 5), (1, 1, 2, 1, 5)])
    cache.save(tmp_path / "a.npz", data)
    back = cache.load(tmp_path / "a.npz")
    assert type(back) is type(data) and back.action.dtype == np.uint8
    assert same(back.sequences(), data.sequences())
    cache.save(tmp_path / "b.npz", data.sequences())
    assert same(cache.load(tmp_path / "b.npz"), data.sequences())


def test_fingerprints_see_every_byte_of_small_files_and_the_ends_of_large_ones(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"a" * 100)
    small = cache.fingerprint(path)
    path.write_bytes(b"a" * 60 + b"b" + b"a" * 39)
    assert cache.fingerprint(path) != small
    monkeypatch.setattr(cache, "HASH_WHOLE_BELOW", 50)
    monkeypatch.setattr(cache, "SAMPLE_BYTES", 10)
    path.write_bytes(b"a" * 100)
    large = cache.fingerprint(path)
    for place, seen in ((3, True), (50, True), (99, True), (30, False)):
        path.write_bytes(b"a" * place + b"b" + b"a" * (99 - place))
        assert (cache.fingerprint(path) != large) == seen
    key = cache.file_key(path)
    os.utime(path, (1, 1))  # ... which is why a large file's key holds its time of change
    assert cache.file_key(path) != key


def test_what_may_be_downloaded_has_its_published_checksum(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_CACHE", str(tmp_path / "cache"))
    assert ARCHIVES["ml-20m"].md5 == "cd245b17a1ae2cc31bb14903e1204af3"  # ml-20m.zip.md5, beside the archive
    assert catalog.available("ml-20m", tmp_path).text.endswith("/ml-20m.zip")
    assert catalog.available("ml-hetrec", tmp_path).text.startswith("missing: unpack https://files.grouplens.org/")


def test_the_where_clauses_name_the_loaders_own_files():
    assert set(catalog.SOURCES) == {recipe.source for recipe in catalog.RECIPES.values()}
    assert taobao.FILE_NAME in catalog.SOURCES["taobao"].where
    assert movielens.where("ml-1m") == catalog.SOURCES["ml-1m"].where
