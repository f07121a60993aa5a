"""Faces of photos that lie on their side or upside down and have no tag that says so.

A face detector finds such a face, often as surely as an upright one, and sets its landmarks as if it were upright: elsewhere. Which way up
a photo is shows when it is turned: in one position the landmarks lie as they do in a face.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yolo_koin.dataset.images import RGB
from yolo_koin.faces.protocol import Face, FaceDetector, dominant, face_of

# Where the eyes, the nose and the corners of the mouth lie in the box of an upright face, as shares of its sides: CenterFace's mean over
# the AT&T faces, made symmetric.
SHAPE = np.array([[0.30, 0.40], [0.70, 0.40], [0.50, 0.59], [0.33, 0.76], [0.67, 0.76]])
DOUBT = 0.5  # how much of a doubt a lower score is, beside landmarks out of place: the best of 0 to 0.7 on 200 AT&T photos, each turned
SURE = 0.14  # doubt up to which the first position is taken: no false one of those 600 came below 0.17
AS_GOOD = 0.02  # the photo stays as it is unless a turned one is better by more than this
OUTSIDE = 0.1  # of the box's side: how far a landmark of a real face lies outside of its box at most


@dataclass(frozen=True, slots=True)
class Turned:
    """A face, and the turn of the photo in which it is upright.

    Attributes:
        face: in pixels of the turned photo.
        quarters: quarter turns to the left that make the photo upright, as :func:`numpy.rot90` makes them.
    """

    face: Face
    quarters: int

    def as_seen(self, width: int, height: int) -> Face:
        """The face in pixels of the photo as it is.

        Args:
            width, height: of the photo as it is.
        """
        x, y, across, down = self.face.box
        corners = np.array([[x, y], [x + across, y + down]])
        points = self.face.points()
        sides = (width, height) if self.quarters % 2 == 0 else (height, width)
        for _ in range(self.quarters):  # back to the right, a quarter at a time
            corners, points = (np.stack([sides[1] - p[:, 1], p[:, 0]], axis=1) for p in (corners, points))
            sides = (sides[1], sides[0])
        left, top = corners.min(axis=0)
        right, bottom = corners.max(axis=0)
        return face_of((left, top, right - left, bottom - top), self.face.score, points)


def upright(photo: RGB, detector: FaceDetector) -> Turned | None:
    """The face that a photo is about, upright; None where there is none.

    The photo as it is, and where that leaves a doubt its three turns, are looked at.
    """
    found: list[tuple[float, Turned]] = []
    for quarters in range(4):
        face = dominant(detector.detect(np.ascontiguousarray(np.rot90(photo, quarters))))
        if face is not None:
            found.append((_doubt(face) - (0 if quarters else AS_GOOD), Turned(face, quarters)))
            if not quarters and _doubt(face) < SURE:
                break
    return min(found, key=lambda one: one[0])[1] if found else None


def usable(face: Face | None) -> Face | None:
    """The face, where something can be drawn on it: it has landmarks, and they are those of an upright face."""
    return face if face and face.landmarks and not implausible(face) else None


def implausible(face: Face) -> str:
    """Why the landmarks cannot be those of an upright face, in a few words; empty where they can."""
    shares = _shares(face)
    left_eye, right_eye, _, left_mouth, right_mouth = shares
    if shares.min() < -OUTSIDE or shares.max() > 1 + OUTSIDE:
        return "landmarks outside of the face"
    if left_eye[1] + right_eye[1] >= left_mouth[1] + right_mouth[1]:
        return "eyes below the mouth"
    if left_eye[0] >= right_eye[0]:
        return "eyes in each other's place"
    return ""


def _doubt(face: Face) -> float:
    """How far the landmarks are from their places, as a share of the box, and how unsure the detector is."""
    distance = np.sqrt(((_shares(face) - SHAPE) ** 2).sum(axis=1).mean())
    return float(distance) + DOUBT * (1 - face.score)


def _shares(face: Face) -> NDArray[np.float64]:
    x, y, across, down = face.box
    shares: NDArray[np.float64] = (face.points() - (x, y)) / (across, down)
    return shares
