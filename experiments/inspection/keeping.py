"""The arrays that a run keeps for a report's figures, beside its ranks."""

from __future__ import annotations

import numpy as np

from data.pipeline import Store
from data.splits import Split
from experiments.inspection import concepts, frequency, histories, kept_interests, recent, scope
from models.base import Recommender
from tf_utils.cli import UserError


def kept_arrays(config, split: Split, model: Recommender) -> dict[str, np.ndarray]:
    """What `config.eval.maps_of` (raw labels of users) and `config.eval.keep` (names of `KEEPERS`) ask for.

    config.eval.shown_users: raw labels of the users whose interests are shown, () for typical ones.
    """
    arrays = _maps(config, split, model, list(config.eval.get("maps_of", ())))
    for name in config.eval.get("keep", ()):
        arrays |= KEEPERS[name](config, split, model)
    return arrays


def check(config, split: Split) -> None:
    """Raises UserError where the users that `config.eval` names are not in the data."""
    for name in ("maps_of", "shown_users"):
        if labels := list(config.eval.get(name, ())):
            try:
                histories.by_label(split.sequences, labels)
            except UserError as error:
                raise UserError(f"config.eval.{name}: {error}") from None


def _maps(config, split: Split, model: Recommender, labels: list) -> dict[str, np.ndarray]:
    """The attention maps on the test histories of these users: {name: float [users, T, T]}, the first head of
    `encode`'s maps, and "<name>.users", their raw labels."""
    if not labels:
        return {}
    users = histories.by_label(split.sequences, labels)
    read = histories.read(split, Store(split.sequences), users, config.model.max_length, trim=False)
    out = model.encode(read.batch, positions="last")[1]
    maps = {name: x.numpy()[:, 0] for name, x in out.items() if name.endswith("attention")}
    return maps | {f"{name}.users": np.array(labels) for name in maps}


def _concepts(config, split: Split, model: Recommender) -> dict[str, np.ndarray]:
    """See `concepts.quality`; of a model with a layer `concepts` that has `prototypes` [L, d]."""
    occurs = split.item_counts(train_only=True) > 0
    return concepts.quality(model.item_matrix().numpy(), model.concepts.prototypes.numpy(), split.sequences, occurs)


def _recent(config, split: Split, model: Recommender) -> dict[str, np.ndarray]:
    """See `recent.recent_facts`, of the test targets."""
    return recent.recent_facts(split.sequences, split.test)


def _interests(config, split: Split, model: Recommender) -> dict[str, np.ndarray]:
    """See `kept_interests.kept`."""
    labels = list(config.eval.get("shown_users", ()))
    users = histories.by_label(split.sequences, labels) if labels else histories.typical(split, kept_interests.SHOWN)
    return kept_interests.kept(split, model, users)


def _scope(config, split: Split, model: Recommender) -> dict[str, np.ndarray]:
    """See `scope.attention_scope`."""
    return scope.attention_scope(split, model, config.model.max_length)


def _frequency(config, split: Split, model: Recommender) -> dict[str, np.ndarray]:
    """See `frequency.compare`; of the plain data, not where a sweep leaves infrequent items out."""
    if config.dataset_args.min_item:
        return {}
    seq, counts = split.sequences, split.item_counts(train_only=True)
    vectors = model.item_matrix().numpy()[:, : config.model.dim]  # a bias may follow
    return frequency.compare(vectors, seq.item_categories(), counts, seq.labels["category"])


KEEPERS = {"concepts": _concepts, "recent": _recent, "interests": _interests, "scope": _scope, "frequency": _frequency}
