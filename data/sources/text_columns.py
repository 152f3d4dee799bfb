"""Columns of text ids (`A2CX7LUOHB2NDG`) of a large delimited file as narrow numbers and one table of labels.

Each block of the file is numbered by pyarrow; the blocks' tables of labels are merged once at the end, so that no text
is held once a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from data.sources import tabular
from data.sources.files import check_text_file

LABELS_AT_ONCE = 1 << 18


def read_texts(
    path: Path, places: Mapping[str, int], *, where: str, width: int, delimiter: str = ","
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Of each column of a file without a header: (int32 [rows] in file order, from 0 into the labels; str [labels]).

    places: column name -> position from 0.  width: fields a line.  Labels are distinct and ascending, and each occurs.
    Raises UserError: missing or empty file, wrong encoding, cut-off line, empty cell.
    """
    check_text_file(path, where)
    names = [f"f{i}" for i in range(width)]
    chunks: dict[str, list[pa.DictionaryArray]] = {name: [] for name in places}
    accepted = 0
    try:
        reader = csv.open_csv(
            path,
            csv.ReadOptions(block_size=tabular.BLOCK_BYTES, column_names=names),
            csv.ParseOptions(delimiter=delimiter, quote_char=False),
            csv.ConvertOptions(
                column_types={names[place]: pa.dictionary(pa.int32(), pa.string()) for place in places.values()},
                include_columns=[names[place] for place in places.values()],
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
        for batch in reader:
            for name, place in places.items():
                cells = batch.column(names[place])
                if cells.null_count:
                    raise ValueError("empty cell")
                chunks[name].append(cells)
            accepted += len(batch)
    except ValueError as error:  # pa.ArrowInvalid is one
        columns = {name: tabular.Column(place, parse=lambda text: 0) for name, place in places.items()}
        raise tabular.explain(path, columns, names, delimiter, True, accepted, str(error), where) from None
    return {name: _numbered(chunks.pop(name)) for name in places}


def _numbered(chunks: list[pa.DictionaryArray]) -> tuple[np.ndarray, np.ndarray]:
    column = pa.chunked_array(chunks).unify_dictionaries()
    order = pc.sort_indices(column.chunk(0).dictionary)
    texts = column.chunk(0).dictionary.take(order)
    rank = np.empty(len(texts), np.int32)
    rank[order.to_numpy()] = np.arange(len(texts), dtype=np.int32)
    ids = np.concatenate([rank[chunk.indices.to_numpy()] for chunk in column.chunks])
    labels = np.empty(len(texts), f"U{pc.max(pc.utf8_length(texts)).as_py()}")
    for start in range(0, len(texts), LABELS_AT_ONCE):  # so that millions of Python strings never live at once
        part = texts.slice(start, LABELS_AT_ONCE)
        labels[start : start + len(part)] = part.to_pylist()
    return ids, labels
