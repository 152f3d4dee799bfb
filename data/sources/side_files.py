"""Small files beside the events (film lists, tags) as checked rows; the events themselves go through `tabular`."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from data.sources.files import read_text
from tf_utils.cli import UserError


def read_side_table(
    path: Path, columns: Sequence[str], where: str, delimiter: str = ",", quoted: bool = True
) -> list[tuple[int, list[str]]]:
    """(line number, the cells of `columns`) of every row of a file with a header; blank lines are skipped.

    quoted: cells may stand in double quotes (CSV); else quotes are text like any other.
    Raises UserError: missing file, missing column, a row with another number of cells than the header.
    """
    text = io.StringIO(read_text(path, where), newline="")
    reader = csv.reader(text, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise UserError(f"{path}: line {reader.line_num} cannot be read ({error}); {where}") from None
    header = [name.strip() for name in rows.pop(0)[1]]
    absent = [name for name in columns if name not in header]
    if absent:
        names = delimiter.join(header)
        raise UserError(f"{path}: no column {', '.join(map(repr, absent))} in its first line {names!r}")
    places = [header.index(name) for name in columns]
    for place, (number, row) in enumerate(rows, 1):
        if len(row) != len(header):
            raise _width_error(path, number, len(row), delimiter, len(header), place == len(rows), where)
    return [(number, [row[place].strip() for place in places]) for number, row in rows]


def read_side_lines(path: Path, separator: str, width: int, where: str) -> list[tuple[int, list[str]]]:
    """(line number, cells) of every line of a file without a header that is not blank.  Raises UserError."""
    lines = [(number, line) for number, line in enumerate(read_text(path, where).split("\n"), 1) if line.strip()]
    rows = [(number, line.rstrip("\r").split(separator)) for number, line in lines]
    for place, (number, row) in enumerate(rows, 1):
        if len(row) != width:
            raise _width_error(path, number, len(row), separator, width, place == len(rows), where)
    return rows


def whole_number(path: Path, number: int, name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise UserError(f"{path}: line {number} has the {name} {text!r}, which is not a whole number")
    return int(text)


def _width_error(path: Path, number: int, found: int, separator: str, width: int, last: bool, where: str) -> UserError:
    cut = f"; it is the last line, so the file is cut off: {where}" if last else ""
    return UserError(f"{path}: line {number} has {found} fields separated by {separator!r} instead of {width}{cut}")
