"""Tianchi data set 46, `tianchi_mobile_recommend_train_user.csv`: ASLI's Tmall (section 4.1), about 12 million rows.

Columns: user_id, item_id, behavior_type (1..4), user_geohash (unused), item_category, time.
Time has hour resolution, so most neighbouring events are tied: their order is that of the file.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from data.cache import fingerprint
from data.schema import Interactions
from data.sources.assemble import assemble
from data.sources.files import ending_note, file_in
from data.sources.tabular import Column, read_columns

FILE_NAME = "tianchi_mobile_recommend_train_user.csv"
WHERE = f"get {FILE_NAME} from https://tianchi.aliyun.com/dataset/46 and put it into DATA_DIR/tianchi"
ACTIONS = ("click", "favourite", "cart", "purchase")

_HOUR = re.compile(r"(\d{4})-(\d{2})-(\d{2}) (\d{2})")


def parse_action(text: str) -> int:
    if text not in ("1", "2", "3", "4"):
        raise ValueError(f"has the unknown behavior_type {text!r}; known are 1 click, 2 favourite, 3 cart, 4 purchase")
    return int(text)


def parse_hour(text: str) -> int:
    """Seconds since 1970 of `YYYY-MM-DD HH`, read as UTC (the zone is not stated; differences do not depend on it)."""
    match = _HOUR.fullmatch(text)
    try:
        return int(datetime(*map(int, match.groups()), tzinfo=UTC).timestamp())
    except (AttributeError, ValueError):
        raise ValueError(f"has the time {text!r}, which is not YYYY-MM-DD HH") from None


def load(path: Path) -> Interactions:
    """Parses the file (or the folder that holds it); nothing is filtered.

    An empty item_category becomes category 0, with a note.  Raises UserError for bad input.
    """
    path = file_in(path, FILE_NAME)
    raw = read_columns(
        path,
        {
            "user": Column("user_id"),
            "item": Column("item_id"),
            "category": Column("item_category", optional=True),
            "action": Column("behavior_type", parse_action, np.uint8),
            "timestamp": Column("time", parse_hour),
        },
        where=WHERE,
    )
    return assemble("tianchi", raw, ACTIONS, fingerprint(path), ending_note(path))
