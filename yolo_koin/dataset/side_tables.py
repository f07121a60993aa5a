"""The small files beside a dataset: ``classes.csv``, ``exclude.txt``, ``groups.csv``, ``synthetic.txt``.

Each line of each is matched here, and each that matches nothing becomes a note: a person whose line has a typing mistake would otherwise
be learnt after all, and nobody would know.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from yolo_koin.dataset.ids import ImageIds, Labels, nearest, nfc, tidy
from yolo_koin.dataset.texts import NO_TEXT, decode, rows
from yolo_koin.dataset.walk import check_file, entries
from yolo_koin.errors import DatasetError
from yolo_koin.files import sha256
from yolo_koin.parallel import in_threads
from yolo_koin.splits import CASES, SPLITS, Split
from yolo_koin.words import first

CLASSES, EXCLUDE, GROUPS, SYNTHETIC, BOXES = "classes.csv", "exclude.txt", "groups.csv", "synthetic.txt", "boxes.csv"
NAMED = 5  # lines of a table that are named when many match nothing


@dataclass(frozen=True)
class Excluded:
    """What the lines of ``exclude.txt`` mean.

    Attributes:
        images: ids of the photos that are taken out.
        labels: classes of which every photo is.
        hashes: lower-case SHA-256 → its line; which photos they are of, only their bytes tell.
        unmatched: lines that mean nothing in this dataset.
    """

    images: frozenset[str]
    labels: frozenset[str]
    hashes: dict[str, str]
    unmatched: tuple[str, ...]


def called(name: str, *folders: Path) -> list[Path]:
    """Files of this name, in any letter case, in these folders: the dataset root, and the one that wraps it."""
    return [e.path for folder in dict.fromkeys(folders) for e in entries(folder) if e.path.name.lower() == name]


def read_table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a small CSV that a person wrote: any encoding and delimiter of spreadsheets, all text, NFC.

    Raises:
        DatasetError: it cannot be read, decoded or parsed, or lacks one of ``columns``.
    """
    expected = ",".join(columns)
    lines: list[list[str]] = []
    for _, cells in rows(read_text(path), columns):
        if isinstance(cells, csv.Error):
            raise DatasetError(f"not a table ({cells})", path, f"It needs the columns {expected}.") from cells
        lines.append(cells)
    head, *rest = lines or [[]]
    head = [cell.lower() for cell in head]
    if missing := [c for c in columns if c not in head]:
        raise DatasetError(f"no column {', '.join(missing)}", path, f"Its first line has to be {expected}.")
    if long := next((row for row in rest if any(row[len(head) :])), None):
        remedy = "Put quotation marks around a text with a comma."
        raise DatasetError(f"more cells than columns in {','.join(long)!r}", path, remedy)
    full = [row + [""] * (len(head) - len(row)) for row in rest]
    return pd.DataFrame({column: [row[head.index(column)] for row in full] for column in columns}, dtype=str)


