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


def heat_map(weights: np.ndarray, x_label: str, y_label: str, title: str, place: str = "") -> str:
    """An `<svg>` element of a small square map, float [n, n], each cell with its number; row 0 is on top.

    place: a second line of the title.
    """
    n = len(weights)
    with matplotlib.rc_context(_style(f"{title}|{place}|{x_label}")):
        figure = Figure(figsize=(1.4 + 0.62 * n, 1.0 + 0.5 * n), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        top = float(weights.max()) or 1.0
        axes.pcolormesh(weights, cmap="viridis", vmin=0, vmax=top, edgecolors="face", linewidth=0.3)
        for (row, column), weight in np.ndenumerate(weights):
            light = weight > 0.6 * top
            shown = f"{weight:.2f}".removeprefix("0")
            axes.text(
                *(column + 0.5, row + 0.5, shown),
                ha="center",
                va="center",
                fontsize=8,
                color=_DARK if light else "#ffffff",
            )
        places = np.arange(n) + 0.5
        axes.set_xticks(places, [str(place + 1) for place in range(n)])
        axes.set_yticks(places, [str(place + 1) for place in range(n)])
        axes.tick_params(length=0)
        axes.invert_yaxis()
        axes.set_aspect("equal")
        axes.set_title(f"{title}\n{place}" if place else title, fontsize=9, loc="left")
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
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
