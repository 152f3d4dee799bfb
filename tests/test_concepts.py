"""Clustering quality of learned concepts and facts of recent events, against hand-made examples and slow twins."""

import math

import numpy as np
import pytest
from scipy import sparse

from data.schema import Attributes, Provenance, Sequences
from data.splits import leave_one_out
from experiments.inspection import concepts
from experiments.inspection.recent import recent_facts


def cover(n: int, *sets) -> sparse.csc_array:
    table = np.zeros((n, len(sets)), bool)
    for column, members in enumerate(sets):
        table[list(members), column] = True
    return sparse.csc_array(table)


def sequences(users, categories=None, attributes=None, name="made", names=None) -> Sequences:
    """users: lists of item ids, in time order.  categories: of item id."""
    items = np.concatenate(users).astype(np.int32)
    categories = categories or {}
    n_items, n_categories = int(items.max()), max([*categories.values(), 0])
    if attributes is not None:
        n_categories = max(n_categories, int(attributes.values.max()))
    return Sequences(
        offsets=np.concatenate([[0], np.cumsum([len(u) for u in users])]).astype(np.int64),
        items=items,
        categories=np.array([categories.get(int(i), 0) for i in items], np.int32),
        actions=np.ones(len(items), np.int32),
        timestamps=np.arange(len(items)),
        labels={
            "user": np.arange(len(users)).astype(str),
            "item": np.array([f"i{k + 1}" for k in range(n_items)]),
            "category": np.array([f"c{k + 1}" for k in range(n_categories)]),
            "action": np.array(["view"]),
        },
        provenance=Provenance(name),
        attributes=attributes,
        item_names=names,
    )


def test_items_belong_to_the_prototype_with_the_highest_cosine():
    """By inner product item 1 would belong to the long prototype (10 against 1.9); its cosines are .74 and .999."""
    items = np.array([[1.0, 0.9], [3.0, 0.0], [0.0, 0.0]])
    assert concepts.assign(items, np.array([[1.0, 1.0], [10.0, 0.0]])).tolist() == [0, 1, 0]


def test_blocks_do_not_matter(monkeypatch):
    rng = np.random.default_rng(0)
    items, prototypes = rng.normal(size=(37, 5)), rng.normal(size=(6, 5))
    whole, near = concepts.assign(items, prototypes), concepts.nearest(items, prototypes, 4)
    monkeypatch.setattr(concepts, "_CELLS", 40)
    np.testing.assert_array_equal(concepts.assign(items, prototypes), whole)
    np.testing.assert_array_equal(concepts.nearest(items, prototypes, 4)[0], near[0])
    for concept, (row, cosines) in enumerate(zip(*near, strict=True)):
        each = [float(x @ prototypes[concept] / np.linalg.norm(x) / np.linalg.norm(prototypes[concept])) for x in items]
        assert row.tolist() == sorted(range(37), key=lambda i: -each[i])[:4]
        np.testing.assert_allclose(cosines, sorted(each, reverse=True)[:4], rtol=1e-5)


def test_nmi_by_hand():
    """Joint 2/4, 1/4, 1/4: mutual information 0.21576 nats; entropies 0.69315 and 0.56234; their mean 0.62774."""
    first, second = np.array([0, 0, 1, 1]), np.array([5, 5, 5, 9])
    assert concepts.nmi(first, second) == pytest.approx(0.21576 / 0.62774, abs=1e-4)
    assert concepts.nmi(first, np.array([7, 7, 3, 3])) == pytest.approx(1.0)
    assert concepts.nmi(first, np.array([0, 1, 0, 1])) == pytest.approx(0.0, abs=1e-12)


def test_many_small_clusters_have_nmi_without_meaning():
    rng = np.random.default_rng(1)
    labels, classes = rng.integers(0, 100, 400), rng.integers(0, 20, 400)
    chance = concepts.nmi_by_chance(labels, classes)
    assert 0.3 < chance < 0.6 and chance == pytest.approx(concepts.nmi(labels, classes), abs=0.05)
    assert chance == concepts.nmi_by_chance(labels, classes)


