"""Naming every face: a face detector finds, a classifier names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from yolo_koin.dataset.images import RGB, PhotoError, crop_face, encode, face_square, load_square, open_photo
from yolo_koin.dataset.koin import Sample
from yolo_koin.evaluation.face_predictions import NO_FACE
from yolo_koin.faces import Face
from yolo_koin.faces.finder import FaceFinder
from yolo_koin.geometry import Box
from yolo_koin.models.protocol import Classifier, each_logits, probabilities
from yolo_koin.naming.protocol import Seen
from yolo_koin.naming.reader import Reader
from yolo_koin.specs import Way

Shown = tuple[tuple[Face, ...], list[RGB]]  # the faces of a photo, and the square that was cut around each


class EachFace:
    """A classifier that is shown each face as ``convert classify --fit face`` cuts it.

    Args:
        classifier: names them.
        finder: finds them.
        reader: where the pixels come from.
    """

    way: Way = "faces"

    def __init__(self, classifier: Classifier, finder: FaceFinder, reader: Reader) -> None:
        self.classifier, self.finder, self.reader = classifier, finder, reader
        self.names = classifier.names

    def read(self, sample: Sample) -> Shown:
        """See :class:`~yolo_koin.naming.protocol.Namer`."""
        photo, change = self.reader.photo(sample), self.reader.change(sample)
        if change:
            changed = change(open_photo(photo)[0])
            faces = self.finder.look_at(changed)
            return faces, self._cut(changed, changed.width, faces)
        found = self.finder.look(photo)
        if found.error:
            raise PhotoError(found.error)
        if not found.faces:
            return (), []
        squares = [face_square(face.box)[2] for face in found.faces]
        # As large as the smallest face is wanted, and no larger: a photo of 20 megapixels is not decoded for heads of 400 pixels.
        needed = min(1.0, self.classifier.preparation.side / min(squares))
        image, (width, _) = open_photo(photo, longest=round(max(found.width, found.height) * needed))
        return found.faces, self._cut(image, width, found.faces)

    def look(self, items: Sequence[Shown]) -> Iterator[Seen]:
        """See :class:`~yolo_koin.naming.protocol.Namer`."""
        rows = each_logits(self.classifier, (square for _, squares in items for square in squares))
        for faces, squares in items:
            if not faces:
                yield Seen(error=NO_FACE)
                continue
            logits = np.stack([next(rows) for _ in squares])
            boxes = np.array([face.box for face in faces], dtype=np.float64)
            yield Seen(probabilities(logits), logits, boxes, np.array([face.score for face in faces], dtype=np.float64).clip(0, 1))

    def _cut(self, image: Image.Image, width: int, faces: Sequence[Face]) -> list[RGB]:
        """The square around each face, as a prepared photo would be read again; boxes are of a photo ``width`` pixels wide."""
        side, wanted, scale = self.classifier.side, self.classifier.preparation, image.width / width
        squares = (crop_face(image, wanted.side, _scaled(face.box, scale)) for face in faces)
        return [load_square(encode(square), side, wanted.interpolation) for square in squares]


def _scaled(box: Box, scale: float) -> Box:
    x, y, width, height = box
    return x * scale, y * scale, width * scale, height * scale
