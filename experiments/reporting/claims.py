"""The claims of the paper's text, each with a verdict, the test and what every data set says."""

from __future__ import annotations

from experiments.papers.schema import FAILS, HOLDS, UNTESTED, Claim, Finding
from experiments.reporting.collect import Results
from experiments.reporting.document import Block, Fold, Grid, Paragraph, Text
from experiments.reporting.headings import profile_mark, title
from experiments.reporting.sources import PRINTED, SYNTHETIC
from experiments.reporting.verdicts import Decision, decide

TONES = {HOLDS: "good", FAILS: "bad", UNTESTED: "muted"}


def decisions(results: Results) -> list[tuple[Claim, Decision]]:
    return [(claim, decide(claim, results)) for claim in results.paper.claims]


def claim_blocks(results: Results, decided: list[tuple[Claim, Decision]]) -> list[Block]:
    """One line a claim; below, folded, how it was decided and the findings."""
    rows = tuple(
        (
            Text(claim.id),
            Text(f'"{claim.quote}" ({claim.section})'),
            Text(decision.words, "warn" if decision.noise else TONES[decision.verdict]),
            Text(decision.summary),
        )
        for claim, decision in decided
    )
    blocks: list[Block] = [
        title(2, "Claims of the text", "claims", results),
        Paragraph(
            "A claim holds if it holds on every real data set on which it was tested; synthetic data decides only "
            "where there "
            "is no real one. Stand-ins can support or contradict an ordering, they cannot confirm a published "
            "number. Verdicts "
            "go by means over seeds; within noise: the difference that decides is not significant (p >= 0.05, "
            "unadjusted; tests over users, and over seeds where there are several: of single runs p says nothing about "
            "other seeds). On unfinished runs: some of the runs compared were ended by their limit of time or epochs "
            "before early stopping could end them, so a slower learner may be the loser of the clock alone. "
            "The paper's own printed table is tested too, and decides nothing."
        ),
        Grid(("claim", "quote", "verdict", "rests on"), rows, f"Claims{profile_mark(results)}", numbers_from=9),
    ]
    return blocks + [_details(claim, decision, results) for claim, decision in decided]


def _details(claim: Claim, decision: Decision, results: Results) -> Fold:
    inner: list = [Paragraph(f"Test: {claim.criterion}")]
    if claim.note:
        inner.append(Paragraph(claim.note, "note"))
    if decision.findings:
        rows = tuple(_finding(finding) for finding in decision.findings)
        header = ("data", "kind", "verdict", "evidence")
        inner.append(Grid(header, rows, f"Findings on {claim.id}{profile_mark(results)}", numbers_from=9))
    return Fold(f"{claim.id}: {decision.words}", tuple(inner))


def _finding(finding: Finding) -> tuple[Text, ...]:
    verdict = finding.verdict + (", within noise" if finding.noise else "")
    verdict += ", on unfinished runs" if finding.unfinished else ""
    kind = {PRINTED: "printed table", SYNTHETIC: "SYNTHETIC"}.get(finding.kind, finding.kind)
    return Text(finding.where), Text(kind), Text(verdict, TONES[finding.verdict]), Text(finding.evidence)
