"""Reading a KoIn folder, in either published layout, into a table of samples. Nothing here writes.

A dataset root holds ``normal_cases/`` and, where the user has them, ``hard_cases/`` and ``group_cases/``, each with ``train/`` or
``test/`` folders of class folders. Two published layouts (arXiv:2310.09756 and the dataset's READMEs) differ in letter case, in class
names and in which splits exist; both come out of :func:`scan` the same.
"""

from __future__ import annotations

import io
import os
import unicodedata
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from yolo_koin.errors import DatasetError
from yolo_koin.runs import sha256

CASES = ("normal_cases", "hard_cases", "group_cases")
PARTS = ("train", "test")
SPLITS = tuple(f"{case}/{part}" for case in CASES for part in PARTS)
TRAINING_SETS = {"normal": ("normal_cases",), "hard": ("hard_cases",), "both": ("normal_cases", "hard_cases")}
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
CLASSES, EXCLUDE, GROUPS = "classes.csv", "exclude.txt", "groups.csv"


@dataclass(frozen=True, slots=True)
class Sample:
    """One photo.

    Attributes:
        image: image id: path relative to the dataset root, POSIX, NFC.
        split: a case plus train or test, in lower case: ``hard_cases/test``.
        label: name of the class folder, NFC.
        path: where the file is, as the file system spells it.
    """

    image: str
    split: str
    label: str
    path: Path


@dataclass(frozen=True)
class Dataset:
    """What :func:`scan` found.

    Attributes:
        root: the folder that holds ``normal_cases/``.
        samples: every photo that is to be used, sorted by image id.
        names: display name of each label in ``samples`` or among the empty classes (the label itself without a ``classes.csv``).
        excluded: image ids that ``exclude.txt`` took out.
        unsupported: files in class folders that are no photos by their ending, relative to the root.
        empty: ``(split, label)`` of class folders that hold no photo.
        groups: image id → group, for photos that ``groups.csv`` says belong together (one shoot, one post, one original).
    """

    root: Path
    samples: tuple[Sample, ...]
    names: dict[str, str] = field(default_factory=dict)
    excluded: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    empty: tuple[tuple[str, str], ...] = ()
    groups: dict[str, str] = field(default_factory=dict)

    def split(self, name: str) -> tuple[Sample, ...]:
        """The samples of one split."""
        return tuple(s for s in self.samples if s.split == name)

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that have samples, in the order of :data:`SPLITS`."""
        present = {s.split for s in self.samples}
        return tuple(name for name in SPLITS if name in present)


def nfc(text: str) -> str:
    """Unicode NFC: a Hangul folder unzipped on macOS (NFD) and on Linux (NFC) is then one class."""
    return unicodedata.normalize("NFC", text)


def find_root(folder: Path) -> Path:
    """The dataset root at ``folder`` or in the one folder that wraps it.

    Raises:
        DatasetError: there is no ``normal_cases/`` or ``hard_cases/`` folder there.
    """
    if not folder.is_dir():
        what = "the dataset is a file, not a folder" if folder.exists() else "no dataset"
        raise DatasetError(what, folder, "Put KoIn there or name its folder with --data; --data sample takes the built-in faces.")
    inside = [Path(e.path) for e in sorted(_entries(folder), key=lambda e: e.name) if e.is_dir()]
    for root in (folder, *inside):
        if any(nfc(e.name).lower() in CASES and e.is_dir() for e in _entries(root)):
            return root
    raise DatasetError(
        "no normal_cases/ or hard_cases/ folder", folder, "Give --data the folder that holds normal_cases/, or --data sample."
    )


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
    seen: dict[tuple[str, str], int] = {}
    for split, label, path in _class_folders(root):
        seen.setdefault((split, label), 0)
        for entry in _entries(path):
            if not entry.is_file() or Path(entry.name).suffix.lower() not in IMAGE_SUFFIXES:
                unsupported.append(_relative(entry.path, root))
                continue
            samples.append(Sample(_relative(entry.path, root), split, label, Path(entry.path)))
            seen[split, label] += 1
    samples.sort(key=lambda s: s.image)
    kept, excluded = _without_excluded(samples, read_exclude(root / EXCLUDE))
    if not kept:
        raise DatasetError("no photo in the dataset", root, "Photos go into normal_cases/train/<class>/ and so on.")
    labels = sorted({label for _, label in seen})
    return Dataset(
        root=root,
        samples=tuple(kept),
        names=_display_names(labels, root / CLASSES),
        excluded=tuple(s.image for s in excluded),
        unsupported=tuple(sorted(unsupported)),
        empty=tuple(sorted(key for key, count in seen.items() if count == 0)),
        groups=_read_groups(root / GROUPS),
    )


def read_table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a small CSV that a person wrote: UTF-8 with or without a mark, or the CP949 of a Korean spreadsheet. All text, NFC.

    Raises:
        DatasetError: it cannot be decoded or parsed, or lacks one of ``columns``.
    """
    expected = ",".join(columns)
    text = _read_text(path)
    try:
        frame = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, skipinitialspace=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DatasetError("not a table", path, f"It needs the columns {expected}.") from error
    frame.columns = pd.Index([str(c).strip().lower() for c in frame.columns])
    if missing := [c for c in columns if c not in frame.columns]:
        raise DatasetError(f"no column {', '.join(missing)}", path, f"Its first line has to be {expected}.")
    return frame[list(columns)].map(lambda cell: nfc(str(cell).strip()))


