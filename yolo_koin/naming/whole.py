"""Naming a photo as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from yolo_koin.dataset.images import RGB, Opened, fitted, load_square, open_for
from yolo_koin.dataset.koin import Sample
from yolo_koin.faces.finder import FaceFinder
from yolo_koin.geometry import Box
from yolo_koin.models.protocol import Classifier, probabilities
from yolo_koin.naming.protocol import Seen
from yolo_koin.naming.reader import Reader
from yolo_koin.parallel import Latest
from yolo_koin.specs import Way


class WholePhoto:
    """A classifier that is shown the photo as ``convert classify`` prepares it, be it prepared before or now: the same pixels.

    Args:
        classifier: names it.
        reader: where the pixels come from.
        finder: finds the face that the photo is about; needed for a classifier that learnt from faces, and photos that are not prepared.
    """

    way: Way = "whole"

    def __init__(self, classifier: Classifier, reader: Reader, finder: FaceFinder | None = None) -> None:
        self.classifier, self.reader, self.finder = classifier, reader, finder
        self.names = classifier.names
        self._opened: Latest[tuple[Opened, Box | None]] = Latest()

    def read(self, sample: Sample) -> RGB:
        """See :class:`~yolo_koin.naming.protocol.Namer`."""
        side, wanted = self.classifier.side, self.classifier.preparation
        if file := self.reader.prepared_file(sample):
            return load_square(file, side, wanted.interpolation)
        (image, size), face = self._opened.of((sample.image, sample.path), lambda: self._open(sample))
        change = self.reader.change(sample)
        prepared = fitted((change(image) if change else image, size), wanted.fit, wanted.side, face)
        return load_square(prepared.jpeg, side, wanted.interpolation)

    def _open(self, sample: Sample) -> tuple[Opened, Box | None]:
        """A photo as far as it has to be decoded, and the box of the face that it is about where a model is shown that."""
        photo, wanted = self.reader.photo(sample), self.classifier.preparation
        face = self.finder.dominant(photo) if self.finder and wanted.fit == "face" else None
        return open_for(photo, wanted.fit, wanted.side, face), face

    def look(self, items: Sequence[RGB]) -> Iterator[Seen]:
        """See :class:`~yolo_koin.naming.protocol.Namer`."""
        if items:
            logits = self.classifier.logits(np.stack(items))
            for row, score in zip(logits, probabilities(logits), strict=True):
                yield Seen(score[None], row[None])
