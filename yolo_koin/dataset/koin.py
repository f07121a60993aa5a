"""Reading a KoIn folder, in any of its layouts, into a table of samples. Nothing here writes.

A dataset root holds ``normal_cases/`` and, where the user has them, ``hard_cases/`` and ``group_cases/``, each with ``train/`` or
``test/`` folders of class folders; or it is a plain tree of ``train/ [val/] test/``. The published layouts (arXiv:2310.09756, the dataset's
READMEs and the authors' notebooks) differ in letter case, in class names and in which splits exist; all come out of :func:`scan` the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from yolo_koin.dataset import side_tables
from yolo_koin.dataset.ids import ImageIds, Labels
from yolo_koin.dataset.ids import nfc as nfc
from yolo_koin.dataset.layout import ClassFolder, class_folders, no_people
from yolo_koin.dataset.layout import find_root as find_root
from yolo_koin.dataset.side_tables import BOXES as BOXES
from yolo_koin.dataset.side_tables import CLASSES as CLASSES
from yolo_koin.dataset.side_tables import EXCLUDE as EXCLUDE
from yolo_koin.dataset.side_tables import GROUPS as GROUPS
from yolo_koin.dataset.side_tables import SYNTHETIC as SYNTHETIC
from yolo_koin.dataset.side_tables import Excluded, exclude_notes
from yolo_koin.dataset.side_tables import read_lines as read_lines
from yolo_koin.dataset.side_tables import read_table as read_table
from yolo_koin.dataset.walk import IMAGE_SUFFIXES as IMAGE_SUFFIXES
from yolo_koin.dataset.walk import Entry, entries, left_out, name_of, photos_below
from yolo_koin.errors import DatasetError
from yolo_koin.splits import Split
from yolo_koin.words import count


@dataclass(frozen=True, slots=True)
class Sample:
    """One photo.

    Attributes:
        image: image id: path relative to the dataset root, POSIX, NFC.
        split: a case plus train, val or test.
        label: name of the class folder, NFC.
        path: where the file is, as the file system spells it.
    """

    image: str
    split: Split
    label: str
    path: Path


def about(samples: Sequence[Sample]) -> tuple[list[str], list[str], list[str]]:
    """Split, image id and label of each, as tables of predictions have them."""
    return [str(s.split) for s in samples], [s.image for s in samples], [s.label for s in samples]


@dataclass(frozen=True)
class Dataset:
    """What :func:`scan` found.

    Attributes:
        root: the folder that holds ``normal_cases/``, or ``train/`` of a plain tree.
        samples: every photo that is to be used, sorted by image id.
        names: display name of each label in ``samples`` or among the empty classes (the label itself without a ``classes.csv``).
        unmatched: lines of ``exclude.txt`` that match nothing.
        excluded: image ids that ``exclude.txt`` took out.
        unsupported: files in class folders that are no photos by their ending, relative to the root.
        empty: ``(split, label)`` of class folders that hold no photo.
        groups: image id → group, for photos that ``groups.csv`` says belong together (one shoot, one post, one original).
        boxes: files of face boxes that lie beside the photos.
        synthetic: splits that ``synthetic.txt`` says are drawn or composed; tables and figures call them so.
        notes: what a user of this dataset should know whatever the verb: lines of side tables that match nothing, folders and files that
            are not used. A readable line each.
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


@dataclass(frozen=True)
class _Seen:
    """What lies in the folders of the splits."""

    samples: list[Sample]
    others: list[Entry]
    classes: list[tuple[Split, str]]
    notes: list[str]


