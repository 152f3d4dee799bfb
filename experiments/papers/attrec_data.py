"""AttRec's data sets: the twelve of its Table 1, and the real data at hand that stands beside three of them."""

from __future__ import annotations

from experiments import tuning
from experiments.papers.schema import DataSet

TOOLS, LASTFM, DEMO = "amazon-tools-sequences", "s3rec-lastfm", "synthetic-demo"
MOVIELENS = ("ml-100k", "ml-hetrec", "ml-1m")  # the paper's dense data sets
TWEETS = "movietweetings"
_RATINGS = "needs Amazon's ratings-only CSV of this category in DATA_DIR/amazon"
_HETREC = "needs GroupLens' HetRec 2011 archive unpacked in DATA_DIR"


def _data(name: str, label: str, length: int, beside: str = "", **more) -> DataSet:
    """length: L (section Implementation Details: 5 for MovieLens, 3 for MovieTweetings, 2 elsewhere).

    What tuning chose for AttRec is its plain run's value too.
    """
    defaults = {"dim": 100, "omega": 0.2, "max_length": length}
    tuned = tuning.best(tuning.finished("attrec", name, "attrec"))
    defaults |= {key: tuned[f"model.{key}"] for key in defaults if f"model.{key}" in tuned}
    return DataSet(name, label, beside or name, defaults, published=not beside, **more)


DATASETS = {
    d.name: d
    for d in (
        _data("ml-100k", "MovieLens-100K", 5, needs="needs u.data in DATA_DIR/ml-100k or a download"),
        _data("ml-1m", "MovieLens-1M", 5, needs="needs ratings.dat in DATA_DIR/ml-1m or a download", size="large"),
        _data("ml-hetrec", "MovieLens HetRec", 5, needs=_HETREC, size="large"),
        _data("amazon-android", "Android Apps", 2, needs=_RATINGS, size="large"),
        _data("amazon-health", "Health/Care", 2, needs=_RATINGS, size="large"),
        _data("amazon-video-games", "Video Games", 2, needs=_RATINGS, size="large"),
        _data("amazon-tools", "Tools/Home", 2, needs=_RATINGS, size="large"),
        _data("amazon-digital-music", "Digital Music", 2, needs=_RATINGS),
        _data("amazon-garden", "Garden", 2, needs=_RATINGS),
        _data("amazon-instant-video", "Instant Video", 2, needs=_RATINGS),
        _data("lastfm-hetrec", "LastFM", 2, needs=_HETREC, repeats=True),
        _data(
            TWEETS,
            "MovieTweetings",
            3,
            needs="needs MovieTweetings as of December 2016; the records are of another snapshot or there are none",
            differs="another snapshot than the paper's of December 2016",
            same_within=0.1,
        ),
        _data(
            LASTFM,
            "LastFM (S3-Rec's 5-core)",
            2,
            "lastfm-hetrec",
            needs="needs LastFM.txt and its attributes in DATA_DIR/s3rec",
            differs="another crawl, 5-core; the paper's is HetRec 2011",
        ),
        _data(
            TOOLS,
            "Tools (5-core sequences)",
            2,
            "amazon-tools",
            needs="needs Tools_and_Home_Improvement.txt in DATA_DIR/amazon_sequences",
            differs="5-core reviews; the paper's are all ratings",
        ),
        _data(
            DEMO,
            "generated log (demo)",
            2,
            "ml-100k",
            needs="made by the generator where no real data is at hand",
            size="few",
        ),
    )
}


def dense(data: DataSet) -> bool:
    return data.name in MOVIELENS


def sparse(data: DataSet) -> bool:
    return not dense(data)
