"""Many photos on one page, to be glanced over on a screen: the contact sheet of a prediction, and the review of boxes.

They are made of small tiles, so that their memory does not grow with the number or size of the photos.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from PIL import Image, ImageDraw

from yolo_koin.geometry import Box
from yolo_koin.reporting.grids import SCREEN, cell, fitted, grid, number
from yolo_koin.reporting.marks import write
from yolo_koin.reporting.style import BLUE, GREEN, GREY, PAPER, VERMILION
from yolo_koin.reporting.tags import Rect
from yolo_koin.reporting.verdicts import Result
from yolo_koin.words import count

GAP = SCREEN.gap
TILE = 168  # pixels: side of a tile's photo
MOST_TILES = 60  # a sheet is for glancing over; everything is in predictions.csv and annotated/
REVIEW_WIDTH = 1936  # pixels of a page of the review
SCALE = (38, 20)  # pixels left of a photo and above it for the scale
UNSURE = 0.6  # a box that its detector gave a lower score asks for a second look
REVIEW_COLOURS = (
    (f"no box, or a score below {UNSURE:.2f}; dashed: suggested", VERMILION),
    ("number: the detector's score", BLUE),
    ("drawn by a person", GREEN),
    ("line: in boxes.csv; scale: pixels of the upright photo", GREY),
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
class Plan:
    """What a page of the review shows.

    Attributes:
        title: with a place for the dataset's name.
        columns: photos beside each other.
        photos: on the page.
    """

    title: str
    columns: int
    photos: int

    @property
    def side(self) -> int:
        """Pixels of a photo with its scale."""
        return (REVIEW_WIDTH - GAP) // self.columns - GAP


TO_DRAW = Plan("Photos of {} without a box", columns=4, photos=12)  # larger than those that are only to be checked
TO_CHECK = Plan("Face boxes of {}, the doubtful ones first", columns=6, photos=30)


@dataclass(frozen=True, slots=True)
class ReviewFace:
    """A face in a photo that is looked through.

    Attributes:
        box: x, y, width and height in pixels of the upright original.
        name: display name; empty for somebody who is not in the dataset, or whom nobody knows.
        score: the detector's; None for a box that a person drew.
        suggested: whether a person has still to say who it is.
    """

    box: Box
    name: str = ""
    score: float | None = None
    suggested: bool = False

    @property
    def word(self) -> tuple[str, str]:
        """What is said of the box, and its colour."""
        if self.score is None:
            return "drawn", GREEN
        return f"{self.score:.2f}", VERMILION if self.suggested or self.score < UNSURE else BLUE


@dataclass(frozen=True, slots=True)
class ReviewPhoto:
    """A photo with its rows in ``boxes.csv``.

    Attributes:
        photo: of any size, as a reduced decoding gives it.
        size: width and height of the upright original, in whose pixels the boxes are.
        image: image id.
        line: of its first row in ``boxes.csv``, where the column names are line 1; each face has the next.
        faces: in the order of the rows.
        reason: why no box is used; empty where one is.
    """

    photo: Image.Image
    size: tuple[int, int]
    image: str
    line: int
    faces: tuple[ReviewFace, ...] = ()
    reason: str = ""

    @property
    def word(self) -> tuple[str, str]:
        """What is said of the photo, and its colour."""
        return self.faces[0].word if len(self.faces) == 1 and not self.reason else (self.reason, VERMILION)

    @property
    def lines(self) -> str:
        """Where its rows are."""
        last = self.line + max(1, len(self.faces)) - 1
        return f"line {self.line}" if last == self.line else f"lines {self.line}–{last}"


def review_page(photos: Iterable[ReviewPhoto], plan: Plan, title: str) -> Image.Image:
    """A page of photos for a person to find wrong boxes and to draw missing ones, with what tells their rows in ``boxes.csv``.

    Args:
        photos: as many as the plan has; taken one after the other and reduced at once, so a generator needs the memory of one.
        plan: their size.
        title: of the page.
    """
    sheet = grid([_reviewed(photo, plan.side) for photo in photos], plan.columns, SCREEN, title, " ", REVIEW_WIDTH)
    x, y = float(SCREEN.margin), SCREEN.margin + 1.5 * SCREEN.title + 0.6 * SCREEN.remark
    for text, colour in REVIEW_COLOURS:
        x += write(sheet, (x, y), text, SCREEN.remark, width=REVIEW_WIDTH, colour=colour) + SCREEN.title
    return sheet


def _reviewed(photo: ReviewPhoto, side: int) -> Image.Image:
    """The photo with its boxes and a scale; beneath it the end of its id and its lines, then names and scores."""
    em = SCREEN.em + 2
    page = Image.new("RGB", (side, side + round(em * 3.4)), PAPER)
    frames = [(face.box, face.word[1], face.suggested) for face in photo.faces]
    picture, (place, *boxes) = fitted(photo.photo, (side - SCALE[0], side - SCALE[1]), SCREEN, frames, photo.size[0])
    page.paste(SCREEN.ground, (0, 0, side, side))
    page.paste(picture, SCALE)
    _scale(page, place.moved(*SCALE), photo.size)
    if len(boxes) > 1:
        number(page, [None] * len(boxes), [box.moved(*SCALE) for box in boxes], place.moved(*SCALE), SCREEN)
    word, colour = photo.word
    named = [face.name for face in photo.faces if not face.suggested]
    names = named[0] if len(named) == 1 else " · ".join(f"{i} {name or '?'}" for i, name in enumerate(named, 1))
    first, second = side + em * 1.05, side + em * 2.5
    taken = write(page, (side, first), photo.lines, em, width=side, colour=GREY, align="right") + em * 0.6
    write(page, (0, first), photo.image, em, width=side - taken, bold=True, keep_end=True)
    taken = write(page, (side, second), word, em, width=side, colour=colour, align="right") + em * 0.6
    write(page, (0, second), names, em, width=side - taken)
    return page.crop((0, round(place.top), side, page.height))  # a wide photo needs less room


def _scale(page: Image.Image, place: Rect, size: tuple[int, int]) -> None:
    """Pixels of the original along the upper and the left edge of a photo."""
    draw, em = ImageDraw.Draw(page), SCREEN.em - 2
    per = place.width / size[0]  # pixels of the page for one of the photo
    step = next(n * 10**power for power in range(7) for n in (1, 2, 5) if n * 10**power * per >= 3.5 * em)
    for value in range(0, max(size) + 1, max(1, step // 5)):
        major, at = value % step == 0, round(value * per)
        length = 6 if major else 3
        if value <= size[0]:
            x, y = place.left + at, place.top - 1
            draw.line((x, y - length, x, y), fill=GREY)
            if major:
                write(page, (x, y - length - 0.7 * em), str(value), em, width=4 * em, colour=GREY, align="middle")
        if value <= size[1]:
            x, y = place.left - 1, place.top + at
            draw.line((x - length, y, x, y), fill=GREY)
            if major and value:  # the corner's is written above
                write(page, (x - length - 2, y), str(value), em, width=4 * em, colour=GREY, align="right")
