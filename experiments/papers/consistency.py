"""Do printed statistics of a data set agree with each other, with the stated filter and with the public file?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from experiments.papers.schema import Cell, Paper, Statistics

# Paper -> data set -> (least interactions a user, an item) that the text says were kept; 1 where nothing is said.
# ASLI section 4.1; AttRec section "Datasets Descriptions" (what makes an item cold is not said).
_TEN = (10, 1)
MINIMA: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "asli": {"tmall": (5, 5), "tmall_small": (20, 20), "etsy": (20, 20)},
    "attrec": {
        **dict.fromkeys(("amazon-android", "amazon-health", "amazon-video-games", "amazon-tools"), _TEN),
        **dict.fromkeys(("amazon-digital-music", "amazon-garden", "amazon-instant-video"), _TEN),
        **dict.fromkeys(("lastfm-hetrec", "movietweetings"), _TEN),
    },
}
# Users, rated items and ratings of the files as GroupLens publishes them. Papers that name no filter use all of it.
PUBLIC: Mapping[str, Mapping[str, int]] = {
    "ml-100k": {"users": 943, "items": 1682, "interactions": 100_000},
    "ml-1m": {"users": 6040, "items": 3706, "interactions": 1_000_209},
    "ml-20m": {"users": 138_493, "items": 26_744, "interactions": 20_000_263},
}


@dataclass(frozen=True)
class Check:
    """One relation between printed numbers of one data set. text: a sentence without its full stop."""

    dataset: str
    holds: bool
    text: str


def checks(paper: Paper, table: Statistics) -> list[Check]:
    """Every relation that the table's numbers allow to be tested, data set by data set."""
    names = dict.fromkeys(name for _, _, cells in table.rows for name in cells)
    found = []
    for name in names:
        cells = {key: by[name] for _, key, by in table.rows if name in by}
        repeats = name in paper.datasets and paper.datasets[name].repeats
        least = MINIMA.get(paper.name, {}).get(name)
        for holds, text in _relations(cells, repeats, least, {} if least else PUBLIC.get(name, {})):
            found.append(Check(name, holds, text))
    return found


def _relations(
    cells: Mapping[str, Cell], repeats: bool, least: tuple[int, int] | None, public: Mapping[str, int]
) -> Iterator[tuple[bool, str]]:
    """(holds, text). repeats: a user may have an item twice, so that pairs may be fewer than interactions."""
    users, items, events = (cells[k].value if k in cells else None for k in ("users", "items", "interactions"))
    mean = cells.get("mean_length")
    if mean and users and events:
        yield _average(mean, events, users)
    if users and items and events:
        pairs = events / (users * items)
        if "sparsity" in cells:
            yield _close("1 - interactions / (users x items)", 1 - pairs, cells["sparsity"])
        if "density" in cells:
            cell = cells["density"]
            holds, text = _close("interactions / (users x items)", pairs, cell)
            # Where a user may have an item twice, there may be fewer pairs than events, not more.
            yield (cell.value - cell.half_unit <= pairs, f"{text} for pairs") if repeats else (holds, text)
    parts = [cell for key, cell in cells.items() if key.startswith("mean_per_action.")]
    if mean and parts:
        total, slack = sum(p.value for p in parts), mean.half_unit + sum(p.half_unit for p in parts)
        yield abs(total - mean.value) <= slack + 1e-9, f"the kinds of action add up to {total:.2f}, {_printed(mean)}"
    for count, number, kind in zip((users, items), least or (), ("users", "items"), strict=False):
        if number > 1 and count and events:
            need = count * number
            text = f"{count:,.0f} {kind} with at least {number} actions each need {need:,.0f}, printed {events:,.0f}"
            yield events >= need, text + (f", {need - events:,.0f} too few" if events < need else "")
    for key, count in public.items():
        if key in cells:
            more = cells[key].value - count
            text = (
                f"{cells[key].value:,.0f} {key}; the public file has {count:,}{' rated ones' if key == 'items' else ''}"
            )
            yield more == 0, text + (f", {abs(more):,.0f} {'fewer' if more > 0 else 'more'}" if more else "")


def _average(mean: Cell, events: float, users: float) -> tuple[bool, str]:
    """Interactions over users, and which small change of the counts would give the printed average."""
    holds, text = _close("interactions / users", events / users, mean)
    if holds:
        return True, text
    others = {
        "one user more": events / (users + 1),
        "one user fewer": events / (users - 1) if users > 1 else float("inf"),
        "one action a user more": events / users + 1,
        "two actions a user more, as if validation and test were left out of the count": events / users + 2,
    }
    fits = [what for what, value in others.items() if abs(value - mean.value) <= mean.half_unit + 1e-9]
    return False, text + (f"; it agrees with {fits[0]}" if fits else "")


def _close(what: str, value: float, cell: Cell) -> tuple[bool, str]:
    """Whether a computed number rounds to the printed one, and both in the printed unit."""
    digits = len(cell.printed.rstrip("%").partition("e")[0].partition(".")[2])
    unit, sign = (100, "%") if cell.percent or cell.hundredths else (1, "")
    shown = f"{value:.{digits + 1}e}" if "e" in cell.printed else f"{unit * value:,.{digits + 1}f}"
    holds = abs(value - cell.value) <= cell.half_unit + 1e-12
    cut = not holds and 0 <= value - cell.value < 2 * cell.half_unit
    return holds, f"{what} = {shown}{sign}, {_printed(cell)}" + (" (cut instead of rounded)" if cut else "")


def _printed(cell: Cell) -> str:
    return f"printed {cell.printed}" + ("%" if cell.hundredths else "")
