"""The round trip: a SavedModel, loaded again, gives the lists of the model it was made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from data.pipeline import Store
from experiments.inspection import histories
from experiments.inspection.loading import TrainedRun
from experiments.serving import vocabulary
from tf_utils import topk
from tf_utils.cli import UserError
from tf_utils.keras_gate import tf

HISTORIES = 32
TOLERANCE = 1e-4  # of scores: one product is not the other in its last bits


def repository_lists(run: TrainedRun, read: histories.Histories, keep_seen: bool, n: int):
    """scores [B, n], ids [B, n] and all scores [B, n_items + 1], by `score_all`, as the Evaluator scores."""
    queries, _ = run.model.encode(read.batch, training=False, positions="last")
    scores = tf.cast(run.model.score_all(queries), tf.float32)
    width = tf.reduce_max(read.ends - read.starts)
    seen = Store(run.split.sequences).window(tf.constant(read.starts), tf.constant(read.ends), width)["items"]
    best, ids = topk.top_k_of_scores(scores, n, None if keep_seen else seen)
    return best.numpy(), ids.numpy(), scores.numpy()


def raw_history(run: TrainedRun, read: histories.Histories) -> dict[str, tf.Tensor]:
    """The whole histories in raw labels: the inputs of the signature `with_context`."""
    seq = run.split.sequences
    cells = {
        "items": ("item", seq.items),
        "categories": ("category", seq.categories),
        "actions": ("action", seq.actions),
    }
    raw = {"user": tf.constant(vocabulary.texts(seq.labels["user"])[read.users])}
    for name, (field, values) in cells.items():
        names = vocabulary.texts(seq.labels[field])
        rows = [names[values[start:end]].tolist() for start, end in zip(read.starts, read.ends, strict=True)]
        raw[name] = tf.ragged.constant(rows, tf.string, ragged_rank=1).to_tensor("")
    return raw


def check_round_trip(folder: Path, run: TrainedRun, length: int | None, keep_seen: bool, n: int) -> int:
    """Compares the lists for up to `HISTORIES` test histories; returns how many.

    Raises:
        UserError: the model's scores are not finite.
        RuntimeError: the lists differ.
    """
    split = run.split
    users = histories.sample(split, HISTORIES)
    longest = int(split.sequences.lengths.max())
    read = histories.read(split, Store(split.sequences), users, length or longest, run.model.padding_invariant)
    # An event without a category is given its item's, as the exported module does.
    own = tf.gather(split.sequences.item_categories(), read.batch["items"])
    read.batch["categories"] = tf.where(read.batch["categories"] > 0, read.batch["categories"], own)
    expected, _, scores = repository_lists(run, read, keep_seen, n)
    if not np.all(np.isfinite(scores[:, 1:])):
        raise UserError(
            "the model gives scores that are not finite; the training has diverged, there is nothing to export"
        )
    module = tf.saved_model.load(str(folder))
    found = module.signatures["with_context"](**raw_history(run, read))
    ids = vocabulary.ids_of(split.sequences.labels["item"]).lookup(found["items"]).numpy()
    place = np.arange(len(ids))[:, None]
    for got in (found["scores"].numpy(), np.where(ids > 0, scores[place, ids], -np.inf)):
        if not np.allclose(got, expected, rtol=TOLERANCE, atol=TOLERANCE):
            raise RuntimeError("the exported module does not give the model's lists")
    return len(users)
