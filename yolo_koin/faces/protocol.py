"""What a face detector is: the one thing that the rest of the package knows about faces."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from yolo_koin.dataset.images import RGB
from yolo_koin.files import sha256
from yolo_koin.geometry import Box

# A face of twice the area is 1.4 times as high. People who stand together differ less than that, and which of them a photo is about is
# then anybody's guess; those in the background of a portrait differ more.
DOMINANCE = 2.0

Point = tuple[float, float]  # x, y in pixels
Landmarks = tuple[Point, Point, Point, Point, Point]


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a photo, in the photo's pixels; a face that leaves the photo keeps its full box.

    Attributes:
        box: x, y, width, height.
        score: the detector's confidence, 0 to 1.
        landmarks: five ``(x, y)``: left eye, right eye, tip of the nose, left and right corner of the mouth, where left and right
            are the viewer's: in the photo an upright face's first eye is left of its second. None from a detector of boxes only.
    """

    box: Box
    score: float
    landmarks: Landmarks | None = None

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return self.box[2] * self.box[3]

    def points(self) -> NDArray[np.float64]:
        """The landmarks as a 5 × 2 array.

        Raises:
            ValueError: the detector finds boxes only.
        """
        if self.landmarks is None:
            raise ValueError("this face has no landmarks")
        return np.array(self.landmarks, dtype=np.float64)

    def scaled(self, across: float, down: float) -> Face:
        """The same face in a photo that is so many times as wide and as high."""
        x, y, width, height = self.box
        points = None if self.landmarks is None else self.points() * (across, down)
        return face_of((x * across, y * down, width * across, height * down), self.score, points)


def face_of(box: Iterable[float], score: float, points: Iterable[Sequence[float]] | NDArray[np.float64] | None = None) -> Face:
    """A face from numbers of any kind: its box of four, and its landmarks, five of two each, where there are some."""
    x, y, width, height = (float(value) for value in box)
    if points is None:
        return Face((x, y, width, height), float(score))
    left_eye, right_eye, nose, left_mouth, right_mouth = ((float(a), float(b)) for a, b in points)
    return Face((x, y, width, height), float(score), (left_eye, right_eye, nose, left_mouth, right_mouth))


class FaceDetector(Protocol):
    """Finds faces. Threads may share one; it can be pickled, so that worker processes make their own.

    Attributes:
        name: what is written down as the source of a box: ``centerface``, ``yunet``, or the stem of a weights file.
        key: differs for detectors that may find different faces: their weights, thresholds or version differ.
        longest: the longer side of a photo, in pixels, beyond which the detector reduces it: it may be decoded that small.
        batch: how many photos are best given at once.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def key(self) -> str: ...  # noqa: D102
    @property
    def longest(self) -> int: ...  # noqa: D102
    @property
    def batch(self) -> int: ...  # noqa: D102

    def detect(self, photo: RGB) -> list[Face]:
        """Faces of an RGB photo (height × width × 3, 8 bits), highest score first; an empty list where there are none."""
        ...

    def detect_batch(self, photos: Sequence[RGB]) -> list[list[Face]]:
        """Faces of each of several photos; the same as one by one, and faster where :attr:`batch` is more than one."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at a photo file gave.

    Attributes:
        faces: in pixels of the upright photo at its full size, highest score first.
        width, height: of that photo; 0 when it is unreadable.
        sha256: of the file's bytes; empty when they cannot be read.
        error: why the photo is unreadable; empty when it is not.
    """

    faces: tuple[Face, ...]
    width: int
    height: int
    sha256: str
    error: str = ""


def dominant(faces: Sequence[Face]) -> Face | None:
    """The face that the photo is about: the largest box, of two equal ones that with the higher score. None without faces."""
    return max(faces, key=lambda face: (face.area, face.score), default=None)


def clearly_dominant(faces: Sequence[Face]) -> Face | None:
    """The largest face, where nobody would doubt that the photo is about it.

    It is the only one, or at least :data:`DOMINANCE` times as large, in area, as the next. None where it is not, and without faces.
    """
    largest = sorted(faces, key=lambda face: -face.area)[:2]
    if len(largest) == 2 and largest[0].area < DOMINANCE * largest[1].area:
        return None
    return dominant(faces)


def key_of(name: str, weights: Path, **settings: object) -> str:
    """A detector's :attr:`FaceDetector.key`: its name, the hash of its weights, and its settings."""
    return f"{name} {sha256(weights)} {json.dumps(settings, sort_keys=True)}"
