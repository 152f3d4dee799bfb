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
from data.sources.files import ending_note, file_in
from data.sources.one_category import one_category
from data.sources.tabular import Column, read_columns

FILE_NAME = "taobao_fav.csv"
WHERE = "put taobao_fav.csv (user,item,category,timestamp; any Taobao log's favourites) into DATA_DIR/taobao_favourites"
ACTIONS = ("fav",)
STANDS_IN_FOR = "CAFE's Tmall, SINE's Taobao"


def load(path: Path) -> Interactions:
    """Parses the file (or the folder that holds it); nothing is filtered.  Raises UserError for bad input.

    An item has one category, see `one_category`.
    """
    path = file_in(path, FILE_NAME)
    columns = ("user", "item", "category", "timestamp")
    raw = read_columns(path, {name: Column(name) for name in columns}, where=WHERE)
    raw["action"] = np.ones(len(raw["user"]), np.uint8)
    raw["category"], note = one_category(raw["item"], raw["category"])
    data = assemble("taobao_favourites", raw, ACTIONS, fingerprint(path), (*ending_note(path), note))
    return replace(data, provenance=replace(data.provenance, stand_in_for=STANDS_IN_FOR))
