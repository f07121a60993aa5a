"""A figure to set photos, frames, signs and lines of text on: inches, from the top left corner."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Rectangle
from PIL import Image, ImageFont

from yolo_koin.reporting.annotate import COLOURS, STROKES, Correct
from yolo_koin.reporting.fonts import one_line, pillow_font, shorten, wrap
from yolo_koin.reporting.style import DPI, INK, PAPER, WIDTH, new_figure
from yolo_koin.reporting.tags import Rect

MARGIN = 0.04  # inches of paper around what is set
MEASURED, SPARE = 100, 1.02  # pixels a point to measure text at; matplotlib rounds each letter to whole pixels of the print
CONTENT = WIDTH - 2 * MARGIN
SIGN_SIZE = 0.115  # inches
FRAME, CASING = 0.9, 1.9  # points: the line around a face, and the white one beneath it


class Page:
    """The figure, and what can be set on it.

    Args:
        height: inches of content; a margin is added around it.
    """

    def __init__(self, height: float) -> None:
        self.figure = new_figure(height + 2 * MARGIN, layout=None)
        self.axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self.axes.set(xlim=(-MARGIN, CONTENT + MARGIN), ylim=(height + MARGIN, -MARGIN), autoscale_on=False)

    def photo(self, photo: Image.Image, x: float, y: float, width: float, height: float) -> Rect:
        """The whole photo, as large as the cell allows, at the cell's foot; scaled here to the pixels that will be printed.

        Returns:
            Where it lies.
        """
        small = scaled(photo, round(width * DPI), round(height * DPI))
        wide, high = small.width / DPI, small.height / DPI
        left, top = x + (width - wide) / 2, y + height - high
        self.axes.imshow(np.asarray(small), extent=(left, left + wide, top + high, top), aspect="auto", interpolation="nearest")
        return Rect(left, top, left + wide, top + high)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        width: float,
        *,
        size: float,
        bold: bool = False,
        colour: str = INK,
        align: Literal["left", "center", "right"] = "left",
    ) -> float:
        """One line, shortened to ``width`` inches, its middle at ``y``; returns its own width."""
        fitting = shorten(text, _font(text, size, bold), width * 72 * MEASURED / SPARE)
        weight = "bold" if bold else "normal"
        self.axes.text(x, y, fitting, fontsize=size, weight=weight, color=colour, ha=align, va="center_baseline")
        return length(fitting, size, bold)

    def frame(self, face: Rect, correct: Correct) -> None:
        """A thin line just outside of a face: solid, or dashed where the name is wrong, on a white one that sets it off."""
        edge = face.grown(CASING / 2 / 72)
        for colour, width, dash in ((PAPER, CASING, "-"), (COLOURS[correct], FRAME, (0, (3, 1.5)) if correct is False else "-")):
            line = Rectangle(edge[:2], edge.width, edge.height, fill=False, edgecolor=colour, linewidth=width, linestyle=dash)
            self.axes.add_patch(line)

    def sign(self, correct: Correct, x: float, y: float) -> None:
        """The sign, its left edge at ``x`` and its middle at ``y``."""
        self._ground(correct, Rect(x, y - SIGN_SIZE / 2, x + SIGN_SIZE, y + SIGN_SIZE / 2), COLOURS[correct])
        for stroke in STROKES[correct]:
            xs, ys = zip(*stroke, strict=True)
            line = np.asarray(xs) * SIGN_SIZE + x, np.asarray(ys) * SIGN_SIZE + y - SIGN_SIZE / 2
            self.axes.plot(*line, color=PAPER, linewidth=1, solid_capstyle="round", solid_joinstyle="round")

    def number(self, correct: Correct, number: int, at: Rect) -> None:
        """A number on the ground of a sign, edged in white."""
        self._ground(correct, at, PAPER)
        middle = (at.left + at.right) / 2, (at.top + at.bottom) / 2
        self.axes.text(*middle, str(number), fontsize=5.5, weight="bold", color=PAPER, ha="center", va="center_baseline")

    def _ground(self, correct: Correct, at: Rect, edge: str) -> None:
        """A disc, or a square where the name is wrong; hollow where nobody knows and nothing is written on it."""
        middle = (at.left + at.right) / 2, (at.top + at.bottom) / 2
        ground = Rectangle(at[:2], at.width, at.height) if correct is False else Circle(middle, at.width / 2)
        hollow = correct is None and edge != PAPER
        ground.set(facecolor=PAPER if hollow else COLOURS[correct], edgecolor=edge, linewidth=0.6)
        self.axes.add_patch(ground)


def length(text: str, size: float, bold: bool = False) -> float:
    """Inches that a line of text takes."""
    return _font(text, size, bold).getlength(one_line(text)) / (72 * MEASURED) * SPARE


def lines_of(text: str, width: float, size: float, bold: bool = False) -> list[str]:
    """The whole text in lines of at most ``width`` inches."""
    return wrap(text, _font(text, size, bold), width * 72 * MEASURED / SPARE)


def shape_of(photos: Sequence[Image.Image]) -> float:
    """Width over height of a cell: the photos' median, within 0.6 and 1.6."""
    return min(1.6, max(0.6, statistics.median(photo.width / photo.height for photo in photos))) if photos else 1.0


def scaled(photo: Image.Image, width: int, height: int) -> Image.Image:
    """The whole photo, as RGB, scaled up or down to just fit into ``width`` × ``height`` pixels."""
    factor = min(width / photo.width, height / photo.height)
    size = max(1, min(width, round(photo.width * factor))), max(1, min(height, round(photo.height * factor)))
    # A reduction by whole steps first makes a large photo cheap; what follows is still a reduction by two or more.
    return photo.convert("RGB").resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _font(text: str, size: float, bold: bool) -> ImageFont.FreeTypeFont:
    return pillow_font(round(size * MEASURED), bold, one_line(text))
