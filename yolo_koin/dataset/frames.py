"""Boxes that were drawn on another picture than the photo as it lies there: a smaller copy, or one that was not yet turned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from yolo_koin.dataset.annotations import Problem
from yolo_koin.dataset.images import Header, PhotoError, header_of
from yolo_koin.dataset.koin import Sample
from yolo_koin.dataset.photo_names import PhotoBoxError
from yolo_koin.geometry import Box

Size = tuple[float, float]  # width, height


@dataclass(frozen=True, slots=True)
class _Change:
    """What was done to the boxes of a photo."""

    image: str
    stated: Size
    photo: Size


class Frames:
    """Lays boxes on the upright photos.

    Args:
        where: the file or folder that the boxes are in, for the lines about what was changed.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._headers: dict[str, Header | None] = {}
        self._scaled: dict[str, _Change] = {}
        self._turned: dict[str, _Change] = {}

    def fit(self, box: Box, stated: Size | None, sample: Sample) -> Box:
        """The box in pixels of the upright photo.

        Args:
            box: as drawn.
            stated: size of the picture that it was drawn on, as the file says; None where it says nothing.
            sample: the photo. One that cannot be read is reported by whoever opens it.

        Raises:
            PhotoBoxError: it was drawn on a picture of another shape.
        """
        if stated is None or (header := self._header(sample)) is None:
            return box
        photo: Size = (header.width, header.height)
        if stated == photo:
            return box
        change = _Change(sample.image, stated, photo)
        if alike(stated, photo):
            self._scaled[sample.image] = change
            return _scaled(box, stated, photo)
        if header.orientation > 4 and alike(stated, photo[::-1]):  # a quarter turn: the file tells of the photo before it
            self._turned[sample.image] = change
            return _scaled(turned(box, stated, header.orientation), stated[::-1], photo)
        raise PhotoBoxError(f"drawn on {stated[0]:g} × {stated[1]:g}, the photo is {photo[0]:g} × {photo[1]:g}", sample.image)

    def changes(self) -> Iterator[Problem]:
        """A line about the photos whose boxes were scaled, and one about those whose boxes were turned."""
        for changed, what in ((self._scaled, "scaled to the photo"), (self._turned, "turned with the photo, as its EXIF tag says")):
            if changed:
                first = next(iter(changed.values()))
                sizes = f"drawn on {first.stated[0]:g} × {first.stated[1]:g}, the photo is {first.photo[0]:g} × {first.photo[1]:g}"
                count = f"{len(changed)} photo{'s' * (len(changed) > 1)}"
                yield Problem(self._where, f"the boxes of {count} were {what}, such as {first.image}: {sizes}")

    def _header(self, sample: Sample) -> Header | None:
        if sample.image not in self._headers:
            try:
                self._headers[sample.image] = header_of(sample.path)
            except PhotoError:
                self._headers[sample.image] = None
        return self._headers[sample.image]


def alike(stated: Size, photo: Size) -> bool:
    """Whether one is the other scaled, its sides rounded to whole pixels."""
    (w, h), (width, height) = stated, photo
    return abs(w - width * h / height) <= 1 or abs(h - height * w / width) <= 1


def turned(box: Box, size: Size, orientation: int) -> Box:
    """A box of a photo before a quarter turn, in the turned photo.

    Args:
        box: x, y, width, height.
        size: of the photo before the turn.
        orientation: the EXIF tag, 5 to 8.
    """
    x, y, across, down = box
    right, below = size[0] - x - across, size[1] - y - down
    left, top = {5: (y, x), 6: (below, x), 7: (below, right), 8: (y, right)}[orientation]
    return left, top, down, across


def _scaled(box: Box, size: Size, photo: Size) -> Box:
    x, y, across, down = box
    wide, high = photo[0] / size[0], photo[1] / size[1]
    return round(x * wide, 3), round(y * high, 3), round(across * wide, 3), round(down * high, 3)
