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
from data.sources.table import EXCERPTS, SOURCES
from tf_utils.cli import UserError
from tf_utils.files import InUse, held

TIMEOUT_SECONDS = 30
CHUNK_BYTES = 1 << 20


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
    """The main file of a source or excerpt, or None if it is in none of `data_folders`."""
    if name not in (*SOURCES, *EXCERPTS):
        raise UserError(f"unknown source {name!r}; known are {', '.join(SOURCES)}")
    files = SOURCES[name].files if name in SOURCES else EXCERPTS[name]
    candidates = (folder / file for folder in data_folders(data_dir) for file in files)
    return next((path for path in candidates if path.is_file()), None)


def fetch(name: str, data_dir: str | os.PathLike | None = None) -> Path:
    """Downloads and unpacks a set of `ARCHIVES`, unless it is there; returns its main file.

    An interrupted download is resumed; nothing is unpacked before the checksum fits; the folder appears in one step.
    Raises UserError: unknown name, no network, wrong checksum, folder not writable, another process is at it.
    """
    if name not in ARCHIVES:
        raise UserError(f"{name!r} cannot be downloaded by this program; it can fetch {', '.join(ARCHIVES)}")
    found = locate(name, data_dir)
    if found:
        return found
    folder = data_folders(data_dir)[0]
    folder = folder if os.access(folder, os.W_OK) else downloads()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except PermissionError:
        raise UserError(f"{folder}: not writable; set DATA_DIR to a folder that is") from None
    try:
        with held(folder / name):
            return locate(name, data_dir) or _fetch(name, folder)
    except InUse as error:
        raise UserError(str(error)) from None  # a run that needs the data is not itself at work elsewhere


def _fetch(name: str, folder: Path) -> Path:
    archive = ARCHIVES[name]
    try:
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
    return folder / SOURCES[name].files[0]


def _manual(name: str, folder: Path) -> str:
    file = folder / SOURCES[name].files[0]
    return f"fetch it elsewhere and unpack it so that {file} exists, or set DATA_DIR to where it is"


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
