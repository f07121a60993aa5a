"""The lines around faces, in pixels of a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

from yolo_koin.geometry import Box
from yolo_koin.reporting.style import PAPER
from yolo_koin.reporting.tags import Rect


def pixels(box: Box, scale: float, width: int, height: int) -> Rect:
    """The part of a box that lies in a ``width`` × ``height`` picture, rounded outwards to whole pixels, at least one each way."""
    x, y, w, h = (value * scale for value in box)
    left, top = min(max(math.floor(x), 0), width - 1), min(max(math.floor(y), 0), height - 1)
    return Rect(left, top, max(left + 1, min(math.ceil(x + w), width)), max(top + 1, min(math.ceil(y + h), height)))


def pen_of(box: Rect) -> int:
    """Pixels of a box's coloured line: a hundredth of the face."""
    return max(2, round(math.sqrt(box.width * box.height) / 100))


def casing_of(pen: int) -> int:
    """Pixels of the white line around the coloured one, which sets it off from any photo."""
    return max(1, round(pen / 3))


def draw_boxes(picture: Image.Image, boxes: Sequence[tuple[Rect, int, str]]) -> None:
    """Draw lines just outside of some boxes, the largest first; each face covers the lines of larger ones that would cross it.

    Args:
        picture: RGB, drawn on.
        boxes: each with the width of its line in pixels, and its colour.
    """
    clean, draw = picture.copy(), ImageDraw.Draw(picture)
    for box, pen, colour in sorted(boxes, key=lambda item: (-item[0].width * item[0].height, item)):
        area = (int(box.left), int(box.top), int(box.right), int(box.bottom))
        picture.paste(clean.crop(area), area)
        casing = casing_of(pen)
        for out, width, paint in ((pen + casing, casing, PAPER), (pen, pen, colour)):
            draw.rectangle((area[0] - out, area[1] - out, area[2] + out - 1, area[3] + out - 1), outline=paint, width=width)
