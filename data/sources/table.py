"""Every source of raw data: who parses it, where its files lie, where they come from. A new source is a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from data.schema import Interactions
from data.sources import (
    amazon_2018,
    amazon_ratings,
    anime,
    cafe_tmall,
    etsy,
    ijcai15,
    jd,
    lastfm_hetrec,
    movielens,
    movielens_20m,
    movielens_hetrec,
    movietweetings,
    s3rec,
    sequences,
    taobao,
    taobao_favourites,
    tianchi,
)


@dataclass(frozen=True)
class Source:
    """One kind of raw file.

    load: the main file's path -> its events.  files: where the main file may lie inside a data folder, the preferred
    place first.  where: one line for those who lack it.  sides: files beside the main one that shape the data too.
    """

    load: Callable[[Path], Interactions]
    files: tuple[str, ...]
    where: str
    sides: tuple[str, ...] = ()


def _in(folders: tuple[str, ...], *names: str) -> tuple[str, ...]:
    return tuple(str(Path(folder, name)) for folder in folders for name in names)


def _movielens(name: str) -> Source:
    file = {"ml-100k": "ml-100k/u.data", "ml-1m": "ml-1m/ratings.dat"}[name]
    return Source(partial(movielens.load, name=name), (file,), movielens.where(name), (movielens.FILMS[name],))


def _jd(name: str, file: str) -> Source:
    return Source(partial(jd.load, name=name), _in(("jd_microbehavior", ""), file), jd.WHERE)


def _anime(**order) -> Source:
    return Source(
        partial(anime.load, **order), _in(("anime", "anime_5k"), anime.FILE_NAME), anime.WHERE, anime.SIDE_FILES
    )


SOURCES = {
    "ml-100k": _movielens("ml-100k"),
    "ml-1m": _movielens("ml-1m"),
    "ml-20m": Source(
        movielens_20m.load, _in(("ml-20m",), movielens_20m.FILE_NAME), movielens_20m.WHERE, movielens_20m.SIDE_FILES
    ),
    "ml-hetrec": Source(
        movielens_hetrec.load,
        _in(("hetrec2011-movielens-2k-v2", "hetrec2011-movielens-2k", "ml-hetrec"), *movielens_hetrec.FILE_NAMES),
        movielens_hetrec.WHERE,
        movielens_hetrec.SIDE_FILES,
    ),
    "lastfm-hetrec": Source(
        partial(lastfm_hetrec.load, bad_timestamps="drop"),
        _in(("hetrec2011-lastfm-2k", "lastfm-hetrec"), lastfm_hetrec.FILE_NAME),
        lastfm_hetrec.WHERE,
        lastfm_hetrec.SIDE_FILES,
    ),
    "movietweetings": Source(
        movietweetings.load,
        _in(("movietweetings", "MovieTweetings/latest"), movietweetings.FILE_NAME),
        movietweetings.WHERE,
        movietweetings.SIDE_FILES,
    ),
    "jd_appliances": _jd("jd_appliances", "JD_Applicances_sample"),
    "jd_computers": _jd("jd_computers", "JD_Computers_sample"),
    "tianchi": Source(tianchi.load, _in(("tianchi", "tianchi_mobile", "tmall", ""), tianchi.FILE_NAME), tianchi.WHERE),
    "taobao": Source(
        partial(taobao.load, bad_timestamps="drop"),
        _in(("taobao", "taobao_userbehavior", ""), taobao.FILE_NAME),
        taobao.WHERE,
    ),
    "taobao_favourites": Source(
        taobao_favourites.load, _in(("taobao_favourites", ""), taobao_favourites.FILE_NAME), taobao_favourites.WHERE
    ),
    "cafe-tmall": Source(
        cafe_tmall.load, _in(("cafe_tmall",), cafe_tmall.FILE_NAME), cafe_tmall.WHERE, cafe_tmall.SIDE_FILES
    ),
    "ijcai15": Source(ijcai15.load, _in(("ijcai15", "data_format1", ""), ijcai15.FILE_NAME), ijcai15.WHERE),
    "etsy": Source(etsy.load, _in(("etsy", ""), etsy.FILE_NAME), etsy.WHERE),
    "anime": _anime(),
    "anime-random": _anime(order="random_fixed"),
    "amazon-tools-sequences": Source(
        sequences.load, _in(("amazon_sequences",), "Tools_and_Home_Improvement.txt"), sequences.WHERE
    ),
    **{
        name: Source(
            partial(amazon_ratings.load, name=name),
            _in(("amazon", "amazon_ratings", ""), amazon_ratings.file_name(name)),
            amazon_ratings.where(name),
        )
        for name in amazon_ratings.CATEGORIES
    },
    **{
        name: Source(
            partial(s3rec.load, name=name), _in(("s3rec",), f"{stem}.txt"), s3rec.where(name), (s3rec.side_file(name),)
        )
        for name, stem in s3rec.STEMS.items()
    },
    **{
        name: Source(
            partial(amazon_2018.load, name=name),
            _in(("amazon_2018", "amazon"), *amazon_2018.main_files(name)),
            amazon_2018.where(name),
            amazon_2018.side_files(name),
        )
        for name in amazon_2018.STEMS
    },
}
# Excerpts, good for testing the loaders and nothing else; no data set of the catalogue reads them.
EXCERPTS = {
    "tianchi_sample": _in(("tianchi_mobile_sample",), tianchi.FILE_NAME),
    "taobao_head": _in(("taobao_userbehavior_head",), taobao.FILE_NAME),
}