def test_overlapping_nmi_by_hand():
    """Four items, {0, 1} and {0, 1, 2}, h(w) = -w log2(w / 4): H(X) = 2 + 2, H(Y) = h(3) + h(1) = 3.2451; both 2,
    neither 1, Y alone 1: the joint is 6; H(X|Y) = 2.7549, H(Y|X) = 2; I = 1.2451, over 4."""
    assert concepts.overlapping_nmi(cover(4, {0, 1}), cover(4, {0, 1, 2})) == pytest.approx(1.2451 / 4, abs=1e-5)
    # Sets that never meet tell nothing that counts, though each is the other's complement.
    assert concepts.overlapping_nmi(cover(4, {0, 1}), cover(4, {2, 3})) == 0.0
    overlapping = cover(6, {0, 1, 2}, {2, 3}, {4})
    assert concepts.overlapping_nmi(overlapping, overlapping) == pytest.approx(1.0)
    assert concepts.overlapping_nmi(cover(3, {0, 1, 2}), cover(3, {0, 1, 2})) == 0.0  # nothing to know
    with pytest.raises(ValueError, match="covers of 3 and 4 items"):
        concepts.overlapping_nmi(cover(3, {0}), cover(4, {0}))


def slow_overlapping_nmi(x: list[set], y: list[set], n: int) -> float:
    """McDaid et al., from the definition, one pair of sets at a time."""

    def h(w):
        return -w * math.log2(w / n) if w else 0.0

    def entropy(s):
        return h(len(s)) + h(n - len(s))

    def conditional(s, t):
        d, c, b = len(s & t), len(s - t), len(t - s)
        a = n - b - c - d
        if h(a) + h(d) >= h(b) + h(c):
            return h(a) + h(b) + h(c) + h(d) - entropy(t)
        return entropy(s)

    def given(p, q):
        return sum(min(conditional(s, t) for t in q) for s in p)

    h_x, h_y = sum(map(entropy, x)), sum(map(entropy, y))
    return (h_x - given(x, y) + h_y - given(y, x)) / 2 / max(h_x, h_y)


def test_overlapping_nmi_of_random_covers():
    rng = np.random.default_rng(2)
    for _ in range(20):
        n = int(rng.integers(5, 30))
        x, y = (
            [
                set(rng.choice(n, int(rng.integers(1, n)), replace=False).tolist())
                for _ in range(int(rng.integers(1, 6)))
            ]
            for _ in range(2)
        )
        ours = concepts.overlapping_nmi(cover(n, *x), cover(n, *y))
        assert ours == pytest.approx(slow_overlapping_nmi(x, y, n), abs=1e-9)


def test_memberships_of_a_partition():
    found = concepts.memberships(np.array([4, 2, 4]))
    assert found.toarray().tolist() == [[False, True], [True, False], [False, True]]


def beauty() -> Sequences:
    """Leaf first, then brand, top and so on, as the loader leaves them. Top categories are 1 and 2, 9 is a brand."""
    paths = [[], [5, 9, 1, 3], [5, 1, 3], [4, 2], [6, 9, 2, 4], [1]]
    offsets = np.concatenate([[0], np.cumsum([len(p) for p in paths])]).astype(np.int64)
    attributes = Attributes(offsets, np.concatenate(paths).astype(np.int32))
    leaf = {item: path[0] for item, path in enumerate(paths) if path}
    return sequences([[1, 2, 3], [4, 5, 1]], leaf, attributes, "s3rec-beauty")


def test_levels_of_a_category_path():
    levels = concepts.category_levels(beauty())
    assert {name: table.tolist() for name, table in levels.items()} == {
        "level 1": [0, 1, 1, 2, 2, 1],
        "level 2": [0, 3, 3, 4, 4, 0],
        "leaf": [0, 5, 5, 4, 6, 1],
    }
    plain = sequences([[1, 2, 3]], {1: 1, 2: 2})
    assert {k: v.tolist() for k, v in concepts.category_levels(plain).items()} == {"leaf": [0, 1, 2, 0]}
    assert concepts.all_categories(plain) is None
    assert concepts.all_categories(beauty()).toarray()[1].nonzero()[0].tolist() == [1, 3, 5, 9]


def test_pairs_alike():
    """Labels of the neighbours: 1 1 2 -> one pair of three; 0 0 1 -> none, for 0 is no label."""
    assert concepts.pairs_alike(np.array([[0, 1, 2], [3, 4, 0]]), np.array([1, 1, 2, 0, 0])) == pytest.approx(1 / 6)


