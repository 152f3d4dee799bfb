"""Every model under every protocol: full ranking beside the sampled ones, and what chance gives on the same lists."""

from __future__ import annotations

from experiments.papers.schema import Key
from experiments.reporting.collect import Results
from experiments.reporting.document import Block, Grid, Paragraph, Text
from experiments.reporting.headings import caption, title
from experiments.reporting.numbers import MISSING, estimate_text

FIRST = ("full", "uniform100", "popularity100")
METRICS = ("HR@10", "NDCG@10", "MRR")
CEILINGS = {
    "ceiling": "a scorer that knows the true process",
    "ceiling_blind": "the same, not seeing the actions",
}


def protocol_blocks(results: Results) -> list[Block]:
    """One grid a data set: a row a model, and three metrics for each protocol that its records have."""
    if not results.datasets:
        return []
    blocks: list[Block] = [
        title(2, "Every model under every protocol", "protocols", results),
        Paragraph(
            "full: all items but the history, the target always stays. uniform100 and popularity100: 100 negatives "
            "outside "
            "everything the user did, without replacement, the same for all models. Sampled numbers are not those of "
            "a full "
            "ranking and can order models differently (Krichene and Rendle, KDD 2020). Chance: the same score for "
            "every "
            "candidate."
        ),
    ]
    for name in results.datasets:
        present = {protocol for record in results.of_dataset(name) for protocol in record.metrics}
        order = [*(p for p in FIRST if p in present), *sorted(present - set(FIRST))]
        keys = [key for key in results.keys(name) if not key.sweep]
        rows = [_row(results, name, key, order) for key in _in_table_order(results, keys)]
        chance = results.chance(name, order, METRICS)
        if chance:
            cells = (Text(f"{chance[p][m]:.4f}", "muted") if p in chance else MISSING for p in order for m in METRICS)
            rows.append((Text("chance", "muted"), *cells))
        rows += ceiling_rows(results, name, [(p, m) for p in order for m in METRICS])
        if rows:
            groups = (("", 1), *((protocol, len(METRICS)) for protocol in order))
            text = caption("Every protocol", results, name)
            blocks.append(Grid(("", *METRICS * len(order)), tuple(rows), text, groups))
    return blocks


def ceiling_rows(results: Results, dataset: str, columns: list[tuple[str, str]]) -> list[tuple[Text, ...]]:
    """Of generated data, what a scorer that knows the process reaches under each (protocol, metric)."""
    rows = []
    for name, label in CEILINGS.items():
        found = [results.ceiling(dataset, protocol, metric, name) for protocol, metric in columns]
        if any(value is not None for value in found):
            cells = (MISSING if value is None else Text(f"{value:.4f}", "muted") for value in found)
            rows.append((Text(label, "muted"), *cells))
    return rows


def _in_table_order(results: Results, keys: list[Key]) -> list[Key]:
    order = [row.key for table in results.paper.tables for row in table.rows]
    return sorted(keys, key=lambda key: (order.index(key) if key in order else len(order), key))


def _row(results: Results, dataset: str, key: Key, protocols: list[str]) -> tuple[Text, ...]:
    cells = (estimate_text(results.estimate(dataset, key, p, m)) for p in protocols for m in METRICS)
    return Text(results.label(key, results.paper.tables[0].id)), *cells
