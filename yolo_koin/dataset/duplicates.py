"""``near_duplicates.csv`` of a prepared dataset: each test photo that training shows too, and each photo that two people share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from yolo_koin.dataset.side_tables import read_table
from yolo_koin.files import write_text

TABLE = "near_duplicates.csv"
COLUMNS = ("image", "near_duplicate_of", "why")
SHOWN = " and train"  # ends why, of a photo that training shows too


def write_duplicates(root: Path, leaks: Mapping[str, Mapping[str, str]], doubles: Sequence[tuple[str, str]]) -> Path | None:
    """Write the table where it is not as it should be, or remove an old one where there is nothing to tell.

    Args:
        root: the prepared dataset.
        leaks: folder → image id of a photo in it → that of a training photo.
        doubles: image ids of two photos that are near-duplicates under two people.

    Returns:
        The table; None without near-duplicates.

    Raises:
        RunError: it cannot be written.
    """
    path = root / TABLE
    rows = [(image, other, f"{folder}{SHOWN}") for folder, found in leaks.items() for image, other in sorted(found.items())]
    rows += [(image, other, "two people") for image, other in doubles]
    if not rows:
        path.unlink(missing_ok=True)
        return None
    text = pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(index=False, lineterminator="\n")
    if not (path.is_file() and path.read_bytes() == text.encode()):
        write_text(path, text)
    return path


def read_leaks(root: Path) -> frozenset[str]:
    """Image ids of the photos of a prepared dataset that have a near-duplicate in ``train``.

    Raises:
        DatasetError: the table is damaged.
    """
    path = root / TABLE
    if not path.is_file():
        return frozenset()
    table = read_table(path, COLUMNS)
    return frozenset(image for image, why in zip(table["image"], table["why"], strict=True) if why.endswith(SHOWN))
