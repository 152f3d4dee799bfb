"""IJCAI-15 "Repeat Buyers" `user_log_format1.csv`: about 54.9 million rows. CAFE names it as its Tmall (section 4.1.1);
what its authors made of it is in `cafe_tmall`.

Columns: user_id, item_id, cat_id, seller_id, brand_id, time_stamp (mmdd), action_type (0..3). CAFE's intents are the
sellers, so the seller is the category unless asked otherwise. Time has day resolution: most neighbouring events are
tied, and their order is that of the file.

Written from the published description and not tried on the full file. CAFE Table 1 cannot come from this file alone: it
has 1,788,758 items and 9,999 sellers, while others count 1,090,390 items and 4,995 sellers in `user_log_format1.csv`.
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
from data.sources.one_category import one_category
from data.sources.tabular import Column, read_columns
from tf_utils.cli import UserError

FILE_NAME = "user_log_format1.csv"
WHERE = (
    f"get {FILE_NAME} (data_format1.zip) from https://tianchi.aliyun.com/dataset/42 and put it into DATA_DIR/ijcai15"
)
ACTIONS = ("click", "cart", "purchase", "favourite")  # action_type 0 to 3
CATEGORIES = {"seller": "seller_id", "category": "cat_id", "brand": "brand_id"}
YEAR = 2014

_DAY = re.compile(r"(\d{1,2})(\d{2})")


def parse_action(text: str) -> int:
    if text not in ("0", "1", "2", "3"):
        raise ValueError(f"has the unknown action_type {text!r}; known are 0 click, 1 cart, 2 purchase, 3 favourite")
    return int(text) + 1


def parse_day(text: str) -> int:
    """Seconds since 1970 of the beginning of the day `mmdd` (`511` is 11 May) of 2014, read as UTC."""
    match = _DAY.fullmatch(text)
    try:
        return int(datetime(YEAR, *map(int, match.groups()), tzinfo=UTC).timestamp())
    except (AttributeError, ValueError):
        raise ValueError(f"has the time_stamp {text!r}, which is not a day as mmdd") from None


def load(path: Path, category: str = "seller") -> Interactions:
    """Parses the file (or the folder that holds it); nothing is filtered.

    category: what the category is, `seller`, `category` or `brand`. An item has one, see `one_category`; an item that
    never has one gets 0, with a note.
    Raises UserError for bad input.
    """
    path = file_in(path, FILE_NAME)
    if category not in CATEGORIES:
        raise UserError(f"category={category!r}: choose one of {', '.join(CATEGORIES)}")
    raw = read_columns(
        path,
        {
            "user": Column("user_id"),
            "item": Column("item_id"),
            "category": Column(CATEGORIES[category], optional=True),
            "action": Column("action_type", parse_action, np.uint8),
            "timestamp": Column("time_stamp", parse_day),
        },
        where=WHERE,
    )
    raw["category"], note = one_category(raw["item"], raw["category"], category)
    return assemble("ijcai15", raw, ACTIONS, fingerprint(path), (*ending_note(path), note))
