"""Many photos on one page: the contact sheet of a prediction, and the two photo grids of the README.

The contact sheet is a picture made of small tiles, so that its memory does not grow with the number or size of the photos. The
grids are figures for print, in inches and points.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from PIL import Image

from yolo_koin.reporting.annotate import Verdict, percent, sign, write
from yolo_koin.reporting.fonts import one_line, pillow_font, shorten
from yolo_koin.reporting.style import DPI, GREY, INK, PAPER, WIDTH, new_figure, styled

TILE = 168  # pixels: side of a tile's photo
MOST_TILES = 60  # a sheet is for glancing over; everything is in predictions.csv and annotated/
GAP = 16  # pixels between tiles
NamedPhoto = tuple[Image.Image, str]
SIGN_SIZE = 0.115  # inches
MARGIN = 0.04  # inches of paper around a grid
CONTENT = WIDTH - 2 * MARGIN
TALLEST = 1.4  # inches: a row of few photos does not fill the page


# ---------------------------------------------------------------------------------------------------------- contact sheet
def tile(photo: Image.Image, verdict: Verdict, side: int = TILE) -> Image.Image:
    """One photo of a contact sheet: the whole photo in a square, and beneath it what the model made of it.

    That is the sign, the first name and its score, and the true name where the model was wrong.

    Returns:
        RGB, ``side`` pixels wide.
    """
    em = max(9, side // 13)
    page = Image.new("RGB", (side, side + round(em * 3.4)), PAPER)
    _paste_contained(page, photo, side)
    mark = sign(verdict.correct, round(em * 1.15))
    y = side + em * 1.05
    page.paste(mark, (0, round(y - mark.height / 2)), mark)
    left, number = em * 1.5, em * 3.7
    write(page, (left, y), verdict.names[0], em, width=side - left - number, bold=True)
    write(page, (side, y), percent(verdict.scores[0]), em, width=number, colour=GREY, right=True)
    write(page, (left, y + em * 1.45), _second_line(verdict), em, width=side - left, colour=GREY)
    return page


def contact_sheet(
    tiles: Iterable[Image.Image], columns: int = 6, title: str = "", total: int | None = None, limit: int = MOST_TILES
) -> Image.Image:
    """Set tiles of equal size in a grid, and say how many photos are not on it.

    Args:
        tiles: pictures as :func:`tile` makes them; at most ``limit`` are taken, one after the other, so a generator
            costs no more.
        columns: tiles in a row, at least 1; fewer are used where there are fewer tiles.
        title: one line above the grid.
        total: how many photos there are in all; as many as are shown when None.
        limit: the most tiles to set.

    Returns:
        RGB; with no tile at all a page that says so.
    """
    shown = list(islice(tiles, limit))
    total = max(total or 0, len(shown))
    width, height = shown[0].size if shown else (TILE, TILE // 2)
    columns = max(1, min(columns, len(shown) or 3))
    em, rows = max(11, width // 10), math.ceil(len(shown) / columns)
    head = round(em * 4.2)
    page = Image.new("RGB", (columns * width + (columns + 1) * GAP, head + rows * (height + GAP)), PAPER)
    inner = page.width - 2 * GAP
    write(page, (GAP, em * 1.4), title, em, width=inner, bold=True)
    write(page, (GAP, em * 2.9), _count_line(len(shown), total), round(em * 0.8), width=inner, colour=GREY)
    for index, picture in enumerate(shown):
        row, column = divmod(index, columns)
        page.paste(picture, (GAP + column * (width + GAP), head + row * (height + GAP)))
    return page


def _paste_contained(page: Image.Image, photo: Image.Image, side: int) -> None:
    """Set the whole photo on a pale square, at the square's foot, where its caption begins."""
    small = _scaled(photo, side, side)
    page.paste(Image.new("RGB", (side, side), "#f2f2f2"), (0, 0))
    page.paste(small, ((side - small.width) // 2, side - small.height))


def _second_line(verdict: Verdict) -> str:
    if verdict.correct is False and verdict.true_name is not None:
        return f"true: {verdict.true_name}"
    return verdict.word


def _count_line(shown: int, total: int) -> str:
    if shown == total:
        return "no photo" if total == 0 else f"{total:,} photo{'s' if total > 1 else ''}"
    return f"{shown:,} of {total:,} photos; {total - shown:,} are not shown here"


# ------------------------------------------------------------------------------------------------------------ photo grids
@styled
def examples_for_each_case(rows: Sequence[tuple[str, Sequence[NamedPhoto]]]) -> Figure:
    """One row of photos per case, names beneath.

    Args:
        rows: ``(case, [(photo, display name), …])``, as in ``("normal", …)``; a second line of the case is a remark. Rows may
            differ in length, and an empty one is left out.
    """
    rows = [(case, photos) for case, photos in rows if photos]
    left, gap, caption, row_gap = 0.62, 0.08, 0.22, 0.14
    shapes = [_shape([photo for photo, _ in photos]) for _, photos in rows]
    cells = [(CONTENT - left - (len(photos) - 1) * gap) / len(photos) for _, photos in rows]
    cells = [min(cell, TALLEST * shape) for cell, shape in zip(cells, shapes, strict=True)]
    heights = [cell / shape for cell, shape in zip(cells, shapes, strict=True)]
    page = _Page(max(0.4, sum(heights) + len(rows) * (caption + row_gap) - row_gap))
    y = 0.0
    for (case, photos), cell, height in zip(rows, cells, heights, strict=True):
        name, *remark = case.split("\n")
        page.text(0, y + height / 2 - 0.08 * len(remark), name, left - 0.08, size=9, bold=True)
        for line in remark:
            page.text(0, y + height / 2 + 0.08, line, left - 0.04, size=6.5, colour=GREY)
        for column, (photo, person) in enumerate(photos):
            x = left + column * (cell + gap)
            page.photo(photo, x, y, cell, height)
            page.text(x + cell / 2, y + height + 0.105, person, cell, size=7, centred=True)
        y += height + caption + row_gap
    return page.figure


@styled
def hardcases_results(tiles: Sequence[tuple[Image.Image, Verdict]], *, title: str, photos: int, top1: float, columns: int = 6) -> Figure:
    """Photos of a test split with what the model made of them. Which photos: the caller's choice, which should be an honest one.

    Args:
        tiles: the photos and their verdicts, in reading order.
        title: as in ``"YOLOv8n-cls on hard_cases/test"``.
        photos: how many photos the whole split has.
        top1: top-1 accuracy over the whole split, 0 to 1.
        columns: photos in a row, at least 1.
    """
    gap, caption, head = 0.14, 0.37, 0.48
    columns = max(1, columns)
    cell = (CONTENT - (columns - 1) * gap) / columns
    height = cell / _shape([photo for photo, _ in tiles])
    page = _Page(head + max(1, math.ceil(len(tiles) / columns)) * (height + caption + gap) - gap)
    page.text(0, 0.1, title, CONTENT, size=9, bold=True)
    shown = "" if len(tiles) == photos else f"; {len(tiles)} of them shown"
    page.text(0, 0.28, f"top-1 {percent(top1)} of {photos:,} photos{shown}", CONTENT, size=8, colour=GREY)
    for index, (photo, verdict) in enumerate(tiles):
        row, column = divmod(index, columns)
        x, y = column * (cell + gap), head + row * (height + caption + gap)
        page.photo(photo, x, y, cell, height)
        page.verdict(verdict, x, y + height + 0.11, cell)
    return page.figure


class _Page:
    """A figure to set photos and lines of text on: inches, from the top left corner."""

    def __init__(self, height: float) -> None:
        self.figure = new_figure(height + 2 * MARGIN, layout=None)
        self.axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self.axes.set(xlim=(-MARGIN, CONTENT + MARGIN), ylim=(height + MARGIN, -MARGIN), autoscale_on=False)

    def photo(self, photo: Image.Image, x: float, y: float, width: float, height: float) -> None:
        """The whole photo, as large as the cell allows, at the cell's foot; scaled here to the pixels that will be printed."""
        small = _scaled(photo, round(width * DPI), round(height * DPI))
        wide, high = small.width / DPI, small.height / DPI
        left, top = x + (width - wide) / 2, y + height - high
        self.axes.imshow(np.asarray(small), extent=(left, left + wide, top + high, top), aspect="auto", interpolation="nearest")

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
        centred: bool = False,
    ) -> None:
        """One line, shortened to ``width`` inches, its middle at ``y``."""
        # Measured at 100 pixels a point; matplotlib rounds each letter to whole pixels, hence the 2 % to spare.
        fitting = shorten(text, pillow_font(round(size * 100), bold, one_line(text)), 0.98 * width * 72 * 100)
        weight, align = ("bold" if bold else "normal"), ("center" if centred else "left")
        self.axes.text(x, y, fitting, fontsize=size, weight=weight, color=colour, ha=align, va="center_baseline")

    def verdict(self, verdict: Verdict, x: float, y: float, width: float) -> None:
        """Sign, first name and score; the true name in the line below where the model was wrong."""
        self._sign(verdict, x, y)
        left, number = SIGN_SIZE + 0.05, 0.36
        self.text(x + left, y, verdict.names[0], width - left - number, size=7, bold=True)
        self.axes.text(x + width, y, percent(verdict.scores[0]), fontsize=6.5, color=GREY, ha="right", va="center_baseline")
        self.text(x + left, y + 0.15, _second_line(verdict), width - left, size=6.5, colour=GREY)

    def _sign(self, verdict: Verdict, x: float, y: float) -> None:
        radius = SIGN_SIZE / 2
        square = verdict.correct is False
        ground = Rectangle((x, y - radius), SIGN_SIZE, SIGN_SIZE) if square else Circle((x + radius, y), radius)
        ground.set(facecolor=verdict.colour if verdict.strokes else PAPER, edgecolor=verdict.colour, linewidth=0.6)
        self.axes.add_patch(ground)
        for stroke in verdict.strokes:
            xs, ys = zip(*stroke, strict=True)
            line = np.asarray(xs) * SIGN_SIZE + x, np.asarray(ys) * SIGN_SIZE + y - radius
            self.axes.plot(*line, color=PAPER, linewidth=1, solid_capstyle="round", solid_joinstyle="round")


def _shape(photos: Sequence[Image.Image]) -> float:
    """Width over height of a cell: the photos' median, within 0.6 and 1.6."""
    return min(1.6, max(0.6, statistics.median(photo.width / photo.height for photo in photos))) if photos else 1.0


def _scaled(photo: Image.Image, width: int, height: int) -> Image.Image:
    """The whole photo, as RGB, scaled up or down to just fit into ``width`` × ``height`` pixels."""
    factor = min(width / photo.width, height / photo.height)
    size = max(1, min(width, round(photo.width * factor))), max(1, min(height, round(photo.height * factor)))
    # A reduction by whole steps first makes a large photo cheap; what follows is still a reduction by two or more.
    return photo.convert("RGB").resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
