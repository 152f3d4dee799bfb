"""Taobao `UserBehavior.csv` (Tianchi data set 649; SINE's Taobao): 100,150,807 rows, no header.

Columns: user, item, category, behaviour (pv, fav, cart, buy), Unix timestamp.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from data.cache import fingerprint
from data.schema import Interactions
from data.sources.assemble import assemble
from data.sources.files import ending_note, file_in
from data.sources.tabular import Column, read_columns
from tf_utils.cli import UserError

FILE_NAME = "UserBehavior.csv"
WHERE = "get UserBehavior.csv from https://tianchi.aliyun.com/dataset/649 and put it into DATA_DIR/taobao"
ACTIONS = ("pv", "fav", "cart", "buy")
FIRST, END = 1_511_539_200, 1_512_316_800  # the published nine days, 25 November to 3 December 2017, Beijing time


def parse_action(text: str) -> int:
    try:
        return ACTIONS.index(text) + 1
    except ValueError:
        raise ValueError(f"has the unknown action {text!r}; known are {', '.join(ACTIONS)}") from None


def load(path: Path, bad_timestamps: str = "error") -> Interactions:
    """Parses the file (or the folder that holds it); nothing is filtered.

    bad_timestamps: the official file holds rows with timestamps outside its nine days, negative ones among them:
    "error" refuses negative ones and keeps the others, "drop" leaves out whatever lies outside, with a note.
    Raises UserError for bad input.
    """
    path = file_in(path, FILE_NAME)
    if bad_timestamps not in ("error", "drop"):
        raise UserError(f"bad_timestamps={bad_timestamps!r}: choose error or drop")
    raw = read_columns(
        path,
        {
            "user": Column(0),
            "item": Column(1),
            "category": Column(2),
            "action": Column(3, parse_action, np.uint8),
            "timestamp": Column(4, signed=bad_timestamps == "drop"),
        },
        where=WHERE,
        width=5,
    )
    notes = ending_note(path)
    if bad_timestamps == "drop":
        keep = (raw["timestamp"] >= FIRST) & (raw["timestamp"] < END)
        dropped = len(keep) - int(keep.sum())
        if dropped == len(keep):
            raise UserError(f"{path}: every timestamp lies outside 2017-11-25 to 2017-12-03; {WHERE}")
        if dropped:
            for name in raw:
                raw[name] = raw[name][keep]
            notes += (f"{dropped} rows with a timestamp outside 2017-11-25 to 2017-12-03 were left out.",)
    return assemble("taobao", raw, ACTIONS, fingerprint(path), notes)
