"""Naming a photo as a whole, and showing where the classifier finds what speaks for its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from yolo_koin.dataset.images import RGB, Square, shown_square
from yolo_koin.dataset.koin import Sample
from yolo_koin.faces import Found
from yolo_koin.faces.finder import FaceFinder
from yolo_koin.geometry import Box
from yolo_koin.models.protocol import Explaining
from yolo_koin.naming.protocol import Seen
from yolo_koin.naming.whole import WholePhoto
from yolo_koin.specs import Way


@dataclass(frozen=True, slots=True)
class Sight:
    """Where a classifier looked.

    Attributes:
        map: height × width over the square, what speaks for the answer there; none negative.
        square: that it was shown, in pixels of the upright photo at its full size.
        width: of that photo.
        box: of the labelled person's face, in the same pixels; None where nobody knows it.
    """

    map: NDArray[np.float32]
    square: Square
    width: int
    box: Box | None = None


class Shown(NamedTuple):
    """What a classifier is shown of a photo, and all of its :class:`Sight` but the map."""

    pixels: RGB
    image: str
    square: Square
    width: int
    box: Box | None


@dataclass(frozen=True)
class ExplainedPhoto:
    """A :class:`~yolo_koin.naming.whole.WholePhoto` that answers as it does, and keeps where the classifier looked.

    Attributes:
        whole: names the photos.
        classifier: shows where it looks: the one that names.
        finder: of faces.
        whose: tells the labelled person's face among those of a photo.
        sights: image id → where it looked: of the photos that were named.
    """

    whole: WholePhoto
    classifier: Explaining
    finder: FaceFinder
    whose: Callable[[Sample, Found], Box | None]
    sights: dict[str, Sight] = field(default_factory=dict)
    way: Way = "whole"

    @property
    def names(self) -> tuple[str, ...]:
        """See :class:`~yolo_koin.naming.protocol.Namer`."""
        return self.whole.names

    def read(self, sample: Sample) -> Shown:
        """See :class:`~yolo_koin.naming.protocol.Namer`."""
        pixels, photo = self.whole.read(sample), self.whole.reader.photo(sample)
        found, wanted = self.finder.look(photo), self.whole.classifier.preparation
        face = self.finder.dominant(photo) if wanted.fit == "face" else None
        return Shown(
            pixels, sample.image, shown_square((found.width, found.height), wanted.fit, face), found.width, self.whose(sample, found)
        )

    def look(self, items: Sequence[Shown]) -> Iterator[Seen]:
        """See :class:`~yolo_koin.naming.protocol.Namer`."""
        seen = list(self.whole.look([one.pixels for one in items]))
        named = [(item, one.scores.argmax()) for item, one in zip(items, seen, strict=True) if one.scores is not None]
        if named:
            maps = self.classifier.maps(np.stack([item.pixels for item, _ in named]), np.array([answer for _, answer in named]))
            for (item, _), found in zip(named, maps, strict=True):
                self.sights[item.image] = Sight(found, item.square, item.width, item.box)
        return iter(seen)
