"""What a model is told of its data."""

import numpy as np

from models.base import DataSpec


def test_item_categories_are_found_once_and_only_when_read():
    calls = []

    def find():
        calls.append(1)
        return np.array([[0], [2]], np.int32)

    spec = DataSpec(1, 1, 2, 1, find_item_categories=find)
    assert spec == DataSpec(1, 1, 2, 1) and not calls
    assert spec.item_categories[1, 0] == 2 and spec.item_categories is spec.item_categories
    assert len(calls) == 1
    assert DataSpec(1, 1, 2, 1).item_categories is None