def read_lines(path: Path) -> frozenset[str]:
    """The lines of an ``exclude.txt`` or ``synthetic.txt``, NFC; ``#`` begins a comment line. Empty where there is no file."""
    if not path.exists() and not path.is_symlink():
        return frozenset()
    lines = (nfc(line.strip().strip('"').strip()) for line in read_text(path).splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


def read_all_lines(paths: Iterable[Path]) -> list[str]:
    """The distinct lines of several such files, sorted."""
    return sorted(frozenset[str]().union(*map(read_lines, paths)))


def display_names(paths: Sequence[Path], labels: Sequence[str], known: Labels) -> tuple[dict[str, str], list[str]]:
    """The display name of each label, from ``classes.csv``, and the rows that name no class."""
    named: dict[str, str] = {}
    exact: dict[str, str] = {}
    lost = []
    for folder, name in _pairs(paths, ("folder", "name")):
        label = known.find(folder)
        if label is None:
            lost.append(folder)
        elif name:
            (exact if label == folder else named)[label] = name
    named |= exact  # the folder itself comes before its number
    return {label: named.get(label, label) for label in labels}, _notes(
        CLASSES, lost, "is no class of this dataset: its row names nobody, and can go", labels
    )


def groups(paths: Sequence[Path], ids: ImageIds) -> tuple[dict[str, str], list[str]]:
    """Image id → group, from ``groups.csv``, and the rows that name no photo."""
    found: dict[str, str] = {}
    lost = []
    for text, group in _pairs(paths, ("image", "group")):
        image = ids.find(text)
        if image is None:
            lost.append(text)
        elif group:
            found[image] = group
    return found, _notes(GROUPS, lost, "is no photo of this dataset")


def synthetic(paths: Sequence[Path]) -> tuple[frozenset[Split], list[str]]:
    """The splits that ``synthetic.txt`` names, or whose case it names, and the lines that name none."""
    named = {tidy(line).lower(): line for path in paths for line in read_lines(path)}
    known = {str(split) for split in SPLITS} | set(CASES)
    lost = [line for key, line in named.items() if key not in known]
    found = frozenset(split for split in SPLITS if named.keys() & {str(split), split.case})
    return found, _notes(SYNTHETIC, lost, "is no case and no split", sorted(known))


def excluded(lines: Iterable[str], ids: ImageIds, labels: Labels, names: dict[str, str]) -> Excluded:
    """What the lines of ``exclude.txt`` mean: photos, folders of photos, classes by label or display name, hashes of files."""
    images: set[str] = set()
    people: set[str] = set()
    hashes: dict[str, str] = {}
    lost = []
    by_name = Labels(name for name in names.values() if list(names.values()).count(name) == 1)
    label_of = {name: label for label, name in names.items()}
    for line in lines:
        if digest := _hash_of(line):
            hashes[digest] = line
            continue
        for text in dict.fromkeys((line, line.partition(" #")[0].strip())):  # a remark at its end
            photos = {image} if (image := ids.find(text)) else set(ids.in_folder(text))
            label = labels.find(text) or label_of.get(by_name.find(text) or "")
            images |= photos
            people |= {label} if label is not None else set()
            if photos or label is not None:
                break
        else:
            lost.append(line)
    return Excluded(frozenset(images), frozenset(people), hashes, tuple(sorted(lost)))


def of_hashes(photos: Mapping[str, Path], hashes: Mapping[str, str]) -> dict[str, str]:
    """Image id → SHA-256, of the photos that have one of these; without any no file is opened."""
    if not hashes:
        return {}
    found = zip(photos, in_threads(_digest, list(photos.values())), strict=True)
    return {image: digest for image, digest in found if digest in hashes}


def _digest(path: Path) -> str:
    try:
        return sha256(path)
    except OSError:
        return ""  # whoever opens the photo reports it


def exclude_notes(unmatched: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Notes about lines of ``exclude.txt`` that took nothing out."""
    return _notes(EXCLUDE, unmatched, "is no image id, label or sha256 of this dataset, so nothing is left out for it", labels)


def _hash_of(line: str) -> str:
    """The SHA-256 of a line, also of one that ``sha256sum`` wrote; empty where it is none."""
    first = line.split(maxsplit=1)[0].lower().removeprefix("\\")
    return first if len(first) == 64 and set(first) <= set("0123456789abcdef") else ""


def _notes(table: str, lost: Sequence[str], what: str, near: Sequence[str] = ()) -> list[str]:
    lines = []
    for text in lost[: NAMED + 1]:
        close = nearest(text, near)
        lines.append(f"{table}: '{text}' {what}{f'; did you mean {close}?' if close else ''}")
    return first([*lines, *lost[NAMED + 1 :]], NAMED, "line", f" of {table} without a match")


def _pairs(paths: Sequence[Path], columns: tuple[str, str]) -> list[tuple[str, str]]:
    """The first and second column of all rows that have the first."""
    frames = [read_table(path, columns) for path in paths]
    return [(a, b) for frame in frames for a, b in zip(frame[columns[0]], frame[columns[1]], strict=True) if a]


def read_text(path: Path) -> str:
    """A text file that a person wrote.

    Raises:
        DatasetError: it cannot be read, or is in no encoding that is known.
    """
    check_file(path)
    try:
        text = decode(path.read_bytes())
    except OSError as error:
        raise DatasetError(f"cannot read ({error.strerror})", path, "Check the file.") from error
    if text is None:
        raise DatasetError(NO_TEXT, path, "Save it as UTF-8.")
    return text
