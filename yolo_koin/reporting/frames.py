"""The lines around faces, in pixels of a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw

from yolo_koin.geometry import Box
from yolo_koin.reporting.style import PAPER
from yolo_koin.reporting.tags import Rect


class Frame(NamedTuple):
    """A line around a face.

    Attributes:
        box: the face, in whole pixels; the line lies outside of it.
        pen: pixels of the coloured line.
        colour: as a hex string.
        dashed: the name is wrong, which shows without colour too.
    """

    box: Rect
    pen: int
    colour: str
    dashed: bool = False


def pixels(box: Box, scale: float, width: int, height: int) -> Rect:
    """The part of a box that lies in a ``width`` × ``height`` picture, rounded outwards to whole pixels, at least one each way."""
    x, y, w, h = (value * scale for value in box)
    left, top = min(max(math.floor(x), 0), width - 1), min(max(math.floor(y), 0), height - 1)
    return Rect(left, top, max(left + 1, min(math.ceil(x + w), width)), max(top + 1, min(math.ceil(y + h), height)))


def pen_of(box: Rect, longest: int) -> int:
    """Pixels of a box's coloured line: a hundredth of the face, and enough to be seen in a photo whose longer side is so long."""
    return max(2, round(longest / 400), round(math.sqrt(box.width * box.height) / 100))


def casing_of(pen: int) -> int:
    """Pixels of the white line around the coloured one, which sets it off from any photo."""
    return max(1, round(pen / 3))


def draw_frames(picture: Image.Image, frames: Sequence[Frame]) -> None:
    """Draw lines just outside of faces, the largest first; each face covers the lines of larger ones that would cross it.

    Args:
        picture: RGB, drawn on.
        frames: in any order.
    """
    clean, draw = picture.copy(), ImageDraw.Draw(picture)
    for frame in sorted(frames, key=lambda frame: (-frame.box.width * frame.box.height, frame)):
        area = (int(frame.box.left), int(frame.box.top), int(frame.box.right), int(frame.box.bottom))
        picture.paste(clean.crop(area), area)
        casing = casing_of(frame.pen)
        for out, width, paint in ((frame.pen + casing, casing, PAPER), (frame.pen, frame.pen, frame.colour)):
            draw.rectangle(_grown(area, out), outline=paint, width=width)
        if frame.dashed:
            _gaps(draw, _grown(area, frame.pen), frame.pen)


def _grown(area: tuple[int, int, int, int], by: int) -> tuple[int, int, int, int]:
    return area[0] - by, area[1] - by, area[2] + by - 1, area[3] + by - 1


def _gaps(draw: ImageDraw.ImageDraw, line: tuple[int, int, int, int], pen: int) -> None:
    """Break a line into dashes, whole ones at its corners."""
    left, top, right, bottom = line
    for start in _between(left, right, pen):
        for y in (top, bottom - pen + 1):
            draw.rectangle((start, y, start + 2 * pen - 1, y + pen - 1), fill=PAPER)
    for start in _between(top, bottom, pen):
        for x in (left, right - pen + 1):
            draw.rectangle((x, start, x + pen - 1, start + 2 * pen - 1), fill=PAPER)


def _between(start: int, end: int, pen: int) -> list[int]:
    """Where the gaps begin: dashes about six pens long, gaps of two."""
    count = max(0, round((end - start + 1 - 6 * pen) / (8 * pen)))
    dash = (end - start + 1 - 2 * pen * count) / (count + 1)
    return [round(start + dash + i * (dash + 2 * pen)) for i in range(count)]
