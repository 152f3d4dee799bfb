"""Titles that carry what a reader must not miss: the profile, and where the data comes from."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.reporting.collect import Results
from experiments.reporting.document import Block, Fold, Heading
from experiments.reporting.sources import SAME, STAND_IN, SYNTHETIC

IN_WORDS = {
    SAME: "real data, the paper's own",
    STAND_IN: "real data, a stand-in",
    SYNTHETIC: "SYNTHETIC, made by the generator",
}


def profile_mark(results: Results) -> str:
    return "" if results.profile == "paper" else f" [{results.profile} profile]"


def title(level: int, text: str, anchor: str, results: Results) -> Heading:
    return Heading(level, text + profile_mark(results), anchor)


def caption(text: str, results: Results, dataset: str) -> str:
    """A table's title: its own, the data set, the kind of data and the profile."""
    data = results.paper.datasets.get(dataset)
    label = data.label if data else dataset
    kind = results.kind(dataset)
    words = IN_WORDS[kind] + (f": {data.differs}" if data and data.differs and kind == STAND_IN else "")
    return f"{text}: {label} ({words}){profile_mark(results)}"


def reason(results: Results, dataset: str) -> str:
    """Why a data set's cells are empty."""
    data = results.paper.datasets.get(dataset)
    if dataset in results.datasets and not (data and data.published and results.kind(dataset) != SAME):
        return not_run(results)
    return "no record" + (f"; {data.needs}" if data and data.needs else f" of {dataset}")


def folded(parts: Sequence[tuple[str, list[Block]]], results: Results, most: int = 3) -> list[Block]:
    """The blocks of data sets that were not run: under one fold if there are more than `most` of them."""
    blocks = [block for _, inner in parts for block in inner]
    if len(parts) <= most:
        return blocks
    labels = ", ".join(results.paper.datasets[name].label for name, _ in parts)
    return [Fold(f"As published, not run here: {labels}", tuple(blocks))]


def not_run(results: Results) -> str:
    return f"not run in the {results.profile} profile"
