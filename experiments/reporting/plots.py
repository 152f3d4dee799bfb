"""Line charts and heat maps as inline SVG: deterministic bytes, nothing external, text in the page's own colour."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator, ScalarFormatter

_INK = "#010203"  # replaced by currentColor, so that a chart follows the page's light or dark scheme
_COLOURS = ("#d1603d", "#3f88c5", "#4f9d69", "#9d6fb5", "#c29a2f", "#5bb5b0", "#c7648f", "#8a7560", "#7f8791")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
_DARK = "#020304"  # ink on a light cell, whatever the page's scheme


@dataclass(frozen=True)
class Series:
    """One curve; `name` is drawn in the legend unless it starts with an underscore (a further seed)."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: int = 0


def line_chart(series: Sequence[Series], x_label: str, y_label: str, title: str, log_x: bool = False, ticks=()) -> str:
    """An `<svg>` element. ticks: places of the x ticks, where the swept values are few."""
    with matplotlib.rc_context(_style(f"{title}|{x_label}")):
        names = {each.name for each in series if not each.name.startswith("_")}
        many = len(names) > 5
        figure = Figure(figsize=(6.6, 3.6) if many else (5.2, 3.3), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        for each in series:
            colour = _COLOURS[each.colour % len(_COLOURS)]
            marker = _MARKERS[each.colour % len(_MARKERS)]
            further = each.name.startswith("_")
            axes.plot(
                each.x,
                each.y,
                color=colour,
                marker=marker,
                markersize=4,
                linewidth=1.6,
                alpha=0.35 if further else 1.0,
                label=each.name,
            )
        axes.set_title(title, fontsize=11, loc="left")
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        if log_x:
            axes.set_xscale("log")
        if ticks:
            axes.xaxis.set_major_locator(FixedLocator(sorted(ticks)))
            axes.xaxis.set_major_formatter(ScalarFormatter())
            axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_locator(MaxNLocator(6))
        axes.grid(axis="y", color=_INK, alpha=0.15, linewidth=0.6)
        if many:  # beside the lines, not on them
            axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        elif len(names) > 1:
            axes.legend(frameon=False, fontsize=9)
        return _svg(figure, title)


def scatter_chart(
    panels: Sequence[tuple[str, np.ndarray]], labels: np.ndarray, names: Sequence[str], title: str
) -> str:
    """An `<svg>` element of two-dimensional points in panels side by side, with one scale for all.

    panels: (name, float [m, 2]).  labels: int [m], a point's colour, into `names`.  The points are one picture inside.
    """
    with matplotlib.rc_context(_style(f"{title}|scatter")):
        figure = Figure(figsize=(0.6 + 3.2 * len(panels), 3.5), layout="constrained", dpi=110)
        FigureCanvasSVG(figure)
        row = figure.subplots(1, len(panels), squeeze=False, sharex=True, sharey=True)[0]
        for axes, (name, points) in zip(row, panels, strict=True):
            for number, label in enumerate(names):
                own, colour = points[labels == number], _COLOURS[number % len(_COLOURS)]
                axes.scatter(own[:, 0], own[:, 1], s=4, c=colour, linewidths=0, rasterized=True)
                axes.scatter([], [], s=14, c=colour, label=label)  # for the legend
            axes.set_title(name, fontsize=10, loc="left")
            axes.set_xticks([])
            axes.set_yticks([])
        figure.suptitle(title, fontsize=10)
        row[-1].legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return _svg(figure, title)


def heat_map(weights: np.ndarray, x_label: str, y_label: str, title: str, place: str = "", numbers: bool = True) -> str:
    """An `<svg>` element of a small square map, float [n, n], NaN where there is nothing; row 0 is on top.

    place: a second line of the title.  numbers: each cell has its number; else the map is small.
    """
    n = len(weights)
    with matplotlib.rc_context(_style(f"{title}|{place}|{x_label}")):
        cell = (0.62, 0.5) if numbers else (0.17, 0.17)
        figure = Figure(figsize=(1.4 + cell[0] * n, 1.0 + cell[1] * n), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        top = float(np.nanmax(weights, initial=0.0)) or 1.0
        drawn = np.ma.masked_invalid(weights)
        picture = {"rasterized": not numbers}  # inside the drawing: many cells are large as vectors
        axes.pcolormesh(drawn, cmap="viridis", vmin=0, vmax=top, edgecolors="face", linewidth=0.3, **picture)
        for (row, column), weight in np.ndenumerate(weights if numbers else np.zeros((0, 0))):
            light = weight > 0.6 * top
            shown = f"{weight:.2f}".removeprefix("0")
            axes.text(
                *(column + 0.5, row + 0.5, shown),
                ha="center",
                va="center",
                fontsize=8,
                color=_DARK if light else "#ffffff",
            )
        shown = np.arange(n) if numbers else np.arange(4, n, 5)
        for ticks in (axes.set_xticks, axes.set_yticks):
            ticks(shown + 0.5, [str(step + 1) for step in shown])
        axes.tick_params(length=0)
        axes.invert_yaxis()
        axes.set_aspect("equal")
        axes.set_title(f"{title}\n{place}" if place else title, fontsize=9, loc="left")
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        return _svg(figure, f"{title}, {place}" if place else title)


def distribution_maps(panels: dict[str, np.ndarray], marked: np.ndarray, title: str, place: str = "") -> str:
    """An `<svg>` element: distributions over interests along one history, a panel below the other, one colour scale.

    panels: panel's title -> shares, float [T, L], a row an event, oldest first.  marked: int [T, K], interests from 0,
    with a dot in the last panel.  place: a second line of the title.
    """
    events, interests = next(iter(panels.values())).shape
    top = max(float(shares.max()) for shares in panels.values())
    height = 0.8 + len(panels) * (0.6 + min(max(0.11 * interests, 0.9), 3.0))
    with matplotlib.rc_context(_style(f"{title}|{place}|interests") | {"image.composite_image": False}):
        figure = Figure(figsize=(6.4, height), layout="constrained")
        FigureCanvasSVG(figure)
        grid = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        extent = (0.5, events + 0.5, interests + 0.5, 0.5)
        for axes, (name, shares) in zip(grid, panels.items(), strict=True):
            image = axes.imshow(
                shares.T, cmap="viridis", vmin=0, vmax=top, aspect="auto", interpolation="none", extent=extent
            )
            axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
            axes.set_title(name, fontsize=9, loc="left")
            axes.set_ylabel("interest")
        at = np.repeat(np.arange(1, events + 1), marked.shape[1])
        grid[-1].plot(at, marked.ravel() + 1, "o", markersize=2.4, color="#ffffff", markeredgecolor=_DARK, mew=0.4)
        grid[-1].set_xlim(*extent[:2])
        grid[-1].xaxis.set_major_locator(MaxNLocator(8, integer=True))
        grid[-1].set_xlabel("event of the history that is read (oldest first)")
        figure.suptitle(f"{title}\n{place}" if place else title, fontsize=10, x=0.01, ha="left")
        figure.colorbar(image, ax=grid, pad=0.02, fraction=0.04)
        return _svg(figure, f"{title}, {place}" if place else title)


def _style(salt: str) -> dict:
    return {
        "svg.fonttype": "none",
        "svg.hashsalt": salt,
        "font.family": "sans-serif",
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK),
    }


def _svg(figure: Figure, title: str) -> str:
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", transparent=True, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return _inline(drawn.getvalue(), title)


def _inline(svg: str, title: str) -> str:
    """The bare element: no prologue, no fixed size, no namespaces (HTML needs none), the page's colour for ink."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    head, _, body = svg.partition(">")
    head = re.sub(r'\s(xmlns(:\w+)?|width|height|version)="[^"]*"', "", head)
    # Groups are named the same in every chart; only what is referred to keeps its (salted, distinct) id.
    referred = set(re.findall(r'(?:xlink:href="#|url\(#)([^")]+)', body))
    body = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in referred else "", body)
    label = title.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return f'{head} role="img" aria-label="{label}">{body}'.replace(_INK, "currentColor").strip()
