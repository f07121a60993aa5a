"""A photo with a box and a name on each of its faces.

No annotation hides a face: the line of a box lies just outside of it, and a name lies outside of every box of the photo. Where
no such place is free, a number stands in for the name, and the panel beneath tells whose number it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image, ImageDraw

from yolo_koin.reporting import captions
from yolo_koin.reporting.annotate import MIN_TEXT, MIN_WIDTH, Heading, above, enlarged, headed_panel, panel_of, type_size
from yolo_koin.reporting.frames import Frame, casing_of, draw_frames, pen_of, pixels
from yolo_koin.reporting.marks import COLOURS, numbered_sign, paste, sign, write
from yolo_koin.reporting.style import GREY, PAPER
from yolo_koin.reporting.tags import Rect, place, place_number, reading_order
from yolo_koin.reporting.verdicts import NO_FACE, BoxedFace, Faces, percent

MIN_WIDTH_OF_SEVERAL = 640  # pixels: below this there is no room for names beside the faces
LONGEST_NAME = 14  # ems of a name in a tag; the panel has more room
FEW = 8  # faces that are listed in full size


def annotate_faces(photo: Image.Image, faces: Sequence[BoxedFace], top: int = 3, person: str | None = None) -> Image.Image:
    """A copy of the photo with its faces boxed and named, above a panel that says the same in full.

    A small photo is enlarged by a whole factor first: to :data:`MIN_WIDTH` pixels, or to :data:`MIN_WIDTH_OF_SEVERAL` where
    there are several faces. A white margin, as wide as the widest line, takes the lines of faces at the photo's edge. Lines and
    text grow with the face and the photo. Where boxes overlap, the smaller face is drawn in front.

    Args:
        photo: any size.
        faces: the faces found; several are numbered in reading order.
        top: how many names to list of a face that is alone.
        person: display name of whom the photo is of, where that is known: the panel says whether any face was given that name.

    Returns:
        RGB; beneath a lone face the panel of :func:`~yolo_koin.reporting.annotate.annotate`, beneath several a list of number,
        sign, name and score, beneath none the words :data:`NO_FACE`.
    """
    shown = enlarged(photo, MIN_WIDTH if len(faces) < 2 else MIN_WIDTH_OF_SEVERAL)
    marks = _marks(faces, shown, shown.width / photo.width)
    border = max((mark.line for mark in marks), default=0)
    marks = [replace(mark, box=mark.box.moved(border, border)) for mark in marks]
    drawn = Image.new("RGB", (shown.width + 2 * border, shown.height + 2 * border), PAPER)
    drawn.paste(shown, (border, border))
    draw_frames(drawn, [Frame(mark.box, mark.pen, mark.colour, mark.face.verdict.correct is False) for mark in marks])
    _draw_names(drawn, marks)
    width = max(drawn.width, MIN_WIDTH)
    em = type_size(width, drawn.height)
    if len(faces) == 1:
        return above(drawn, panel_of(width, em, faces[0].verdict, top))
    return above(drawn, _list_panel(width, em, marks, person))


# -------------------------------------------------------------------------------------------------------------- the names
@dataclass(frozen=True, slots=True)
class _Mark:
    """A face as it is drawn.

    Attributes:
        face: what is drawn.
        number: 1, 2, … in reading order; 0 for a face that is alone, which needs none.
        box: in whole pixels of the picture.
        em: pixels of its text.
        pen: pixels of its line.
    """

    face: BoxedFace
    number: int
    box: Rect
    em: int
    pen: int

    @property
    def colour(self) -> str:
        return COLOURS[self.face.verdict.correct]

    @property
    def line(self) -> int:
        return self.pen + casing_of(self.pen)


def _marks(faces: Sequence[BoxedFace], shown: Image.Image, scale: float) -> list[_Mark]:
    boxes = [pixels(face.box, scale, *shown.size) for face in faces]
    em = type_size(*shown.size)
    least = max(MIN_TEXT, round(max(shown.size) / 100))
    numbers = {i: number for number, i in enumerate(reading_order(boxes), 1)}
    sizes = [round(max(least, min(box.height / 6, em * 0.8))) for box in boxes]
    return [
        _Mark(faces[i], number if len(faces) > 1 else 0, boxes[i], sizes[i], pen_of(boxes[i], max(shown.size)))
        for i, number in numbers.items()
    ]


def _draw_names(picture: Image.Image, marks: Sequence[_Mark]) -> None:
    """Set each name, or a number in its place, the surest face first."""
    page = Rect(0, 0, picture.width, picture.height)
    outlines = {mark.number: mark.box.grown(mark.line) for mark in marks}
    tags: list[Rect] = []
    for mark in sorted(marks, key=lambda mark: (-mark.face.face_score, mark.number)):
        outline, clear = outlines[mark.number], mark.em / 3  # a name stands closer to its own face than to any other
        taken = [box.grown(clear) for number, box in outlines.items() if number != mark.number] + [tag.grown(clear / 2) for tag in tags]
        wordings = _tag(mark, percent(mark.face.verdict.scores[0])), _tag(mark, "")
        tag, spot = next(((tag, spot) for tag in wordings if (spot := place(tag.size, outline, page, taken))), (None, None))
        if tag is None and mark.number:
            tag = numbered_sign(mark.face.verdict.correct, mark.number, mark.em)
            spot = place_number(tag.size, outline, page, list(outlines.values()), tags)
        if tag and spot:
            picture.paste(tag, (round(spot.left), round(spot.top)), tag if tag.mode == "RGBA" else None)
            tags.append(spot)


def _tag(mark: _Mark, score: str) -> Image.Image:
    """A white tag with an edge in the verdict's colour: sign, with the number where there is one, name and score."""
    verdict, em = mark.face.verdict, mark.em
    name, edge, pad = verdict.names[0], max(1, round(em / 10)), em * 0.4
    middle = round(em * 1.5) / 2
    page = Image.new("RGB", (round(em * 26), round(em * 1.5)), PAPER)
    x = pad
    if mark.number or verdict.correct is not None:
        picture = numbered_sign(verdict.correct, mark.number, round(em * 0.9)) if mark.number else sign(verdict.correct, em)
        paste(page, picture, x, middle)
        x += picture.width + em * 0.3
    x += write(page, (x, middle), name, em, width=em * LONGEST_NAME, bold=True)
    if score:
        x += em * 0.4
        x += write(page, (x, middle), score, em, width=em * 4, colour=GREY)
    tag = page.crop((0, 0, math.ceil(x + pad), page.height))
    ImageDraw.Draw(tag).rectangle((0, 0, tag.width - 1, tag.height - 1), outline=mark.colour, width=edge)
    return tag


