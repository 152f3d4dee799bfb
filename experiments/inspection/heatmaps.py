"""Heat maps and the curve over distance as PNG: sized by their labels, no display needed."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize, PowerNorm
from matplotlib.figure import Figure
from scipy.special import softmax

DPI = 110
CELL = 0.23  # inches a row or column with a label: 8 point text does not touch its neighbour
CHARACTER = 0.075  # inches, 8 point
TITLE = 0.092  # inches, a character of 10 point
NEVER = "#e9e9e9"  # cells that hold nothing: later keys, pairs that no user has
STYLE = {
    "font.family": "sans-serif",
    "font.size": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "text.parse_math": False,  # a title may hold dollar signs
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def attention(maps: np.ndarray, labels: Sequence[str], title: str, note: str = "") -> bytes:
    """One user's attention, a panel a head: queries down, keys across, both oldest first.

    maps: [heads, T, T], NaN where nothing can be seen.  labels: T event labels.  Returns a PNG.
    """
    heads, size = maps.shape[:2]
    margin = CHARACTER * max(map(len, labels))
    panel = max(CELL * size, 1.8)
    columns = min(heads, 4)
    rows = -(-heads // columns)
    with matplotlib.rc_context(STYLE):
        figure = _figure(columns * (panel + 0.2) + margin + 1.6, rows * (panel + 0.3) + margin + 1.3)
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        norm = PowerNorm(0.5, vmin=0, vmax=_top(maps))
        for place, axes in enumerate(grid.flat):
            if place >= heads:
                axes.set_axis_off()
                continue
            image = _heat(axes, maps[place], norm)
            axes.set_xticks(range(size), labels, rotation=90)
            axes.set_yticks(range(size), labels)
            axes.label_outer()
            if heads > 1:
                axes.set_title(f"head {place + 1}", fontsize=9)
        figure.supxlabel("keys: the events that are looked at", fontsize=9)
        causal = bool(np.isnan(maps[:, 0, 1:]).all())
        figure.supylabel(f"queries: {'after' if causal else 'at'} this event", fontsize=9)
        _scale(figure, image, grid, "weight (square-root colour scale)")
        return _png(figure, title, note)


def average(maps: np.ndarray, title: str, note: str = "", newest: str = "the newest event") -> bytes:
    """Attention averaged over users, a panel a head; positions count back from -1, which is `newest`.

    maps: [heads, T, T], NaN where no user has both events.  Returns a PNG.
    """
    heads, size = maps.shape[:2]
    columns = min(heads, 4)
    rows = -(-heads // columns)
    with matplotlib.rc_context(STYLE):
        figure = _figure(columns * 4.6 + 1.2, rows * 4.4 + 0.9)
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        norm = PowerNorm(0.5, vmin=0, vmax=_top(maps))
        for place, axes in enumerate(grid.flat):
            if place >= heads:
                axes.set_axis_off()
                continue
            image = _heat(axes, maps[place], norm, (-size - 0.5, -0.5, -0.5, -size - 0.5))
            if heads > 1:
                axes.set_title(f"head {place + 1}", fontsize=9)
        figure.supxlabel(f"key position (-1: {newest})", fontsize=9)
        figure.supylabel("query position", fontsize=9)
        _scale(figure, image, grid, "mean weight (square-root colour scale)")
        return _png(figure, title, note)


def vectors(values: np.ndarray, labels: Sequence[str], title: str, note: str = "") -> bytes:
    """Vectors of a history's events side by side, with a row of their cosines to the newest one.

    values: [T, d].  labels: T event labels.  Returns a PNG.
    """
    size, dim = values.shape
    margin = CHARACTER * max(map(len, labels))
    height = min(max(0.055 * dim, 2.0), 9.0)
    with matplotlib.rc_context(STYLE):
        figure = _figure(max(CELL * size, 2.4) + 2.0, height + margin + 2.6)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[height, 0.9])
        bound = float(np.abs(values).max()) or 1.0
        image = _heat(upper, values.T, Normalize(-bound, bound), colours="RdBu_r")
        upper.set_ylabel("dimension")
        figure.colorbar(image, ax=upper, pad=0.02, fraction=0.05)
        lengths = np.linalg.norm(values, axis=1)
        lower.bar(range(size), values @ values[-1] / np.maximum(lengths * lengths[-1], 1e-12), color="#51127c")
        lower.axhline(0, color="#888888", linewidth=0.6)
        lower.set_ylim(-1.05, 1.05)
        lower.set_ylabel("cosine to\nthe newest")
        lower.set_xticks(range(size), labels, rotation=90)
        return _png(figure, title, note)


def interests(rows: dict[str, np.ndarray], labels: Sequence[str], title: str, note: str = "") -> bytes:
    """A history's distribution over interests before and after their interaction: SAIR's Figures 2 and 3.

    rows: "before", "after": [T, L], scores, of which the softmax over L is drawn; "chosen": int [T, K], marked in the
    second panel.  labels: T event labels.  Returns a PNG.
    """
    shares = {side: softmax(rows[side].astype(float), axis=1) for side in ("before", "after")}
    size, count = shares["after"].shape
    margin, height = CHARACTER * max(map(len, labels)), min(max(0.16 * count, 1.6), 6.0)
    with matplotlib.rc_context(STYLE):
        figure = _figure(max(CELL * size, 3.0) + 2.0, 2 * height + margin + 1.6)
        panels = figure.subplots(2, 1, sharex=True)
        norm = Normalize(0, max(float(x.max()) for x in shares.values()))
        for axes, (side, values) in zip(panels, shares.items(), strict=True):
            image = _heat(axes, values.T, norm, (-0.5, size - 0.5, count + 0.5, 0.5), colours="viridis")
            axes.set_ylabel("interest")
            axes.yaxis.get_major_locator().set_params(integer=True)
            axes.set_title(f"{side} the interaction", fontsize=9)
        chosen = rows["chosen"]
        at = np.repeat(np.arange(size), chosen.shape[1])
        panels[1].scatter(at, chosen.ravel() + 1, s=7, c="white", edgecolors="black", linewidths=0.4)
        panels[1].set_xticks(range(size), labels, rotation=90)
        figure.colorbar(image, ax=panels, pad=0.02, fraction=0.05).set_label("softmax over the interests", fontsize=8)
        return _png(figure, title, note)


def cells(
    values: np.ndarray, rows: Sequence[str], columns: Sequence[str], scale: str, title: str, note: str = ""
) -> bytes:
    """Values from 0 to 1 in named rows and columns: [R, C], NaN where there is none.  scale: what they are.  A PNG."""
    across, down = (CHARACTER * max(map(len, labels)) for labels in (rows, columns))
    with matplotlib.rc_context(STYLE):
        width = max(CELL * len(columns) + across + 1.8, TITLE * max(len(title), len(note)))
        figure = _figure(width, CELL * len(rows) + down + 1.2)
        axes = figure.subplots()
        image = _heat(axes, values, Normalize(0, 1), colours="viridis")
        axes.set_xticks(range(len(columns)), columns, rotation=90)
        axes.set_yticks(range(len(rows)), rows)
        figure.colorbar(image, ax=axes, pad=0.02, fraction=0.05).set_label(scale, fontsize=8)
        return _png(figure, title, note)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], title: str, note: str = "") -> bytes:
    """A table of text on its side: each of `rows` is a column, `header` names what stands in a line.  Returns a PNG."""
    columns = [header, *rows]
    widths = [CHARACTER * (max(map(len, column)) + 2) for column in columns]
    with matplotlib.rc_context(STYLE):
        width = max(sum(widths) + 0.2, TITLE * max(len(title), len(note)))
        figure = _figure(width, CELL * len(header) + 0.9)
        axes = figure.subplots()
        axes.set_axis_off()
        lines = list(zip(*columns, strict=True))
        shares = [width / sum(widths) for width in widths]
        drawn = axes.table(cellText=lines, colWidths=shares, cellLoc="left", bbox=(0, 0, 1, 1), edges="horizontal")
        drawn.auto_set_font_size(False)
        drawn.set_fontsize(8)
        for cell in drawn.get_celld().values():
            cell.set_edgecolor(NEVER)
        return _png(figure, title, note)


def by_distance(curves: dict[str, np.ndarray], even: np.ndarray, title: str, note: str = "") -> bytes:
    """Mean weight against how many events older than the query the key is.

    curves: name -> [T], from distance 0 on.  even: [T], the same for evenly spread attention.  Returns a PNG.
    """
    with matplotlib.rc_context(STYLE):
        figure = _figure(7.2, 4.2)
        axes = figure.subplots()
        for (name, curve), colour in zip(
            curves.items(), matplotlib.colormaps["viridis"](np.linspace(0.05, 0.8, len(curves))), strict=True
        ):
            axes.plot(curve, label=name, color=colour, marker="o", markersize=3, linewidth=1.5)
        axes.plot(even, label="spread evenly", color="#888888", linestyle="--", linewidth=1.2)
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=-0.5)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel("by how many events the key is older than the query (0: its own)")
        axes.set_ylabel("mean weight")
        axes.grid(axis="y", alpha=0.25, linewidth=0.6)
        axes.legend(frameon=False)
        return _png(figure, title, note)


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(max(width, 5.0), max(height, 3.0)), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _top(maps: np.ndarray) -> float:
    return float(np.nanmax(maps, initial=0.0)) or 1.0


def _heat(axes, values: np.ndarray, norm, extent=None, colours: str = "magma"):
    palette = matplotlib.colormaps[colours].with_extremes(bad=NEVER)
    aspect = "equal" if colours == "magma" else "auto"
    drawn = np.ma.masked_invalid(values)
    return axes.imshow(drawn, cmap=palette, norm=norm, aspect=aspect, interpolation="nearest", extent=extent)


def _scale(figure: Figure, image, grid: np.ndarray, label: str) -> None:
    bar = figure.colorbar(image, ax=grid, shrink=0.6, pad=0.02)
    bar.set_label(label, fontsize=8)


def _png(figure: Figure, title: str, note: str) -> bytes:
    width = int(figure.get_figwidth() / TITLE)
    figure.suptitle("\n".join(textwrap.fill(text, width) for text in (title, note) if text), fontsize=10)
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
