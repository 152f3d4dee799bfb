"""AttRec's Tables 1 to 5 as printed (arXiv 1808.06414). Inconsistencies are kept and told in the notes."""

from __future__ import annotations

from experiments.papers.schema import Cell

METRICS = ("HR@50", "MRR")
LABELS = {
    "bpr_mf": "BPRMF",
    "fmc": "MC",
    "fpmc": "FPMC",
    "hrm": "HRM",
    "prme": "PRME",
    "transrec": "TransRec",
    "caser": "Caser",
    "lstm_plus": "LSTM+",
    "attrec": "AttRec",
}

# users, items, interactions, density, actions a user
_TABLE_1 = {
    "ml-100k": "943 1,682 100,000 6.30% 106.04",
    "ml-hetrec": "2,113 10,109 855,598 4.01% 404.92",
    "ml-1m": "6,040 3,706 1,000,209 4.46% 165.57",
    "amazon-android": "21,309 19,256 358,877 0.087% 16.84",
    "amazon-health": "11,588 31,709 211,284 0.058% 18.23",
    "amazon-video-games": "7,220 16,334 140,307 0.119% 19.43",
    "amazon-tools": "5,855 23,620 96,467 0.070% 16.48",
    "amazon-digital-music": "2,893 13,183 64,320 0.169% 22.23",
    "amazon-garden": "1,036 4,900 15,576 0.307% 15.03",
    "amazon-instant-video": "1,000 3,296 15,849 0.481% 15.85",
    "lastfm-hetrec": "951 12,113 83,382 0.724% 87.68",
    "movietweetings": "9,608 14,220 461,970 0.338% 48.08",
}
DATASETS = tuple(_TABLE_1)

# HR@50, then MRR, in the order of LABELS
_TABLE_2 = {
    "ml-100k": (
        "0.3754 0.4115 0.4783 0.4821 0.4411 0.4634 0.4667 0.4867 0.5273",
        "0.0616 0.0662 0.0925 0.0889 0.0837 0.0827 0.0799 0.0856 0.0981",
    ),
    "ml-hetrec": (
        "0.1462 0.1903 0.2321 0.2380 0.2357 0.1912 0.2144 0.2376 0.2964",
        "0.0215 0.0359 0.0489 0.0486 0.0500 0.0337 0.0387 0.0414 0.0592",
    ),
    "ml-1m": (
        "0.2378 0.3419 0.4209 0.4311 0.4449 0.3358 0.4811 0.4776 0.5223",
        "0.0368 0.0654 0.1022 0.0873 0.1044 0.0561 0.0925 0.0961 0.1172",
    ),
    "amazon-android": (
        "0.1738 0.1802 0.1990 0.2001 0.1686 0.2016 0.1426 0.1684 0.2187",
        "0.0287 0.0355 0.0355 0.0295 0.0237 0.0306 0.0231 0.0275 0.0415",
    ),
    "amazon-health": (
        "0.0900 0.0786 0.1128 0.0965 0.0843 0.0962 0.0768 0.0756 0.1272",
        "0.0188 0.0245 0.0258 0.0183 0.0119 0.0232 0.0146 0.0142 0.0277",
    ),
    "amazon-video-games": (
        "0.1630 0.1708 0.2226 0.2150 0.1855 0.2035 0.1438 0.1576 0.2414",
        "0.0277 0.0381 0.0451 0.0337 0.0263 0.0349 0.0248 0.0279 0.0496",
    ),
    "amazon-tools": (
        "0.0559 0.0384 0.0535 0.0488 0.0465 0.0658 0.0424 0.0550 0.0775",
        "0.0099 0.0093 0.0129 0.0086 0.0076 0.0112 0.0071 0.0121 0.0148",
    ),
    "amazon-digital-music": (
        "0.1621 0.1307 0.1580 0.1998 0.1559 0.1894 0.1327 0.1324 0.2205",
        "0.0277 0.0320 0.0322 0.0310 0.0243 0.0300 0.0228 0.0240 0.0467",
    ),
    "amazon-garden": (
        "0.0965 0.0946 0.1525 0.1593 0.1573 0.1486 0.1632 0.1727 0.2177",
        "0.0105 0.0333 0.0408 0.0255 0.0266 0.0257 0.0277 0.0304 0.0459",
    ),
    "amazon-instant-video": (
        "0.2350 0.1650 0.2120 0.2430 0.1910 0.2570 0.1620 0.2020 0.2790",
        "0.0376 0.0426 0.0541 0.0414 0.0367 0.0441 0.0275 0.0351 0.0634",
    ),
    "lastfm-hetrec": (
        "0.3659 0.1682 0.2808 0.3733 0.2503 0.3785 0.1756 0.0914 0.3901",
        "0.1062 0.0645 0.0869 0.1209 0.1276 0.1147 0.0343 0.0141 0.1312",
    ),
    "movietweetings": (
        "0.1749 0.3314 0.3417 0.3105 0.3286 0.2755 0.3332 0.3401 0.3602",
        "0.0231 0.0700 0.0674 0.0534 0.0476 0.0421 0.0585 0.0612 0.0811",
    ),
}
_TABLE_3 = {"attention": "0.5273 0.5223 0.2177 0.2205", "mean": "0.5015 0.5045 0.2026 0.2022"}
_TABLE_4 = {
    "mean": "0.5273 0.5223 0.2177 0.2205",
    "sum": "0.4883 0.5201 0.2046 0.1908",
    "max": "0.5254 0.5229 0.1892 0.1925",
    "min": "0.5244 0.5267 0.1525 0.1548",
}
_TABLE_5 = {"attrec": "1.315 15.429 0.169 1.525", "caser": "1.309 15.328 0.120 0.956"}
FOUR = ("ml-100k", "ml-1m", "amazon-garden", "amazon-digital-music")  # the columns of Tables 3 to 5


def _hit_ratios(line: str) -> dict[str, dict[str, Cell]]:
    return {name: {"HR@50": Cell(printed)} for name, printed in zip(FOUR, line.split(), strict=True)}


TABLE_1 = tuple(
    (label, key, {name: Cell(line.split()[column]) for name, line in _TABLE_1.items()})
    for column, (label, key) in enumerate(
        (
            ("# users", "users"),
            ("# items", "items"),
            ("# interactions", "interactions"),
            ("density", "density"),
            ("# actions a user", "mean_length"),
        )
    )
)
TABLE_2 = {
    model: {
        name: {metric: Cell(line.split()[place]) for metric, line in zip(METRICS, lines, strict=True)}
        for name, lines in _TABLE_2.items()
    }
    for place, model in enumerate(LABELS)
}
TABLE_3 = {kind: _hit_ratios(line) for kind, line in _TABLE_3.items()}
TABLE_4 = {kind: _hit_ratios(line) for kind, line in _TABLE_4.items()}
TABLE_5 = {model: dict(zip(FOUR, map(Cell, line.split()), strict=True)) for model, line in _TABLE_5.items()}

TABLE_1_NOTES = (
    "Density and actions a user follow from the three counts in all rows but MovieLens-1M, which has 4.468% (printed "
    "4.46%) and 165.60 actions a user (printed 165.57).",
    "Time intervals are printed too (from MovieLens-100K, September 1997 to April 1998, to MovieTweetings, March 2013 "
    "to December 2016). Records hold no dates, so they are not compared.",
    "The filter leaves out users with fewer than 10 actions and cold-start items of Amazon, LastFM and MovieTweetings; "
    "what makes an item cold is not stated (ledger T17).",
)
