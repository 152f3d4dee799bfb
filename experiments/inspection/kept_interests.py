"""What a run keeps of a model's distributions over interests: some users' maps, and measures of many users."""

from __future__ import annotations

import numpy as np

from data.pipeline import Store
from data.splits import Split
from experiments.inspection import histories
from experiments.inspection.interests import AVERAGED, MEASURES, SIDES, averaged, measures
from models.base import Recommender
from tf_utils.keras_gate import tf

SHOWN = 3  # users whose maps are kept, from short to long histories
MEASURED_USERS = 2048
_BATCH = 128


def read(split: Split, store: Store, model: Recommender, users: np.ndarray) -> list[dict[str, np.ndarray]]:
    """{"before", "after": float32 [T, L]; "chosen": int32 [T, K]} of each user's test history, oldest event first.

    model: its `encode` gives `distribution_before`, `distribution_after` and `interests`.
    """
    history = histories.read(split, store, users, model.config.max_length, trim=True)
    return rows_of(model.encode(history.batch, positions="all")[1], history.valid)


def present(out: dict[str, tf.Tensor]) -> bool:
    """Whether a model's intermediates have distributions over interests."""
    return all(f"distribution_{side}" in out for side in SIDES)


def rows_of(out: dict[str, tf.Tensor], valid: np.ndarray) -> list[dict[str, np.ndarray]]:
    """out: of `encode` at all positions.  valid: bool [B, T].  Returns what `read` does, of B histories."""
    found = {side: tf.cast(out[f"distribution_{side}"], tf.float32).numpy() for side in SIDES}
    found["chosen"] = out["interests"].numpy()
    return [{name: x[row][here] for name, x in found.items()} for row, here in enumerate(valid)]


def kept(split: Split, model: Recommender, users: np.ndarray) -> dict[str, np.ndarray]:
    """What a run record keeps of its interests.

    users: int32, whose maps are kept.

    Returns:
        "<measure>, <side>" float []: mean over up to `MEASURED_USERS` test users; "interests.<measure>.<side>" float32
        [n]: each user's, also of the side "averaged" (see `interests.averaged`), and "interests.measured" int32 [n],
        their ids; "interests.users" str [S], raw labels;
        "interests.<side>.<i>" float16 [T, L] and "interests.chosen.<i>" int16 [T, K]: of the i-th of them, all
        that the model read.
    """
    store, sample = Store(split.sequences), histories.sample(split, MEASURED_USERS)
    found = {f"{name}.{side}": [] for side in (*SIDES, AVERAGED) for name in MEASURES}
    for first in range(0, len(sample), _BATCH):
        for rows in read(split, store, model, sample[first : first + _BATCH]):
            rows[AVERAGED] = averaged(rows["before"])
            for side in (*SIDES, AVERAGED):
                for name, value in measures(rows[side], model.top).items():
                    found[f"{name}.{side}"].append(value)
    arrays = {f"interests.{name}": np.array(values, np.float32) for name, values in found.items()}
    for name, values in found.items():
        there = np.array(values)[~np.isnan(values)]
        if len(there):
            arrays[", ".join(name.rsplit(".", 1))] = np.array(there.mean())
    arrays |= {"interests.measured": sample, "interests.users": split.sequences.labels["user"][users - 1].astype(str)}
    shown = [read(split, store, model, users[i : i + 1])[0] for i in range(len(users))]
    for i, rows in enumerate(shown):
        for side in SIDES:
            arrays[f"interests.{side}.{i}"] = rows[side].astype(np.float16)
        arrays[f"interests.chosen.{i}"] = rows["chosen"].astype(np.int16)
    return arrays
