"""Small data and small models for the tests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np

import models
from data import feeds
from data.pipeline import Feed
from data.schema import Provenance, Sequences
from data.splits import Split, leave_one_out
from models.base import DataSpec, Recommender
from tf_utils.keras_gate import tf

N_USERS, N_ITEMS, N_CATEGORIES, N_ACTIONS, LENGTH, DIM = 30, 40, 5, 3, 12, 8
SIZES = dict(dim=DIM, max_length=LENGTH, blocks=2, kernel_size=4, dilations=(1, 2), dropout=0.0, attention_dropout=0.0)


def sequences_of(histories, n_items: int = N_ITEMS, n_categories: int = N_CATEGORIES, n_actions: int = N_ACTIONS):
    """Sequences from one list a user of (item, category, action), oldest first."""
    events = np.array([event for history in histories for event in history], np.int32).reshape(-1, 3)
    sizes = {"user": len(histories), "item": n_items, "category": n_categories, "action": n_actions}
    return Sequences(
        offsets=np.cumsum([0, *map(len, histories)]).astype(np.int64),
        items=events[:, 0],
        categories=events[:, 1],
        actions=events[:, 2],
        timestamps=np.arange(len(events), dtype=np.int64),
        labels={name: np.arange(1, size + 1).astype(str) for name, size in sizes.items()},
        provenance=Provenance("tiny"),
    )


def make_split(seed: int = 0) -> Split:
    """30 users with 1 to 18 events, some of them longer than the models' n; items repeat within a history."""
    rng = np.random.default_rng(seed)
    lengths = [1, 2, 3, 18, *rng.integers(3, 18, N_USERS - 4)]
    category_of = rng.integers(1, N_CATEGORIES + 1, N_ITEMS + 1)
    histories = []
    for length in lengths:
        items = rng.integers(1, N_ITEMS + 1, length)
        histories.append(
            [(item, category_of[item], rng.integers(1, N_ACTIONS + 1)) for item in items] if length else []
        )
    return leave_one_out(sequences_of(histories))


def spec_of(split: Split) -> DataSpec:
    return DataSpec.of(split.sequences)


@contextlib.contextmanager
def precision(policy: str) -> Iterator[None]:
    """Layers made inside have the policy ("float64", "mixed_bfloat16", ...)."""
    before = tf.keras.mixed_precision.global_policy()
    tf.keras.mixed_precision.set_global_policy(policy)
    try:
        yield
    finally:
        tf.keras.mixed_precision.set_global_policy(before)


def make_model(name: str, split: Split, policy: str = "float32", **hyper) -> Recommender:
    """An unbuilt model of tiny size; `hyper` overrides. Always the same initial weights."""
    tf.keras.utils.set_random_seed(1)
    config = models.default_config(name)
    known = {key: value for key, value in SIZES.items() if key in config}
    config.update(known | hyper)
    with precision(policy):
        return models.build(name, config, spec_of(split))


def make_feed(model: Recommender, split: Split, batch_size: int = 8, seed: int = 1) -> Feed:
    """The training batches of a model's regime."""
    length = model.config.max_length if model.regime == "window" else LENGTH
    targets = model.config.get("targets", 1)
    return feeds.make_feed(model.regime, split, length, batch_size, seed, model.feed_options(), targets)


def arrays(batch) -> dict[str, np.ndarray]:
    return {name: x.numpy() for name, x in batch.items()}


def weights_of(model: tf.Module) -> dict[str, tf.Variable]:
    """Name -> variable of the trainable weights; a name that comes again gets a number."""
    named: dict[str, tf.Variable] = {}
    for weight in model.trainable_variables:
        name = weight.name.removesuffix(":0")
        repeats = sum(known.split("#")[0] == name for known in named)
        named[f"{name}#{repeats}" if repeats else name] = weight
    return named


def perturb_weights(model: tf.Module, scale: float = 0.3, seed: int = 0) -> dict[str, np.ndarray]:
    """Moves every weight of a built model off its initial value (no bias is 0, no gamma 1); returns copies by name."""
    rng = np.random.default_rng(seed)
    for weight in weights_of(model).values():
        weight.assign_add(tf.cast(rng.normal(scale=scale, size=weight.shape), weight.dtype))
    return {name: weight.numpy() for name, weight in weights_of(model).items()}


def close(found, expected, tolerance: float = 1e-10) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=tolerance, atol=tolerance)
