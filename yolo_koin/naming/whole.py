"""Naming a photo as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from yolo_koin.dataset.images import RGB, load_square, prepare
from yolo_koin.dataset.koin import Sample
from yolo_koin.faces.finder import FaceFinder
from yolo_koin.models.protocol import Classifier, probabilities
from yolo_koin.naming.protocol import Seen
from yolo_koin.naming.reader import Reader
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

    def read(self, sample: Sample) -> RGB:
        """See :class:`~yolo_koin.naming.protocol.Namer`."""
        side, wanted = self.classifier.side, self.classifier.preparation
        if file := self.reader.prepared_file(sample):
            return load_square(file, side, wanted.interpolation)
        photo = self.reader.photo(sample)
        face = self.finder.dominant(photo) if self.finder and wanted.fit == "face" else None
        return load_square(prepare(photo, wanted.fit, wanted.side, face, self.reader.change(sample)).jpeg, side, wanted.interpolation)

    def look(self, items: Sequence[RGB]) -> Iterator[Seen]:
        """See :class:`~yolo_koin.naming.protocol.Namer`."""
        if items:
            logits = self.classifier.logits(np.stack(items))
            for row, score in zip(logits, probabilities(logits), strict=True):
                yield Seen(score[None], row[None])
