"""How well learned concepts cluster the items: normalised mutual information with categories, and nearest items.

An item belongs to the concept whose prototype has the highest cosine with it (SINE section 4.3; LEDGER S22). NumPy,
SciPy and scikit-learn alone: works on any two matrices.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.metrics import normalized_mutual_info_score

from data.schema import Sequences

NEAREST = 8  # items shown a concept, as in SINE's Figure 3
SHOWN = 8  # concepts shown
_CELLS = 16_000_000  # cosines held at once


def unit(rows: np.ndarray) -> np.ndarray:
    """float32 [n, d]: rows of length 1; a row of zeros stays."""
    rows = np.asarray(rows, np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def assign(items: np.ndarray, concepts: np.ndarray) -> np.ndarray:
    """items [N, d], concepts [L, d] -> int64 [N]: argmax over l of cos(item, concept l); the first of equals."""
    prototypes, at_once = unit(concepts).T, max(1, _CELLS // len(concepts))
    starts = range(0, len(items), at_once)
    blocks = [np.argmax(unit(items[i : i + at_once]) @ prototypes, axis=1) for i in starts]
    return np.concatenate(blocks)


def nearest(items: np.ndarray, concepts: np.ndarray, count: int = NEAREST) -> tuple[np.ndarray, np.ndarray]:
    """int64 and float32 [L, min(count, N)]: rows of `items` nearest to each concept, and their cosines, best first."""
    vectors, prototypes, count = unit(items), unit(concepts), min(count, len(items))
    found = np.zeros((len(prototypes), count), np.int64)
    at_once = max(1, _CELLS // max(len(vectors), 1))
    for start in range(0, len(prototypes), at_once):
        cosines = prototypes[start : start + at_once] @ vectors.T
        for row, line in enumerate(cosines, start):
            top = np.argpartition(-line, count - 1)[:count]
            found[row] = top[np.lexsort((top, -line[top]))]
    return found, np.einsum("lcd,ld->lc", vectors[found], prototypes)


def nmi(first: np.ndarray, second: np.ndarray) -> float:
    """Of two hard partitions, labels int [N]: mutual information over the arithmetic mean of the entropies."""
    return float(normalized_mutual_info_score(first, second))


def nmi_by_chance(first: np.ndarray, second: np.ndarray, draws: int = 5, seed: int = 0) -> float:
    """Mean `nmi` after shuffling the first labels: what clusters of these sizes have with no meaning at all."""
    rng = np.random.default_rng(seed)
    return float(np.mean([nmi(rng.permutation(first), second) for _ in range(draws)]))


def memberships(labels: np.ndarray) -> sparse.csc_array:
    """int [N] -> bool [N, number of distinct labels]: each item in one set."""
    values, column = np.unique(labels, return_inverse=True)
    ones = np.ones(len(labels), bool)
    return sparse.csc_array((ones, (np.arange(len(labels)), column)), shape=(len(labels), len(values)))


def overlapping_nmi(first: sparse.sparray, second: sparse.sparray) -> float:
    """NMI of two covers, whose sets may overlap: McDaid, Greene, Hurley, arXiv 1110.2515, NMI_max.

    first, second: bool [N, sets], item in set.  H(X_i | Y_j) of two sets counts only where they agree more than they
    differ, h(a) + h(d) >= h(b) + h(c), else it is H(X_i); a set has the lowest over j; and
    I = (H(X) - H(X|Y) + H(Y) - H(Y|X)) / 2, over max(H(X), H(Y)).  0 where that is 0. No weights: sets that are equal
    in both covers give 1, unrelated ones about 0.  Raises ValueError for covers of different items.
    """
    if first.shape[0] != second.shape[0]:
        raise ValueError(f"covers of {first.shape[0]} and {second.shape[0]} items")
    n = first.shape[0]
    x, y = first.astype(np.float64), second.astype(np.float64)
    both = (x.T @ y).toarray()  # [sets of X, sets of Y]: d, items in both
    in_x, in_y = x.sum(axis=0), y.sum(axis=0)

    def h(count):
        count = np.asarray(count, np.float64)
        return np.where(count > 0, -count * np.log2(np.maximum(count, 1) / n), 0.0)

    c, b = in_x[:, None] - both, in_y[None, :] - both
    a = n - both - b - c
    h_x, h_y = h(in_x) + h(n - in_x), h(in_y) + h(n - in_y)
    joint = h(a) + h(b) + h(c) + h(both)
    informative = h(a) + h(both) >= h(b) + h(c)
    x_given_y = np.where(informative, joint - h_y[None, :], h_x[:, None]).min(axis=1).sum()
    y_given_x = np.where(informative, joint - h_x[:, None], h_y[None, :]).min(axis=0).sum()
    highest = max(h_x.sum(), h_y.sum())
    return float((h_x.sum() - x_given_y + h_y.sum() - y_given_x) / 2 / highest) if highest > 0 else 0.0


def category_levels(seq: Sequences) -> dict[str, np.ndarray]:
    """{level: int32 [n_items + 1]}, category ids (0: none): "leaf", the main category, and where paths are known
    "level 1" and "level 2".

    S3-Rec's Beauty lists a frequent brand, then the path from the top; the leaf was put first by the loader. An id that
    stands first in one item and second in another is a top category; brands only ever stand first.
    """
    levels = {"leaf": seq.item_categories()}
    if seq.attributes is None or not seq.provenance.name.startswith("s3rec-beauty"):
        return levels
    paths = [[*values[1:], *values[:1]] for values in map(seq.attributes.of, range(seq.size("item") + 1))]
    top = {path[0] for path in paths if path} & {path[1] for path in paths if len(path) > 1}
    if not top:
        return levels
    first, second = (np.zeros(len(paths), np.int32) for _ in range(2))
    for item, path in enumerate(paths):
        path = path if path and path[0] in top else path[1:]
        if path and path[0] in top:
            first[item] = path[0]
            second[item] = path[1] if len(path) > 1 else 0
    return {"level 1": first, "level 2": second, **levels}


def all_categories(seq: Sequences) -> sparse.csc_array | None:
    """bool [n_items + 1, n_categories + 1]: every category of each item; None where items have one at most."""
    if seq.attributes is None:
        return None
    offsets, values = seq.attributes.offsets, seq.attributes.values
    if np.diff(offsets).max(initial=0) < 2:
        return None
    rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    shape = (len(offsets) - 1, seq.size("category") + 1)
    return sparse.csc_array((np.ones(len(values), bool), (rows, values)), shape=shape)


def pairs_alike(neighbours: np.ndarray, labels: np.ndarray) -> float:
    """The share of pairs within a row of `neighbours` [L, C] that share a label; 0 is no label, and never shared."""
    named = labels[neighbours]
    same = (named[:, :, None] == named[:, None, :]) & (named > 0)[:, :, None]
    above = np.triu(np.ones(same.shape[1:], bool), 1)
    return float(same[:, above].mean()) if above.any() else 0.0


def quality(items: np.ndarray, concepts: np.ndarray, seq: Sequences, occurs: np.ndarray) -> dict[str, np.ndarray]:
    """What a run record keeps of its concepts.

    Args:
        items: [n_items + 1, d], row 0 padding.
        concepts: [L, d].
        seq: names and categories of the items.
        occurs: bool [n_items + 1], items that were trained on; the others' vectors say nothing and are left out.

    Returns:
        numbers, float []: "share of concepts in use" (nearest to an item); for each level of `category_levels` "NMI,
        <level>", "NMI by chance, <level>" (shuffled concepts), "NMI of random directions, <level>", "overlapping NMI,
        <level>"; "overlapping NMI, all categories" where items have several; over the 8 nearest items of each concept
        in use "leaves among the nearest", "pairs of one leaf", "pairs of one leaf by chance" (any two items) and "pairs
        of one leaf, random directions"; "leaves a concept": of its own items, on average.  Random directions: as many
        as concepts, normal, in their place. Any direction has items of one category near it where the items' vectors
        are clustered, so what exceeds these is the concepts' own.
        For the concepts with the most items: "concepts.ids", "concepts.sizes" int [S]; "concepts.items",
        "concepts.categories" str and "concepts.cosines" float32 [S, 8].
    """
    kept = np.flatnonzero(occurs)
    kept = kept[kept > 0]
    vectors = np.asarray(items)[kept]
    labels = assign(vectors, concepts)
    random = np.random.default_rng(0).standard_normal(np.shape(concepts))
    at_random = assign(vectors, random)
    sizes = np.bincount(labels, minlength=len(concepts))
    used = np.flatnonzero(sizes)
    numbers = {"share of concepts in use": len(used) / len(concepts)}
    levels = category_levels(seq)
    for level, table in levels.items():
        named = table[kept] > 0
        if named.any():
            numbers[f"NMI, {level}"] = nmi(labels[named], table[kept][named])
            numbers[f"NMI by chance, {level}"] = nmi_by_chance(labels[named], table[kept][named])
            numbers[f"NMI of random directions, {level}"] = nmi(at_random[named], table[kept][named])
            covers = memberships(labels[named]), memberships(table[kept][named])
            numbers[f"overlapping NMI, {level}"] = overlapping_nmi(*covers)
    several = all_categories(seq)
    if several is not None:
        cover = several.tocsr()[kept].tocsc()
        cover = cover[:, np.flatnonzero(cover.sum(axis=0))]
        numbers["overlapping NMI, all categories"] = overlapping_nmi(memberships(labels), cover)
    leaf = levels["leaf"][kept]
    near, cosines = nearest(vectors, np.asarray(concepts)[used])
    if leaf.any():
        numbers |= _leaves(near, leaf, labels)
        in_use = random[np.unique(at_random)]
        numbers["pairs of one leaf, random directions"] = pairs_alike(nearest(vectors, in_use)[0], leaf)
    shown = np.argsort(-sizes[used], kind="stable")[:SHOWN]
    listed = _listing(used[shown], sizes, kept[near[shown]], cosines[shown], seq)
    return {name: np.array(value, np.float64) for name, value in numbers.items()} | listed


def listing(items: np.ndarray, concepts: np.ndarray, seq: Sequences, occurs: np.ndarray, ids: np.ndarray):
    """The "concepts.ids", "concepts.sizes", "concepts.items", "concepts.categories" and "concepts.cosines" of `quality`
    (whose arguments the others are), of the concepts `ids`, int [S], instead of those with the most items."""
    kept = np.flatnonzero(occurs)
    kept = kept[kept > 0]
    vectors, concepts = np.asarray(items)[kept], np.asarray(concepts)
    sizes = np.bincount(assign(vectors, concepts), minlength=len(concepts))
    near, cosines = nearest(vectors, concepts[ids])
    return _listing(ids, sizes, kept[near], cosines, seq)


def _listing(ids: np.ndarray, sizes: np.ndarray, near: np.ndarray, cosines: np.ndarray, seq: Sequences):
    """sizes: int [L].  near: item ids [S, 8]."""
    categories = np.array(["", *seq.labels["category"]]).astype(str)
    titles = np.asarray(seq.labels["item"] if seq.item_names is None else seq.item_names).astype(str)
    return {
        "concepts.ids": ids,
        "concepts.sizes": sizes[ids],
        "concepts.items": titles[near - 1],
        "concepts.categories": categories[seq.item_categories()[near]],
        "concepts.cosines": cosines,
    }


def _leaves(near: np.ndarray, leaf: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    share = np.bincount(leaf)[1:] / len(leaf)
    pairs = len(np.unique(np.stack([labels, leaf])[:, leaf > 0], axis=1).T)
    return {
        "leaves among the nearest": float(np.mean([len(set(row[row > 0])) for row in leaf[near]])),
        "pairs of one leaf": pairs_alike(near, leaf),
        "pairs of one leaf by chance": float(np.sum(share**2)),
        "leaves a concept": pairs / len(np.unique(labels[leaf > 0])),
    }