def read_exclude(path: Path) -> frozenset[str]:
    """The lines of an ``exclude.txt``: image ids, labels or sha256, NFC; ``#`` begins a comment line. Empty where there is no file."""
    if not path.is_file():
        return frozenset()
    lines = (nfc(line.strip()) for line in _read_text(path).splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    """What is in a folder, without hidden files and the litter of archive tools."""
    try:
        with os.scandir(folder) as entries:
            return [e for e in entries if not e.name.startswith(".") and e.name not in {"__MACOSX", "Thumbs.db", "desktop.ini"}]
    except OSError as error:
        raise DatasetError(f"cannot read ({error.strerror})", folder, "Check the folder's permissions.") from error


def _class_folders(root: Path) -> Iterator[tuple[str, str, str]]:
    """``(split, label, path)`` of every class folder; folders that differ in letter case or normal form only come out as one split or label."""
    for case in _entries(root):
        if nfc(case.name).lower() not in CASES or not case.is_dir():
            continue
        for part in _entries(case.path):
            if part.name.lower() not in PARTS or not part.is_dir():
                continue
            for label in _entries(part.path):
                if label.is_dir():
                    yield f"{case.name.lower()}/{part.name.lower()}", nfc(label.name), label.path


def _relative(path: str, root: Path) -> str:
    return nfc(Path(path).relative_to(root).as_posix())


def _without_excluded(samples: list[Sample], exclude: frozenset[str]) -> tuple[list[Sample], list[Sample]]:
    hashes = frozenset(line.lower() for line in exclude if len(line) == 64 and set(line.lower()) <= set("0123456789abcdef"))
    by_hash: set[str] = set()
    if hashes:
        with ThreadPoolExecutor() as pool:
            found = pool.map(sha256, [s.path for s in samples])
            by_hash = {s.image for s, digest in zip(samples, found, strict=True) if digest in hashes}
    kept: list[Sample] = []
    excluded: list[Sample] = []
    for sample in samples:
        out = sample.image in exclude or sample.label in exclude or sample.image in by_hash
        (excluded if out else kept).append(sample)
    return kept, excluded


def _display_names(labels: list[str], path: Path) -> dict[str, str]:
    """Display names from ``classes.csv``; a folder ``0000`` is also found under the number 0, as the authors' table writes it."""
    if not path.is_file():
        return {label: label for label in labels}
    frame = read_table(path, ("folder", "name"))
    named = {folder: name for folder, name in zip(frame["folder"], frame["name"], strict=True) if name}
    numbered = {int(folder): name for folder, name in named.items() if folder.isdecimal()}
    return {label: named.get(label) or (numbered.get(int(label)) if label.isdecimal() else None) or label for label in labels}


def _read_groups(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    frame = read_table(path, ("image", "group"))
    return {image: group for image, group in zip(frame["image"], frame["group"], strict=True) if group}


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
