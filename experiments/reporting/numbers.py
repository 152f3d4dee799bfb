"""How numbers are written in a report."""

from __future__ import annotations

from experiments.papers.schema import Cell
from experiments.reporting.document import Text
from experiments.reporting.estimates import Estimate

MISSING = Text("-", "muted")


def estimate_text(estimate: Estimate | None, digits: int = 4, percent: bool = False) -> Text:
    """`0.5133 ± 0.0021 (3)`: mean, sample standard deviation, number of seeds; runs that ended by a limit are named.

    percent: as `51.33 ± 0.21 (3)`, two digits fewer.
    """
    if estimate is None:
        return MISSING
    digits, scale = (max(digits - 2, 0), 100) if percent else (digits, 1)
    spread = "" if estimate.sd is None else f" ± {scale * estimate.sd:.{digits}f}"
    text = f"{scale * estimate.mean:.{digits}f}{spread} ({estimate.n})"
    cut = [name if count == estimate.n else f"{name} in {count}" for name, count in estimate.cut.items() if count]
    return Text(f"{text} [{', '.join(cut)}]", "warn") if cut else Text(text)


def printed_text(cell: Cell | None) -> Text:
    if cell is None:
        return MISSING
    return Text(cell.printed + (" *" if cell.note else ""))


def like_printed(value: float, cell: Cell) -> str:
    """Ours in the form of the printed number: a percentage beside a percentage, its sign left out where that is."""
    if cell.hundredths:
        return f"{100 * value:.2f}"
    return f"{100 * value:.3g}%" if cell.percent else quantity(value)


def quantity(value: float | None) -> str:
    """A count without, a ratio with decimals."""
    if value is None:
        return "-"
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.2f}" if abs(value) >= 0.1 else f"{value:.4g}"


def p_value(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}%"
