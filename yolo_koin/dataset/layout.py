"""Where the splits of a dataset are: layouts A and B with a folder a case, layout C with ``train/ [val/] test/`` alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from yolo_koin.dataset.ids import nearest
from yolo_koin.dataset.walk import Entry, below, entries, is_ours, name_of
from yolo_koin.errors import DatasetError
from yolo_koin.splits import CASES, NORMAL, PARTS, Split

PLAIN = {
    "train": "train",
    "test": "test",
    "val": "val",
    "valid": "val",
    "validation": "val",
}  # folders of layout C, as other tools call them
NO_PERSON = re.compile(
    r"[_~#@$].*|(.*[_\-. ])?(old|backup|bak|tmp|temp|trash|unused|copy|archive|misc|removed|deleted|todo|train|val|test|images|labels)"
    r"|(new|untitled) folder.*|새 폴더.*|.*(복사본|백업)",
    re.IGNORECASE,
)
DETECTION = frozenset({"images", "labels"})  # in train/ of a set for detectors: no people
REMEDY = "Give --data the folder that holds normal_cases/ or train/, or --data sample."


@dataclass(frozen=True, slots=True)
class ClassFolder:
    """A folder of one person's photos in one split.

    Attributes:
        split: of the photos.
        label: the folder's name, NFC.
        path: as the file system spells it.
    """

    split: Split
    label: str
    path: Path


def find_root(folder: Path) -> Path:
    """The dataset root at ``folder`` or in the one folder that wraps it.

    Raises:
        DatasetError: there is neither a case nor a plain tree there, or more than one folder that holds them.
    """
    if not folder.is_dir():
        what = "the dataset is a file, not a folder" if folder.exists() else "no dataset"
        raise DatasetError(what, folder, "Put KoIn there or name its folder with --data; --data sample takes the built-in faces.")
    if holds_cases(folder) or is_plain(folder):
        return folder
    folders = [e.path for e in entries(folder) if e.kind == "folder"]
    inside = [path for path in folders if holds_cases(path)] or [path for path in folders if is_plain(path) and not is_ours(path)]
    if len(inside) > 1:
        raise DatasetError(f"more than one dataset ({', '.join(p.name for p in inside)})", folder, "Give --data one of them.")
    if inside:
        return inside[0]
    people = sum(any(e.is_photo for e in entries(path)) for path in folders)
    remedy = f"It has {people} folders of photos: divide them with yolo_koin split." if people > 1 else REMEDY
    raise DatasetError("no normal_cases/ or hard_cases/ folder, and no train/ with a test/", folder, remedy)


def holds_cases(folder: Path) -> bool:
    """Whether this is the root of layout A or B."""
    return any(e.kind == "folder" and e.path.name.lower() in CASES for e in entries(folder))


def is_plain(folder: Path) -> bool:
    """Whether this is the root of layout C: ``train`` and another split, with a folder a person."""
    parts = {PLAIN[e.path.name.lower()]: e.path for e in entries(folder) if e.kind == "folder" and e.path.name.lower() in PLAIN}
    if len(parts) < 2 or "train" not in parts:
        return False
    people = {e.path.name.lower() for e in entries(parts["train"]) if e.kind == "folder"}
    return bool(people) and not people <= DETECTION


def class_folders(root: Path) -> Iterator[ClassFolder | str]:
    """Every class folder, and a note on each folder that is none; those that differ in letter case or normal form only are one class."""
    for part in _parts(root):
        if isinstance(part, str):
            yield part
            continue
        split, path = part
        for entry in entries(path, hidden=True):
            if entry.path.name.startswith("."):
                if entry.kind == "folder" and any(inside.is_photo for inside in entries(entry.path)):
                    yield f"{_relative(entry, root)}: a hidden folder with photos, not used"
            elif entry.kind == "folder":
                yield ClassFolder(split, name_of(entry.path), entry.path)
            elif entry.kind == "broken" and not entry.path.suffix:
                yield f"{_relative(entry, root)}: a link to a folder that is not there, not used"
            elif entry.is_photo:
                yield f"{_relative(entry, root)}: a photo outside of a class folder, not used"


def no_people(labels: Iterable[str]) -> list[str]:
    """A note on each class folder that is called like no person: a model would learn it as one."""
    named = [label for label in sorted(labels) if NO_PERSON.fullmatch(label)]
    return [f"{label}: called like no person, and taken for one; to leave it out, write a line {label} into exclude.txt" for label in named]


def split_of(path: str, root: Path) -> Split:
    """The split that a path in a dataset, relative to its root, lies in; one without a part where it lies in none."""
    first, second, *_ = (*path.lower().split("/"), "", "")
    if first in CASES:
        return Split(first, second)
    return Split(root.name.lower() if root.name.lower() in CASES else NORMAL.case, PLAIN.get(first, ""))


def _parts(root: Path) -> Iterator[tuple[Split, Path] | str]:
    """Every folder of a split, and a note on each that is none."""
    if not holds_cases(root):
        case = root.name.lower() if root.name.lower() in CASES else NORMAL.case  # --data KoIn/hard_cases
        yield from _of_case(root, root, case, PLAIN)
        return
    for entry in entries(root):
        if entry.path.name.lower() in CASES and entry.kind == "folder":
            yield from _of_case(root, entry.path, entry.path.name.lower(), {part: part for part in PARTS})
        elif entry.kind == "folder" and any(inside.is_photo for inside in below(entry.path)):
            meant = "" if NO_PERSON.fullmatch(entry.path.name) else nearest(entry.path.name.lower(), CASES)
            yield f"{_relative(entry, root)}: a folder beside the cases, not used{f'; did you mean {meant}?' if meant else ''}"


def _of_case(root: Path, folder: Path, case: str, parts: dict[str, str]) -> Iterator[tuple[Split, Path] | str]:
    for entry in entries(folder):
        part = parts.get(entry.path.name.lower())
        if entry.kind == "folder" and part:
            yield Split(case, part), entry.path
        elif entry.kind == "folder":
            yield f"{_relative(entry, root)}: a folder that is no split ({', '.join(PARTS)}), not used"


def _relative(entry: Entry, root: Path) -> str:
    name_of(entry.path)
    return entry.path.relative_to(root).as_posix()
