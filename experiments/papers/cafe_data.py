"""CAFE's data sets: the two of its Table 1, and what stands beside them here."""

from __future__ import annotations

from experiments.papers.schema import DataSet

AMAZON, TMALL, RAW_TMALL = "amazon-2018", "cafe-tmall", "ijcai15"
FAVOURITES, BEAUTY, TOYS = "taobao_favourites-10", "s3rec-beauty-leaf", "s3rec-toys-leaf"
LEVEL_2, SPARSE = "s3rec-beauty-level2", "synthetic-sparse_intent"
EPOCHS, EVERY = 100, 5  # of a training, and of a validation: the protocol's, but where k leaves less data (Figure 4)
_PLAIN = {"min_item": 1}  # Figure 4's k = 1 is the data as it is
_OTHER = "Amazon of 2014, 5-core; the paper's is as sparse as it comes"


def _beauty(name: str, label: str, **more) -> DataSet:
    needs = "needs Beauty.txt and its attributes in DATA_DIR/s3rec"
    return DataSet(name, label, AMAZON, needs=needs, differs=f"{_OTHER}; {more.pop('intents')}", **more)


DATASETS = {
    d.name: d
    for d in (
        DataSet(
            FAVOURITES,
            "Taobao favourites",
            TMALL,
            _PLAIN,
            needs="needs taobao_fav.csv in DATA_DIR/taobao_favourites",
            differs="favourites of users with ten of them, categories as intents; the paper's have sellers as "
            "intents, and it does not say which actions they are",
        ),
        _beauty(BEAUTY, "Beauty (5-core)", intents="leaf categories as intents"),
        DataSet(
            TOYS,
            "Toys (5-core)",
            AMAZON,
            needs="needs Toys_and_Games.txt and its attributes in DATA_DIR/s3rec",
            differs=f"{_OTHER}; leaf categories as intents",
            size="few",
        ),
        _beauty(LEVEL_2, "Beauty (5-core), level 2", intents="second-level categories as intents", size="few"),
        DataSet(
            AMAZON,
            "Amazon",
            AMAZON,
            published=True,
            needs="needs Amazon's reviews and metadata of 2018 in DATA_DIR/amazon_2018; which 131,248 users are meant "
            "is not told",
            size="few",
            same_within=0.15,
        ),
        DataSet(
            TMALL,
            "Tmall",
            TMALL,
            published=True,
            needs="needs the authors' processed Tmall, train.json and its seven neighbours, in DATA_DIR/cafe_tmall; "
            "their repository links to it",
            size="few",
            repeats=True,
            same_within=0.05,  # two events of a user's 110 may be counted or not
        ),
        DataSet(
            RAW_TMALL,
            "Tmall, raw log",
            TMALL,
            needs="needs user_log_format1.csv in DATA_DIR/ijcai15",
            size="few",
            repeats=True,
            differs="the log of the competition with all its users; the paper's 131,086 are those of a file that its "
            "authors made",
        ),
        # Made by the generator whatever is at hand: Figure 4 runs on it without being asked to.
        DataSet(
            SPARSE,
            "Amazon's shape",
            AMAZON,
            _PLAIN,
            published=True,
            needs="needs nothing, the generator makes it: --datasets=synthetic-sparse_intent",
            size="few",
        ),
    )
}
