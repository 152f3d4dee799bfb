"""Every number among the hyper-parameters has a range, and a value outside it is told with the flag that sets it."""

import pytest

from models import MODELS, build, default_config
from models.ranges import RULES
from tests import tiny

RANGED = {name for names, *_ in RULES for name in names}


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_number_has_a_range(tiny_split, name):
    numbers = {key: value for key, value in default_config(name).items() if type(value) in (int, float)}
    assert set(numbers) <= RANGED
    for key in numbers:
        for bad in (-1, float("nan")):
            config = default_config(name)
            with config.unlocked(), config.ignore_type():
                config[key] = bad
            with pytest.raises(ValueError, match=rf"^config.model.{key} must .*, got (-1|-1.0|nan)$"):
                build(name, config, tiny.spec_of(tiny_split))
