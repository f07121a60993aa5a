"""Many photos on one page: the contact sheet of a prediction, the review of boxes, and the photo grids of the README.

Contact sheet and review are pictures made of small tiles, so that their memory does not grow with the number or size of the
photos. The grids are figures for print, in inches and points.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from matplotlib.figure import Figure
from PIL import Image

from yolo_koin.geometry import Box
from yolo_koin.reporting import captions
from yolo_koin.reporting.annotate import Correct, Verdict, percent, sign, write
from yolo_koin.reporting.boxed import NO_FACE, BoxedFace, FacePhoto, was_named
from yolo_koin.reporting.fonts import one_line, pillow_font
from yolo_koin.reporting.frames import casing_of, draw_boxes, pixels
from yolo_koin.reporting.page import CONTENT, Page, scaled, shape_of
from yolo_koin.reporting.results import Result, grid_of_results
from yolo_koin.reporting.style import BLUE, GREEN, GREY, PAPER, VERMILION, styled

TILE = 168  # pixels: side of a tile's photo
MOST_TILES = 60  # a sheet is for glancing over; everything is in predictions.csv and annotated/
GAP = 16  # pixels between tiles
PEN = 2  # pixels: the line around a face on a tile
REVIEWED, REVIEW_COLUMNS, REVIEW_SIDE = 48, 8, 224  # photos on a page of the review and in its rows; pixels of each
UNSURE = 0.6  # a box that its detector gave a lower score asks for a second look
REVIEW_COLOURS = (
    ("number: the detector's score", BLUE),
    (f"below {UNSURE:.2f}, or no box", VERMILION),
    ("drawn by a person", GREEN),
    ("line: in boxes.csv", GREY),
)
NamedPhoto = tuple[Image.Image, str]
TALLEST = 1.4  # inches: a row of few photos does not fill the page


# ---------------------------------------------------------------------------------------------------------- contact sheet
def tile(photo: Image.Image, verdict: Verdict, side: int = TILE) -> Image.Image:
    """One photo of a contact sheet: the whole photo in a square, and beneath it what the model made of it.

    That is the sign, the first name and its score, and the true name where the model was wrong.

    Returns:
        RGB, ``side`` pixels wide.
    """
    return _of_verdict(_square(photo, side), verdict)


def boxed_tile(photo: Image.Image, faces: Sequence[BoxedFace], person: str | None = None, side: int = TILE) -> Image.Image:
    """A :func:`tile` with a thin line around each face.

    Beneath a photo with one face stands what was said of it; with several, whether the labelled person was named and the surest
    of the names; with none, that none was found.

    Args:
        photo: any size; the boxes are in its pixels.
        faces: the faces found.
        person: display name of whom the photo is of, where that is known.
        side: pixels.
    """
    square = _square(photo, side, [(face.box, face.verdict.colour) for face in faces])
    if len(faces) == 1:
        return _of_verdict(square, faces[0].verdict)
    found = was_named(faces, person)
    if not faces:
        return _captioned(square, found, NO_FACE, "", f"true: {person}" if person is not None else "")
    several = f"{len(faces)} faces"
    if person is None:
        return _captioned(square, None, several, "", ", ".join(face.verdict.names[0] for face in faces))
    best = max((face.verdict.scores[0] for face in faces if face.verdict.names[0] == person), default=None)
    return _captioned(square, found, person, percent(best) if best is not None else "", f"{'named' if found else 'not named'}, {several}")


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
    em = max(11, width // 10)
    page = _grid(shown, max(1, min(columns, len(shown) or 3)), (width, height), round(em * 4.2))
    inner = page.width - 2 * GAP
    write(page, (GAP, em * 1.4), title, em, width=inner, bold=True)
    write(page, (GAP, em * 2.9), _count_line(len(shown), total), round(em * 0.8), width=inner, colour=GREY)
    return page


def _grid(tiles: Sequence[Image.Image], columns: int, size: tuple[int, int], head: int) -> Image.Image:
    """Tiles of one size in rows, below ``head`` pixels of paper."""
    width, height = size
    rows = math.ceil(len(tiles) / columns)
    page = Image.new("RGB", (columns * width + (columns + 1) * GAP, head + rows * (height + GAP)), PAPER)
    for index, picture in enumerate(tiles):
        row, column = divmod(index, columns)
        page.paste(picture, (GAP + column * (width + GAP), head + row * (height + GAP)))
    return page


def _count_line(shown: int, total: int) -> str:
    if shown == total:
        return "no photo" if total == 0 else f"{total:,} photo{'s' if total > 1 else ''}"
    return f"{shown:,} of {total:,} photos; {total - shown:,} are not shown here"


def _square(photo: Image.Image, side: int, boxes: Sequence[tuple[Box, str]] = (), across: int | None = None) -> Image.Image:
    """The whole photo on a pale square, at the square's foot, where its caption begins; lines of boxes have room around it.

    The boxes are in pixels of a photo ``across`` wide; in those of this one when None.
    """
    edge = PEN + casing_of(PEN) if boxes else 0
    small = scaled(photo, side - 2 * edge, side - 2 * edge)
    page = Image.new("RGB", (side, side), "#f2f2f2")
    left, top = (side - small.width) // 2, side - edge - small.height
    page.paste(small, (left, top))
    scale = small.width / (across or photo.width)
    draw_boxes(page, [(pixels(box, scale, *small.size).moved(left, top), PEN, colour) for box, colour in boxes])
    return page


def _of_verdict(square: Image.Image, verdict: Verdict) -> Image.Image:
    return _captioned(square, verdict.correct, verdict.names[0], percent(verdict.scores[0]), captions.second_line(verdict))


def _captioned(square: Image.Image, correct: Correct, name: str, score: str, second: str) -> Image.Image:
    """Sign, name and score beneath a square, and a second line, which takes the score where the name is long."""
    side = square.width
    em = max(9, side // 13)
    page = Image.new("RGB", (side, side + round(em * 3.4)), PAPER)
    page.paste(square, (0, 0))
    mark, lines = sign(correct, round(em * 1.15)), (side + em * 1.05, side + em * 2.5)
    page.paste(mark, (0, round(lines[0] - mark.height / 2)), mark)
    left, number = em * 1.5, em * 3.7 if score else 0
    long = pillow_font(em, True, one_line(name)).getlength(one_line(name)) > side - left - number
    write(page, (left, lines[0]), name, em, width=side - left - (0 if long else number), bold=True)
    write(page, (side, lines[long]), score, em, width=number, colour=GREY, right=True)
    write(page, (left, lines[1]), second, em, width=side - left - (number if long else 0), colour=GREY)
    return page


# ----------------------------------------------------------------------------------------------------------------- review
@dataclass(frozen=True, slots=True)
class ReviewPhoto:
    """A row of ``boxes.csv`` with its photo.

    Attributes:
        photo: of any size, as a reduced decoding gives it.
        size: width and height of the upright original, in whose pixels the box is.
        image: image id.
        name: display name of the box's label; empty for somebody who is not in the dataset.
        box: x, y, width and height; None for a photo that was left out.
        score: the detector's; None for a box that a person drew.
        reason: why the photo was left out.
        line: of the row in ``boxes.csv``, where the column names are line 1.
    """

    photo: Image.Image
    size: tuple[int, int]
    image: str
    name: str
    box: Box | None = None
    score: float | None = None
    reason: str = ""
    line: int | None = None

    @property
    def word(self) -> tuple[str, str]:
        """What is said of the box, and its colour."""
        if self.box is None:
            return self.reason, VERMILION
        if self.score is None:
            return "drawn", GREEN
        return f"{self.score:.2f}", VERMILION if self.score < UNSURE else BLUE


def review_page(photos: Iterable[ReviewPhoto], page: int, pages: int, title: str) -> Image.Image:
    """A page of boxes for a person to find the wrong ones: each on its photo, with what tells its row in ``boxes.csv``.

    Args:
        photos: about :data:`REVIEWED`; taken one after the other and reduced at once, so a generator needs the memory of one.
        page: number of this page, from 1.
        pages: how many there are.
        title: of what, as in ``"normal_cases/train of KoIn"``.
    """
    tiles = [_reviewed(photo) for photo in photos]
    em, height = REVIEW_SIDE // 10, tiles[0].height if tiles else REVIEW_SIDE
    sheet = _grid(tiles, REVIEW_COLUMNS, (REVIEW_SIDE, height), round(em * 4.2))
    inner, number = sheet.width - 2 * GAP, em * 9
    write(sheet, (GAP, em * 1.4), title, em, width=inner - number, bold=True)
    write(sheet, (GAP + inner, em * 1.4), f"page {page:,} of {pages:,}", em, width=number, colour=GREY, right=True)
    x = float(GAP)
    for text, colour in REVIEW_COLOURS:
        x += write(sheet, (x, em * 2.9), text, round(em * 0.75), width=inner, colour=colour) + em
    return sheet


def _reviewed(photo: ReviewPhoto) -> Image.Image:
    """The photo with its box; beneath it the end of its id and its line, then name and score."""
    word, colour = photo.word
    boxes = [] if photo.box is None else [(photo.box, colour)]
    side, em = REVIEW_SIDE, REVIEW_SIDE // 15
    page = Image.new("RGB", (side, side + round(em * 3.4)), PAPER)
    page.paste(_square(photo.photo, side, boxes, photo.size[0]), (0, 0))
    first, second = side + em * 1.05, side + em * 2.5
    line = "" if photo.line is None else f"line {photo.line}"
    taken = write(page, (side, first), line, em, width=side, colour=GREY, right=True) + (em * 0.6 if line else 0)
    write(page, (0, first), photo.image, em, width=side - taken, bold=True, keep_end=True)
    taken = write(page, (side, second), word, em, width=side, colour=colour, right=True) + em * 0.6
    if photo.box is not None:  # else the reason needs the whole line
        write(page, (0, second), photo.name, em, width=side - taken)
    return page


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
    shapes = [shape_of([photo for photo, _ in photos]) for _, photos in rows]
    cells = [(CONTENT - left - (len(photos) - 1) * gap) / len(photos) for _, photos in rows]
    cells = [min(cell, TALLEST * shape) for cell, shape in zip(cells, shapes, strict=True)]
    heights = [cell / shape for cell, shape in zip(cells, shapes, strict=True)]
    page = Page(max(0.4, sum(heights) + len(rows) * (caption + row_gap) - row_gap))
    y = 0.0
    for (case, photos), cell, height in zip(rows, cells, heights, strict=True):
        name, *remark = case.split("\n")
        page.text(0, y + height / 2 - 0.08 * len(remark), name, left - 0.08, size=9, bold=True)
        for line in remark:
            page.text(0, y + height / 2 + 0.08, line, left - 0.04, size=6.5, colour=GREY)
        for column, (photo, person) in enumerate(photos):
            x = left + column * (cell + gap)
            page.photo(photo, x, y, cell, height)
            page.text(x + cell / 2, y + height + 0.105, person, cell, size=7, align="center")
        y += height + caption + row_gap
    return page.figure


@styled
def hardcases_results(
    tiles: Sequence[Result],
    *,
    title: str,
    photos: int,
    top1: float,
    columns: int = 6,
    measure: str = "top-1",
) -> Figure:
    """Photos of a test split with what the model made of them. Which photos: the caller's choice, which should be an honest one.

    Args:
        tiles: the photos in reading order, each with its verdict, or with its faces; these are framed, and several are numbered.
        title: as in ``"YOLOv8n-cls on hard_cases/test"``.
        photos: how many photos the whole split has.
        top1: top-1 accuracy over the whole split, 0 to 1.
        columns: photos in a row, at least 1.
        measure: what ``top1`` is called, where it is another share of the photos.
    """
    shown = "" if len(tiles) == photos else f"; {len(tiles)} of them shown"
    return grid_of_results(tiles, title, f"{measure} {percent(top1)} of {photos:,} photos{shown}", max(1, columns))


@styled
def group_results(tiles: Sequence[FacePhoto], *, title: str, photos: int, named: float, columns: int = 3) -> Figure:
    """Photos of several people, each face framed and numbered, and a list of the names beneath.

    Args:
        tiles: the photos, in reading order.
        title: as in ``"CenterFace and YOLOv8n-cls on group_cases/test"``.
        photos: how many photos the whole split has.
        named: share of these whose labelled person is the first name of a face, 0 to 1.
        columns: photos in a row, at least 1.
    """
    shown = "" if len(tiles) == photos else f"; {len(tiles)} of them shown"
    return grid_of_results(tiles, title, f"labelled person named in {percent(named)} of {photos:,} photos{shown}", max(1, columns))
