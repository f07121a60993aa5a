"""Face boxes that people drew, matched with the photos and people of a dataset.

Coordinates are pixels of the upright full-size photo: a photo that an EXIF tag turns is turned before its boxes are laid on it, as
LabelMe, CVAT and Label Studio show it.

A photo that a file has boxes of is taken to be fully annotated. A photo without any says nothing, as tools list what nobody has looked at
too; only a row of our own table with no box and no ``status`` says that there is no face.

A row of our table keeps the ``provenance`` that it has. Where that is empty or missing, a person drew the box: whoever corrects a box that
a detector found empties the cell. A box that a detector only suggested is nobody's work until somebody does so, or writes down who it is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from yolo_koin.dataset.annotations import BoxError, Note, Notes, Problem, checked, read_notes
from yolo_koin.dataset.frames import Frames
from yolo_koin.dataset.ids import People, nfc
from yolo_koin.dataset.koin import Dataset, Sample
from yolo_koin.dataset.photo_names import PhotoBoxError, Photos
from yolo_koin.errors import DatasetError
from yolo_koin.geometry import Box
from yolo_koin.words import DECIDE, count

__all__ = ["DRAWN", "SUGGESTED", "BoxError", "Drawn", "LabelledBox", "Problem", "clip", "read_boxes"]

DRAWN = "drawn"
SUGGESTED = "suggested"  # by a face detector, in a photo of which nobody knows who is who: never true, before a person says so
LEAST_INSIDE = 0.1  # share of a box that lies in its photo: with less of it, a number was mistyped
NAMED = 10  # problems that are named when there are many
NOBODY = frozenset({"", "face", "person", "unknown"})  # labels that name no one, in any letter case


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """A face and whose it is.

    Attributes:
        label: the identity, as the class folder is named; empty when nobody knows it, or it is somebody outside of the dataset.
        box: x, y, width, height in pixels of the upright photo.
        score: the confidence of the detector that found it; None for a drawn box.
        provenance: :data:`DRAWN`, :data:`SUGGESTED`, or the detector's name.
    """

    label: str
    box: Box
    score: float | None
    provenance: str


@dataclass(frozen=True)
class Drawn:
    """What :func:`read_boxes` found.

    Attributes:
        boxes: image id → its boxes, none of them a suggestion. No boxes: somebody says that there is no face.
        problems: what could not be used, or was used otherwise than it is written.
        spoilt: image ids of photos with a box that cannot be used.
    """

    boxes: dict[str, tuple[LabelledBox, ...]]
    problems: tuple[Problem, ...]
    spoilt: frozenset[str] = frozenset()


def clip(box: Box, width: int, height: int) -> Box:
    """The part of a box that lies in a photo.

    Args:
        box: x, y, width, height in pixels.
        width, height: of the upright photo, in pixels.

    Raises:
        BoxError: the box is none, lies outside but for a sliver, or has less than a pixel.
    """
    x, y, across, down = checked(box)
    left, top = max(x, 0.0), max(y, 0.0)
    inner = (left, top, min(x + across, width) - left, min(y + down, height) - top)
    if min(inner[2:]) <= 0 or inner[2] * inner[3] < LEAST_INSIDE * across * down:
        raise BoxError("box outside the photo")
    if min(inner[2:]) < 1:
        raise BoxError("box smaller than a pixel")
    return inner


def read_boxes(path: Path, dataset: Dataset) -> Drawn:
    """Read the boxes that people drew.

    Args:
        path: a ``boxes.csv``, a COCO .json, a Pascal VOC .xml, a LabelMe .json, or a folder of such files.
        dataset: the photos and people that they are about.

    Returns:
        Boxes by image id, and what could not be used. Boxes of a photo of another size or turn than the file states are brought to the
        photo where that is sure, and this is among the problems. A box without a name gets the photo's label where the photo shows one
        person and has no other box. A box that is there twice is kept once. Whether boxes lie in their photos is for :func:`clip` to tell.

    Raises:
        DatasetError: there is no such file or folder.
    """
    if not path.exists():
        raise DatasetError("no such file or folder", path, "Give a boxes.csv, COCO, Pascal VOC or LabelMe file, or a folder of them.")
    photos, identity, frames = Photos(dataset.samples), _identities(dataset), Frames(str(path))
    found: dict[str, dict[Box, LabelledBox]] = defaultdict(dict)
    spoilt: set[str] = set()  # photos with a box that cannot be used
    problems: list[Problem] = []
    told: set[tuple[str, str]] = set()
    suggested: Counter[str] = Counter()  # image id → suggestions that nobody has decided on
    for note, image in _located(read_notes(path), photos):
        try:
            if isinstance(note, Problem):
                problems.append(note)
                continue
            if isinstance(image, BoxError):
                raise image
            if note.provenance == SUGGESTED and not note.label:
                suggested[image] += 1
                continue
            boxes = found[image]
            if note.measure is not None:
                box = frames.fit(note.measure(), note.size, photos.by_id[image])
                _add(boxes, LabelledBox(identity(note.label), box, *_source(note)))
        except PhotoBoxError as error:  # once for all boxes of the photo
            if (error.photo, str(error)) not in told:
                problems.append(Problem(note.where, str(error)))
            told.add((error.photo, str(error)))
            spoilt.add(error.photo)
        except BoxError as error:
            problems.append(Problem(note.where, str(error)))
            spoilt |= {image} if isinstance(image, str) else set()
    if (more := len(problems) - NAMED) > 1:
        problems[NAMED:] = [Problem(str(path), f"{count(more, 'problem', more=True)} like these")]
    if suggested:
        many = f"{count(suggested.total(), 'suggestion')} in {count(len(suggested), 'photo')}"
        problems.append(Problem(str(path), f"{many} not taken for drawn: {DECIDE}"))
    drawn = {image: tuple(boxes.values()) for image, boxes in found.items() if boxes or image not in spoilt}
    named = {image: boxes if image in spoilt else _named(photos.by_id[image], boxes) for image, boxes in drawn.items()}
    return Drawn(named, (*problems, *frames.changes()), frozenset(spoilt))


def _located(notes: Notes, photos: Photos) -> Iterator[tuple[Note | Problem, str | BoxError]]:
    """Each note with the photo that it is about, or why there is none.

    One photo under two ids of a file is two photos of one name, or two people's work; whose boxes hold, nobody can say.
    """
    found: list[tuple[Note | Problem, str | BoxError]] = []
    entries: dict[tuple[str, str], set[str]] = defaultdict(set)
    for note in notes:
        image: str | BoxError = ""
        if isinstance(note, Note):
            try:
                image = photos.find(note.photo, note.beside).image
            except BoxError as error:
                image = error
            if note.entry and isinstance(image, str):
                entries[note.entry[0], image].add(note.entry[1])
        found.append((note, image))
    for note, image in found:
        if isinstance(note, Note) and note.entry and isinstance(image, str):
            ids = entries[note.entry[0], image]
            if len(ids) > 1:
                image = PhotoBoxError(f"{image} stands under {len(ids)} image ids ({', '.join(sorted(ids)[:3])})", image)
        yield note, image


def _source(note: Note) -> tuple[float | None, str]:
    """Score and provenance."""
    if note.provenance in {"", DRAWN, SUGGESTED}:  # of a suggestion somebody has said who it is
        return None, DRAWN
    try:
        score = float(note.score) if note.score else None
    except ValueError:
        score = -1.0
    if score is not None and not 0 <= score <= 1:
        raise BoxError(f"{note.score} is no score")
    return score, note.provenance


def _add(boxes: dict[Box, LabelledBox], new: LabelledBox) -> None:
    """Add a box that is not there yet; the same one with a name takes the place of that without."""
    old = boxes.get(new.box)
    if old is None or not old.label:
        boxes[new.box] = new
    elif new.label not in {"", old.label}:
        raise BoxError(f"this box is {old.label} already")


def _named(sample: Sample, boxes: tuple[LabelledBox, ...]) -> tuple[LabelledBox, ...]:
    """The only box of a photo of one person is that person's, where nothing else is said."""
    if len(boxes) == 1 and not boxes[0].label and sample.split.has_one_person:
        return (replace(boxes[0], label=sample.label),)
    return boxes


def _identities(dataset: Dataset) -> Callable[[str], str]:
    """What turns a label in a file into that of a class folder, or into an empty one."""
    people = People(dataset.names)

    def identity(text: str) -> str:
        found = people.find(text)
        if found is None and nfc(text.strip()).casefold() not in NOBODY:
            raise BoxError(f"unknown label {nfc(text.strip())}")
        return found or ""

    return identity
