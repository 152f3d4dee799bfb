"""Taobao favourites, 24 November to 3 December 2017: `taobao_fav.csv` with the header user,item,category,timestamp.

A stand-in where categories are intents (CAFE, SINE-cate): the public data of those papers need a registration.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from data.cache import fingerprint
from data.schema import Interactions
from data.sources.assemble import assemble
from data.sources.files import ending_note
from data.sources.tabular import Column, read_columns

FILE_NAME = "taobao_fav.csv"
WHERE = "put taobao_fav.csv (user,item,category,timestamp; any Taobao log's favourites) into DATA_DIR/taobao_favourites"
ACTIONS = ("fav",)
STANDS_IN_FOR = "CAFE's Tmall, SINE's Taobao"


def load(path: Path) -> Interactions:
    """Parses the file (or the folder that holds it); nothing is filtered.  Raises UserError for bad input."""
    path = Path(path)
    path = path / FILE_NAME if path.is_dir() else path
    columns = ("user", "item", "category", "timestamp")
    raw = read_columns(path, {name: Column(name) for name in columns}, where=WHERE)
    raw["action"] = np.ones(len(raw["user"]), np.uint8)
    data = assemble("taobao_favourites", raw, ACTIONS, fingerprint(path), ending_note(path))
    return replace(data, provenance=replace(data.provenance, stand_in_for=STANDS_IN_FOR))
