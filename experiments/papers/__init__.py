"""One module a paper: its tables, figures and claims as data, and the runs they need."""

from __future__ import annotations

from importlib import import_module

from experiments.papers.schema import Paper
from tf_utils.cli import UserError

NAMES = ("asli", "attrec", "sine", "sair", "cafe")


def load(name: str) -> Paper:
    """The paper of that name. Raises UserError if there is none."""
    if name not in NAMES:
        raise UserError(f"unknown paper {name!r}; choose from {', '.join(NAMES)}")
    return import_module(f"experiments.papers.{name}").PAPER
