"""What a conversion remembers of each source photo, so that the next one does only what changed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath

import pandas as pd

from yolo_koin.errors import DatasetError
from yolo_koin.files import sha256, write_csv


@dataclass(frozen=True, slots=True)
class Record:
    """One source photo and what became of it; a line of the state file.

    Attributes:
        source: image id in the raw dataset.
        size, mtime_ns: of the source file when it was read: unchanged ones need not be read again. 0 when it could not be read.
        sha256: of the source file.
        width, height: of the upright source, in pixels; 0 when unreadable.
        fingerprint: perceptual hash of the photo, 16 hex digits.
        status: ``ok``, or why the photo could not be used.
        image: path of the prepared photo relative to the converted dataset, empty when there is none.
        inode, ctime_ns: of the source file when it was read, see :func:`file_identity`; 0 when nobody noted them.
    """

    source: str
    size: int
    mtime_ns: int
    sha256: str
    width: int
    height: int
    fingerprint: str
    status: str
    image: str
    inode: int = 0
    ctime_ns: int = 0


COLUMNS = [f.name for f in fields(Record)]
EARLIER = COLUMNS[:-2]  # of versions that did not note which file a photo was


def file_identity(stat: os.stat_result) -> dict[str, int]:
    """What tells a file from another of its size and time, as photos have that came out of one archive; fields of :class:`Record`."""
    return {"inode": stat.st_ino, "ctime_ns": stat.st_ctime_ns}


def read_state(path: Path) -> dict[str, Record]:
    """The records by source; none where there is no file, or one of an earlier version, whose photos are read again.

    Raises:
        DatasetError: the file is damaged.
    """
    if not path.is_file():
        return {}
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        if set(EARLIER) <= set(table.columns) and not set(COLUMNS) <= set(table.columns):
            return {}
        records = [
            Record(source, int(size), int(mtime), digest, int(width), int(height), fingerprint, status, image, int(inode), int(ctime))
            for source, size, mtime, digest, width, height, fingerprint, status, image, inode, ctime in table[COLUMNS].to_numpy().tolist()
        ]
        for record in records:
            _check(record)
        return {record.source: record for record in records}
    except (ValueError, KeyError) as error:  # pandas' own errors are ValueErrors
        raise DatasetError("this file is damaged", path, f"Remove {path.parent} and convert again.") from error


def _check(record: Record) -> None:
    """Raise a ValueError where somebody has changed a record into one of no photo, or of one outside of the converted dataset."""
    if record.status == "ok" and not (0 <= int(record.fingerprint, 16) < 1 << 64 and min(record.width, record.height) > 0):
        raise ValueError(f"not a photo: {record}")
    if PurePosixPath(record.image).is_absolute() or ".." in PurePosixPath(record.image).parts:
        raise ValueError(f"outside: {record.image}")


def write_state(path: Path, records: Iterable[Record]) -> None:
    """Write the records."""
    rows = [tuple(getattr(record, column) for column in COLUMNS) for record in records]  # astuple() would copy deeply: ten times slower
    write_csv(path, pd.DataFrame(rows, columns=COLUMNS))


def still_holds(record: Record, source: Path, out: Path) -> bool:
    """Whether a photo needs no new look: its file is as it was, and so is what was made of it.

    A file of the same size and time that is not known to be the same one, as two photos that were swapped between people, is hashed.
    """
    try:
        stat = source.stat()
    except OSError:
        return False
    if (stat.st_size, stat.st_mtime_ns) != (record.size, record.mtime_ns) or (record.image and not (out / record.image).is_file()):
        return False
    identity = file_identity(stat)
    if record.ctime_ns and identity == {"inode": record.inode, "ctime_ns": record.ctime_ns}:
        return True
    try:
        return sha256(source) == record.sha256
    except OSError:
        return False
