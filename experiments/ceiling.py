"""What the best possible scorer of a generated log reaches; beside it a model's number says how much is left."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from data import candidates, catalog
from data.sources.synthetic_ceiling import Ceiling
from data.splits import Split
from experiments.identity import given
from tf_utils import ranking

PROTOCOLS = ("full", "uniform100")  # where it is the ceiling
MOST_USERS, MOST_SCORES = 2000, 100_000_000  # a user is a pass over all items in NumPy
_FOUND: dict[tuple[str, int], dict] = {}  # of this process: the runs of a table have the same data


def ceilings(config, split: Split, data_dir: str | None) -> dict[str, dict]:
    """For a record's `statistics`: {"ceiling", "ceiling_blind", "ceiling_chance"} -> {protocol: {metric: value}}, and
    "ceiling_users": of how many.

    Of the test targets, or of some evenly spaced users where they are many: of a scorer that knows the process and
    reads the history, of one that does not see the actions in it, and of a constant one. {} for real data and for
    generated data that were filtered.
    """
    if not split.sequences.provenance.synthetic:
        return {}
    process = catalog.process(config.dataset, data_dir, **given(config.dataset_args))
    if process is None:
        return {}
    key = (split.sequences.provenance.fingerprint, config.eval.candidate_seed)
    if key not in _FOUND:
        most = max(1, min(MOST_USERS, MOST_SCORES // split.sequences.size("item"), len(split.test)))
        rows = np.linspace(0, len(split.test) - 1, most).astype(np.int64)
        listed = candidates.draw("uniform100", split, "test", config.eval.candidate_seed)
        listed = replace(listed, users=listed.users[rows], items=listed.items[rows])
        targets, lists = split.test.select(rows), {"full": None, "uniform100": listed}
        found = {"ceiling_users": most} | {name: {} for name in ("ceiling", "ceiling_blind", "ceiling_chance")}
        for name, seeing in (("ceiling", True), ("ceiling_blind", False)):
            scorer = Ceiling(process, split.sequences, seeing)
            for protocol in PROTOCOLS:
                ranks = scorer.ranks(targets, lists[protocol])
                found[name][protocol] = ranking.metrics(ranks)
                found["ceiling_chance"][protocol] = ranking.metrics(ranks.at_chance())
        _FOUND[key] = found
    return _FOUND[key]
