"""What every loader checks before it parses: is the file there, is it text, is it whole."""

from __future__ import annotations

from pathlib import Path

from tf_utils.cli import UserError

DIGITS = 18  # any number of so many fits an int64
_MAGIC = {b"PK\x03\x04": "a zip archive", b"\x1f\x8b": "a gzip archive", b"Rar!": "a RAR archive"}


def file_in(path: Path, *names: str) -> Path:
    """The file that `path` stands for: itself, or in a folder the first of `names` that is there (of all, if none)."""
    path = Path(path)
    if not path.is_dir():
        return path
    return next((path / name for name in names if (path / name).exists()), path / names[0])


def check_text_file(path: Path, where: str) -> None:
    """Raises UserError unless `path` is a readable, non-empty file that starts like text in UTF-8 or Latin-1.

    where: a clause that says how to get the file.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError(f"{path}: is a folder, a file was expected; {where}")
    try:
        with open(path, "rb") as file:
            head = file.read(4096)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; {where}") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    if not head.strip():
        raise UserError(f"{path}: is empty; {where}")
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            raise UserError(f"{path}: is {kind}; unpack it first")
    if b"\0" in head or head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UserError(f"{path}: is not UTF-8 or Latin-1 text (UTF-16?); convert it to UTF-8 or get the original")


def read_header(path: Path, delimiter: str) -> list[str]:
    """The column names in the first line."""
    with open(path, "rb") as file:
        line = file.readline()
    try:
        return [name.strip() for name in line.decode("utf-8-sig").rstrip("\r\n").split(delimiter)]
    except UnicodeDecodeError:
        raise UserError(f"{path}: line 1 is not UTF-8 text; convert the file or get the original") from None


def read_text(path: Path, where: str) -> str:
    """A small side file as text: UTF-8 if it is that, else Latin-1, the encoding of the official MovieLens files."""
    check_text_file(path, where)
    content = Path(path).read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def ending_note(path: Path) -> tuple[str, ...]:
    """A note if the last line has no newline: then its last number may be cut off, which nothing else could tell."""
    with open(path, "rb") as file:
        file.seek(-1, 2)
        if file.read(1) in b"\r\n":
            return ()
    return (f"{Path(path).name} does not end with a newline: its last event may be cut off.",)
