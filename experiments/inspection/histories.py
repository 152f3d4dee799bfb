"""Users by name, their histories as a batch, and what their events are called."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from data.pipeline import Batch, Store
from data.schema import Sequences
from data.splits import Split
from tf_utils.cli import UserError
from tf_utils.keras_gate import tf

HIDDEN = "the next event, hidden"


@dataclass(frozen=True)
class Histories:
    """Test histories: all events of a user but the test target (all, where nothing is held out).

    users: int32 [B].  starts, ends: int64 [B], of the flat arrays.  batch: fields [B, T] as a model reads them.
    """

    users: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    batch: Batch

    def __len__(self) -> int:
        return len(self.users)

    @property
    def valid(self) -> np.ndarray:
        """bool [B, T]."""
        return self.batch["items"].numpy() > 0


def read(split: Split, store: Store, users: np.ndarray, length: int, trim: bool) -> Histories:
    """The newest `length` events of each user's history; T is the longest of them where `trim`, else `length`."""
    seq = split.sequences
    starts, ends = seq.offsets[:-1][users - 1], seq.offsets[1:][users - 1]
    ends = np.where(split.train_ends[users - 1] < ends, ends - 1, ends)
    width = max(min(int((ends - starts).max()), length), 1) if trim else length
    batch = {"user": tf.constant(users)} | store.window(tf.constant(starts), tf.constant(ends), tf.constant(width))
    return Histories(users, starts, ends, batch)


def asking(histories: Histories, token: int) -> Histories:
    """The histories with one more event behind them: the item `token`, and nothing else known of it."""
    behind = lambda name: token if name == "items" else 0  # noqa: E731
    batch = {
        name: x if x.shape.rank == 1 else tf.pad(x, [[0, 0], [0, 1]], constant_values=behind(name))
        for name, x in histories.batch.items()
    }
    return replace(histories, batch=batch)


def by_label(seq: Sequences, labels: list[str]) -> np.ndarray:
    """int32 ids of the users with these raw labels. Raises UserError, with a few that exist, for any other."""
    ids = {str(label): row + 1 for row, label in enumerate(seq.labels["user"])}
    for label in labels:
        if label not in ids:
            some = ", ".join(list(ids)[:: max(len(ids) // 5, 1)][:5])
            raise UserError(f"{seq.provenance.name}: no user {label!r} after filtering; there are, e.g., {some}")
    return np.array([ids[label] for label in dict.fromkeys(labels)], np.int32)


def typical(split: Split, count: int) -> np.ndarray:
    """int32 [<= count]: users at evenly spaced quantiles of the length of the history, shortest first."""
    users = split.test.users
    order = np.argsort(split.sequences.lengths[users - 1], kind="stable")
    places = ((np.arange(count) + 0.5) / max(count, 1) * len(users)).astype(int)
    return users[order[np.unique(places)]]


def sample(split: Split, count: int, seed: int = 0) -> np.ndarray:
    """int32 [<= count]: users with a held-out event, drawn without replacement, in the order of their ids."""
    users = split.test.users
    return np.sort(np.random.default_rng(seed).choice(users, min(count, len(users)), replace=False))


def item_names(seq: Sequences) -> np.ndarray:
    """str [n_items]: titles where there are any, else the raw labels."""
    return np.asarray(seq.labels["item"] if seq.item_names is None else seq.item_names).astype(str)


def event_labels(seq: Sequences, start: int, end: int, width: int = 24) -> list[str]:
    """ "item · category · action" of the events start..end-1; parts that say nothing in this data set are left out."""
    names, categories, actions = item_names(seq), seq.labels["category"], seq.labels["action"]
    labels = []
    for item, category, action in zip(
        seq.items[start:end], seq.categories[start:end], seq.actions[start:end], strict=True
    ):
        parts = [names[item - 1]]
        if category > 0:
            parts.append(str(categories[category - 1]))
        if len(actions) > 1 and action > 0:
            parts.append(str(actions[action - 1]))
        labels.append(" · ".join(shorten(part, width) for part in parts))
    return labels


def shorten(text: str, width: int) -> str:
    """At most `width` characters on one line."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"
