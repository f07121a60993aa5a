"""``yolo_koin split``: divide a folder with a folder a person into ``train/`` and ``test/``, so that something can be said about it."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from yolo_koin.dataset import side_tables
from yolo_koin.dataset.carve import Item, carve, cluster_photos, doubly_labelled
from yolo_koin.dataset.ids import ImageIds, Labels, nfc
from yolo_koin.dataset.images import PhotoError, fingerprint, open_photo
from yolo_koin.dataset.layout import holds_cases, is_plain, no_people
from yolo_koin.dataset.side_tables import BOXES, CLASSES, EXCLUDE, GROUPS, SYNTHETIC
from yolo_koin.dataset.walk import Entry, entries, left_out, name_of, photos_below
from yolo_koin.errors import DatasetError
from yolo_koin.files import atomic_folder, write_csv, writing
from yolo_koin.locks import locked, tidy
from yolo_koin.parallel import Progress, counted, in_threads
from yolo_koin.specs import SplitSpec
from yolo_koin.verbs.verb import verb
from yolo_koin.words import count, first

SEEN_AT = 256  # px: what the converters open photos for; the same fingerprints find the same near-duplicates
TABLE = "split.csv"
NAMED = 5  # pairs of one photo under two people that are named


@dataclass(frozen=True)
class SplitResult:
    """A divided folder.

    Attributes:
        root: the destination, a plain tree.
        counts: photos in ``train`` and ``test``.
        classes: how many people there are.
        clusters: near-duplicates and groups of two or more photos that were kept on one side.
        copied: photos that were copied, since the file system links none there.
        untested: people without a test photo: theirs are too alike or too few.
        notes: what a user should know: photos that cannot be read, one photo under two people, what was not used.
    """

    root: Path
    counts: dict[str, int]
    classes: int
    clusters: int
    copied: int
    untested: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _People:
    """The photos of a folder a person.

    Attributes:
        photos: image id, as ``label/name``, → file.
        groups: image id → group.
        notes: what was not used.
    """

    photos: dict[str, Path]
    groups: dict[str, str]
    notes: tuple[str, ...]


@verb(SplitSpec)
def split(spec: SplitSpec, progress: Progress) -> SplitResult:
    """Divide a folder of people by hard links, or by copies where a link is refused. Nothing is moved, and nothing of the source changed.

    The destination is whole or not there at all.

    Raises:
        DatasetError: no two people with photos, splits are there already, or the destination holds something or lies in the source.
        RunError: the destination cannot be written.
    """
    tidy(spec.destination)
    _check(spec)
    people = _people(spec.source)
    items, unreadable = _items(people.photos, spec.workers, progress)
    chosen = carve(items, people.groups, spec.test, spec.seed)
    placed = {image: f"{'test' if image in chosen else 'train'}/{image}" for image in people.photos if image not in unreadable}
    copied = _write(spec, people, placed, progress)
    labels = {item.label for item in items}
    tested = {item.label for item in items if item.image in chosen}
    return SplitResult(
        root=spec.destination,
        counts=dict(Counter(place.partition("/")[0] for place in placed.values())),
        classes=len(labels),
        clusters=sum(len(cluster) > 1 for cluster in cluster_photos(items, people.groups)),
        copied=copied,
        untested=tuple(sorted(labels - tested)),
        notes=(*people.notes, *(f"{image}: left out, {reason}" for image, reason in unreadable.items()), *_two_labels(items)),
    )


def _check(spec: SplitSpec) -> None:
    source, destination = spec.source.resolve(), spec.destination.resolve()
    if not source.is_dir():
        raise DatasetError("no such folder", spec.source, "Name the folder that holds a folder for each person.")
    if holds_cases(source) or is_plain(source):
        raise DatasetError("this dataset has splits already", spec.source, "Give it to the other commands with --data.")
    if source == destination or source in destination.parents or destination in source.parents:
        raise DatasetError("the destination may not lie in the source, nor around it", spec.destination, "Choose another folder.")
    if os.path.lexists(spec.destination) and not (destination.is_dir() and not any(destination.iterdir())):
        raise DatasetError("something is there already", spec.destination, "Choose a new or empty folder.")


def _people(source: Path) -> _People:
    photos: dict[str, Path] = {}
    others: list[Entry] = []
    notes: list[str] = []
    for folder in (e.path for e in entries(source) if e.kind == "folder"):
        label = name_of(folder)
        for entry in entries(folder):
            image = f"{label}/{name_of(entry.path)}"
            if image in photos:
                raise DatasetError("two photos of one name in two Unicode forms (NFC, and a Mac's NFD)", entry.path, "Rename one of them.")
            if entry.is_photo:
                photos[image] = entry.path
            elif entry.kind != "folder":
                others.append(entry)
            elif inside := len(photos_below(entry.path).photos):
                notes.append(f"{image}: a folder with {count(inside, 'photo')}, not used; move them up into {label}/ to use them")
    labels = sorted({image.partition("/")[0] for image in photos})
    tables = {name: side_tables.called(name, source) for name in (CLASSES, EXCLUDE, GROUPS)}
    ids, known = ImageIds(photos), Labels(labels)
    names, unknown_classes = side_tables.display_names(tables[CLASSES], labels, known)
    groups, unknown_photos = side_tables.groups(tables[GROUPS], ids)
    kept, unmatched = _without_excluded(photos, side_tables.read_all_lines(tables[EXCLUDE]), ids, known, names)
    people = {image.partition("/")[0] for image in kept}
    if len(people) < 2:
        raise DatasetError("fewer than two people with photos", source, "Each person needs a folder of their own, with photos in it.")
    notes = [*side_tables.exclude_notes(unmatched, labels), *unknown_photos, *unknown_classes, *no_people(people), *notes]
    if out := len(photos) - len(kept):
        where = f"{'it is' if out == 1 else 'they are'} not in the new folder, nor is {EXCLUDE}: copy it there before you add photos"
        notes.append(f"{EXCLUDE} took {count(out, 'photo')} out; {where}")
    return _People(kept, groups, (*notes, *left_out(others, source)))


def _without_excluded(
    photos: Mapping[str, Path], lines: Sequence[str], ids: ImageIds, known: Labels, names: dict[str, str]
) -> tuple[dict[str, Path], tuple[str, ...]]:
    """The photos that ``exclude.txt`` leaves, and its lines that took nothing out."""
    out = side_tables.excluded(lines, ids, known, names)
    by_hash = side_tables.of_hashes(photos, out.hashes)
    gone = out.images | by_hash.keys() | {image for image in photos if image.partition("/")[0] in out.labels}
    lost = tuple(line for digest, line in out.hashes.items() if digest not in by_hash.values())
    return {image: path for image, path in photos.items() if image not in gone}, (*out.unmatched, *lost)


def _items(photos: Mapping[str, Path], workers: int | None, progress: Progress) -> tuple[list[Item], dict[str, str]]:
    """The readable photos, and of the others why they are not."""
    items: list[Item] = []
    unreadable: dict[str, str] = {}
    seen = in_threads(_seen, list(photos.values()), workers)
    for image, found in counted(zip(photos, seen, strict=True), len(photos), "reading photos", progress):
        if isinstance(found, str):
            unreadable[image] = found
        else:
            items.append(Item(image, image.partition("/")[0], found))
    if len({item.label for item in items}) < 2:
        raise DatasetError("fewer than two people with photos that can be read", next(iter(photos), ""), "Look at the files there.")
    return items, unreadable


def _seen(path: Path) -> int | str:
    try:
        return fingerprint(open_photo(path, at_least=SEEN_AT)[0])
    except PhotoError as error:
        return str(error)


def _two_labels(items: Sequence[Item]) -> list[str]:
    pairs = doubly_labelled(items)
    return first(
        [f"{a.image} and {b.image}: one photo under two people" for a, b in pairs], NAMED, "pair", " of one photo under two people"
    )


def _write(spec: SplitSpec, people: _People, placed: Mapping[str, str], progress: Progress) -> int:
    """Fill a folder beside the destination and give it its name; returns how many photos had to be copied."""
    destination = spec.destination
    with locked(destination), writing(destination), atomic_folder(destination) as folder:
        linked = [
            _link(people.photos[image], folder / place) for image, place in counted(placed.items(), len(placed), "linking photos", progress)
        ]
        _write_tables(spec.source, folder, people, placed)
    return linked.count(False)


def _link(photo: Path, target: Path) -> bool:
    """Put a photo in its place; whether by a link."""
    target.parent.mkdir(parents=True, exist_ok=True)
    real = os.path.realpath(photo)  # a link to a photo would be linked itself, and lead elsewhere from there
    try:
        os.link(real, target)
    except OSError:  # another drive, or a file system without links
        shutil.copy2(real, target)
        return False
    return True


def _write_tables(source: Path, folder: Path, people: _People, placed: Mapping[str, str]) -> None:
    """The side tables as they are to be there, and which photo went where."""
    rows = [(nfc(place), place.partition("/")[0], image) for image, place in placed.items()]
    write_csv(folder / TABLE, pd.DataFrame(rows, columns=["image", "part", "source"]))
    groups = [(placed[image], group) for image, group in people.groups.items() if image in placed]
    if groups:
        write_csv(folder / GROUPS, pd.DataFrame(groups, columns=["image", "group"]))
    for name in (CLASSES, BOXES, SYNTHETIC):  # boxes are found by the end of an image id, which stays as it was
        for table in side_tables.called(name, source):
            shutil.copyfile(table, folder / table.name)