def test_quality_of_perfect_concepts():
    """Six items on two axes, the category is the axis; nobody is nearest to concept 3, item 7 was not trained."""
    vectors = np.array([[0, 0], [1, 0], [2, 0.1], [1, 0.1], [0, 1], [0.1, 1], [0, 3], [-1, -1]])
    seq = sequences(
        [[1, 2, 3, 4], [5, 6, 7]],
        {1: 1, 2: 1, 3: 1, 4: 2, 5: 2, 6: 2, 7: 2},
        names=np.array(["Alien", "Brazil", "Casino", "Dune", "Emma", "Fargo", "Gigi"]),
    )
    occurs = np.arange(8) < 7
    found = concepts.quality(vectors, np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.5]]), seq, occurs)
    assert found["NMI, leaf"] == pytest.approx(1.0) and found["overlapping NMI, leaf"] == pytest.approx(1.0)
    assert found["share of concepts in use"] == pytest.approx(2 / 3)
    assert found["leaves a concept"] == 1.0 and found["NMI by chance, leaf"] < 0.9
    # All six are among the eight nearest of both: 6 of 15 pairs are of one leaf, and two leaves.
    assert found["pairs of one leaf"] == pytest.approx(6 / 15) and found["leaves among the nearest"] == 2.0
    assert found["pairs of one leaf by chance"] == pytest.approx(0.5)
    # Random directions have all six near them too; their partition is that of the cosines with the same draw.
    assert found["pairs of one leaf, random directions"] == pytest.approx(6 / 15)
    drawn = np.random.default_rng(0).standard_normal((3, 2))
    cosines = vectors[1:7] @ drawn.T / np.linalg.norm(drawn, axis=1)
    expected = concepts.nmi(np.argmax(cosines, axis=1), np.array([1, 1, 1, 2, 2, 2]))
    assert found["NMI of random directions, leaf"] == pytest.approx(expected)
    assert found["concepts.ids"].tolist() == [0, 1] and found["concepts.sizes"].tolist() == [3, 3]
    assert found["concepts.items"][0, :3].tolist() == ["Alien", "Brazil", "Casino"]
    assert "Gigi" not in found["concepts.items"] and found["concepts.categories"][1, 0] == "c2"
    assert found["concepts.cosines"][0, 0] == pytest.approx(1.0)


def test_quality_without_categories():
    found = concepts.quality(np.eye(4), np.eye(4)[1:3], sequences([[1, 2, 3]]), np.ones(4, bool))
    assert not [name for name in found if "NMI" in name or "leaf" in name]
    assert found["concepts.categories"][0].tolist() == ["", "", ""]


def test_recent_facts_by_hand():
    """Window 3. User 1: history 1 2 1 1 (categories 1 2 1 1), the target's category 1: of the last three, two are.
    User 2: 3 without a category, 2; its target has category 1. User 3: the target has none. User 4 is too short."""
    seq = sequences([[1, 2, 1, 1, 4], [3, 2, 4], [1, 2, 3], [1, 2]], {1: 1, 2: 2, 4: 1})
    facts = recent_facts(seq, leave_one_out(seq).test, window=3)
    assert facts["recent.users"].tolist() == [1, 2, 3]
    assert facts["recent.similar"].tolist() == [2, 0, -1]
    assert facts["recent.categories"].tolist() == [2, 1, 2]
    assert facts["recent.events"].tolist() == [3, 2, 2]


def test_recent_facts_of_random_logs():
    rng = np.random.default_rng(3)
    categories = {item: int(rng.integers(0, 4)) for item in range(1, 21)} | {20: 4}
    users = [rng.integers(1, 21, int(rng.integers(3, 30))) for _ in range(40)]
    seq = sequences([*users, np.array([20, 20, 20])], categories)
    test = leave_one_out(seq).test
    facts = recent_facts(seq, test, window=7)
    for row, user in enumerate(users):
        recent, target = [categories[int(i)] for i in user[:-1][-7:]], categories[int(user[-1])]
        assert facts["recent.similar"][row] == (sum(c == target for c in recent) if target else -1)
        assert facts["recent.categories"][row] == len(set(recent) - {0})


def test_a_run_keeps_what_its_configuration_names():
    import ml_collections

    keeping = pytest.importorskip("experiments.inspection.keeping")
    from tf_utils.keras_gate import tf

    class Layer:
        prototypes = tf.constant([[1.0, 0.0], [0.0, 1.0]])

    class Model:
        concepts = Layer()

        def item_matrix(self):
            return tf.constant([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])

    split = leave_one_out(sequences([[1, 2, 3, 1, 2], [2, 1, 3, 3, 2]], {1: 1, 2: 2}))
    config = ml_collections.ConfigDict({"eval": {"keep": ("concepts", "recent")}})
    kept = keeping.kept_arrays(config, split, Model())
    assert kept["NMI, leaf"] == pytest.approx(1.0) and kept["recent.similar"].tolist() == [1, 1]
    assert not any(array.dtype == object for array in kept.values())
    assert keeping.kept_arrays(ml_collections.ConfigDict({"eval": {}}), split, Model()) == {}
