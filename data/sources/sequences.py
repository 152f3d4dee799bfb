"""Chronological id sequences, a user a line: `user item item ...`, separated by blanks; there is no time but the order.

Amazon Tools & Home Improvement 5-core in this form stands in for AttRec's Tools (`amazon-tools-sequences`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from data.cache import fingerprint
from data.schema import Interactions, places
from data.sources.assemble import assemble
from data.sources.files import DIGITS, check_text_file, ending_note, file_in
from tf_utils.cli import UserError

FILE_NAME = "Tools_and_Home_Improvement.txt"
WHERE = f"put {FILE_NAME} (a line a user: user item item ..., oldest first) into DATA_DIR/amazon_sequences"
ACTIONS = ("interaction",)
ORDER_NOTE = "The source has sequences without timestamps: a timestamp is the place in the user's sequence."


def load(path: Path) -> Interactions:
    """Parses the file (or the folder that holds it); nothing is filtered.  Raises UserError for bad input."""
    path = file_in(path, FILE_NAME)
    raw = read_sequences(path, WHERE)
    raw["category"] = np.zeros(len(raw["user"]), np.int32)
    notes = (*ending_note(path), ORDER_NOTE)
    data = assemble("amazon-tools-sequences", raw, ACTIONS, fingerprint(path), notes, category_labels=())
    return replace(data, provenance=replace(data.provenance, stand_in_for="amazon-tools"))


def read_sequences(path: Path, where: str) -> dict[str, np.ndarray]:
    """user, item, action (all 1) and timestamp (place in the line, from 0) of every event.

    Raises UserError: missing or empty file, a cell that is no whole number, a user without items or with two lines.
    """
    check_text_file(path, where)
    content = Path(path).read_bytes().removeprefix(b"\xef\xbb\xbf")  # the byte order mark of some editors
    lines = [(number, line.split()) for number, line in enumerate(content.split(b"\n"), 1)]
    lines = [(number, cells) for number, cells in lines if cells]
    first: dict[int, int] = {}
    for place, (number, cells) in enumerate(lines, 1):
        for name, cell in zip(("user", *["item"] * (len(cells) - 1)), cells, strict=True):
            if not cell.isdigit() or len(cell) > DIGITS:
                raise UserError(f"{path}: line {number} {_fault(name, cell)}")
        if len(cells) == 1:
            cut = f"; it is the last line, so the file is cut off: {where}" if place == len(lines) else ""
            raise UserError(f"{path}: line {number} has a user without items{cut}")
        if first.setdefault(int(cells[0]), number) != number:
            raise UserError(
                f"{path}: line {number} has user {int(cells[0])} again, whose line is {first[int(cells[0])]}"
            )
    counts = np.array([len(cells) - 1 for _, cells in lines])
    return {
        "user": np.repeat(np.array([int(cells[0]) for _, cells in lines], np.int64), counts),
        "item": np.array([int(cell) for _, cells in lines for cell in cells[1:]], np.int64),
        "action": np.ones(counts.sum(), np.uint8),
        "timestamp": places(counts),
    }


def _fault(name: str, cell: bytes) -> str:
    try:
        if cell.isdigit():
            return f"has {'an' if name == 'item' else 'a'} {name} of {len(cell)} digits; ids have {DIGITS} at most"
        return f"has the {name} {cell.decode('utf-8')!r}, which is not a whole number"
    except UnicodeDecodeError:
        return "is not UTF-8 text; convert the file (for example with iconv) or get the original"
