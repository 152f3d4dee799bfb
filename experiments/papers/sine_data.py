"""SINE's data sets: the four of its Table 2, and what stands beside them here."""

from __future__ import annotations

from experiments.papers.schema import DataSet

MOVIELENS, AMAZON, TAOBAO, ULARGE = "ml-1m", "amazon-books", "taobao", "synthetic-ularge"
FAVOURITES, BEAUTY = "taobao_favourites", "s3rec-beauty"


def _data(name: str, label: str, intents: int, concepts: int, **more) -> DataSet:
    """intents, concepts: K and L of Table 3."""
    return DataSet(name, label, more.pop("beside", name), {"intents": intents, "concepts": concepts}, **more)


DATASETS = {
    d.name: d
    for d in (
        _data(
            MOVIELENS,
            "MovieLens-1M",
            *(4, 50),
            published=True,
            needs="needs ratings.dat in DATA_DIR/ml-1m or a download",
            size="large",
        ),
        _data(
            FAVOURITES,
            "Taobao favourites",
            *(8, 1000),
            beside=TAOBAO,
            needs="needs taobao_fav.csv in DATA_DIR/taobao_favourites",
            differs="favourites of users with five of them; the paper's are all clicks",
        ),
        _data(
            BEAUTY,
            "Beauty (5-core)",
            *(4, 500),
            beside=AMAZON,
            needs="needs Beauty.txt and its attributes in DATA_DIR/s3rec",
            differs="Amazon Beauty of 2014, 5-core; the paper's are all ratings of books",
        ),
        _data(
            AMAZON,
            "Amazon Books",
            *(4, 500),
            published=True,
            needs="needs Amazon's ratings-only CSV of Books in DATA_DIR/amazon",
            size="few",
        ),
        _data(
            TAOBAO,
            "Taobao",
            *(8, 1000),
            published=True,
            needs="needs UserBehavior.csv in DATA_DIR/taobao",
            repeats=True,
            size="few",
            # The head of the file is for the loader's tests.
            same_within=0.15,
        ),
        _data(
            ULARGE,
            "ULarge",
            *(8, 5000),
            published=True,
            needs="never published; the generator's preset stands in for it: --datasets=synthetic-ularge",
            size="few",
        ),
    )
}


def movies(data: DataSet) -> bool:
    return data.name == MOVIELENS


def shopping(data: DataSet) -> bool:
    return data.name in (FAVOURITES, AMAZON, TAOBAO)


def taobao(data: DataSet) -> bool:
    return data.name in (FAVOURITES, TAOBAO)


def goods(data: DataSet) -> bool:
    """Whether its items have categories of goods, as in the data of Figures 1 and 3."""
    return data.name != MOVIELENS
