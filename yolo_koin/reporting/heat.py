"""A photo with where a classifier looked drawn over it."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from yolo_koin.geometry import Box
from yolo_koin.reporting.frames import Frame, draw_frames, pen_of, pixels
from yolo_koin.reporting.marks import COLOURS
from yolo_koin.reporting.style import PAPER
from yolo_koin.reporting.verdicts import Correct

OPACITY = 0.75  # of the strongest place


class Heat(NamedTuple):
    """Where a classifier looked, in pixels of the photo that it is drawn on.

    Attributes:
        map: height × width over the square, none negative.
        square: left, top and length.
        box: of the face; None where nobody knows it.
    """

    map: NDArray[np.float32]
    square: tuple[float, float, float]
    box: Box | None

    def scaled(self, factor: float) -> Heat:
        """The same in a photo that is ``factor`` times as wide."""
        left, top, length = (value * factor for value in self.square)
        return Heat(self.map, (left, top, length), None if self.box is None else tuple(v * factor for v in self.box))  # type: ignore[arg-type]


def heated(photo: Image.Image, heat: Heat, correct: Correct = None) -> Image.Image:
    """The photo with the map over it, clear where it is 0, in a perceptually uniform colour scale (inferno), and the face's outline.

    Args:
        photo: RGB.
        heat: the map; scaled to its own maximum.
        correct: whether the answer was right, which gives the outline its colour.
    """
    picture = photo.copy()
    left, top, length = heat.square
    area = (max(left, 0.0), max(top, 0.0), min(left + length, photo.width), min(top + length, photo.height))
    corner = round(area[0]), round(area[1])
    size = round(area[2]) - corner[0], round(area[3]) - corner[1]
    if min(size) > 0 and heat.map.max() > 0:
        cells = Image.fromarray(heat.map / heat.map.max())
        across, down = cells.width / length, cells.height / length
        part = ((area[0] - left) * across, (area[1] - top) * down, (area[2] - left) * across, (area[3] - top) * down)
        values = np.asarray(cells.resize(size, Image.Resampling.BICUBIC, box=part)).clip(0, 1)
        colours = cv2.cvtColor(cv2.applyColorMap((255 * values).astype(np.uint8), cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
        picture.paste(Image.fromarray(colours), corner, Image.fromarray((255 * OPACITY * values).astype(np.uint8)))
    if heat.box:
        box = pixels(heat.box, 1.0, *photo.size)
        draw_frames(picture, [Frame(box, pen_of(box, max(photo.size)), COLOURS[correct], correct is False)])
    return picture


def beside(photo: Image.Image, other: Image.Image) -> Image.Image:
    """Two pictures of one size, with a narrow gap."""
    gap = max(4, photo.width // 60)
    page = Image.new("RGB", (2 * photo.width + gap, photo.height), PAPER)
    page.paste(photo, (0, 0))
    page.paste(other, (photo.width + gap, 0))
    return page
