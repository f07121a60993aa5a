"""Which photos the SOURCES on the command line mean."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from yolo_koin.dataset.ids import nearest, nfc, tidy
from yolo_koin.dataset.koin import Dataset, Sample
from yolo_koin.dataset.walk import Entry, left_out, name_of, not_a_file, photos_below
from yolo_koin.errors import DatasetError
from yolo_koin.splits import CASES, SPLITS, Split

HOW = "Give a split such as hard_cases/test, a folder, a photo or a glob."


@dataclass(frozen=True)
class Sources:
    """What SOURCES mean.

    Attributes:
        samples: the photos, none twice; those of the dataset with their labels.
        notes: what lies there and was left out, a line a kind.
    """

    samples: tuple[Sample, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Files:
    """Photos on the disk, the folder that they are in or below, and what was left out there."""

    base: Path
    photos: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def find_photos(sources: str | Sequence[str], dataset: Dataset | None) -> list[Sample]:
    """The photos that one or several SOURCES mean; see :func:`look_up`."""
    return list(look_up([sources] if isinstance(sources, str) else sources, dataset).samples)


def look_up(sources: Sequence[str], dataset: Dataset | None) -> Sources:
    """The photos that SOURCES mean, and what lies there besides.

    Args:
        sources: each a split (``hard_cases/test``), a folder, a photo or a glob.
        dataset: where they are looked up first, when there is one; then as paths.

    Raises:
        DatasetError: for one of them nothing is found.
    """
    samples: dict[tuple[Split, str], Sample] = {}
    notes: list[str] = []
    on_disk: list[_Files] = []
    for source in sources:
        if dataset and (found := _in_dataset(source, dataset)):
            samples |= {(s.split, s.image): s for s in found}
            continue
        files = _on_disk(source)
        if not files.photos:
            raise _nothing(source, dataset)
        known, outside = _known(source, files, dataset) if dataset else ([], files.photos)
        samples |= {(s.split, s.image): s for s in known}
        on_disk.append(_Files(files.base, tuple(outside), files.notes))
        notes += files.notes
        if lost := len(files.photos) - len(known) - len(outside):
            notes.append(f"{source}: {lost} photo{'s' * (lost > 1)} of the dataset left out, as excluded or in no split")
    base = _common(on_disk)
    for path in dict.fromkeys(path for files in on_disk for path in files.photos):
        sample = Sample(nfc(Path(os.path.relpath(path, base)).as_posix()), Split(), "", path)
        samples[sample.split, sample.image] = sample
    return Sources(tuple(samples.values()), tuple(dict.fromkeys(notes)))


def _in_dataset(source: str, dataset: Dataset) -> list[Sample]:
    wanted = tidy(source)
    inside = f"{wanted.lower()}/"
    if not wanted or Path(source).is_absolute():
        return []
    return [s for s in dataset.samples if s.image == wanted or f"{s.image}/".lower().startswith(inside) or str(s.split) == wanted.lower()]


def _known(source: str, files: _Files, dataset: Dataset) -> tuple[list[Sample], list[Path]]:
    """Which of the files are the dataset's, and which lie outside of it; a file of the dataset that is no sample is neither."""
    own = {os.path.abspath(s.path): s for s in dataset.samples}  # noqa: PTH100  # a link is a photo of its own
    real = {os.path.realpath(s.path): s for s in dataset.samples} | own  # unlike Path.resolve(), takes links to themselves
    root = Path(os.path.realpath(dataset.root))
    found: list[Sample] = []
    outside: list[Path] = []
    for path in files.photos:
        sample = own.get(os.path.abspath(path)) or real.get(os.path.realpath(path))  # noqa: PTH100
        if sample:
            found.append(sample)
        elif not Path(os.path.realpath(path)).is_relative_to(root):
            outside.append(path)
    if not found and not outside:
        raise DatasetError("every photo there is excluded or in no split", source, f"See exclude.txt in {dataset.root}.")
    return found, outside


def _on_disk(source: str) -> _Files:
    """The photos of a path or glob."""
    path = Path(source)
    if path.is_dir():
        walk = photos_below(path)
        return _Files(path, walk.photos, walk.notes)
    if path.is_file():
        name_of(path)
        return _Files(path.parent, (path,))
    if os.path.lexists(path):
        raise DatasetError(f"cannot read ({not_a_file(path)})", source, HOW)
    matched = [_entry(Path(match)) for match in sorted(glob.glob(_pattern(source), recursive=True))]  # noqa: PTH207  # absolute ones too
    photos: dict[Path, None] = {}
    for entry in matched:
        if entry.kind == "folder":
            photos |= dict.fromkeys(photos_below(entry.path).photos)
        elif entry.is_photo:
            name_of(entry.path)
            photos[entry.path] = None
    others = [entry for entry in matched if entry.kind != "folder" and not entry.is_photo]
    base = Path(os.path.commonpath([photo.parent for photo in photos])) if photos else path
    return _Files(base, tuple(sorted(photos)), left_out(others, path))


def _pattern(source: str) -> str:
    """The glob, with the brackets of what is there taken as they are: ``photos [2023]/*.jpg`` is about that folder."""
    path = Path(source)
    there = next((parent for parent in path.parents if parent.is_dir()), Path())
    rest = path.relative_to(there) if there != Path() else path
    return os.fspath(Path(glob.escape(os.fspath(there)), rest)) if there != Path() else source


def _entry(path: Path) -> Entry:
    reason = not_a_file(path)
    kinds = {"": "file", "a folder": "folder", "a broken link": "broken"}
    return Entry(path, kinds.get(reason, "special"), path.is_symlink())  # type: ignore[arg-type]


def _common(on_disk: Sequence[_Files]) -> Path:
    """The folder that the names of photos outside of a dataset are relative to."""
    bases = [files.base for files in on_disk if files.photos]
    if len(set(bases)) <= 1:
        return bases[0] if bases else Path()
    try:
        return Path(os.path.commonpath([os.path.abspath(base) for base in bases]))  # noqa: PTH100
    except ValueError as error:  # two drives of a Windows
        raise DatasetError("photos on different drives", " ".join(map(str, bases)), "Predict them one after the other.") from error


def _nothing(source: str, dataset: Dataset | None) -> DatasetError:
    where = f"{dataset.root} or as a path" if dataset else "the paths here"
    have = [str(split) for split in (dataset.splits if dataset else SPLITS)]
    wanted = tidy(source).lower()
    if dataset and wanted in {str(split) for split in SPLITS}:
        return DatasetError(f"this dataset has no {wanted}", dataset.root, f"It has {', '.join(have)}.")
    meant = next(_meant(wanted, have), "")
    return DatasetError(f"no photo found in {where}", source, f"Did you mean {meant}?" if meant else HOW)


def _meant(wanted: str, have: Sequence[str]) -> Iterator[str]:
    """The split that a text with a typing mistake means."""
    by_name = {Split.parse(split).name: split for split in have if Split.parse(split).is_test}
    if wanted in by_name:
        yield by_name[wanted]
    case, _, part = wanted.partition("/")
    if near := nearest(case, [*CASES, *by_name]):
        full = near if near in CASES else f"{near}_cases"
        if (split := f"{full}/{nearest(part, ('train', 'test', 'val')) or part}") in have:
            yield split
    if near := nearest(wanted, have):
        yield near
