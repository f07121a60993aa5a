"""Reading a KoIn folder, in either published layout, into a table of samples. Nothing here writes.

A dataset root holds ``normal_cases/`` and, where the user has them, ``hard_cases/`` and ``group_cases/``, each with ``train/`` or
``test/`` folders of class folders. Two published layouts (arXiv:2310.09756 and the dataset's READMEs) differ in letter case, in class
names and in which splits exist; both come out of :func:`scan` the same.
"""

from __future__ import annotations

import csv
import io
import os
import unicodedata
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pandas as pd

from yolo_koin.errors import DatasetError
from yolo_koin.files import sha256
from yolo_koin.splits import CASES, SPLITS, Split

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
CLASSES, EXCLUDE, GROUPS, SYNTHETIC, BOXES = "classes.csv", "exclude.txt", "groups.csv", "synthetic.txt", "boxes.csv"


@dataclass(frozen=True, slots=True)
class Sample:
    """One photo.

    Attributes:
        image: image id: path relative to the dataset root, POSIX, NFC.
        split: a case plus train or test.
        label: name of the class folder, NFC.
        path: where the file is, as the file system spells it.
    """

    image: str
    split: Split
    label: str
    path: Path


@dataclass(frozen=True)
class Dataset:
    """What :func:`scan` found.

    Attributes:
        root: the folder that holds ``normal_cases/``.
        samples: every photo that is to be used, sorted by image id.
        names: display name of each label in ``samples`` or among the empty classes (the label itself without a ``classes.csv``).
        unmatched: lines of ``exclude.txt`` that match nothing.
        excluded: image ids that ``exclude.txt`` took out.
        unsupported: files in class folders that are no photos by their ending, relative to the root.
        empty: ``(split, label)`` of class folders that hold no photo.
        groups: image id → group, for photos that ``groups.csv`` says belong together (one shoot, one post, one original).
        boxes: files of face boxes that lie beside the photos.
        synthetic: splits that ``synthetic.txt`` says are drawn or composed; tables and figures call them so.
    """

    root: Path
    samples: tuple[Sample, ...]
    names: dict[str, str] = field(default_factory=dict)
    excluded: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    empty: tuple[tuple[Split, str], ...] = ()
    groups: dict[str, str] = field(default_factory=dict)
    synthetic: frozenset[Split] = frozenset()
    boxes: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()

    def of(self, split: Split) -> tuple[Sample, ...]:
        """The samples of one split."""
        return tuple(s for s in self.samples if s.split == split)

    @property
    def tests(self) -> tuple[Sample, ...]:
        """The samples of all test splits."""
        return tuple(s for s in self.samples if s.split.is_test)

    @property
    def splits(self) -> tuple[Split, ...]:
        """The splits that have samples, in the order that people read them."""
        return tuple(sorted({s.split for s in self.samples}, key=lambda split: split.order))


def nfc(text: str) -> str:
    """Unicode NFC: a Hangul folder unzipped on macOS (NFD) and on Linux (NFC) is then one class."""
    return unicodedata.normalize("NFC", text)


def find_root(folder: Path) -> Path:
    """The dataset root at ``folder`` or in the one folder that wraps it.

    Raises:
        DatasetError: there is no ``normal_cases/`` or ``hard_cases/`` folder there, or more than one folder that holds them.
    """
    if not folder.is_dir():
        what = "the dataset is a file, not a folder" if folder.exists() else "no dataset"
        raise DatasetError(what, folder, "Put KoIn there or name its folder with --data; --data sample takes the built-in faces.")
    if _holds_cases(folder):
        return folder
    inside = [Path(e.path) for e in sorted(_entries(folder), key=lambda e: e.name) if e.is_dir() and _holds_cases(e.path)]
    if not inside:
        raise DatasetError(
            "no normal_cases/ or hard_cases/ folder", folder, "Give --data the folder that holds normal_cases/, or --data sample."
        )
    if len(inside) > 1:
        raise DatasetError(f"more than one dataset ({', '.join(p.name for p in inside)})", folder, "Give --data one of them.")
    return inside[0]


