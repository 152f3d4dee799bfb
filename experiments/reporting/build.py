"""The whole report, in reading order."""

from __future__ import annotations

from experiments.reporting.claims import claim_blocks, decisions
from experiments.reporting.collect import Results
from experiments.reporting.data_tables import overview, settings, statistics_blocks
from experiments.reporting.document import Block, Document
from experiments.reporting.figures import figure_blocks
from experiments.reporting.header import header_blocks
from experiments.reporting.protocols import protocol_blocks
from experiments.reporting.tables import table_blocks


def build(results: Results) -> Document:
    """The report as blocks: a pure function of the records."""
    decided = decisions(results)
    blocks: list[Block] = [
        *header_blocks(results, decided),
        *claim_blocks(results, decided),
        *overview(results),
        *settings(results),
    ]
    for table in results.paper.statistics:
        blocks += statistics_blocks(table, results)
    for table in results.paper.tables:
        blocks += table_blocks(table, results)
    for figure in results.paper.figures:
        blocks += figure_blocks(figure, results)
    return tuple(blocks + protocol_blocks(results))
