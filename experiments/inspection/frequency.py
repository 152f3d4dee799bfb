"""Vectors of frequent and of infrequent items: a projection, and how well they tell the intents apart.

CAFE section 2.3.2, Figures 2c and 2d: three intents, of each the 500 most and the 500 least frequent items. NumPy and
scikit-learn alone.
"""

from __future__ import annotations

import numpy as np
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestNeighbors

GROUPS = ("frequent", "infrequent")
INTENTS = 3
ITEMS = 500  # of an intent and a group
NEIGHBOURS = 10
PERPLEXITY = 30.0


def compare(
    vectors: np.ndarray, intents: np.ndarray, counts: np.ndarray, names: np.ndarray, items: int = ITEMS, seed: int = 0
) -> dict[str, np.ndarray]:
    """The intents with the most items are compared; an item belongs to one group at most.

    Args:
        vectors: float [N + 1, d], row 0 is padding.
        intents: int [N + 1], 0: none.
        counts: int [N + 1], training events; an item without any has an untrained vector and is left out.
        names: str [n_intents], of intent i in place i - 1.
        items: of an intent and a group, fewer where an intent has fewer.
        seed: of t-SNE.

    Returns:
        {} where there are fewer than two intents with four items; else "vectors.xy" float32 [2, m, 2]: t-SNE of all the
        unit vectors together, groups in the order of `GROUPS`; "vectors.intent" int8 [2, m], from 0; "vectors.names"
        str. And for each group, float []: "silhouette, <group>" (unit vectors, by intent), "neighbours of one intent,
        <group>" (share among an item's 10 nearest of its group), "length, <group>" (mean norm over that of all trained
        items), "events, <group>" (mean training events).
    """
    chosen, labels, kept = _choose(intents, counts, items)
    if len(kept) < 2:
        return {}
    rows = [np.asarray(vectors, np.float64)[group] for group in chosen]
    unit = [x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12) for x in rows]
    everything = np.concatenate(unit)
    perplexity = min(PERPLEXITY, (len(everything) - 1) / 3)
    placed = TSNE(init="pca", perplexity=perplexity, random_state=seed, n_jobs=1).fit_transform(everything)
    typical = np.linalg.norm(np.asarray(vectors, np.float64)[1:][counts[1:] > 0], axis=1).mean()
    found = {
        "vectors.xy": placed.reshape(2, -1, 2).astype(np.float32),
        "vectors.intent": np.stack([labels, labels]).astype(np.int8),
        "vectors.names": np.asarray(names)[kept - 1].astype(str),
    }
    for group, x, places, raw in zip(GROUPS, unit, chosen, rows, strict=True):
        found[f"silhouette, {group}"] = np.array(silhouette_score(x, labels))
        found[f"neighbours of one intent, {group}"] = np.array(_alike(x, labels))
        found[f"length, {group}"] = np.array(np.linalg.norm(raw, axis=1).mean() / max(typical, 1e-12))
        found[f"events, {group}"] = np.array(counts[places].mean())
    return found


def _choose(intents: np.ndarray, counts: np.ndarray, items: int):
    """(frequent and infrequent item ids, the intent of each as a place in the third, the intents)."""
    trained = np.flatnonzero((counts > 0) & (intents > 0))
    sizes = np.bincount(intents[trained], minlength=1)
    kept = np.argsort(-sizes, kind="stable")[:INTENTS]
    kept = kept[sizes[kept] >= 4]
    frequent, infrequent, labels = [], [], []
    for place, intent in enumerate(kept):
        own = trained[intents[trained] == intent]
        own = own[np.argsort(-counts[own], kind="stable")]
        take = min(items, len(own) // 2)
        frequent.append(own[:take])
        infrequent.append(own[-take:])
        labels.append(np.full(take, place))
    join = lambda parts: np.concatenate(parts) if parts else np.zeros(0, int)  # noqa: E731
    return (join(frequent), join(infrequent)), join(labels), kept


def _alike(vectors: np.ndarray, labels: np.ndarray) -> float:
    """The share of an item's nearest neighbours, itself left out, that have its label, mean over items."""
    count = min(NEIGHBOURS + 1, len(vectors))
    near = NearestNeighbors(n_neighbors=count).fit(vectors).kneighbors(vectors, return_distance=False)
    own = near == np.arange(len(vectors))[:, None]
    same = (labels[near] == labels[:, None]) & ~own
    return float((same.sum(axis=1) / np.maximum((~own).sum(axis=1), 1)).mean())