def scan(folder: Path) -> Dataset:
    """Read the table of samples of a KoIn folder; no photo is opened, unless ``exclude.txt`` lists a sha256.

    Args:
        folder: the dataset root, or a folder that wraps it.

    Raises:
        DatasetError: no dataset, no photo in it, or a malformed ``classes.csv``, ``exclude.txt`` or ``groups.csv``.
    """
    root = find_root(folder)
    samples: list[Sample] = []
    unsupported: list[str] = []
    seen: dict[tuple[Split, str], int] = {}
    for split, label, path in _class_folders(root):
        seen.setdefault((split, label), 0)
        for entry in _entries(path):
            name = _text(entry)
            if not entry.is_file() or Path(name).suffix.lower() not in IMAGE_SUFFIXES:
                unsupported.append(_relative(entry.path, root))
                continue
            samples.append(Sample(_relative(entry.path, root), split, label, Path(entry.path)))
            seen[split, label] += 1
    samples.sort(key=lambda s: s.image)
    for a, b in pairwise(samples):
        if a.image == b.image:
            raise DatasetError("two photos whose names differ in Unicode normal form only", a.path, "Rename or remove one of them.")
    tables = {name: _tables(root, folder, name) for name in (CLASSES, EXCLUDE, GROUPS, SYNTHETIC)}
    exclude = frozenset[str]().union(*map(read_lines, tables[EXCLUDE]))
    kept, excluded, unmatched = _without_excluded(samples, exclude)
    if not kept:
        where = f"{root} ({EXCLUDE} took {len(excluded)} photos out)" if excluded else root
        raise DatasetError("no photo in the dataset", where, "Photos go into normal_cases/train/<class>/ and so on.")
    bare = [place for place, count in seen.items() if count == 0 and place[1] not in exclude]
    empty = tuple(sorted(bare, key=lambda place: (place[0].order, place[1])))
    labels = sorted({s.label for s in kept} | {label for _, label in empty})
    return Dataset(
        root=root,
        samples=tuple(kept),
        names=_display_names(labels, tables[CLASSES]),
        excluded=tuple(s.image for s in excluded),
        unmatched=unmatched,
        unsupported=tuple(sorted(unsupported)),
        empty=empty,
        groups=_pairs(tables[GROUPS], ("image", "group")),
        synthetic=_synthetic(tables[SYNTHETIC]),
        boxes=tuple(_tables(root, folder, BOXES)),
    )


