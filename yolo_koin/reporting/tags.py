"""Where the name of a face may stand: at its own box, over nobody's face.

Rectangles have no unit: they are pixels of a picture or inches of a page, y down.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from yolo_koin.geometry import Box


class Rect(NamedTuple):
    """An upright rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top

    def grown(self, by: float) -> Rect:
        """With each side ``by`` further out."""
        return Rect(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def moved(self, right: float, down: float) -> Rect:
        """Of the same size, elsewhere."""
        return Rect(self.left + right, self.top + down, self.right + right, self.bottom + down)

    def inside(self, other: Rect) -> bool:
        """Whether no part of it is outside of the other."""
        return self.left >= other.left and self.top >= other.top and self.right <= other.right and self.bottom <= other.bottom

    def overlaps(self, other: Rect) -> bool:
        """Whether they share an area; a shared edge is none."""
        return self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom


def corners(box: Box, scale: float = 1.0, left: float = 0.0, top: float = 0.0) -> Rect:
    """A box (x, y, width, height), scaled, then moved so that the photo's corner lies at (``left``, ``top``)."""
    x, y, width, height = (value * scale for value in box)
    return Rect(left + x, top + y, left + x + width, top + y + height)


def place(size: tuple[float, float], face: Rect, page: Rect, taken: Iterable[Rect]) -> Rect | None:
    """The first spot at a face that lies on the page and overlaps nothing that is taken; None where there is none.

    Args:
        size: width and height of what is to be placed.
        face: the box that it belongs to.
        page: where it may lie.
        taken: all faces, and what has been placed already.
    """
    taken = list(taken)
    return next((spot for spot in _spots(size, face, page) if spot.inside(page) and not any(map(spot.overlaps, taken))), None)


def place_number(size: tuple[float, float], face: Rect, page: Rect, faces: Sequence[Rect], tags: Sequence[Rect]) -> Rect:
    """Where the number of a face goes: outside of all faces at its upper left or right, else over a corner of its own box.

    In a crowd numbers may come to lie over each other's edges; there is always a place.
    """
    width, height = size
    outside = [
        *((x, face.top - height) for x in (face.left, face.right - width)),
        *((x, face.top) for x in (face.left - width, face.right)),
    ]
    centred = [(x - width / 2, y - height / 2) for y in (face.top, face.bottom) for x in (face.left, face.right)]
    on_page = [(_within(x, page.left, page.right - width), _within(y, page.top, page.bottom - height)) for x, y in centred]
    free = [spot for x, y in outside if (spot := Rect(x, y, x + width, y + height)).inside(page) and not any(map(spot.overlaps, faces))]
    spots = free + [Rect(x, y, x + width, y + height) for x, y in on_page]
    return next((spot for spot in spots if not any(map(spot.overlaps, tags))), spots[0])


def reading_order(boxes: Sequence[Rect]) -> list[int]:
    """Indices of boxes, row by row from the top, each row from the left.

    A box whose centre is less than half a box (the median height) below the first of a row belongs to that row.
    """
    if not boxes:
        return []
    reach = statistics.median(box.height for box in boxes) / 2
    downwards = sorted(range(len(boxes)), key=lambda i: boxes[i].top + boxes[i].bottom)
    rows: list[list[int]] = []
    for i in downwards:
        middle = (boxes[i].top + boxes[i].bottom) / 2
        if rows and middle - sum(boxes[rows[-1][0]][1::2]) / 2 < reach:
            rows[-1].append(i)
        else:
            rows.append([i])
    return [i for row in rows for i in sorted(row, key=lambda i: (boxes[i].left + boxes[i].right, i))]


def _spots(size: tuple[float, float], face: Rect, page: Rect) -> Iterator[Rect]:
    """Below, above, right and left of the face: in its middle (as far as the page has room), then level with either end."""
    width, height = size
    across = (_within((face.left + face.right - width) / 2, page.left, page.right - width), face.left, face.right - width)
    along = (_within((face.top + face.bottom - height) / 2, page.top, page.bottom - height), face.top, face.bottom - height)
    spots = [
        *((x, face.bottom) for x in across),
        *((x, face.top - height) for x in across),
        *((face.right, y) for y in along),
        *((face.left - width, y) for y in along),
    ]
    return (Rect(x, y, x + width, y + height) for x, y in spots)


def _within(value: float, least: float, most: float) -> float:
    return max(least, min(value, most))
