"""The batches of each training regime. A new regime is a new module with a `*_feed` function and a line here."""

from __future__ import annotations

from data.feeds.cloze import cloze_feed
from data.feeds.next_item import next_item_feed
from data.feeds.pairwise import pairwise_feed
from data.feeds.prefix import prefix_feed
from data.feeds.window import window_feed
from data.pipeline import Feed
from data.splits import Split


def make_feed(
    regime: str,
    split: Split,
    length: int,
    batch_size: int,
    seed: int,
    options: dict,
    targets: int = 1,
    windows: str = "last",
    exclude: str = "train",
) -> Feed:
    """The training batches of a model's regime.

    length: n (window: L).  options: the model's own, `models.base.Recommender.feed_options`.  targets: T of the window
    regime.  windows, exclude: of the next_item regime, windows of cloze too.  Raises ValueError for an unknown regime.
    """
    if regime == "pairwise":
        return pairwise_feed(split, batch_size, seed)
    if regime == "window":
        return window_feed(split, length, targets, batch_size, seed, **options)
    if regime == "prefix":
        return prefix_feed(split, length, batch_size, seed, **options)
    if regime == "cloze":
        return cloze_feed(split, length, batch_size, seed, windows, **options)
    if regime == "next_item":
        return next_item_feed(split, length, batch_size, seed, windows, exclude, **options)
    raise ValueError(f"unknown training regime {regime!r}")
