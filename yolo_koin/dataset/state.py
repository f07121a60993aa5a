"""What a conversion remembers of each source photo, so that the next one does only what changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from yolo_koin.errors import DatasetError
from yolo_koin.files import write_csv


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


COLUMNS = [f.name for f in fields(Record)]


def read_state(path: Path) -> dict[str, Record]:
    """The records by source; none where there is no file.

    Raises:
        DatasetError: the file is damaged.
    """
    if not path.is_file():
        return {}
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)[COLUMNS].to_numpy().tolist()
        records = (
            Record(source, int(size), int(mtime), digest, int(width), int(height), fingerprint, status, image)
            for source, size, mtime, digest, width, height, fingerprint, status, image in rows
        )
        return {record.source: record for record in records}
    except (ValueError, KeyError) as error:  # pandas' own errors are ValueErrors
        raise DatasetError("damaged", path, f"Remove {path.parent} and convert again.") from error


def write_state(path: Path, records: Iterable[Record]) -> None:
    """Write the records."""
    rows = [tuple(getattr(record, column) for column in COLUMNS) for record in records]  # astuple() would copy deeply: ten times slower
    write_csv(path, pd.DataFrame(rows, columns=COLUMNS))


def still_holds(record: Record, source: Path, out: Path) -> bool:
    """Whether a photo needs no new look: its file is as it was, and so is what was made of it."""
    try:
        stat = source.stat()
    except OSError:
        return False
    same = (stat.st_size, stat.st_mtime_ns) == (record.size, record.mtime_ns)
    return same and (not record.image or (out / record.image).is_file())
