"""A schema for Etsy logs, should somebody have some: ASLI's Etsy data was never published (section 4.1).

`etsy.csv` with the header `user,item,category,action,timestamp`: whole numbers but for the action, which is view,
favorite, cart or purchase; timestamp in seconds. Other columns are ignored, and so is the order of the columns.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from data.cache import fingerprint
from data.schema import Interactions
from data.sources.assemble import assemble
from data.sources.files import ending_note, file_in
from data.sources.tabular import Column, read_columns

FILE_NAME = "etsy.csv"
WHERE = "Etsy's log is not public; supply etsy.csv (user,item,category,action,timestamp) in DATA_DIR/etsy"
ACTIONS = ("view", "favorite", "cart", "purchase")


def parse_action(text: str) -> int:
    if text not in ACTIONS:
        raise ValueError(f"has the unknown action {text!r}; known are {', '.join(ACTIONS)}")
    return ACTIONS.index(text) + 1


def load(path: Path) -> Interactions:
    """Parses the file (or the folder that holds it); an empty category becomes 0. Raises UserError for bad input."""
    path = file_in(path, FILE_NAME)
    raw = read_columns(
        path,
        {
            "user": Column("user"),
            "item": Column("item"),
            "category": Column("category", optional=True),
            "action": Column("action", parse_action, np.uint8),
            "timestamp": Column("timestamp"),
        },
        where=WHERE,
    )
    return assemble("etsy", raw, ACTIONS, fingerprint(path), ending_note(path))
