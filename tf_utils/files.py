"""Files that are there in whole or not at all."""

import os
import tempfile
from pathlib import Path

from tf_utils.cli import UserError


def make_folder(path: Path) -> None:
    """Makes a folder, and those above it. Raises UserError if it cannot be made."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UserError(f"{path}: a file is in the way of this folder; move it or choose another one") from None
    except OSError as error:
        raise UserError(f"{path}: this folder cannot be made ({error.strerror}); choose another one") from None


def write_atomically(path: Path, text: str) -> None:
    """Writes `text` in one step; its folder must exist. Raises OSError."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w") as out:
            out.write(text)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)  # mkstemp's are for their owner alone
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