def scan(folder: Path) -> Dataset:
    """Read the table of samples of a KoIn folder; no photo is opened, unless ``exclude.txt`` lists a sha256.

    Args:
        folder: the dataset root, or a folder that wraps it.

    Raises:
        DatasetError: no dataset, no photo in it, or a malformed ``classes.csv``, ``exclude.txt`` or ``groups.csv``.
    """
    root = find_root(folder)
    seen = _look(root)
    every = sorted({label for _, label in seen.classes})
    known, ids = Labels(every), ImageIds(s.image for s in seen.samples)
    tables = {name: side_tables.called(name, root, folder) for name in (CLASSES, EXCLUDE, GROUPS, SYNTHETIC, BOXES)}
    names, unknown_classes = side_tables.display_names(tables[CLASSES], every, known)
    lines = side_tables.read_all_lines(tables[EXCLUDE])
    kept, excluded, out = _without_excluded(seen.samples, side_tables.excluded(lines, ids, known, names))
    if not kept:
        where = f"{root} ({EXCLUDE} took {count(len(excluded), 'photo')} out)" if excluded else root
        raise DatasetError("no photo in the dataset", where, "Photos go into normal_cases/train/<class>/ and so on.")
    groups, unknown_photos = side_tables.groups(tables[GROUPS], ids)
    synthetic, unknown_splits = side_tables.synthetic(tables[SYNTHETIC])
    filled = {(s.split, s.label) for s in seen.samples}
    bare = {place for place in seen.classes if place not in filled and place[1] not in out.labels}
    labels = {s.label for s in kept} | {label for _, label in bare}
    tables_notes = (*exclude_notes(out.unmatched, every), *unknown_photos, *unknown_splits, *unknown_classes)
    return Dataset(
        root=root,
        samples=tuple(kept),
        names={label: name for label, name in names.items() if label in labels},
        excluded=tuple(s.image for s in excluded),
        unmatched=out.unmatched,
        unsupported=tuple(sorted(_relative(e.path, root) for e in seen.others)),
        empty=tuple(sorted(bare, key=lambda place: (place[0].order, place[1]))),
        groups=groups,
        synthetic=synthetic,
        boxes=tuple(tables[BOXES]),
        notes=(*tables_notes, *no_people(labels), *seen.notes, *left_out(seen.others, root)),
    )


def _look(root: Path) -> _Seen:
    seen = _Seen([], [], [], [])
    for found in class_folders(root):
        if isinstance(found, str):
            seen.notes.append(found)
            continue
        seen.classes.append((found.split, found.label))
        for entry in entries(found.path):
            name_of(entry.path)
            if entry.kind == "folder":
                seen.notes.extend(_unused(entry.path, root, found))
            elif entry.is_photo:
                seen.samples.append(Sample(_relative(entry.path, root), found.split, found.label, entry.path))
            else:
                seen.others.append(entry)
    seen.samples.sort(key=lambda s: s.image)
    for a, b in pairwise(seen.samples):
        if a.image == b.image:
            raise DatasetError(
                "two photos of one name in two Unicode forms (NFC, and a Mac's NFD)", a.path, "Rename or remove one of them."
            )
    return seen


def _unused(folder: Path, root: Path, within: ClassFolder) -> list[str]:
    """A note on a folder in a class folder, where it holds photos."""
    photos = len(photos_below(folder).photos)
    remedy = f"move them up into {within.label}/ to use them"
    return [f"{_relative(folder, root)}: a folder with {count(photos, 'photo')}, not used; {remedy}"] if photos else []


def _relative(path: Path, root: Path) -> str:
    return nfc(path.relative_to(root).as_posix())


def _without_excluded(samples: list[Sample], lines: Excluded) -> tuple[list[Sample], list[Sample], Excluded]:
    """The samples that stay, those that are taken out, and what the lines came to."""
    by_hash = side_tables.of_hashes({s.image: s.path for s in samples}, lines.hashes)
    kept: list[Sample] = []
    excluded: list[Sample] = []
    for sample in samples:
        out = sample.image in lines.images or sample.label in lines.labels or sample.image in by_hash
        (excluded if out else kept).append(sample)
    lost = [line for digest, line in lines.hashes.items() if digest not in by_hash.values()]
    return kept, excluded, Excluded(lines.images, lines.labels, lines.hashes, tuple(sorted((*lines.unmatched, *lost))))
