"""Fabricated run records for the tests of the report, written by `run_record.save` like real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from experiments.reporting.build import build
from experiments.reporting.collect import collect
from experiments.reporting.html import to_html
from experiments.reporting.markdown import to_markdown
from tf_utils import ranking, run_record
from tf_utils.run_record import RunRecord

DEVICE = {"cpu": "Test CPU", "cores": 2, "memory_gib": 8.0, "platform": "Test"}
STATISTICS = {
    "users": 1000,
    "items": 9134,
    "categories": 71,
    "actions": 10,
    "interactions": 57332,
    "mean_length": 57.332,
    "mean_per_action": {"view": 50.0, "cart": 7.332},
    "density_user_item": 0.006,
    "density_user_category": 0.03,
    "repeated_target_share": 0.25,
}


def ranks_for(share_first: float, n: int = 200, shift: int = 0, candidates: int = 101) -> ranking.Ranks:
    """A share of the users have the target at rank 1, the others at rank 51: HR@k = NDCG@k = share_first for k <= 50.

    shift: rotates which users are lucky.
    """
    users = np.arange(1, n + 1, dtype=np.int32)
    greater = np.where(np.arange(n) < round(share_first * n), 0, 50).astype(np.int32)
    return ranking.Ranks(users, np.roll(greater, shift), np.zeros(n, np.int32), np.full(n, candidates, np.int32))


def save(root: Path, dataset: str, model: str, share: float = 0.5, **changes) -> Path:
    """Writes one record whose HR@k and NDCG@k are `share` under uniform100, half of it under the other protocols."""
    n = changes.pop("n", 200)
    shift = changes.pop("shift", 0)
    ranks = changes.pop("ranks", None) or {
        "uniform100": ranks_for(share, n, shift),
        "popularity100": ranks_for(share / 2, n, shift),
        "full": ranks_for(share / 2, n, shift, candidates=1000),
    }
    figures = changes.pop("figures", None)
    n = len(next(iter(ranks.values())))
    metrics = changes.pop("metrics", None) or {name: ranking.metrics(each) for name, each in ranks.items()}
    history = [
        {
            "epoch": e,
            "seconds": 2.0 * e,
            "loss": 1.0 / e,
            "validation": {"uniform100": {"NDCG@10": share * (1 - 0.5**e)}},
        }
        for e in range(1, 11)
    ]
    values = {
        "paper": "asli",
        "dataset": dataset,
        "model": model,
        "profile": "paper",
        "seed": 1,
        "config": {"model": {"dim": 64}, "train": {"batch_size": 128}},
        "commit": "0123456789abcdef",
        "tree_clean": True,
        "versions": {"python": "3.11.0", "tensorflow": "2.21.0"},
        "device": DEVICE,
        "data_fingerprint": f"print-{dataset}",
        "data_notes": [f"A note on {dataset}."],
        "statistics": STATISTICS,
        "n_users": n,
        "parameters": 1234,
        "epochs": 10,
        "best_epoch": 10,
        "seconds_per_epoch": 2.0,
        "stopped_by": "patience",
        "metrics": metrics,
        "validation": {},
        "history": history,
    } | changes
    return run_record.save(root, RunRecord(**values), ranks, figures)


def report(paper, root: Path, profile: str = "paper") -> tuple[str, str]:
    """The report of the records under `root`: Markdown without its escapes, and HTML."""
    document = build(collect(paper, root, profile))
    return to_markdown(document).replace("\\", ""), to_html(document)


def section(text: str, title: str) -> str:
    """The part of a Markdown report under a heading of the second level."""
    part = text[text.index(f"## {title}") :]
    return part[: part.index("\n## ", 3)] if "\n## " in part[3:] else part


def printed(paper, table: str, label: str, dataset: str, metric: str) -> str:
    """What the paper prints in a cell."""
    (row,) = [row for row in paper.table(table).rows if row.label == label]
    return row.published[dataset][metric].printed
