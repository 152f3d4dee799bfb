"""A columnar cache of parsed and prepared data: one uncompressed .npz file an entry, its CRCs checked on reading.

It lies under $DATA_CACHE, else $XDG_CACHE_HOME/intent-recsys, else ~/.cache/intent-recsys; it may always be deleted.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
from absl import logging

from data.schema import FIELDS, Attributes, Interactions, Provenance, Sequences

HASH_WHOLE_BELOW = 64 << 20
SAMPLE_BYTES = 1 << 20
Table = TypeVar("Table", Interactions, Sequences)


def cache_root() -> Path:
    """The cache folder; it need not exist."""
    if os.environ.get("DATA_CACHE"):
        return Path(os.environ["DATA_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "intent-recsys"


def fingerprint(path: Path) -> str:
    """sha256 of a file: of all of it below 64 MB, else of its size and its first, middle and last megabyte."""
    size = os.path.getsize(path)
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        if size < HASH_WHOLE_BELOW:
            digest.update(file.read())
            return digest.hexdigest()
        digest.update(str(size).encode())
        for start in (0, (size - SAMPLE_BYTES) // 2, size - SAMPLE_BYTES):
            file.seek(start)
            digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()


def file_key(path: Path) -> list:
    """What an entry depends on in a source file: fingerprint, size, and for a sampled one the modification time."""
    stat = os.stat(path)
    return [fingerprint(path), stat.st_size, stat.st_mtime_ns if stat.st_size >= HASH_WHOLE_BELOW else 0]


def digest(key: Mapping) -> str:
    """sha256 of a JSON-able key; the order of its entries does not matter."""
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()


def code_digest() -> str:
    """Changes whenever the parsing or filtering code does, so that no entry outlives the code that made it."""
    here = Path(__file__).parent
    files = [here / "schema.py", here / "filters.py", here / "catalog.py", *sorted((here / "sources").glob("*.py"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files if file.exists())).hexdigest()


def cached(key: Mapping, build: Callable[[], Table]) -> Table:
    """The entry of `key`, built and stored if absent or damaged; a cache that cannot be written is only logged."""
    path = cache_root() / f"{digest(key)}.npz"
    if path.exists():
        try:
            return load(path)
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            logging.warning("%s is damaged (%s); building it again", path, error)
    table = build()
    try:
        save(path, table)
    except OSError as error:
        logging.warning("%s could not be written (%s); going on without a cache", path, error)
    return table


def save(path: Path, table: Interactions | Sequences) -> None:
    """Writes a table to `path` in one step: a reader sees the old file or the whole new one."""
    arrays, meta = {}, {"type": type(table).__name__, "provenance": dataclasses.asdict(table.provenance)}
    for field in dataclasses.fields(table):
        value = getattr(table, field.name)
        if isinstance(value, np.ndarray):
            arrays[field.name] = value
    arrays |= {f"labels.{name}": table.labels[name] for name in FIELDS}
    if table.attributes is not None:
        arrays |= {"attributes.offsets": table.attributes.offsets, "attributes.values": table.attributes.values}
    if isinstance(table, Sequences):
        meta["ties"] = table.ties
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem[:16], suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, meta=np.array(json.dumps(meta)), **arrays)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def load(path: Path) -> Interactions | Sequences:
    """Reads what `save` wrote.  Raises OSError, ValueError, KeyError or BadZipFile if the file is damaged."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    meta = json.loads(str(arrays.pop("meta")))
    kind = {"Interactions": Interactions, "Sequences": Sequences}[meta["type"]]
    notes = tuple(meta["provenance"].pop("notes"))
    if "attributes.offsets" in arrays:
        arrays["attributes"] = Attributes(arrays.pop("attributes.offsets"), arrays.pop("attributes.values"))
    if kind is Sequences:
        arrays["ties"] = meta["ties"]
    labels = {name: arrays.pop(f"labels.{name}") for name in FIELDS}
    return kind(**arrays, labels=labels, provenance=Provenance(**meta["provenance"], notes=notes))
