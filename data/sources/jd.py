"""JD micro-behaviour samples (Gu et al., WSDM 2020): one session a line, taken as one user.

An event is `sku+behaviour+category+interval+dwell`; `interval` is the seconds until the session's next event, so an
event's timestamp is the sum of the intervals before it (0 for the first). Each event keeps its own category.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from data.cache import fingerprint
from data.schema import Interactions
from data.sources.assemble import assemble
from data.sources.files import DIGITS, check_text_file, ending_note, file_in
from tf_utils.cli import UserError

# [sic]: the published sample really is called Applicances.
FILE_NAMES = {"jd_appliances": "JD_Applicances_sample", "jd_computers": "JD_Computers_sample"}
WHERE = "get the samples from https://github.com/guyulongcs/WSDM2020_HUP and put them into DATA_DIR/jd_microbehavior"
ACTIONS = (
    "Home2Product",
    "ShopList2Product",
    "Sale2Product",
    "Cart2Product",
    "SearchList2Product",
    "Detail_comments",
    "Detail_specification",
    "Detail_bottom",
    "Cart",
    "Order",
)
PARTS = ("sku", "behaviour", "category", "interval", "dwell time")
BLOCK_BYTES = 16 << 20

_TO_CSV = bytes.maketrans(b"+ ", b",\n")


def load(path: Path, name: str = "jd_appliances") -> Interactions:
    """Parses a sample (or the folder that holds it); nothing is filtered. User labels are line numbers.

    Raises UserError for bad input.
    """
    if name not in FILE_NAMES:
        raise UserError(f"unknown JD data set {name!r}; known are {', '.join(FILE_NAMES)}")
    path = file_in(path, FILE_NAMES[name])
    check_text_file(path, WHERE)
    tables, users, first_line = [], [], 1
    with open(path, "rb") as file:
        while lines := file.readlines(BLOCK_BYTES):
            sessions = [line.split() for line in lines]
            events = [event for session in sessions for event in session]
            counts = [len(session) for session in sessions]
            if events:
                tables.append(_parse(b"\n".join(events), lines, first_line, path))
            users.append(np.repeat(np.arange(first_line, first_line + len(lines), dtype=np.int32), counts))
            first_line += len(lines)
    table, user = np.concatenate(tables, axis=1), np.concatenate(users)
    sku, behaviour, category, interval, _ = table
    before = np.cumsum(interval) - interval
    first_of_session = np.flatnonzero(np.diff(user, prepend=0))
    timestamp = before - np.repeat(before[first_of_session], np.diff(np.append(first_of_session, len(user))))
    raw = {"user": user, "item": sku, "category": category, "action": behaviour, "timestamp": timestamp}
    return assemble(name, raw, ACTIONS, fingerprint(path), ending_note(path))


def _parse(events: bytes, lines: list[bytes], first_line: int, path: Path) -> np.ndarray:
    """int64 [5, events]; `lines` serve only to find the line of a bad event."""
    try:
        table = csv.read_csv(
            pa.BufferReader(events.translate(_TO_CSV)),
            csv.ReadOptions(column_names=list(PARTS)),
            csv.ParseOptions(quote_char=False),
            csv.ConvertOptions(column_types=dict.fromkeys(PARTS, pa.int64()), null_values=[]),
        )
        columns = np.stack([table[part].to_numpy() for part in PARTS])
        if columns.min(initial=0) < 0 or not np.isin(columns[1], np.arange(1, len(ACTIONS) + 1)).all():
            raise ValueError("value out of range")
        return columns
    except ValueError as error:
        for number, line in enumerate(lines, first_line):
            for event in line.split():
                if fault := _fault(event):
                    text = event.decode(errors="replace")
                    raise UserError(f"{path}: line {number}, event {text!r} {fault}") from None
        raise UserError(f"{path}: {str(error).splitlines()[0]}") from None


def _fault(event: bytes) -> str | None:
    try:
        parts = event.decode("utf-8").split("+")
    except UnicodeDecodeError:
        return "is not UTF-8 text; convert the file or get the original"
    if len(parts) != len(PARTS):
        return f"is not sku+behaviour+category+interval+dwell; if it is the last one, the file is cut off: {WHERE}"
    for name, part in zip(PARTS, parts, strict=True):
        if not part.lstrip("-").isdigit():
            return f"has the {name} {part!r}, which is not a whole number"
        if len(part) > DIGITS:
            return f"has {part[:8]}..., a {name} of {len(part)} digits; numbers have {DIGITS} at most"
        if int(part) < 0:
            return f"has the negative {name} {part}"
    if not 1 <= int(parts[1]) <= len(ACTIONS):
        return f"has the unknown behaviour {parts[1]}; known are 1 to {len(ACTIONS)}"
    return None
