"""Metrics of one list, from their definitions: every order the tied candidates could come in, enumerated one by one."""

import math


def at_rank(metric: str, rank: int, candidates: int) -> float:
    """One metric of one target at a known rank (1 = best) in a list of `candidates`."""
    name, _, k = metric.partition("@")
    if k and rank > int(k):
        return 0.0
    if name == "HR":
        return 1.0
    if name == "NDCG":
        return 1.0 / math.log2(rank + 1)
    if name in ("MRR", "AP"):
        return 1.0 / rank
    if name == "AUC":
        beaten = [rival for rival in range(1, candidates + 1) if rival > rank]
        return len(beaten) / (candidates - 1) if candidates > 1 else 0.5
    raise ValueError(metric)


def expected(metric: str, greater: int, equal: int, candidates: int) -> float:
    """The mean over the ranks that breaking the ties at random can give."""
    places = range(greater + 1, greater + equal + 2)
    return math.fsum(at_rank(metric, place, candidates) for place in places) / len(places)
