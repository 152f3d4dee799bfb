"""Ranking metrics as pure functions of two counts a user: rivals scored higher than the target, and rivals tied.

There is one target a user, so HR@k = Recall@k and AP = MRR. A tie is taken in expectation: the target's rank is uniform
on greater + 1 .. greater + equal + 1, so a scorer that gives every item the same score is at chance, exactly.
Definitions: Krichene and Rendle, "On Sampled Metrics for Item Recommendation", KDD 2020, section 2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from tf_utils.cli import UserError

CUTOFFS = (1, 5, 10, 20, 50, 100, 500)
# "optimistic" is ASLI's and CAFE's code: the first sorts a list that starts with the target (LEDGER A24), the second
# counts greater scores alone (C16). No report uses it: it favours scorers that tie much.
TIES = ("expected", "optimistic", "pessimistic")


@dataclass(frozen=True)
class Ranks:
    """Where each user's target came in its list of candidates; all arrays int32 [n], aligned.

    users: user ids.  greater: rivals scored strictly higher than the target.  equal: *other* candidates scored
    the same.  candidates: length of the list, the target included.  Raises ValueError where the counts disagree.
    """

    users: np.ndarray
    greater: np.ndarray
    equal: np.ndarray
    candidates: np.ndarray

    def __post_init__(self):
        for name in ("users", "greater", "equal", "candidates"):
            column = np.asarray(getattr(self, name))
            if column.ndim != 1 or (column.size and column.dtype.kind not in "iu"):
                raise ValueError(f"{name}: a vector of integers is needed, not {column.dtype} {column.shape}")
            object.__setattr__(self, name, column.astype(np.int32, copy=False))
        sizes = {len(self.users), len(self.greater), len(self.equal), len(self.candidates)}
        if len(sizes) != 1:
            raise ValueError(f"columns differ in length: {sorted(sizes)}")
        bad = (self.greater < 0) | (self.equal < 0) | (self.greater.astype(np.int64) + self.equal >= self.candidates)
        if bad.any():
            k = int(np.argmax(bad))
            raise ValueError(
                f"user {self.users[k]}: {self.greater[k]} greater and {self.equal[k]} equal rivals "
                f"cannot be in a list of {self.candidates[k]} with the target"
            )

    def __len__(self) -> int:
        return len(self.users)

    def resolved(self, ties: str) -> Ranks:
        """The ranks under a tie rule: `expected` (no change), `optimistic` (target first) or `pessimistic` (last)."""
        if ties not in TIES:
            raise UserError(f"unknown tie rule {ties!r}; choose one of {', '.join(TIES)}")
        if ties == "expected":
            return self
        greater = self.greater if ties == "optimistic" else self.greater + self.equal
        return Ranks(self.users, greater, np.zeros_like(self.equal), self.candidates)

    def at_chance(self) -> Ranks:
        """What a scorer that gives every candidate the same score gets on the same lists."""
        return Ranks(self.users, np.zeros_like(self.greater), self.candidates - 1, self.candidates)


def per_user(ranks: Ranks, metric: str, ties: str = "expected") -> np.ndarray:
    """float64 [n]: one metric of every user, in the order of `ranks.users`.

    metric: `HR@k` (rank <= k), `NDCG@k` (1 / log2(rank + 1) if rank <= k), `MRR@k` (1 / rank if rank <= k), and without
    cut-off `NDCG`, `MRR`, `AP` (equal to MRR) and `AUC` (share of rivals the target beats, a tie counting one half; .5
    for a list without rivals). Raises UserError for any other name.
    """
    name, k = _parse(metric)
    ranks = ranks.resolved(ties)
    if name == "AUC":
        rivals = ranks.candidates - 1
        beaten = rivals - ranks.greater - 0.5 * ranks.equal
        return np.where(rivals > 0, beaten / np.maximum(rivals, 1), 0.5)
    last = k or int(ranks.candidates.max(initial=1))
    places = np.arange(1, last + 1, dtype=np.float64)
    gains = {"HR": np.ones_like, "NDCG": lambda r: 1 / np.log2(r + 1), "MRR": np.reciprocal}[name](places)
    total = np.concatenate([[0.0], np.cumsum(gains)])  # total[r]: the gains of ranks 1..r; beyond `last` there are none
    worst = ranks.greater + ranks.equal + 1
    return (total[np.minimum(worst, last)] - total[np.minimum(ranks.greater, last)]) / (ranks.equal + 1.0)


def metrics(ranks: Ranks, cutoffs: tuple[int, ...] = CUTOFFS, ties: str = "expected") -> dict[str, float]:
    """Means over users (each user weighs the same): `HR@k` and `NDCG@k` for each cut-off, then `MRR`, `AUC`, `NDCG`."""
    if not len(ranks):
        raise UserError("there is no user to evaluate; every user needs at least three actions to be held out")
    names = [f"{name}@{k}" for name in ("HR", "NDCG") for k in cutoffs] + ["MRR", "AUC", "NDCG"]
    return {name: float(per_user(ranks, name, ties).mean()) for name in names}


def _parse(metric: str) -> tuple[str, int | None]:
    if metric == "AUC":
        return metric, None
    found = re.fullmatch(r"(HR|NDCG|MRR)@([1-9]\d*)|(NDCG|MRR|AP)", metric)
    if found is None:
        raise UserError(f"unknown metric {metric!r}; use HR@k, NDCG@k, MRR@k, NDCG, MRR, AP or AUC")
    if found[1]:
        return found[1], int(found[2])
    return "MRR" if metric == "AP" else metric, None
