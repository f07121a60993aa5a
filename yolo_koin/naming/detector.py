"""Naming what an identity detector finds: one network finds faces and names them at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from yolo_koin.dataset.detect import prepare_whole
from yolo_koin.dataset.images import RGB, open_photo
from yolo_koin.dataset.koin import Sample
from yolo_koin.evaluation.face_predictions import NO_FACE
from yolo_koin.models.protocol import IdentityDetector
from yolo_koin.naming.protocol import Seen
from yolo_koin.naming.reader import Reader
from yolo_koin.specs import Way

Shown = tuple[RGB, int, int]  # the photo as it is shown, and the size of the original


class Detected:
    """An identity detector that is shown the photo as ``convert detect`` prepares it.

    Args:
        detector: the trained network.
        reader: where the pixels come from.
        doubtful: whether boxes count that the network hardly believes in: scoring wants them, a person who looks at photos does not.
    """

    way: Way = "detector"

    def __init__(self, detector: IdentityDetector, reader: Reader, doubtful: bool) -> None:
        self.detector, self.reader, self.doubtful = detector, reader, doubtful
        self.names = detector.names

    def read(self, sample: Sample) -> Shown:
        """See :class:`~yolo_koin.naming.protocol.Namer`."""
        prepared = prepare_whole(self.reader.photo(sample), self.detector.preparation.side, self.reader.change(sample))
        return np.asarray(open_photo(prepared.jpeg)[0]), prepared.width, prepared.height

    def look(self, items: Sequence[Shown]) -> Iterator[Seen]:
        """See :class:`~yolo_koin.naming.protocol.Namer`."""
        found = self.detector.run((photo for photo, _, _ in items), self.doubtful)
        for (photo, width, height), faces in zip(items, found, strict=True):
            if not len(faces.boxes):
                yield Seen(error=NO_FACE)
                continue
            boxes = faces.boxes * ([width / photo.shape[1], height / photo.shape[0]] * 2)
            yield Seen(faces.scores, None, boxes, faces.scores.max(axis=1).astype(np.float64))
