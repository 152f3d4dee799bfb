"""SAIR's data sets: the three of its Table I, Anime in another order, and generated data where there is none."""

from __future__ import annotations

from experiments.papers.schema import DataSet

MOVIELENS, MOVIELENS_20M, ANIME, SHUFFLED, DEMO = "ml-1m", "ml-20m", "anime", "anime-random", "synthetic-demo"
SIZES = {MOVIELENS: (10, 3), MOVIELENS_20M: (20, 8), ANIME: (30, 10)}  # L, K: section IV-D
ARTEFACT = "order of ids, not of time"


def sizes(name: str) -> tuple[int, int]:
    """L and K of a data set; one that stands in for another has its values."""
    return SIZES.get({SHUFFLED: ANIME}.get(name, name), SIZES[MOVIELENS])


def _data(name: str, label: str, **more) -> DataSet:
    interests, top = sizes(name)
    return DataSet(name, label, more.pop("beside", name), {"n_interests": interests, "top": top}, **more)


DATASETS = {
    d.name: d
    for d in (
        _data(
            MOVIELENS,
            "MovieLens-1M",
            published=True,
            needs="needs ratings.dat and movies.dat in DATA_DIR/ml-1m or a download",
            size="large",
        ),
        _data(
            ANIME,
            "Anime",
            published=True,
            needs="needs the full rating.csv (73,515 users) and anime.csv in DATA_DIR/anime; the records are of a "
            "sample of its users or there are none",
            differs=f"a random sample of the 73,515 users; {ARTEFACT}",
            same_within=0.15,  # of users and events; the printed events have the unrated ones (ledger 0.2)
        ),
        _data(
            SHUFFLED,
            "Anime, shuffled",
            beside=ANIME,
            needs="needs rating.csv and anime.csv in DATA_DIR/anime",
            differs="the same events of each user in a random order: what is left is not due to order",
        ),
        _data(
            MOVIELENS_20M,
            "MovieLens-20M",
            published=True,
            needs="needs ratings.csv and movies.csv in DATA_DIR/ml-20m",
            size="few",
        ),
        _data(
            DEMO,
            "generated log (demo)",
            beside=MOVIELENS,
            needs="made by the generator where no real data is at hand",
            size="few",
        ),
    )
}


def anime(data: DataSet) -> bool:
    return data.name == ANIME


def ordered(data: DataSet) -> bool:
    """Whether the order of events is part of the data; the shuffled control answers no claim."""
    return data.name != SHUFFLED
