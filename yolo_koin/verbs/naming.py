"""Three ways to name the people in photos, behind one protocol.

The photo as a whole; every face that a face detector finds; or with a detector that finds faces and names them at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yolo_koin.dataset.detect import prepare_whole
from yolo_koin.dataset.images import RGB, FaceFinder, PhotoError, crop_face, encode, face_square, load_square, open_photo, prepare
from yolo_koin.dataset.koin import Sample
from yolo_koin.evaluation import predictions
from yolo_koin.evaluation.face_predictions import NO_FACE, face_rows
from yolo_koin.evaluation.face_predictions import error_rows as face_error_rows
from yolo_koin.faces import FaceDetector
from yolo_koin.faces.cache import FaceCache
from yolo_koin.faces.finder import Found, find_faces
from yolo_koin.geometry import Box
from yolo_koin.models.protocol import Classifier, IdentityDetector, each_logits, probabilities
from yolo_koin.parallel import in_threads
from yolo_koin.verbs.convert import FaceBox

CHUNK = 64  # photos whose faces are in memory at once
BATCH = 32  # faces that are named at once
Way = Literal["whole", "faces", "detector"]


@dataclass(frozen=True)
class Seen:
    """What was seen in one photo.

    Attributes:
        sample: the photo.
        boxes: n × 4: x, y, width, height in pixels of the upright photo.
        face_scores: n, 0 to 1.
        scores: n × classes.
        error: why there is nothing; empty otherwise.
    """

    sample: Sample
    boxes: NDArray[np.float64]
    face_scores: NDArray[np.float64]
    scores: NDArray[np.float32]
    error: str = ""


class Namer(Protocol):
    """Names the people in photos.

    Attributes:
        way: ``whole``, ``faces`` or ``detector``.
        names: class names.
    """

    @property
    def way(self) -> Way: ...  # noqa: D102
    @property
    def names(self) -> tuple[str, ...]: ...  # noqa: D102

    def rows(self, samples: Sequence[Sample]) -> Iterator[tuple[Sequence[Sample], pd.DataFrame]]:
        """Batches of photos with their rows of ``predictions.csv``, in order; an unreadable photo is a row with its error."""
        ...


class WholePhoto:
    """A classifier that names a photo as a whole."""

    way: Way = "whole"

    def __init__(self, classifier: Classifier) -> None:
        self.classifier, self.names = classifier, classifier.names

    def rows(self, samples: Sequence[Sample]) -> Iterator[tuple[Sequence[Sample], pd.DataFrame]]:
        """See :class:`Namer`."""
        find_face = FaceBox() if self.classifier.preparation.fit == "face" else None
        read = partial(_square, model=self.classifier, find_face=find_face)
        for start in range(0, len(samples), BATCH):
            chunk = samples[start : start + BATCH]
            loaded = list(in_threads(read, chunk))
            good = [s for s, photo in zip(chunk, loaded, strict=True) if not isinstance(photo, str)]
            bad = [(s, error) for s, error in zip(chunk, loaded, strict=True) if isinstance(error, str)]
            parts = []
            if good:
                scores = probabilities(self.classifier.logits(np.stack([photo for photo in loaded if not isinstance(photo, str)])))
                parts.append(predictions.rows(*_told(good), scores, list(self.names)))
            if bad:
                parts.append(predictions.error_rows(*_told([s for s, _ in bad]), [error for _, error in bad]))
            yield chunk, _in_order(pd.concat(parts, ignore_index=True), chunk)


class _Faces(ABC):
    """What the two ways to name faces share."""

    way: Way
    names: tuple[str, ...]

    @abstractmethod
    def look(self, samples: Sequence[Sample]) -> Iterator[Seen]:
        """What is seen in each photo, in order; an unreadable one, and one without a face, come with their error."""

    def rows(self, samples: Sequence[Sample]) -> Iterator[tuple[Sequence[Sample], pd.DataFrame]]:
        """See :class:`Namer`."""
        for start in range(0, len(samples), CHUNK):
            chunk = samples[start : start + CHUNK]
            yield chunk, self._frame(list(self.look(chunk)))

    def _frame(self, seen: Sequence[Seen]) -> pd.DataFrame:
        good, bad = [s for s in seen if not s.error], [s for s in seen if s.error]
        parts = []
        if good:
            told = _told([s.sample for s in good for _ in range(len(s.boxes))])
            boxes, sure, scores = (np.concatenate([getattr(s, name) for s in good]) for name in ("boxes", "face_scores", "scores"))
            parts.append(face_rows(*told, boxes, sure, scores, self.names, probabilities_sum_to_one=self.way == "faces"))
        if bad:
            parts.append(face_error_rows(*_told([s.sample for s in bad]), [s.error for s in bad]))
        return _in_order(pd.concat(parts, ignore_index=True), [s.sample for s in seen])


class OneStage(_Faces):
    """A detector that was trained to tell people apart.

    Args:
        detector: the trained network.
        doubtful: whether boxes count that the network hardly believes in: scoring wants them, a person who looks at photos does not.
    """

    way: Way = "detector"

    def __init__(self, detector: IdentityDetector, doubtful: bool) -> None:
        self.detector, self.names, self.doubtful = detector, detector.names, doubtful

    def look(self, samples: Sequence[Sample]) -> Iterator[Seen]:
        """See :class:`_Faces`."""
        side = self.detector.preparation.side
        read = list(in_threads(partial(_whole, side=side), samples))
        found = self.detector.run((one[0] for one in read if not isinstance(one, str)), self.doubtful)
        for sample, one in zip(samples, read, strict=True):
            if isinstance(one, str):
                yield _nothing(sample, one, len(self.names))
                continue
            photo, width, height = one
            faces = next(found)
            if not len(faces.boxes):
                yield _nothing(sample, NO_FACE, len(self.names))
                continue
            boxes = faces.boxes * ([width / photo.shape[1], height / photo.shape[0]] * 2)
            yield Seen(sample, boxes, faces.scores.max(axis=1).astype(np.float64), faces.scores)


class TwoStage(_Faces):
    """A face detector finds every face, a classifier names each."""

    way: Way = "faces"

    def __init__(self, classifier: Classifier, detector: FaceDetector, cache: FaceCache | None = None) -> None:
        self.classifier, self.detector, self.cache = classifier, detector, cache
        self.names = classifier.names

    def look(self, samples: Sequence[Sample]) -> Iterator[Seen]:
        """See :class:`_Faces`."""
        cut = partial(_faces, side=self.classifier.preparation.side, seen_at=self.classifier.side)
        found = list(find_faces([s.path for s in samples], self.detector, self.cache))
        read = list(in_threads(cut, list(zip(samples, found, strict=True))))
        scores = each_logits(self.classifier, (face for faces in read if not isinstance(faces, str) for face in faces), BATCH)
        for sample, one, faces in zip(samples, found, read, strict=True):
            if isinstance(faces, str) or not faces:
                yield _nothing(sample, faces if isinstance(faces, str) else NO_FACE, len(self.names))
                continue
            boxes = np.array([face.box for face in one.faces], dtype=np.float64)
            sure = np.array([face.score for face in one.faces], dtype=np.float64).clip(0, 1)
            yield Seen(sample, boxes, sure, probabilities(np.stack([next(scores) for _ in faces])))


def hints(namer: Namer) -> tuple[str, ...]:
    """What a user should know of a way to name photos."""
    if isinstance(namer, TwoStage) and namer.classifier.preparation.fit != "face":
        return ("this classifier did not learn from faces that were cut out: train one with --fit face",)
    return ()


def _told(samples: Sequence[Sample]) -> tuple[list[str], list[str], list[str]]:
    """Split, image id and label of each."""
    return [str(s.split) for s in samples], [s.image for s in samples], [s.label for s in samples]


def _in_order(frame: pd.DataFrame, samples: Sequence[Sample]) -> pd.DataFrame:
    """The rows photo by photo; within a photo as they are."""
    place = {(str(s.split), s.image): i for i, s in enumerate(samples)}
    order = [place[at] for at in zip(frame["split"], frame["image"], strict=True)]
    return frame.iloc[np.argsort(order, kind="stable")].reset_index(drop=True)


def _square(sample: Sample, model: Classifier, find_face: FaceFinder | None) -> RGB | str:
    """The photo as ``convert classify`` would have written it."""
    try:
        photo = prepare(sample.path, model.preparation.fit, model.preparation.side, find_face)
    except PhotoError as error:
        return str(error)
    return load_square(photo.jpeg, model.side)


def _nothing(sample: Sample, error: str, classes: int) -> Seen:
    return Seen(sample, np.empty((0, 4)), np.empty(0), np.empty((0, classes), np.float32), error)


def _whole(sample: Sample, side: int) -> tuple[NDArray[np.uint8], int, int] | str:
    """The photo as ``convert detect`` would have written it, and the size of the original."""
    try:
        prepared = prepare_whole(sample.path, side)
    except PhotoError as error:
        return str(error)
    return np.asarray(open_photo(prepared.jpeg)[0]), prepared.width, prepared.height


def _faces(item: tuple[Sample, Found], side: int, seen_at: int) -> list[RGB] | str:
    """Each face of a photo as the classifier sees photos that ``convert classify --fit face`` prepared."""
    sample, found = item
    if found.error:
        return found.error
    if not found.faces:
        return []
    squares = [face_square(face.box)[2] for face in found.faces]
    # As large as the smallest face is wanted, and no larger: a photo of 20 megapixels is not decoded for heads of 400 pixels.
    needed = min(1.0, side / min(squares))
    try:
        photo, (width, _) = open_photo(sample.path, longest=round(max(found.width, found.height) * needed))
    except PhotoError as error:
        return str(error)
    crops = (crop_face(photo, side, _scaled(face.box, photo.width / width)) for face in found.faces)
    return [load_square(encode(crop), seen_at) for crop in crops]


def _scaled(box: Box, scale: float) -> Box:
    x, y, width, height = box
    return x * scale, y * scale, width * scale, height * scale
