"""Ranking every user under three protocols, next to encoding them alone and to a plain NumPy scorer."""

from __future__ import annotations

import numpy as np

from data import candidates
from data.pipeline import Store, evaluation_batches
from data.schema import Sequences
from data.splits import EvalSet
from experiments.benchmarks import steps, workload
from experiments.benchmarks.measure import Block, Row, interleaved, ratios
from experiments.benchmarks.settings import Settings
from tf_utils.evaluation import Evaluator
from tf_utils.keras_gate import tf

PROTOCOLS = ("full", "uniform100", "popularity100")
TARGET = 1.2
BATCH = 256


def numpy_counts(
    queries: np.ndarray, matrix: np.ndarray, sequences: Sequences, targets: EvalSet, lists: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Ranks as one would count them in NumPy: all scores in one product, seen items masked, comparisons summed.

    Args:
        queries: [users, d].  matrix: [N + 1, d].  lists: protocol -> int32 [users, C], the target first, 0 for padding.

    Returns:
        {protocol: int64 [users, 2]}: rivals that score higher than the target, and the same.
    """
    scores, rows = queries @ matrix.T, np.arange(len(targets))
    target = sequences.items[targets.targets]
    own = scores[rows, target][:, None]
    full = scores.copy()
    lengths = targets.targets - targets.starts
    events = np.arange(lengths.sum()) + np.repeat(targets.starts - np.cumsum(lengths) + lengths, lengths)
    full[np.repeat(rows, lengths), sequences.items[events]] = -np.inf
    full[rows, target] = full[:, 0] = -np.inf
    counts = {"full": np.stack([(full > own).sum(1), (full == own).sum(1)], axis=1)}
    for name, items in lists.items():
        rivals = np.where(items[:, 1:] > 0, scores[rows[:, None], items[:, 1:]], -np.inf)
        counts[name] = np.stack([(rivals > own).sum(1), (rivals == own).sum(1)], axis=1)
    return counts


def run(settings: Settings) -> list[Row]:
    split, source = workload.movielens(settings)
    model = steps.sasrec(settings, split, settings.dropout)
    lists = {name: candidates.draw(name, split) for name in PROTOCOLS[1:]}
    evaluate = lambda names: Evaluator(  # noqa: E731
        model, split.sequences, split.test, settings.length, names, lists, BATCH
    )
    every, only_full = evaluate(PROTOCOLS), evaluate(PROTOCOLS[:1])
    store = Store(split.sequences)
    batches, order = evaluation_batches(store, split.test, settings.length, BATCH, model.padding_invariant)
    specs = [batches.element_spec]
    graph = tf.function(
        lambda batch: model.encode(batch, training=False, positions="last")[0][:, 0, 0],
        input_signature=specs,
        autograph=False,
    )

    def encode():
        queries = np.empty((len(order), settings.dim), np.float32)
        queries[order] = np.concatenate([graph(batch).numpy() for batch in batches])
        return queries

    arrays = {name: drawn.items for name, drawn in lists.items()}
    in_numpy = lambda: numpy_counts(  # noqa: E731
        encode(), model.item_matrix().numpy(), split.sequences, split.test, arrays
    )
    # A pass reads its batches through an iterator of its own, on every side of the comparison.
    seconds = interleaved(
        {
            "encode": Block(encode),
            "every": Block(every.ranks),
            "full": Block(only_full.ranks),
            "numpy": Block(in_numpy),
        },
        settings.rounds,
        settings.clock,
    )
    rate = len(split.test) / np.median(seconds["every"])
    note = f"SASRec, batches of {BATCH}, {rate:,.0f} users a second here; {source}"
    names = ", ".join(PROTOCOLS)
    return [
        Row(
            "ranking",
            f"ranking under {names} / encoding alone",
            ratios(seconds["every"], seconds["encode"]),
            TARGET,
            note=note,
        ),
        Row("ranking", "ranking under full / encoding alone", ratios(seconds["full"], seconds["encode"])),
        Row(
            "ranking",
            "ranking under all three / encoding and a plain NumPy scorer",
            ratios(seconds["every"], seconds["numpy"]),
            note="the NumPy scorer holds all users' scores at once",
        ),
    ]
