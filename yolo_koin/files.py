"""Files that appear whole or not at all, and their hashes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from yolo_koin.errors import RunError

if TYPE_CHECKING:
    import pandas as pd


PLAIN = re.compile(  # what a spreadsheet takes for a text: it begins with a letter, and is neither a day nor a truth value
    r"(?!(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[ -/]?\d|(true|false)$)[^\W\d_].*|", re.IGNORECASE | re.DOTALL
)


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; rename it to ``path`` when the block ends well, remove it when it does not.

    The temporary name keeps the file's ending, so that writers which choose a format by it still do.

    Raises:
        RunError: the file system refuses: no permission, no room.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}{path.suffix}")
    with writing(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.touch(exist_ok=False)  # not tempfile's: that one is private, and a result is as readable as any other file
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder beside ``path``; rename it to ``path`` when the block ends well, remove it when it does not.

    Its name is always the same, so that what a killed process left is found and removed. Hold :func:`yolo_koin.locks.locked` meanwhile.

    Raises:
        OSError: something is there already, or the file system refuses.
    """
    building = unfinished(path)
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    try:
        yield building
        if path.is_dir():
            path.rmdir()  # an empty one
        building.rename(path)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def unfinished(path: Path) -> Path:
    """Where a folder is filled before it has its name."""
    return path.absolute().with_name(f".{path.absolute().name}.unfinished")


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the file system refuses inside the block into a RunError about ``path``."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(f"cannot write ({reason})", path, "Free some space, or choose a folder you may write to.") from error


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")  # JSON may hold halves of letters


def write_json(path: Path, value: object) -> None:
    """Write indented JSON atomically; paths and other values become their text."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Write a frame as CSV atomically, floats with six significant digits."""
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")


def write_sheet(path: Path, frame: pd.DataFrame, digits: str = "%.4f") -> None:
    """Write a table that people open in a spreadsheet: UTF-8 with a byte order mark, by which a Korean Excel knows it.

    A text that Excel would read as something else is written so that it stays a text: ``0007`` (a number), ``MAR1`` (a day), ``=SUM(…)``.
    """
    texts = {str(column): frame[column].map(_as_text) for column in frame.select_dtypes(exclude=["number", "bool"])}
    with atomic_path(path) as temporary:
        frame.assign(**texts).rename(columns=_as_text).to_csv(
            temporary, index=False, float_format=digits, lineterminator="\r\n", encoding="utf-8-sig", errors="backslashreplace"
        )


def _as_text(value: str) -> str:
    return value if PLAIN.fullmatch(value) else '="' + value.replace('"', '""') + '"'


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def free_bytes(folder: Path) -> int:
    """Free disk space, in bytes, where ``folder`` is or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
