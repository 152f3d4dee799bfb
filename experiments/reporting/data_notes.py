"""What no loader can see of the copies of the data that records were made from: a file beside the papers' folders."""

from __future__ import annotations

import json
from pathlib import Path

from tf_utils.cli import UserError

NAME = "data_notes.json"


def load(root: str | Path) -> dict[str, list[str]]:
    """{data set: sentences}, {} where there is no such file. Raises UserError for one of another form."""
    path = Path(root) / NAME
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error}); mend or delete it") from None
    good = isinstance(found, dict) and all(
        isinstance(notes, list) and all(isinstance(note, str) for note in notes) for notes in found.values()
    )
    if not good:
        raise UserError(f"{path}: must map data sets to lists of sentences; mend or delete it")
    return found