# -------------------------------------------------------------------------------------------------------------- the panel
def _list_panel(width: int, em: int, marks: Sequence[_Mark], person: str | None) -> Image.Image:
    """What was said of several faces, or of none: a heading, and the line of each in columns."""
    found = Faces(tuple(mark.face for mark in marks), person).named
    word = {True: "named", False: "not named", None: f"{len(marks)} faces"}[found] if marks else NO_FACE
    heading = Heading(found, word, None if person is None else ("photo of", person))
    size = em if len(marks) <= FEW else max(MIN_TEXT, round(em / 2))
    inner = width - 2 * em
    least = size * (19 if any(mark.face.verdict.truth for mark in marks) else 16)
    columns = max(1, min(inner // least, len(marks)))
    column = min(inner / columns, size * 26)  # a score not far from its name
    rows = math.ceil(len(marks) / columns)
    panel, body = headed_panel(width, em, captions.height(rows, size) if rows else 0, heading)
    for start in range(0, len(marks), max(1, rows)):
        listed = Image.new("RGB", (round(column - size * 1.5), captions.height(rows, size)), PAPER)
        captions.draw(listed, [captions.line_of(mark.number, mark.face) for mark in marks[start : start + rows]], 0, size)
        panel.paste(listed, (round(em + start // rows * column), body))
    return panel
