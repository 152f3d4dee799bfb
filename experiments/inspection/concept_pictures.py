"""What a model with concepts (SINE) activates for some users, and what its concepts are about, as pictures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from data.pipeline import Store
from experiments.inspection import concept_table, concepts, heatmaps, histories
from experiments.inspection.loading import TrainedRun
from tf_utils.keras_gate import tf

SHOWN_EVENTS = 30  # of a user, the newest ones
NAME = 26  # characters
USERS_BY_CONCEPTS = {
    "activation": ("gates", "gates of the activated concepts"),
    "weights": ("aggregation_weights", "weights of the interests in the query"),
}


def draw(run: TrainedRun, store: Store, users: np.ndarray) -> Iterator[tuple[str, bytes]]:
    """Yields (tag, PNG): "user <label>/concepts", how the events of each of the users belong to the concepts that the
    user activates; "concepts/activation" and "concepts/weights", the gates (SINE eq. 2) and aggregation weights (eq.
    7) of all these users; "concepts/nearest_items", of those concepts the ones that most users activate. Nothing for a
    model without a layer `concepts`."""
    if not hasattr(run.model, "concepts") or not len(users):
        return
    length, seq = run.config.model.max_length, run.split.sequences
    reads = [histories.read(run.split, store, users[i : i + 1], length, trim=False) for i in range(len(users))]
    found = [_activated(run, history) for history in reads]
    ids, counts = np.unique(np.concatenate([out["concepts"] for out in found]), return_counts=True)
    if not len(ids):
        return
    vectors, prototypes = run.model.item_matrix().numpy(), run.model.concepts.prototypes.numpy()
    occurs = run.split.item_counts(train_only=True) > 0
    listed = concepts.listing(vectors, prototypes, seq, occurs, ids)
    first = {
        number: histories.shorten(items[0], NAME) for number, items in zip(ids, listed["concepts.items"], strict=True)
    }
    for history, out in zip(reads, found, strict=True):
        if len(out["concepts"]):
            yield _user(run, history, out, first)

    names = [f"user {seq.labels['user'][user - 1]}" for user in users]
    columns = [f"{number}: {first[number]}" for number in ids]
    note = "each concept with the item nearest to it; grey: not activated"
    for tag, (key, scale) in USERS_BY_CONCEPTS.items():
        if key in found[0]:
            values = np.full((len(users), len(ids)), np.nan)
            for row, out in enumerate(found):
                values[row, np.searchsorted(ids, out["concepts"])] = out[key]
            yield f"concepts/{tag}", heatmaps.cells(values, names, columns, scale, f"{scale}, {run.title}", note)

    chosen = np.sort(np.argsort(-counts, kind="stable")[: concepts.SHOWN])
    shown = {name: values[chosen] for name, values in listed.items()}
    header, rows = concept_table.table(shown, NAME)
    title = f"items nearest to {len(chosen)} of {len(ids)} activated concepts, {run.title}"
    note = "by cosine, best first, with their categories; items: how many are nearer to this concept than to any other"
    yield "concepts/nearest_items", heatmaps.table(header, rows, title, note)


def _activated(run: TrainedRun, history: histories.Histories) -> dict[str, np.ndarray]:
    """Of one history's K' live slots: {"concepts": int [K'], rows of the prototypes, "p_k_given_t": [T, K'], of its T
    events, oldest first, "gates": [K'], and where the model has them "aggregation_weights": [K']}."""
    _, out = run.model.encode(history.batch, training=False, positions="last")
    ids = out["concepts"].numpy()[0]
    live, seen = ids >= 0, history.valid[0]
    each = {key: _array(out[key])[live] for key, _ in USERS_BY_CONCEPTS.values() if key in out}
    return {"concepts": ids[live], "p_k_given_t": _array(out["p_k_given_t"])[seen][:, live], **each}


def _array(x: tf.Tensor) -> np.ndarray:
    return tf.cast(x, tf.float32).numpy()[0]


def _user(run: TrainedRun, history: histories.Histories, out: dict, first: dict[int, str]) -> tuple[str, bytes]:
    seq = run.split.sequences
    name, end = str(seq.labels["user"][history.users[0] - 1]), int(history.ends[0])
    shares = out["p_k_given_t"][-SHOWN_EVENTS:]
    events = histories.event_labels(seq, end - len(shares), end)
    rows = [f"{k}: {first[k]} (gate {gate:.2f})" for k, gate in zip(out["concepts"], out["gates"], strict=True)]
    title = f"user {name}: concepts of the newest {len(shares)} events, {run.title}"
    note = "each concept with the item nearest to it"
    return f"user {name}/concepts", heatmaps.cells(shares.T, rows, events, "P(concept | event)", title, note)
