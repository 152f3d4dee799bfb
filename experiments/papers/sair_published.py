"""SAIR's Tables I and II as printed. Inconsistencies are kept and told in the notes."""

from __future__ import annotations

from experiments.papers.sair_data import ANIME, MOVIELENS, MOVIELENS_20M
from experiments.papers.schema import Cell, Key

METRICS = ("NDCG@20", "NDCG@10", "NDCG@5", "HR@20", "HR@10", "HR@5")
NDCG = ("NDCG@5", "NDCG@10", "NDCG@20")

BERT4REC, SASREC, CASER, LIGHTSANS, SAIR = (Key(m) for m in ("bert4rec", "sasrec", "caser", "lightsans", "sair"))
RECBOLE_LIGHTSANS = Key("lightsans", "official")
RECBOLE_SASREC, RECBOLE, LABEL, FULL = (
    Key("sasrec", "recbole"),
    *(Key("sair", variant) for variant in ("recbole", "label", "full")),
)
LABELS = {BERT4REC: "BERT4Rec", SASREC: "SASRec", CASER: "Caser", LIGHTSANS: "LightSANs", SAIR: "SAIR"}

# A line a metric; columns as in `LABELS`, then the printed improvement of SAIR over the best of the others.
_TABLE_2 = {
    MOVIELENS: """
        0.5996 0.6112 0.5879 0.6145 0.6213 1.1%
        0.5779 0.5968 0.5754 0.5945 0.6088 2%
        0.5466 0.5582 0.541  0.5621 0.5732 1.9%
        0.8664 0.9035 0.8724 0.8828 0.9107 0.8%
        0.7811 0.827  0.7906 0.8046 0.8334 0.8%
        0.6843 0.7461 0.6889 0.7045 0.754  1%""",
    MOVIELENS_20M: """
        0.7539 0.7567 0.7442 0.7893 0.8176 3.6%
        0.7433 0.7496 0.7378 0.782  0.8126 3.9%
        0.723  0.7298 0.7059 0.7618 0.798  4.7%
        0.9485 0.9622 0.943  0.9889 0.9908 0.1%
        0.9058 0.9349 0.9254 0.9641 0.9713 0.7%
        0.8445 0.8746 0.8816 0.9091 0.9269 1.9%""",
    ANIME: """
        0.5799 0.7803 0.7537 0.8348 0.8532 2.2%
        0.5611 0.7753 0.7363 0.8305 0.8501 2.4%
        0.5172 0.7601 0.7294 0.8196 0.8413 2.6%
        0.9229 0.9695 0.9535 0.9647 0.9854 1.6%
        0.8494 0.95   0.9417 0.9481 0.9734 2.4%
        0.7152 0.9043 0.8839 0.9146 0.9466 3.5%""",
}
_LINES = {
    name: {metric: line.split() for metric, line in zip(METRICS, text.strip().splitlines(), strict=True)}
    for name, text in _TABLE_2.items()
}
TABLE_2 = {
    key: {name: {metric: Cell(line[column]) for metric, line in lines.items()} for name, lines in _LINES.items()}
    for column, key in enumerate(LABELS)
}
IMPROVEMENT = {name: {metric: line[-1] for metric, line in lines.items()} for name, lines in _LINES.items()}

# users, items, actions, categories, average length, sparsity in per cent
_TABLE_1 = {
    MOVIELENS: "6041 3883 1000038 18 163.4 95.58",
    MOVIELENS_20M: "138494 26745 20000263 21 144.41 99.46",
    ANIME: "73515 11200 7813737 82 96.51 99.05",
}
_PADDING = "the true count and one, RecBole's padding id"
_NOTES = {
    (MOVIELENS, "users"): _PADDING,
    (MOVIELENS_20M, "users"): _PADDING,
    (MOVIELENS_20M, "items"): _PADDING,
    (MOVIELENS, "items"): "the rows of movies.dat; 3,706 of its films are rated",
    (MOVIELENS, "interactions"): "the file has 1,000,209",
    (MOVIELENS, "mean_length"): "the printed actions over users are 165.5",
    (ANIME, "interactions"): "the rows of the file with those of rating -1, which the text says are left out",
    (ANIME, "mean_length"): "the printed actions over users are 106.3",
    (MOVIELENS, "sparsity"): "of 6,040 users it fits neither 3,706 items (95.53) nor 3,883 (95.74)",
    (ANIME, "categories"): "the sample's film list has 43 genres, 39 of which are some item's first",
}
TABLE_1 = tuple(
    (
        label,
        key,
        {
            name: Cell(line.split()[column], _NOTES.get((name, key), ""), hundredths=key == "sparsity")
            for name, line in _TABLE_1.items()
        },
    )
    for column, (label, key) in enumerate(
        (
            ("#User", "users"),
            ("#Items", "items"),
            ("#Actions", "interactions"),
            ("#Category", "categories"),
            ("#Avg.Length", "mean_length"),
            ("#Sparsity", "sparsity"),
        )
    )
)
TABLE_1_NOTES = (
    "The printed statistics come from several stages (ledger 0.2): counts with and without a padding id, a catalogue "
    "with films that nobody rated, averages that are not actions over users.",
    "Categories: ours counts the first genre of each item that occurs; SAIR reads all genres of an item.",
)
