"""CAFE's Tables 1 to 3 as printed (SIGIR 2022)."""

from __future__ import annotations

from experiments.papers.cafe_data import AMAZON, TMALL
from experiments.papers.schema import Cell, Key, sweep_of

METRICS = ("NDCG@5", "HR@5", "MRR")

POP, SASREC, BERT4REC, SSE_PT, LOCKER, NOVA, FDSA, BERT_F, LOCKER_F, CAFE = (
    Key("pop"),
    Key("sasrec"),
    Key("bert4rec"),
    Key("sse_pt", "cafe_authors"),
    Key("locker"),
    Key("nova", "cafe_authors"),
    Key("fdsa", "cafe_authors"),
    Key("bert_f"),
    Key("locker_f"),
    Key("cafe"),
)
PLUS_12, PLUS_123, PLUS_124, NO_INTENT_LOSS = (
    Key("cafe", variant) for variant in ("plus_12", "plus_123", "plus_124", "no_intent_loss")
)
OFFICIAL, INTENT_POP = Key("cafe", "official"), Key("intent_pop")
AUTHORS_SASREC = Key("sasrec", "cafe_authors")  # what NOVA and FDSA extend, in the same code
LABELS = {
    POP: "PopRec",
    SASREC: "SASRec",
    BERT4REC: "BERT4Rec",
    SSE_PT: "SSE-PT",
    LOCKER: "LOCKER",
    NOVA: "NOVA",
    FDSA: "FDSA",
    BERT_F: "BERT-F",
    LOCKER_F: "LOCKER-F",
    CAFE: "CAFE",
}
STEPS = {
    SASREC: "Backbone (SASRec)",
    FDSA: "+(1) (FDSA)",
    PLUS_12: "+(1)(2)",
    PLUS_123: "+(1)(2)(3)",
    PLUS_124: "+(1)(2)(4)",
    CAFE: "+(1)(2)(3)(4) (CAFE)",
}

# data set: #Interaction, #Item, #Intent, #Sequence, Ave. Length, Density
_TABLE_1 = {
    AMAZON: "5,370,171 1,910,226 1,392 131,248 40.9 2e-5",
    TMALL: "14,460,516 1,788,758 9,999 131,086 110.3 6e-5",
}
# In the order of LABELS.
_TABLE_2 = {
    AMAZON: {
        "NDCG@5": "0.0286 0.1418 0.1830 0.2108 0.2170 0.0281 0.0670 0.2199 0.2436 0.3733",
        "HR@5": "0.0487 0.1844 0.2240 0.2501 0.2597 0.0475 0.1089 0.2676 0.2947 0.4813",
        "MRR": "0.0485 0.1522 0.1956 0.2239 0.2297 0.0477 0.0857 0.2329 0.2529 0.3656",
    },
    TMALL: {
        "NDCG@5": "0.0360 0.0741 0.2753 0.2106 0.2961 0.0501 0.1083 0.2998 0.3182 0.4290",
        "HR@5": "0.0596 0.1205 0.3673 0.2977 0.3872 0.0812 0.1685 0.3917 0.4098 0.5152",
        "MRR": "0.0577 0.0948 0.2782 0.2173 0.2979 0.0716 0.1265 0.3014 0.3189 0.4268",
    },
}
# In the order of STEPS.
_TABLE_3 = {
    "NDCG@5": "0.0741 0.1083 0.3045 0.3159 0.4254 0.4290",
    "HR@5": "0.1205 0.1685 0.3938 0.4066 0.5117 0.5152",
    "MRR": "0.0948 0.1265 0.3069 0.3172 0.4239 0.4268",
}
# Table 2's last column: CAFE over LOCKER-F.
IMPROVEMENT = {
    AMAZON: {"NDCG@5": "+53.24%", "HR@5": "+63.32%", "MRR": "+44.56%"},
    TMALL: {"NDCG@5": "+34.82%", "HR@5": "+25.72%", "MRR": "+33.84%"},
}


FUSED_ALONE = CAFE._replace(sweep=sweep_of(intent_weight=0.0, item_heads="all_global", joint="item"))


def _columns(keys, lines: dict[str, str]) -> dict[Key, dict[str, Cell]]:
    """{model: {metric: Cell}} of lines with a number a model."""
    cells = {metric: [Cell(number) for number in line.split()] for metric, line in lines.items()}
    rows = zip(*cells.values(), strict=True)
    return {key: dict(zip(cells, row, strict=True)) for key, row in zip(keys, rows, strict=True)}


_BY_DATA = {name: _columns(LABELS, lines) for name, lines in _TABLE_2.items()}
TABLE_1 = tuple(
    (label, key, {name: Cell(line.split()[column]) for name, line in _TABLE_1.items()})
    for column, (label, key) in enumerate(
        (
            ("# interactions", "interactions"),
            ("# items", "items"),
            ("# intents", "categories"),
            ("# sequences", "users"),
            ("average length", "mean_length"),
            ("density", "density"),
        )
    )
)
TABLE_2 = {key: {name: cells[key] for name, cells in _BY_DATA.items()} for key in LABELS}
TABLE_3 = {key: {TMALL: cells} for key, cells in _columns(STEPS, _TABLE_3).items()}
