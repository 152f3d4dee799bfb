"""On what two configurations disagree. Needs no TensorFlow: reports and the audit start at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

LIMITS = ("max_epochs", "budget_minutes")  # of config.train: more of them gives the same bits, only more
TOLD = ("trials",)  # says where the values come from, and changes nothing
EVALUATED_AT_ONCE = "batch_size"  # of config.eval: users at a time, a matter of memory
# Between a run and what it is continued with.
MAY_DIFFER = frozenset({*(f"train.{name}" for name in LIMITS), *TOLD, f"eval.{EVALUATED_AT_ONCE}"})


def differences(before: Mapping, now: Mapping, missing: Any = None, under: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(dotted name, value before, value now) of what two nested configurations disagree on.

    missing: stands for the value of what one of them does not have.
    """
    for name in {*before, *now}:
        a, b = before.get(name, missing), now.get(name, missing)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            yield from differences(a, b, missing, f"{under}{name}.")
        elif a != b:
            yield f"{under}{name}", a, b
