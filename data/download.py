"""Finds the official files, and downloads the sets of GroupLens that have a published checksum.

$ python -m data.download --name=ml-1m [--data_dir=DIR]
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

from data.cache import cache_root
from data.sources import amazon_2018, amazon_ratings, cafe_tmall, lastfm_hetrec, movielens_hetrec, s3rec
from tf_utils.cli import UserError

TIMEOUT_SECONDS = 30
CHUNK_BYTES = 1 << 20

# Where a source's main file may lie inside a data folder, in the order of preference.
FILES = {
    "ml-100k": ("ml-100k/u.data",),
    "ml-1m": ("ml-1m/ratings.dat",),
    "jd_appliances": ("jd_microbehavior/JD_Applicances_sample", "JD_Applicances_sample"),
    "jd_computers": ("jd_microbehavior/JD_Computers_sample", "JD_Computers_sample"),
    "tianchi": tuple(
        f"{folder}tianchi_mobile_recommend_train_user.csv" for folder in ("tianchi/", "tianchi_mobile/", "tmall/", "")
    ),
    "taobao": ("taobao/UserBehavior.csv", "taobao_userbehavior/UserBehavior.csv", "UserBehavior.csv"),
    "etsy": ("etsy/etsy.csv", "etsy.csv"),
    "ml-20m": ("ml-20m/ratings.csv",),
    "ml-hetrec": tuple(
        f"{folder}/{file}"
        for folder in ("hetrec2011-movielens-2k-v2", "hetrec2011-movielens-2k", "ml-hetrec")
        for file in movielens_hetrec.FILE_NAMES
    ),
    "lastfm-hetrec": tuple(
        f"{folder}/{lastfm_hetrec.FILE_NAME}" for folder in ("hetrec2011-lastfm-2k", "lastfm-hetrec")
    ),
    "movietweetings": tuple(f"{folder}/ratings.dat" for folder in ("movietweetings", "MovieTweetings/latest")),
    **dict.fromkeys(("anime", "anime-random"), ("anime/rating.csv", "anime_5k/rating.csv")),
    "taobao_favourites": ("taobao_favourites/taobao_fav.csv", "taobao_fav.csv"),
    "cafe-tmall": (f"cafe_tmall/{cafe_tmall.FILE_NAME}",),
    "ijcai15": ("ijcai15/user_log_format1.csv", "data_format1/user_log_format1.csv", "user_log_format1.csv"),
    "amazon-tools-sequences": ("amazon_sequences/Tools_and_Home_Improvement.txt",),
    **{
        name: tuple(f"{folder}{amazon_ratings.file_name(name)}" for folder in ("amazon/", "amazon_ratings/", ""))
        for name in amazon_ratings.CATEGORIES
    },
    **{name: (f"s3rec/{stem}.txt",) for name, stem in s3rec.STEMS.items()},
    **{
        name: tuple(f"{folder}/{file}" for folder in ("amazon_2018", "amazon") for file in amazon_2018.main_files(name))
        for name in amazon_2018.STEMS
    },
    # Excerpts, good for testing the loaders and nothing else; no data set of the catalogue reads them.
    "tianchi_sample": ("tianchi_mobile_sample/tianchi_mobile_recommend_train_user.csv",),
    "taobao_head": ("taobao_userbehavior_head/UserBehavior.csv",),
}


@dataclass(frozen=True)
class Archive:
    url: str
    md5: str  # as published beside the archive


ARCHIVES = {
    "ml-100k": Archive(
        "https://files.grouplens.org/datasets/movielens/ml-100k.zip", "0e33842e24a9c977be4e0107933c0723"
    ),
    "ml-1m": Archive("https://files.grouplens.org/datasets/movielens/ml-1m.zip", "c4d9eecfca2ab87c1945afe126590906"),
    "ml-20m": Archive("https://files.grouplens.org/datasets/movielens/ml-20m.zip", "cd245b17a1ae2cc31bb14903e1204af3"),
}


def downloads() -> Path:
    """Where downloads go if no data folder is given or the given one cannot be written."""
    return cache_root() / "downloads"


def data_folders(data_dir: str | os.PathLike | None = None) -> list[Path]:
    """The folders to look in: `data_dir` or else $DATA_DIR, then the downloads.  Raises UserError if it is missing."""
    given = data_dir or os.environ.get("DATA_DIR")
    if given and not Path(given).is_dir():
        raise UserError(f"{given}: no such folder; set DATA_DIR (or --data_dir) to the folder that holds the data sets")
    return [*([Path(given)] if given else []), downloads()]


def locate(name: str, data_dir: str | os.PathLike | None = None) -> Path | None:
    """The main file of a source of `FILES`, or None if it is in none of `data_folders`."""
    if name not in FILES:
        raise UserError(f"unknown source {name!r}; known are {', '.join(FILES)}")
    candidates = (folder / file for folder in data_folders(data_dir) for file in FILES[name])
    return next((path for path in candidates if path.is_file()), None)


def fetch(name: str, data_dir: str | os.PathLike | None = None) -> Path:
    """Downloads and unpacks a set of `ARCHIVES`, unless it is there; returns its main file.

    An interrupted download is resumed; nothing is unpacked before the checksum fits; the folder appears in one step.
    Raises UserError: unknown name, no network, wrong checksum, folder not writable.
    """
    if name not in ARCHIVES:
        raise UserError(f"{name!r} cannot be downloaded by this program; it can fetch {', '.join(ARCHIVES)}")
    found = locate(name, data_dir)
    if found:
        return found
    folder = data_folders(data_dir)[0]
    folder = folder if os.access(folder, os.W_OK) else downloads()
    archive = ARCHIVES[name]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        zipped = _download(archive, folder / f"{name}.zip")
        _unpack(zipped, name, folder)
        zipped.unlink()
    except urllib.error.URLError as error:
        reason = f"{error.code} {error.reason}" if isinstance(error, urllib.error.HTTPError) else error.reason
        raise UserError(f"cannot download {archive.url} ({reason}); {_manual(name, folder)}") from None
    except (ConnectionError, TimeoutError) as error:
        raise UserError(f"download of {archive.url} broke off ({error}); run it again to resume") from None
    except PermissionError as error:
        raise UserError(f"{error.filename}: not writable; set DATA_DIR to a folder that is") from None
    return folder / FILES[name][0]


def _manual(name: str, folder: Path) -> str:
    return f"fetch it elsewhere and unpack it so that {folder / FILES[name][0]} exists, or set DATA_DIR to where it is"


def _download(archive: Archive, target: Path) -> Path:
    """The archive at `target`; the part that is there already is not fetched again."""
    part = target.with_name(target.name + ".part")
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(archive.url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # 416: the part is as long as the file, or longer; the checksum decides
            raise
    else:
        with response, open(part, "ab" if response.status == 206 else "wb") as file:
            expected = int(response.headers.get("Content-Length") or 0)
            got = 0
            while block := response.read(CHUNK_BYTES):
                file.write(block)
                got += len(block)
        if got < expected:
            raise ConnectionError(f"{got} of {expected} bytes")
    with open(part, "rb") as file:
        md5 = hashlib.file_digest(file, "md5").hexdigest()
    if md5 != archive.md5:
        part.unlink()
        raise UserError(f"{archive.url}: the download has MD5 {md5} instead of {archive.md5}; run it again")
    os.replace(part, target)
    return target


def _unpack(zipped: Path, name: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{name}-") as temporary:
        with zipfile.ZipFile(zipped) as file:
            file.extractall(temporary)
        target = folder / name
        if target.exists():  # incomplete, or `locate` would have found it
            shutil.rmtree(target)
        os.replace(Path(temporary) / name, target)


def main(argv: list[str]) -> int:
    print(fetch(FLAGS.name, FLAGS.data_dir))
    return 0


if __name__ == "__main__":
    from absl import flags

    from tf_utils import cli

    FLAGS = flags.FLAGS
    flags.DEFINE_enum("name", "ml-1m", sorted(ARCHIVES), "the data set")
    flags.DEFINE_string("data_dir", None, "where to put it; default: $DATA_DIR, else the cache folder")
    sys.exit(cli.run(main))
