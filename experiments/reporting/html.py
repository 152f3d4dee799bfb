"""A report as one self-contained HTML file: inline style, inline SVG, no script, nothing fetched."""

from __future__ import annotations

from html import escape

from experiments.reporting.document import Block, Bullets, Document, Fold, Grid, Heading, Paragraph, Plot, Text
from experiments.reporting.style import CSS


def to_html(document: Document) -> str:
    """The page. The level-1 heading is its title, level-2 headings are its navigation."""
    headings = [block for block in document if isinstance(block, Heading)]
    title = next((h.text for h in headings if h.level == 1), "Report")
    links = "".join(f'<a href="#{escape(h.anchor)}">{escape(h.text)}</a>' for h in headings if h.level == 2)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n"
        f'<nav aria-label="Sections">{links}</nav>\n<main>\n{_blocks(document)}\n</main>\n</body>\n</html>\n'
    )


def _blocks(blocks: tuple[Block, ...]) -> str:
    """Neighbouring charts share a row."""
    parts, plots = [], []
    for block in (*blocks, None):
        if isinstance(block, Plot):
            plots.append(f'<figure title="{escape(block.alt)}">{block.svg}</figure>')
            continue
        if plots:
            parts.append(f'<div class="plots">{"".join(plots)}</div>')
            plots = []
        if block is not None:
            parts.append(_block(block))
    return "\n".join(parts)


def _block(block: Block) -> str:
    match block:
        case Heading(level, text, anchor):
            return f'<h{level} id="{escape(anchor)}">{escape(text)}</h{level}>'
        case Paragraph(text, kind):
            return f'<p class="{kind}">{_inline(text)}</p>' if kind else f"<p>{_inline(text)}</p>"
        case Bullets(items):
            return "<ul>" + "".join(f"<li>{_inline(item)}</li>" for item in items) + "</ul>"
        case Grid():
            return _grid(block)
        case Fold(summary, blocks):
            return f"<details><summary>{escape(summary)}</summary>\n{_blocks(blocks)}\n</details>"
    raise TypeError(f"no HTML for {type(block).__name__}")


def _grid(grid: Grid) -> str:
    starts, column = set(), 0
    for _, width in grid.groups:
        starts.add(column)
        column += width
    starts.discard(0)

    def classes(index: int, tone: str = "") -> str:
        names = [("n" if index >= grid.numbers_from else ""), ("g" if index in starts else ""), tone]
        joined = " ".join(filter(None, names))
        return f' class="{joined}"' if joined else ""

    def cell(index: int, text: Text) -> str:
        tag = "th" if index == 0 else "td"
        scope = ' scope="row"' if index == 0 else ""
        return f"<{tag}{scope}{classes(index, text.tone)}>{_inline(text.text)}</{tag}>"

    groups = "".join(
        f'<th scope="colgroup" colspan="{width}" class="group">{escape(title)}</th>' for title, width in grid.groups
    )
    header = "".join(f'<th scope="col"{classes(i)}>{escape(name)}</th>' for i, name in enumerate(grid.header))
    body = "\n".join("<tr>" + "".join(cell(i, text) for i, text in enumerate(row)) + "</tr>" for row in grid.rows)
    caption = f"<caption>{escape(grid.caption)}</caption>" if grid.caption else ""
    top = f"<tr>{groups}</tr>\n" if groups else ""
    return (
        f'<div class="scroll" tabindex="0"><table>{caption}\n<thead>{top}<tr>{header}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>"
    )


def _inline(text: str) -> str:
    """Escaped text, with `code` set as code."""
    parts = escape(text).split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))
