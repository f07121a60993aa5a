"""What was found when photos of like fingerprints were laid over each other: kept, since each takes a decoding of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from yolo_koin.files import write_csv, writing

FILE = ".copies.csv"
COLUMNS = ["one", "other", "same"]

Same = Callable[[str, str], bool]  # image ids of two photos


class Verdicts:
    """Whether pairs of photos are copies, by the hashes of their files, so that what is kept is never out of date.

    Args:
        root: the prepared dataset that they are kept in.
        hashes: image id → sha256 of its file.
        same: tells it of a pair that is new.
    """

    def __init__(self, root: Path, hashes: Mapping[str, str], same: Same) -> None:
        self._path, self._hashes, self._same = root / FILE, hashes, same
        self._known, self._asked = _read(self._path), dict[tuple[str, str], bool]()

    def __call__(self, one: str, other: str) -> bool:
        """Whether two photos, by their image ids, are copies of each other."""
        key = self._hashes[one], self._hashes[other]
        if key not in self._asked:
            self._asked[key] = self._known[key] if key in self._known else self._same(one, other)
        return self._asked[key]

    def keep(self) -> None:
        """Write down those that were asked for; others are of photos that are gone.

        Raises:
            RunError: the folder cannot be written to.
        """
        if self._asked != self._known:
            rows = sorted((*key, int(found)) for key, found in self._asked.items())
            with writing(self._path):
                write_csv(self._path, pd.DataFrame(rows, columns=COLUMNS))


def _read(path: Path) -> dict[tuple[str, str], bool]:
    """Losing them costs time only."""
    try:
        table = pd.read_csv(path, dtype={"one": str, "other": str, "same": int}, usecols=COLUMNS)
    except (OSError, ValueError):
        return {}
    return {(one, other): bool(same) for one, other, same in table[COLUMNS].itertuples(index=False)}
