"""The nearest items of some learned concepts, with their categories (SINE's Figure 3)."""

from __future__ import annotations

from experiments.inspection.concept_table import table
from experiments.papers.schema import Figure, Key
from experiments.reporting.collect import Results
from experiments.reporting.document import Block, Grid, Text
from experiments.reporting.headings import caption


def concept_blocks(figure: Figure, results: Results, dataset: str) -> tuple[Block, ...] | None:
    """A grid a line, of its first seed: a row a concept, its nearest items best first; None if no run kept them."""
    grids = []
    for line in figure.lines:
        for arrays in results.arrays(dataset, Key(line.model, line.variant))[:1]:
            if "concepts.items" in arrays:
                grids.append(_grid(figure, results, dataset, line.label, arrays))
    return tuple(grids) or None


def _grid(figure: Figure, results: Results, dataset: str, label: str, arrays) -> Grid:
    header, rows = table(arrays)
    cells = tuple(tuple(map(Text, row)) for row in rows)
    return Grid(header, cells, caption(f"{figure.title}, {label}", results, dataset), numbers_from=99)
