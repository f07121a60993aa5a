"""Face boxes that people drew, matched with the photos and people of a dataset.

Coordinates are pixels of the upright full-size photo: a photo that an EXIF tag turns is turned before its boxes are laid on it, as
LabelMe, CVAT and Label Studio show it.

A photo that a file has boxes of is taken to be fully annotated. A photo without any says nothing, as tools list what nobody has looked at
too; only a row of our own table with no box and no ``status`` says that there is no face.

A row of our table keeps the ``provenance`` that it has. Where that is empty or missing, a person drew the box: whoever corrects a box that
a detector found empties the cell.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from yolo_koin.dataset.annotations import BoxError, Note, Problem, checked, read_notes
from yolo_koin.dataset.koin import Dataset, Sample, nfc
from yolo_koin.errors import DatasetError
from yolo_koin.geometry import Box
from yolo_koin.splits import CASES

__all__ = ["DRAWN", "BoxError", "Drawn", "LabelledBox", "Problem", "clip", "read_boxes"]

DRAWN = "drawn"
LEAST_INSIDE = 0.1  # share of a box that lies in its photo: with less of it, a number was mistyped
NOBODY = frozenset({"", "face", "person", "unknown"})  # labels that name no one, in any letter case


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """A face and whose it is.

    Attributes:
        label: the identity, as the class folder is named; empty when nobody knows it, or it is somebody outside of the dataset.
        box: x, y, width, height in pixels of the upright photo.
        score: the confidence of the detector that found it; None for a drawn box.
        provenance: :data:`DRAWN`, or the detector's name.
    """

    label: str
    box: Box
    score: float | None
    provenance: str


@dataclass(frozen=True)
class Drawn:
    """What :func:`read_boxes` found.

    Attributes:
        boxes: image id → its boxes. No boxes: somebody says that there is no face.
        problems: what could not be used.
    """

    boxes: dict[str, tuple[LabelledBox, ...]]
    problems: tuple[Problem, ...]


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
        Boxes by image id, and what could not be used. A box without a name gets the photo's label where the photo shows one person and
        has no other box. A box that is there twice is kept once. Whether boxes lie in their photos is for :func:`clip` to tell.

    Raises:
        DatasetError: there is no such file or folder.
    """
    if not path.exists():
        raise DatasetError("no such file or folder", path, "Give a boxes.csv, COCO, Pascal VOC or LabelMe file, or a folder of them.")
    photos, identity = _Photos(dataset.samples), _identities(dataset)
    found: dict[str, dict[Box, LabelledBox]] = defaultdict(dict)
    spoilt: set[str] = set()  # photos with a box that cannot be used
    problems: list[Problem] = []
    for note in read_notes(path):
        if isinstance(note, Problem):
            problems.append(note)
            continue
        image = ""
        try:
            image = photos.find(note.photo).image
            boxes = found[image]
            if note.measure is not None:
                _add(boxes, LabelledBox(identity(note.label), note.measure(), *_source(note)))
        except BoxError as error:
            problems.append(Problem(note.where, str(error)))
            spoilt.add(image)
    drawn = {image: tuple(boxes.values()) for image, boxes in found.items() if boxes or image not in spoilt}
    named = {image: boxes if image in spoilt else _named(photos.by_id[image], boxes) for image, boxes in drawn.items()}
    return Drawn(named, tuple(problems))


def _source(note: Note) -> tuple[float | None, str]:
    """Score and provenance."""
    if note.provenance in {"", DRAWN}:
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
    times = Counter(dataset.names.values())
    known = {name: label for label, name in dataset.names.items() if times[name] == 1} | {label: label for label in dataset.names}

    def identity(text: str) -> str:
        name = nfc(text.strip())
        if name not in known and name.casefold() not in NOBODY:
            raise BoxError(f"unknown label {name}")
        return known.get(name, "")

    return identity


class _Photos:
    """Finds the photo that a file means."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.by_id = {s.image: s for s in samples}
        self._by_name: dict[str, list[tuple[tuple[str, ...], Sample]]] = defaultdict(list)
        for s in samples:
            parts = tuple(s.image.split("/"))
            self._by_name[parts[-1]].append((parts, s))

    def find(self, references: Sequence[str]) -> Sample:
        """The one photo whose id ends as a reference does, or the reverse; else the one that has its file name.

        A path that names a case is one in a dataset: its file name alone is then not enough.

        Raises:
            BoxError: there is none, or more than one.
        """
        paths = [parts for reference in references if (parts := _parts(reference))]
        inside = [parts for parts in paths if any(part.lower() in CASES for part in parts)]
        candidates = 0
        for parts in inside or [*paths, *(parts[-1:] for parts in paths)]:
            hits = [s for own, s in self._by_name.get(parts[-1], ()) if _ends(own, parts) or _ends(parts, own)]
            if len(hits) == 1:
                return hits[0]
            candidates = max(candidates, len(hits))
        name = references[-1]
        raise BoxError(f"{candidates} photos are called {name}" if candidates else f"unknown photo {name}".rstrip())


def _parts(reference: str) -> tuple[str, ...]:
    return tuple(part for part in nfc(reference.strip()).replace("\\", "/").split("/") if part not in {"", "."})


def _ends(path: tuple[str, ...], ending: tuple[str, ...]) -> bool:
    return path[-len(ending) :] == ending
