"""What a face detector is: the one thing that the rest of the package knows about faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from yolo_koin.dataset.images import RGB, Box

Point = tuple[float, float]  # x, y in pixels


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a photo, in the photo's pixels; a face that leaves the photo keeps its full box.

    Attributes:
        box: x, y, width, height.
        score: the detector's confidence, 0 to 1.
        landmarks: five ``(x, y)``: left eye, right eye, tip of the nose, left and right corner of the mouth, where left and right
            are the viewer's: in the photo an upright face's first eye is left of its second.
    """

    box: Box
    score: float
    landmarks: tuple[Point, Point, Point, Point, Point]

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return self.box[2] * self.box[3]

    def points(self) -> NDArray[np.float64]:
        """The landmarks as a 5 × 2 array."""
        return np.array(self.landmarks, dtype=np.float64)


class FaceDetector(Protocol):
    """Finds faces. An implementation can be pickled, so that worker processes make their own."""

    def detect(self, photo: RGB) -> list[Face]:
        """Faces of an RGB photo (height × width × 3, 8 bits), highest score first; an empty list where there are none."""
        ...


def dominant(faces: Sequence[Face]) -> Face | None:
    """The face that the photo is about: the largest box, of two equal ones that with the higher score. None without faces."""
    return max(faces, key=lambda face: (face.area, face.score), default=None)
