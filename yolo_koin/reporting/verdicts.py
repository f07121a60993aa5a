"""What was said of a photo, in display names: of the photo as a whole, or of each face in it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from PIL import Image

from yolo_koin.geometry import Box
from yolo_koin.reporting.language import say
from yolo_koin.reporting.tags import corners, reading_order

NO_FACE = "no face found"
Correct = bool | None  # whether a name is right; None where nobody knows


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who somebody is, as a model says.

    Attributes:
        names: the likeliest identities, best first.
        scores: their softmax probabilities, 0 to 1; NaN where predictions of another program have none.
        true_name: who it is, where that is known.
        correct: whether the first name is right; None where nobody knows.
    """

    names: tuple[str, ...]
    scores: tuple[float, ...]
    true_name: str | None = None
    correct: Correct = None

    def __post_init__(self) -> None:
        """Refuse names and scores that do not pair up."""
        if not self.names or len(self.names) != len(self.scores):
            raise ValueError(f"{len(self.names)} names and {len(self.scores)} scores: one score for each name, at least one")

    @property
    def word(self) -> str:
        """``correct``, ``wrong``, or ``not scored`` where the truth is unknown."""
        return {True: say("correct"), False: say("wrong"), None: say("not scored")}[self.correct]

    @property
    def truth(self) -> str:
        """Who it is, where the name is wrong and that is known; else empty."""
        return say("true: {person}", person=self.true_name) if self.correct is False and self.true_name is not None else ""


@dataclass(frozen=True, slots=True)
class BoxedFace:
    """A face and what a model said of it.

    Attributes:
        box: x, y, width and height, in pixels of the photo that it is drawn on; it may reach beyond the photo.
        verdict: who it is.
        face_score: how sure the detector is that it is a face, 0 to 1; the surest face chooses first where its name stands.
    """

    box: Box
    verdict: Verdict
    face_score: float = 1.0

    def scaled(self, factor: float) -> BoxedFace:
        """The same face in a photo that is ``factor`` times as wide, such as one that was decoded reduced."""
        x, y, width, height = self.box
        return replace(self, box=(x * factor, y * factor, width * factor, height * factor))


@dataclass(frozen=True, slots=True)
class Faces:
    """The faces found in a photo.

    Attributes:
        faces: in any order.
        person: whom the photo is of, where that is known.
    """

    faces: tuple[BoxedFace, ...]
    person: str | None = None

    @property
    def ordered(self) -> tuple[BoxedFace, ...]:
        """The faces in reading order: the order of their numbers."""
        return tuple(self.faces[i] for i in reading_order([corners(face.box) for face in self.faces]))

    @property
    def named(self) -> Correct:
        """Whether any face was given the person's name, whichever it is; None where nobody knows who it is."""
        return None if self.person is None else any(face.verdict.names[0] == self.person for face in self.faces)


@dataclass(frozen=True, slots=True)
class Result:
    """A photo with what was said of it.

    Attributes:
        photo: of any size; boxes are in its pixels.
        said: of the whole photo, or of its faces.
        file: what to call a photo that nobody has labelled; empty for others.
    """

    photo: Image.Image
    said: Verdict | Faces
    file: str = ""


def percent(score: float) -> str:
    """``0.9237`` as ``92.4 %``; empty where nobody said how sure they are."""
    return "" if math.isnan(score) else f"{100 * score:.1f} %"
