"""A report as blocks, independent of how they are written out."""

from __future__ import annotations

from dataclasses import dataclass

TONES = ("", "good", "bad", "muted", "warn", "strong")


@dataclass(frozen=True)
class Text:
    """A run of plain text with a tone from `TONES`."""

    text: str
    tone: str = ""


@dataclass(frozen=True)
class Heading:
    level: int
    text: str
    anchor: str


@dataclass(frozen=True)
class Paragraph:
    text: str
    kind: str = ""  # "", "note" (small print) or "banner" (a label that must not be missed)


@dataclass(frozen=True)
class Bullets:
    items: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """A table. groups: (title, number of columns) above the header; numeric columns start at `numbers_from`."""

    header: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]
    caption: str = ""
    groups: tuple[tuple[str, int], ...] = ()
    numbers_from: int = 1


@dataclass(frozen=True)
class Plot:
    """An inline SVG drawing and the sentence that stands for it where pictures cannot be shown."""

    svg: str
    alt: str


@dataclass(frozen=True)
class Fold:
    """Blocks that a reader may want to skip, under a one-line summary."""

    summary: str
    blocks: tuple[Heading | Paragraph | Bullets | Grid | Plot, ...]


Block = Heading | Paragraph | Bullets | Grid | Plot | Fold
Document = tuple[Block, ...]
