"""A report as GitHub-flavoured Markdown. Charts are left to the HTML report; their numbers are in the tables."""

from __future__ import annotations

import re
from collections.abc import Iterable

from experiments.reporting.document import Block, Bullets, Document, Fold, Grid, Heading, Paragraph, Plot, Text


def to_markdown(document: Document) -> str:
    return "\n\n".join(_block(block) for block in document) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading(level, text, _):
            return f"{'#' * level} {_escape(text)}"
        case Paragraph(text, kind):
            return {"banner": f"> **{_escape(text)}**", "note": f"*{_escape(text)}*"}.get(kind, _escape(text))
        case Bullets(items):
            return "\n".join(f"* {_escape(item)}" for item in items)
        case Grid():
            return _grid(block)
        case Plot(_, alt):
            return f"*Chart in report.html. {_escape(alt)}.*"
        case Fold(summary, blocks):
            return "\n\n".join((f"**{_escape(summary)}**", *(_block(inner) for inner in blocks)))


def _grid(grid: Grid) -> str:
    """Markdown has no grouped headers: a group's title goes in front of its columns' names."""
    groups = [title for title, width in grid.groups for _ in range(width)] or [""] * len(grid.header)
    header = [": ".join(filter(None, pair)) for pair in zip(groups, grid.header, strict=True)]
    rule = ["---" if column < grid.numbers_from else "---:" for column in range(len(header))]
    lines = [_row(header), "|" + "|".join(rule) + "|", *(_row(_cell(text) for text in row) for row in grid.rows)]
    return "\n".join(([f"**{_escape(grid.caption)}**", ""] if grid.caption else []) + lines)


def _cell(text: Text) -> str:
    return text.text


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(_escape(cell) for cell in cells) + " |"


def _escape(text: str) -> str:
    """Plain text; `code` keeps its backquotes."""
    return re.sub(r"([\\*_|<>#\[\]])", r"\\\1", text)
