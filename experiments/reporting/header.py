"""The head of a report: what was run, on which data and machine, from which commit, and what was cut short."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from experiments.papers.schema import LIMITS, UNTESTED, Claim
from experiments.reporting.collect import Results
from experiments.reporting.document import Block, Bullets, Heading, Paragraph
from experiments.reporting.sources import SAME, STAND_IN, SYNTHETIC
from experiments.reporting.verdicts import Decision
from tf_utils.run_record import RunRecord

_KINDS = {
    SAME: "Real data, the paper's own",
    STAND_IN: "Real data that stands in for the paper's",
    SYNTHETIC: "Synthetic data, made by the generator (it answers orderings only, and weakly)",
}


def header_blocks(results: Results, decided: Sequence[tuple[Claim, Decision]]) -> list[Block]:
    paper = results.paper
    blocks: list[Block] = [
        Heading(1, f"Reproduction report: {paper.title}", "top"),
        Paragraph(paper.citation),
    ]
    if not results.all:
        return [
            *blocks,
            Paragraph(
                f"There are no run records of this paper in the {results.profile} profile. Run `make "
                f"reproduce-{paper.name}` "
                f"(or with PROFILE=paper) and make the report again. Below is what the paper printed.",
                "banner",
            ),
        ]
    if results.profile != "paper":
        blocks.append(
            Paragraph(
                f"{results.profile.capitalize()} profile: small widths, few epochs, one seed. It shows that "
                f"everything runs. "
                "Its numbers are no reproduction and stand beside the published ones for orientation only.",
                "banner",
            )
        )
    if all(results.kind(name) == SYNTHETIC for name in results.datasets):
        blocks.append(Paragraph("All data of this report is synthetic: no real data set was run.", "banner"))
    verdicts = Counter(decision.verdict for _, decision in decided)
    unsure = Counter(decision.verdict for _, decision in decided if decision.noise)
    summary = ", ".join(
        f"{verdict}: {count}" + (f" ({unsure[verdict]} of them within noise)" if unsure[verdict] else "")
        for verdict, count in sorted(verdicts.items(), key=_untested_last)
    )
    return [
        *blocks,
        Heading(2, "What was run", "run"),
        Bullets((f"Claims ({len(decided)}): {summary}.", *_facts(results), *paper.notes)),
    ]


def _untested_last(entry: tuple[str, int]) -> tuple[bool, str]:
    return entry[0] == UNTESTED, entry[0]


def _facts(results: Results) -> list[str]:
    records = results.all
    facts = [f"Profile {results.profile}; {_plural(len(records), 'run')}; seeds {_seeds(records)}."]
    for kind, words in _KINDS.items():
        names = [results.place(name) for name in results.datasets if results.kind(name) == kind]
        if names:
            facts.append(f"{words}: {', '.join(names)}.")
    facts.append(f"Code: {'; '.join(_commits(records))}.")
    facts += [f"Machine: {text}." for text in _distinct(_device(record) for record in records)]
    facts += [f"Software: {text}." for text in _distinct(_versions(record) for record in records)]
    for by, name in LIMITS.items():
        limit = "the time budget" if by == "budget" else "the limit of epochs"
        cut = [record for record in records if results.cut(record) == name]
        if cut:
            names = _distinct(f"{record.model} on {results.place(record.dataset)}" for record in cut)
            facts.append(
                f"{_plural(len(cut), 'run')} ended by {limit}, before early stopping could ([{name}] in a cell): "
                f"{', '.join(names)}."
            )
        else:
            facts.append(f"No run was ended by {limit}.")
    untuned = [record for record in records if record.config.get("trials") == 0]
    if untuned:
        names = _distinct(f"{record.model} on {results.place(record.dataset)}" for record in untuned)
        facts.append(
            f"{_plural(len(untuned), 'run')} of models that were not tuned (`experiments.search`) on their data: "
            f"{', '.join(names)}."
        )
    busy = sum(bool(record.device.get("busy")) for record in records)
    if busy:
        facts.append(
            f"{_plural(busy, 'run')} shared the machine with other work: their seconds are shown, but no claim about "
            "time rests on them."
        )
    return facts


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _seeds(records: Sequence[RunRecord]) -> str:
    return ", ".join(map(str, sorted({record.seed for record in records})))


def _commits(records: Sequence[RunRecord]) -> list[str]:
    counts = Counter((record.commit, record.tree_clean) for record in records)
    return [
        f"commit {commit[:12]}{'' if clean else ' with uncommitted changes'} ({_plural(count, 'run')})"
        for (commit, clean), count in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    ]


def _device(record: RunRecord) -> str:
    device = record.device
    parts = [str(device["cpu"])] if device.get("cpu") else []
    parts += [_plural(device["cores"], "core")] if device.get("cores") else []
    parts += [f"{device['memory_gib']:g} GiB"] if device.get("memory_gib") else []
    parts += [str(name) for name in device.get("accelerators", ())]
    return ", ".join(parts) or "not recorded"


def _versions(record: RunRecord) -> str:
    shown = ("python", "tensorflow", "tf_keras", "tensorflow-recommenders", "numpy")
    parts = [f"{name} {record.versions[name]}" for name in shown if name in record.versions]
    return ", ".join(parts) or "not recorded"


def _distinct(texts) -> list[str]:
    return list(dict.fromkeys(texts))
