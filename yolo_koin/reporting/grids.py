"""Photos in a grid, each with what was said of it beneath: the one layout of contact sheets, reviews and printed pages."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from yolo_koin.geometry import Box
from yolo_koin.reporting import captions, style
from yolo_koin.reporting.fonts import Type, wrap
from yolo_koin.reporting.frames import Frame, casing_of, draw_frames, pixels
from yolo_koin.reporting.marks import COLOURS, numbered_sign, write
from yolo_koin.reporting.style import GREY, INK, PAPER, PHOTO_DPI
from yolo_koin.reporting.tags import Rect, place_number
from yolo_koin.reporting.verdicts import Correct, Faces, Result

Line = tuple[Box, str, bool]  # a face, the colour of its line, and whether that is dashed


@dataclass(frozen=True, slots=True)
class Look:
    """How large a grid is drawn, in pixels.

    Attributes:
        em: of the captions' text.
        title, remark: of the text above the grid.
        gap: between photos.
        margin: around all.
        pen: the line around a face.
        most: faces that are listed beneath one photo.
        ground: what lies beside a photo that does not fill its cell.
    """

    em: int
    title: int
    remark: int
    gap: int
    margin: int
    pen: int
    most: int
    ground: str = PAPER


def points(size: float) -> int:
    """Pixels of a printed size."""
    return round(size * PHOTO_DPI / 72)


PRINT = Look(em=points(6.8), title=points(9), remark=points(7.5), gap=points(9), margin=points(3), pen=points(0.9), most=8)
SCREEN = Look(em=12, title=17, remark=13, gap=16, margin=16, pen=2, most=3, ground="#f2f2f2")
PAGE = round(style.PAGE * PHOTO_DPI)  # pixels: the width of a printed page


def column_of(columns: int, look: Look = PRINT, left: int = 0) -> int:
    """Pixels of a column of a printed page, right of ``left`` pixels for other things."""
    return (PAGE - 2 * look.margin - left - (columns - 1) * look.gap) // columns


def shape_of(photos: Sequence[Image.Image]) -> float:
    """Width over height of a cell: the photos' median, within 0.6 and 1.6."""
    return min(1.6, max(0.6, statistics.median(photo.width / photo.height for photo in photos))) if photos else 1.0


def scaled(photo: Image.Image, width: int, height: int) -> Image.Image:
    """The whole photo, as RGB, scaled up or down to just fit into ``width`` × ``height`` pixels."""
    factor = min(width / photo.width, height / photo.height)
    size = max(1, min(width, round(photo.width * factor))), max(1, min(height, round(photo.height * factor)))
    # A reduction by whole steps first makes a large photo cheap; what follows is still a reduction by two or more.
    return photo.convert("RGB").resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def fitted(
    photo: Image.Image, size: tuple[int, int], look: Look, lines: Sequence[Line] = (), across: int | None = None
) -> tuple[Image.Image, list[Rect]]:
    """The whole photo at the foot of a cell, where its caption begins; lines of boxes have room around it.

    Args:
        photo: of any size.
        size: width and height of the cell.
        look: of the grid.
        lines: boxes in pixels of a photo ``across`` wide; in those of this one when None.
        across: see there.

    Returns:
        The cell, the photo's place on it, and those of the boxes.
    """
    edge = look.pen + casing_of(look.pen) if lines else 0
    small = scaled(photo, max(1, size[0] - 2 * edge), max(1, size[1] - 2 * edge))
    page = Image.new("RGB", size, look.ground)
    left, top = (size[0] - small.width) // 2, size[1] - edge - small.height
    page.paste(small, (left, top))
    scale = small.width / (across or photo.width)
    boxes = [pixels(box, scale, *small.size).moved(left, top) for box, _, _ in lines]
    draw_frames(page, [Frame(box, look.pen, colour, dashed) for box, (_, colour, dashed) in zip(boxes, lines, strict=True)])
    return page, [Rect(left, top, left + small.width, top + small.height), *boxes]


def cell(result: Result, size: tuple[int, int], look: Look) -> Image.Image:
    """A photo with frames around its faces, numbered where there are several, above its caption; ``size`` is the photo's room."""
    faces = result.said.ordered if isinstance(result.said, Faces) else ()
    lines = [(face.box, COLOURS[face.verdict.correct], face.verdict.correct is False) for face in faces]
    picture, (place, *boxes) = fitted(result.photo, size, look, lines)
    if len(faces) > 1:
        number(picture, [face.verdict.correct for face in faces], boxes, place, look)
    written = captions.lines_beneath(result, size[0], look.em, look.most)
    page = Image.new("RGB", (size[0], size[1] + captions.height(len(written), look.em)), PAPER)
    page.paste(picture, (0, 0))
    captions.draw(page, written, size[1], look.em)
    return page


def number(picture: Image.Image, correct: Sequence[Correct], boxes: Sequence[Rect], place: Rect, look: Look) -> None:
    """Set a number at each box, on the ground of its sign, so that no face of the photo's ``place`` is covered."""
    taken: list[Rect] = []
    outside = look.pen + casing_of(look.pen)
    for i, (right, box) in enumerate(zip(correct, boxes, strict=True), 1):
        mark = numbered_sign(right, i, round(look.em * 0.8))
        taken.append(place_number(mark.size, box.grown(outside), place, boxes, taken))
        picture.paste(mark, (round(taken[-1].left), round(taken[-1].top)), mark)


def grid(cells: Sequence[Image.Image], columns: int, look: Look, title: str = "", remark: str = "", width: int = 0) -> Image.Image:
    """Cells of one width in rows, each row as tall as its tallest, beneath a title and a remark of as many lines as they need.

    Args:
        cells: in reading order.
        columns: cells in a row.
        look: sizes.
        title, remark: what stands above; nothing where empty.
        width: pixels of the page; what the cells need when less.
    """
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    tall = [max(one.height for one in row) for row in rows]
    across = columns * (cells[0].width if cells else 0) + (columns - 1) * look.gap + 2 * look.margin
    head = _head(max(width, across), look, title, remark)
    page = Image.new("RGB", (head.width, head.height + sum(tall) + look.gap * max(0, len(rows) - 1) + look.margin), PAPER)
    page.paste(head, (0, 0))
    y = head.height
    for row, high in zip(rows, tall, strict=True):
        for column, one in enumerate(row):
            page.paste(one, (look.margin + column * (one.width + look.gap), y))
        y += high + look.gap
    return page


def _head(width: int, look: Look, title: str, remark: str) -> Image.Image:
    inner = width - 2 * look.margin
    lines = [
        (line, size, bold, INK if bold else GREY)
        for text, size, bold in ((title, look.title, True), (remark, look.remark, False))
        for line in (wrap(text, Type(size, bold), inner) if text else ())
    ]
    page = Image.new(
        "RGB", (width, round(look.margin + sum(1.5 * size for _, size, _, _ in lines) + (0.4 * look.title if lines else 0))), PAPER
    )
    y = float(look.margin)
    for line, size, bold, colour in lines:
        write(page, (look.margin, y + size * 0.6), line, size, width=inner + size, bold=bold, colour=colour)
        y += 1.5 * size
    return page
