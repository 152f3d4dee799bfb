"""The nearest items of some learned concepts, with their categories (SINE's Figure 3)."""

from __future__ import annotations

from experiments.papers.schema import Figure, Key
from experiments.reporting.collect import Results
from experiments.reporting.document import Block, Grid, Text
from experiments.reporting.headings import caption
from experiments.reporting.numbers import MISSING

WIDTH = 40  # characters of a name


def concept_blocks(figure: Figure, results: Results, dataset: str) -> tuple[Block, ...] | None:
    """A grid a line, of its first seed: a row a concept, its nearest items best first; None if no run kept them."""
    grids = []
    for line in figure.lines:
        for arrays in results.arrays(dataset, Key(line.model, line.variant))[:1]:
            if "concepts.items" in arrays:
                grids.append(_grid(figure, results, dataset, line.label, arrays))
    return tuple(grids) or None


def _grid(figure: Figure, results: Results, dataset: str, label: str, arrays) -> Grid:
    rows = []
    for place, number in enumerate(arrays["concepts.ids"]):
        names = zip(arrays["concepts.items"][place], arrays["concepts.categories"][place], strict=True)
        cells = (Text(f"{_short(item)} [{_short(kind) or '-'}]") for item, kind in names)
        cosines = arrays["concepts.cosines"][place]
        closeness = f"{cosines[0]:.2f} to {cosines[-1]:.2f}"
        rows.append((Text(str(number)), Text(f"{int(arrays['concepts.sizes'][place]):,}"), *cells, Text(closeness)))
    width = max((len(row) for row in rows), default=3)
    rows = [(*row, *[MISSING] * (width - len(row))) for row in rows]
    header = ("concept", "items", *(f"nearest {k + 1}" for k in range(width - 3)), "cosines")
    return Grid(header, tuple(rows), caption(f"{figure.title}, {label}", results, dataset), numbers_from=99)


def _short(text: str) -> str:
    return text if len(text) <= WIDTH else text[: WIDTH - 1].rstrip() + "…"
