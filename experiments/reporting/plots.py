"""Small line charts as inline SVG: deterministic bytes, nothing external, text and axes in the page's own colour."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator, ScalarFormatter

_INK = "#010203"  # replaced by currentColor, so that a chart follows the page's light or dark scheme
_COLOURS = ("#d1603d", "#3f88c5", "#4f9d69", "#9d6fb5", "#c29a2f")
_MARKERS = ("o", "s", "^", "D", "v")


@dataclass(frozen=True)
class Series:
    """One curve; `name` is drawn in the legend unless it starts with an underscore (a further seed)."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: int = 0


def line_chart(series: Sequence[Series], x_label: str, y_label: str, title: str, log_x: bool = False, ticks=()) -> str:
    """An `<svg>` element. ticks: places of the x ticks, where the swept values are few."""
    style = {
        "svg.fonttype": "none",
        "svg.hashsalt": f"{title}|{x_label}",
        "font.family": "sans-serif",
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK),
    }
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(5.2, 3.3), layout="constrained")
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
        if len({each.name for each in series if not each.name.startswith("_")}) > 1:
            axes.legend(frameon=False, fontsize=9)
        drawn = io.StringIO()
        figure.savefig(
            drawn, format="svg", transparent=True, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type"))
        )
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
