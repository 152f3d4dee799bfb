"""Files that are there in whole or not at all, and folders in which one process at a time is at work."""

import contextlib
import fcntl
import functools
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tf_utils.cli import UserError


class InUse(UserError):
    """Another process is at work in a folder."""


@functools.cache
def _locks():
    """The machine's lock file. A process opens it once: closing any of its descriptors would free all its locks."""
    return open(Path("/tmp", f"intent-recsys-{os.getuid()}.lock"), "a")


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keeps a folder, which need not exist yet, to this process until the block or the process ends.

    Nothing is written there: a byte of one file of the machine is locked, which stands for the folder's path. So other
    machines are not kept out. (Not in TMPDIR, which may be a process's own.) Different folders nest. Raises InUse if
    another process has the folder.
    """
    digest = hashlib.sha256(str(folder.resolve()).encode()).digest()
    place = int.from_bytes(digest[:7], "big")
    try:
        fcntl.lockf(_locks(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
    except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, as the system likes
        raise InUse(f"{folder}: another process is at work there; wait for it or choose another folder") from None
    try:
        yield
    finally:
        fcntl.lockf(_locks(), fcntl.LOCK_UN, 1, place)


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
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
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
