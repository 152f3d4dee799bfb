"""Reads the chosen columns of a large delimited text file as narrow integer arrays, in chunks.

The fast path is pyarrow's streaming CSV reader; whatever it (or a check below) refuses is found again by `explain`,
which walks the file line by line only then, so that the error names the line and the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from data.sources.files import check_text_file, read_header
from tf_utils.cli import UserError

BLOCK_BYTES = 16 << 20
MISSING = -1  # raw value of an empty optional cell; `vocabulary` turns it into id 0


@dataclass(frozen=True)
class Column:
    """One column to read.

    source: its name in the header, or its position from 0.  parse: None for an integer >= 0; otherwise a function of
    the cell's text that returns an integer or raises ValueError with the reason (called once a distinct text).
    optional: an empty cell becomes `MISSING` instead of an error.  signed: negative integers are allowed.
    """

    source: str | int
    parse: Callable[[str], int] | None = None
    dtype: type | None = None
    optional: bool = False
    signed: bool = False


def read_columns(
    path: Path, columns: Mapping[str, Column], *, where: str, delimiter: str = ",", width: int = 0
) -> dict[str, np.ndarray]:
    """The columns of `path`, one array each, all of the same length, in file order.

    width: fields a line of a file without a header; 0 means that the first line is a header.  where: what to do if the
    file is missing or broken.  Integers come as int32 where all of them fit, otherwise int64, or as `Column.dtype`.
    Raises UserError: missing or empty file, wrong encoding, missing column, cut-off line, bad cell.
    """
    check_text_file(path, where)
    names = [f"f{i}" for i in range(width)] if width else read_header(path, delimiter)
    sources = {name: f"f{c.source}" if isinstance(c.source, int) else c.source for name, c in columns.items()}
    absent = [source for source in sources.values() if source not in names]
    if absent:
        raise UserError(f"{path}: no column {', '.join(map(repr, absent))} in its first line {delimiter.join(names)!r}")
    text = pa.dictionary(pa.int32(), pa.string())
    chunks: dict[str, list[np.ndarray]] = {name: [] for name in columns}
    tables: dict[str, dict[str, int]] = {name: {} for name in columns}
    accepted = 0
    try:
        reader = csv.open_csv(
            path,
            csv.ReadOptions(block_size=BLOCK_BYTES, column_names=names, skip_rows=0 if width else 1),
            csv.ParseOptions(delimiter=delimiter, quote_char=False),
            csv.ConvertOptions(
                column_types={sources[n]: pa.int64() if c.parse is None else text for n, c in columns.items()},
                include_columns=list(sources.values()),
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
        for batch in reader:
            for name, column in columns.items():
                cells = batch.column(sources[name])
                chunks[name].append(_convert(cells, column, tables[name]))
            accepted += len(batch)
    except ValueError as error:  # pa.ArrowInvalid is one
        raise explain(path, columns, names, delimiter, bool(width), accepted, str(error), where) from None
    if not accepted:
        raise UserError(f"{path}: holds no events; {where}")
    return {name: _joined(chunks.pop(name)) for name in columns}


def vocabulary(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(ids int32 [len(raw)], labels [n]): ids from 1 in ascending order of the raw values, `MISSING` becomes 0."""
    top = int(raw.max(initial=0))
    if raw.min(initial=0) >= MISSING and top <= max(1 << 24, 8 * len(raw)):  # a lookup table: no sort
        seen = np.zeros(top + 2, bool)
        seen[raw] = True  # MISSING = -1 marks the spare last cell
        seen[-1] = False
        lookup = np.cumsum(seen, dtype=np.int32)
        lookup[-1] = 0
        return lookup[raw], np.flatnonzero(seen).astype(np.int64)
    labels, ids = np.unique(raw, return_inverse=True)
    if labels[0] == MISSING:
        return ids.astype(np.int32), labels[1:].astype(np.int64)
    return ids.astype(np.int32) + np.int32(1), labels.astype(np.int64)


def explain(
    path: Path,
    columns: Mapping[str, Column],
    names: list[str],
    delimiter: str,
    headless: bool,
    skip: int,
    reason: str,
    where: str,
) -> UserError:
    """The error for the first bad line after `skip` good events, found by reading the file line by line."""
    places = {n: names.index(c.source) if isinstance(c.source, str) else c.source for n, c in columns.items()}
    with open(path, "rb") as file:
        events = (pair for pair in enumerate(file, 1) if pair[1].strip())
        for _ in range(skip + (0 if headless else 1)):
            next(events, None)
        bad = None
        for number, line in chain(events, [(0, b"")]):
            if bad is not None:  # one line is looked ahead, to know whether the bad one was the last
                cut = f"; it is the last line, so the file is cut off: {where}" if number == 0 else ""
                return UserError(f"{path}: line {bad}{cut}")
            fault = _fault(line, columns, places, len(names), delimiter) if number else None
            if fault and fault.startswith("!"):
                return UserError(f"{path}: line {number} {fault[1:]}")
            if fault:
                bad = f"{number} {fault}"
    return UserError(f"{path}: {reason.splitlines()[0]}")


def _fault(
    line: bytes, columns: Mapping[str, Column], places: Mapping[str, int], width: int, delimiter: str
) -> str | None:
    """What is wrong with a line, None if nothing; a leading `!` marks a fault that a cut-off file cannot explain."""
    try:
        cells = line.decode("utf-8").rstrip("\r\n").split(delimiter)
    except UnicodeDecodeError:
        return "!is not UTF-8 text; convert the file (for example with iconv) or get the original"
    if len(cells) != width:
        return f"has {len(cells)} fields separated by {delimiter!r} instead of {width}"
    for name, column in columns.items():
        cell = cells[places[name]].strip()
        if not cell and column.optional:
            continue
        try:
            if not cell:
                raise ValueError(f"{name} is empty")
            value = int(cell) if column.parse is None else column.parse(cell)
        except ValueError as error:
            return str(error) if column.parse or not cell else f"has the {name} {cell!r}, which is not a whole number"
        if value < 0 and column.parse is None and not column.signed:
            return f"!has the negative {name} {cell}"
    return None


def _convert(cells: pa.Array, column: Column, table: dict[str, int]) -> np.ndarray:
    if cells.null_count and not column.optional:
        raise ValueError("empty cell")
    if column.parse is None:
        values = cells.fill_null(MISSING).to_numpy(zero_copy_only=False)
        present = cells.drop_null().to_numpy(zero_copy_only=False) if cells.null_count else values
        if not column.signed and present.min(initial=0) < 0:
            raise ValueError("negative value")
    else:
        for text in cells.dictionary.to_pylist():
            if text not in table:
                table[text] = column.parse(text)
        codes = np.array([table[text] for text in cells.dictionary.to_pylist()] or [0], np.int64)
        values = codes[cells.indices.fill_null(0).to_numpy(zero_copy_only=False)]
        if cells.null_count:
            values[cells.is_null().to_numpy(zero_copy_only=False)] = MISSING
    if column.dtype is not None:
        return values.astype(column.dtype)
    fits = values.max(initial=0) < 2**31 and values.min(initial=0) >= -(2**31)
    return values.astype(np.int32) if fits else values


def _joined(chunks: list[np.ndarray]) -> np.ndarray:
    """The concatenation; each chunk is freed as soon as it is copied, so that the peak is one column, not two."""
    result = np.empty(sum(map(len, chunks)), np.result_type(*chunks))
    end = len(result)
    while chunks:
        chunk = chunks.pop()
        result[end - len(chunk) : end] = chunk
        end -= len(chunk)
    return result
