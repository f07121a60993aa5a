"""What the text files of a detection dataset say: YOLO label files, ``data.yaml`` and ``boxes.csv``. Nothing is written here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd
import yaml

from yolo_koin.dataset.boxes import BoxError, LabelledBox, clip
from yolo_koin.dataset.koin import Sample
from yolo_koin.dataset.state import Record
from yolo_koin.geometry import Box

TABLE = "boxes.csv"
BOX = ("x", "y", "width", "height")
PHOTO = ("split", "file", "photo_width", "photo_height", "sha256")
COLUMNS = ("image", "label", *BOX, "score", "provenance", "status", *PHOTO)
YAMLS = {"data.yaml": "test", "data-hard.yaml": "hard_cases/test", "data-group.yaml": "group_cases/test"}  # and what each tests on
LEAST_SIDE = 10  # px: Ultralytics passes over smaller photos
NO_BOX, NO_FACE_DRAWN = "no box", "no face drawn"  # nobody has looked; somebody says that there is none


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Faces that a detector finds in a photo of which nobody knows who is who.

    Attributes:
        boxes: of the faces, without labels.
        reason: why the photo is left out until a person has looked at it.
    """

    boxes: tuple[LabelledBox, ...]
    reason: str


Found = Sequence[LabelledBox] | Suggestion | str  # the boxes of a photo, or why there is none


@dataclass(frozen=True)
class Faces:
    """The faces of one photo.

    Attributes:
        boxes: the usable ones, inside of the photo.
        spoilt: the others, and why they cannot be used.
        left_out: why the photo is not laid out; empty when it is.
        suggested: where a photo that is left out has faces, as a detector says.
    """

    boxes: tuple[LabelledBox, ...] = ()
    spoilt: tuple[tuple[LabelledBox, str], ...] = ()
    left_out: str = ""
    suggested: tuple[LabelledBox, ...] = ()


@dataclass(frozen=True)
class Photo:
    """One photo of a converted dataset.

    Attributes:
        sample: where it came from.
        record: what is known of it, and where it is; nowhere when it is left out.
        faces: who is where in it.
        folder: the folder of ``images/`` that it belongs to.
        split: as tables write it.
    """

    sample: Sample
    record: Record
    faces: Faces
    folder: str
    split: str


def faces_in(found: Found | None, width: int, height: int, side: int) -> Faces:
    """Which boxes of a photo can be used, and whether it is laid out at all.

    Args:
        found: its boxes, or why there is none.
        width, height: of the upright photo, in pixels.
        side: longer side of the prepared photo at most, in pixels.
    """
    if isinstance(found, str) or not found:
        return Faces(left_out=str(found or NO_BOX))
    if min(scaled(width, height, side)) < LEAST_SIDE:
        return Faces(left_out=f"too small or too thin ({width} × {height} px)")
    usable: list[LabelledBox] = []
    spoilt: list[tuple[LabelledBox, str]] = []
    for box in found.boxes if isinstance(found, Suggestion) else found:
        try:
            usable.append(replace(box, box=clip(box.box, width, height)))
        except BoxError as error:
            spoilt.append((box, f"{error} ({', '.join(f'{value:.6g}' for value in box.box)})"))
    if isinstance(found, Suggestion):
        return Faces(left_out=found.reason, suggested=tuple(usable))
    if not usable:
        return Faces(left_out="; ".join(reason for _, reason in spoilt))
    if not any(box.label for box in usable):
        return Faces(left_out="nobody knows who this is" if len(usable) == 1 else f"nobody knows who these {len(usable)} are")
    return Faces(tuple(usable), tuple(spoilt))


def scaled(width: int, height: int, side: int) -> tuple[int, int]:
    """Size of a photo whose longer side is ``side`` at most."""
    scale = min(1.0, side / max(width, height))
    return max(round(width * scale), 1), max(round(height * scale), 1)


def people(photos: Sequence[Photo], folder: str) -> set[str]:
    """Whose faces are known in a folder."""
    return {box.label for photo in photos if photo.folder == folder for box in photo.faces.boxes} - {""}


def classes(photos: Sequence[Photo]) -> tuple[list[str], list[str]]:
    """The people that the network can learn, and all others of the dataset."""
    learnt = people(photos, "train")
    everybody = {photo.sample.label for photo in photos}.union(*(people(photos, folder) for folder in {p.folder for p in photos}))
    return sorted(learnt), sorted(everybody - learnt)


def texts_of(photos: Sequence[Photo], names: Sequence[str]) -> dict[str, str]:
    """Every text file of the converted dataset by its path in it."""
    index = {name: number for number, name in enumerate(names)}
    laid_out = [photo for photo in photos if photo.record.image]
    folders = {photo.folder for photo in laid_out}
    labels = {
        f"labels{photo.record.image.removeprefix('images').removesuffix('.jpg')}.txt": _label_lines(photo, index) for photo in laid_out
    }
    yamls = {name: _yaml(names, folders, test) for name, test in YAMLS.items() if name == "data.yaml" or test in folders}
    return {**labels, **yamls, TABLE: _table(photos)}


def _label_lines(photo: Photo, index: Mapping[str, int]) -> str:
    """A line ``class cx cy w h`` for each face with a name: centre and size as shares of the photo."""
    return "".join(
        f"{index[box.label]} {' '.join(f'{value:.6f}' for value in _shares(box.box, photo.record))}\n"
        for box in photo.faces.boxes
        if box.label
    )


def _shares(box: Box, record: Record) -> Box:
    x, y, width, height = box
    return (
        (x + width / 2) / record.width,
        (y + height / 2) / record.height,
        width / record.width,
        height / record.height,
    )


def _yaml(names: Sequence[str], folders: Collection[str], test: str) -> str:
    """What stock Ultralytics reads. A split without photos is not named: it would take another one for ``val``, or fail later."""
    parts = {"train": "train", "val": "val", "test": test}
    splits = {key: f"images/{folder}" for key, folder in parts.items() if folder in folders}
    return str(yaml.safe_dump({**splits, "names": dict(enumerate(names))}, allow_unicode=True, sort_keys=False))


def _table(photos: Sequence[Photo]) -> str:
    frame = pd.DataFrame([row for photo in photos for row in _rows(photo)], columns=list(COLUMNS))
    whole = dict.fromkeys(("photo_width", "photo_height"), "Int64")
    return frame.astype(whole).to_csv(index=False, float_format="%.6g", lineterminator="\n")


def _rows(photo: Photo) -> Iterator[tuple[object, ...]]:
    record, faces = photo.record, photo.faces
    nowhere = (None,) * 5  # neither a box nor a score
    about = (photo.split, record.image, record.width or None, record.height or None, record.sha256)
    if faces.left_out and not faces.suggested:
        yield (record.source, "", *nowhere, "", faces.left_out, *about)
    for box in faces.suggested:
        yield (record.source, "", *box.box, box.score, box.provenance, faces.left_out, *about)
    for box in faces.boxes:
        yield (record.source, box.label, *box.box, box.score, box.provenance, "ok", *about)
    for box, reason in faces.spoilt:
        yield (record.source, box.label, *nowhere, "", reason, *about)