def read_table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a small CSV that a person wrote: UTF-8 with or without a mark, or the CP949 of a Korean spreadsheet. All text, NFC.

    Raises:
        DatasetError: it cannot be decoded or parsed, or lacks one of ``columns``.
    """
    expected = ",".join(columns)
    try:
        lines = [
            [nfc(cell.strip()) for cell in row]
            for row in csv.reader(io.StringIO(_read_text(path), newline=None), skipinitialspace=True, strict=True)
        ]
    except csv.Error as error:
        raise DatasetError(f"not a table ({error})", path, f"It needs the columns {expected}.") from error
    head, *rows = [row for row in lines if any(row)] or [[]]
    head = [cell.lower() for cell in head]
    if missing := [c for c in columns if c not in head]:
        raise DatasetError(f"no column {', '.join(missing)}", path, f"Its first line has to be {expected}.")
    if long := next((row for row in rows if any(row[len(head) :])), None):
        remedy = "Put quotation marks around a text with a comma."
        raise DatasetError(f"more cells than columns in {','.join(long)!r}", path, remedy)
    full = [row + [""] * (len(head) - len(row)) for row in rows]
    return pd.DataFrame({column: [row[head.index(column)] for row in full] for column in columns}, dtype=str)


def read_lines(path: Path) -> frozenset[str]:
    """The lines of an ``exclude.txt`` or ``synthetic.txt``, NFC; ``#`` begins a comment line. Empty where there is no file."""
    if not path.exists():
        return frozenset()
    lines = (nfc(line.strip()) for line in _read_text(path).splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


def _synthetic(paths: Sequence[Path]) -> frozenset[Split]:
    """The splits that are named, or whose case is."""
    named = {line.lower().rstrip("/") for path in paths for line in read_lines(path)}
    return frozenset(split for split in SPLITS if named & {str(split), split.case})


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    """What is in a folder, without hidden files and the litter of archive tools."""
    try:
        with os.scandir(folder) as entries:
            return [e for e in entries if not e.name.startswith(".") and e.name not in {"__MACOSX", "Thumbs.db", "desktop.ini"}]
    except OSError as error:
        raise DatasetError(f"cannot read ({error.strerror})", folder, "Check the folder's permissions.") from error


def _holds_cases(folder: Path | str) -> bool:
    return any(e.name.lower() in CASES and e.is_dir() for e in _entries(folder))


def _tables(root: Path, folder: Path, name: str) -> list[Path]:
    """Files of this name, in any letter case, in the dataset root and in the folder that wraps it."""
    return [Path(e.path) for place in dict.fromkeys((root, folder)) for e in _entries(place) if e.name.lower() == name]


def _text(entry: os.DirEntry[str]) -> str:
    """The NFC name of a file or folder.

    Raises:
        DatasetError: it is not UTF-8, as after unpacking an archive of a Korean Windows without saying so.
    """
    try:
        entry.name.encode()
    except UnicodeEncodeError as error:
        where = os.fsencode(entry.path).decode(errors="replace")
        raise DatasetError(
            "a name that is not UTF-8", where, "Unpack the archive with its encoding (unzip -O cp949), or rename it."
        ) from error
    return nfc(entry.name)


def _class_folders(root: Path) -> Iterator[tuple[Split, str, str]]:
    """``(split, label, path)`` of every class folder; folders that differ in letter case or normal form only are one split or label."""
    for case in _entries(root):
        if case.name.lower() not in CASES or not case.is_dir():
            continue
        for part in _entries(case.path):
            split = Split(case.name.lower(), part.name.lower())
            if split not in SPLITS or not part.is_dir():
                continue
            for label in _entries(part.path):
                if label.is_dir():
                    yield split, _text(label), label.path


def _relative(path: str, root: Path) -> str:
    return nfc(Path(path).relative_to(root).as_posix())


def _without_excluded(samples: list[Sample], exclude: frozenset[str]) -> tuple[list[Sample], list[Sample], tuple[str, ...]]:
    """The samples that stay, those that are taken out, and the lines that match none."""
    hashes = {line.lower(): line for line in exclude if len(line) == 64 and set(line.lower()) <= set("0123456789abcdef")}
    by_hash: dict[str, str] = {}
    if hashes:
        with ThreadPoolExecutor() as pool:
            found = pool.map(_digest, samples)
            by_hash = {s.image: hashes[digest] for s, digest in zip(samples, found, strict=True) if digest in hashes}
    kept: list[Sample] = []
    excluded: list[Sample] = []
    matched: set[str] = set()
    for sample in samples:
        reasons = exclude & {sample.image, sample.label, by_hash.get(sample.image, "")}
        (excluded if reasons else kept).append(sample)
        matched |= reasons
    return kept, excluded, tuple(sorted(exclude - matched))


def _digest(sample: Sample) -> str:
    try:
        return sha256(sample.path)
    except OSError:
        return ""  # whoever opens the photo reports it


def _display_names(labels: list[str], tables: list[Path]) -> dict[str, str]:
    """Display names from ``classes.csv``; a folder ``0000`` is also found under the number 0, as the authors' table writes it."""
    named = _pairs(tables, ("folder", "name"))
    numbered = {int(folder): name for folder, name in named.items() if folder.isdecimal()}
    return {label: named.get(label) or (numbered.get(int(label)) if label.isdecimal() else None) or label for label in labels}


def _pairs(tables: list[Path], columns: tuple[str, str]) -> dict[str, str]:
    """First column → second column, of all lines that have both."""
    frames = [read_table(path, columns) for path in tables]
    return {key: value for frame in frames for key, value in zip(frame[columns[0]], frame[columns[1]], strict=True) if key and value}


def _read_text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"cannot read ({error.strerror})", path, "Check the file.") from error
    for encoding in ("utf-8-sig", "cp949"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DatasetError("neither UTF-8 nor CP949 text", path, "Save it as UTF-8.")
