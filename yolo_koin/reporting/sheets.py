"""Many photos on one page, to be glanced over on a screen: the contact sheet of a prediction, and the review of boxes.

They are made of small tiles, so that their memory does not grow with the number or size of the photos.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from PIL import Image

from yolo_koin.geometry import Box
from yolo_koin.reporting.grids import SCREEN, cell, fitted, grid
from yolo_koin.reporting.marks import write
from yolo_koin.reporting.style import BLUE, GREEN, GREY, PAPER, VERMILION
from yolo_koin.reporting.verdicts import Result
from yolo_koin.words import count

GAP = SCREEN.gap
TILE = 168  # pixels: side of a tile's photo
MOST_TILES = 60  # a sheet is for glancing over; everything is in predictions.csv and annotated/
REVIEWED, REVIEW_COLUMNS, REVIEW_SIDE = 48, 8, 224  # photos on a page of the review and in its rows; pixels of each
UNSURE = 0.6  # a box that its detector gave a lower score asks for a second look
REVIEW_COLOURS = (
    ("number: the detector's score", BLUE),
    (f"below {UNSURE:.2f}, or no box", VERMILION),
    ("drawn by a person", GREEN),
    ("line: in boxes.csv", GREY),
)


# ---------------------------------------------------------------------------------------------------------- contact sheet
def tile(result: Result, side: int = TILE) -> Image.Image:
    """One photo of a contact sheet: the whole photo in a square, and beneath it what the model made of it.

    Returns:
        RGB, ``side`` pixels wide; as tall as its caption needs.
    """
    return cell(result, (side, side), SCREEN)


@dataclass
class EvenTiles:
    """Keeps an even sample of tiles that stream by.

    Attributes:
        total: how many photos will come.
        most: how many tiles are wanted.
        kept: the sample so far.
    """

    total: int
    most: int = MOST_TILES
    kept: list[Image.Image] = field(default_factory=list)
    _seen: int = 0

    def offer(self, picture: Image.Image | None) -> None:
        """Take the next photo's tile where one is due; None for a photo that could not be read, in whose place comes the next."""
        due = -(-(self._seen + 1) * self.most // max(1, self.total))
        self._seen += 1
        if picture is not None and len(self.kept) < min(due, self.most):
            self.kept.append(picture)


def contact_sheet(
    tiles: Sequence[Image.Image], columns: int = 6, title: str = "", total: int | None = None, remark: str = ""
) -> Image.Image:
    """Set tiles in a grid, and say how many photos are not on it.

    Args:
        tiles: pictures of one width, as :func:`tile` makes them.
        columns: tiles in a row, at least 1; fewer are used where there are fewer tiles.
        title: which model on which split.
        total: how many photos there are in all; as many as are shown when None.
        remark: as in ``"top-1 87.5 % of 80 photos"``; follows the count.

    Returns:
        RGB; with no tile at all a page that says so.
    """
    said = " · ".join(filter(None, [_count(len(tiles), max(total or 0, len(tiles))), remark]))
    return grid(tiles, max(1, min(columns, len(tiles))), SCREEN, title, said, width=3 * TILE)


def _count(shown: int, total: int) -> str:
    if shown == total:
        return count(total, "photo") if total else "no photo"
    return f"{shown:,} of {count(total, 'photo')}{', evenly spread' if total > MOST_TILES else ''}"


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
    width = REVIEW_COLUMNS * (REVIEW_SIDE + SCREEN.gap) + SCREEN.gap
    sheet = grid([_reviewed(photo) for photo in photos], REVIEW_COLUMNS, SCREEN, f"{title} · page {page:,} of {pages:,}", " ", width)
    x, y = float(SCREEN.margin), SCREEN.margin + 1.5 * SCREEN.title + 0.6 * SCREEN.remark
    for text, colour in REVIEW_COLOURS:
        x += write(sheet, (x, y), text, SCREEN.remark, width=width, colour=colour) + SCREEN.title
    return sheet


def _reviewed(photo: ReviewPhoto) -> Image.Image:
    """The photo with its box; beneath it the end of its id and its line, then name and score."""
    word, colour = photo.word
    side, em = REVIEW_SIDE, REVIEW_SIDE // 15
    page = Image.new("RGB", (side, side + round(em * 3.4)), PAPER)
    boxes = [] if photo.box is None else [(photo.box, colour, False)]
    page.paste(fitted(photo.photo, (side, side), SCREEN, boxes, photo.size[0])[0], (0, 0))
    first, second = side + em * 1.05, side + em * 2.5
    line = "" if photo.line is None else f"line {photo.line}"
    taken = write(page, (side, first), line, em, width=side, colour=GREY, align="right") + (em * 0.6 if line else 0)
    write(page, (0, first), photo.image, em, width=side - taken, bold=True, keep_end=True)
    taken = write(page, (side, second), word, em, width=side, colour=colour, align="right") + em * 0.6
    if photo.box is not None:  # else the reason needs the whole line
        write(page, (0, second), photo.name, em, width=side - taken)
    return page
