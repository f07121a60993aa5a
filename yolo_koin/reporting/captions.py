"""What is written beneath a photo of a grid: a verdict on the photo, or one on each of its faces. Sizes are in ems of its text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from yolo_koin.reporting.fonts import Type, one_line
from yolo_koin.reporting.language import say
from yolo_koin.reporting.marks import numbered_sign, paste, sign, write
from yolo_koin.reporting.style import GREY, INK
from yolo_koin.reporting.verdicts import BoxedFace, Correct, Faces, Result, Verdict, percent

LINE, FIRST = 1.5, 1.1  # from line to line, and from the photo to the first one's middle
SIGN, INDENT, BETWEEN = 1.15, 1.65, 0.6  # a sign, where text begins beside it, and between two texts


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a caption: a sign with or without a number, text and remark from the left, a score at the right.

    Attributes:
        correct: which sign; there is none where ``signed`` is not set.
        number: of the face; 0 for none.
        keep_end: where the text is too long, its end tells more than its beginning.
    """

    text: str
    bold: bool = False
    signed: bool = False
    correct: Correct = None
    number: int = 0
    remark: str = ""
    score: str = ""
    keep_end: bool = False

    def fits(self, width: float, em: int) -> bool:
        """Whether it is written uncut in so many pixels."""
        texts = (self.text, self.bold), (self.remark, False), (self.score, False)
        lengths = [Type(em, bold).getlength(one_line(text)) + BETWEEN * em for text, bold in texts if text]
        return INDENT * em + sum(lengths) - BETWEEN * em <= width


def lines_beneath(result: Result, width: float, em: int, most: int) -> list[Line]:
    """The caption of a photo in a column of ``width`` pixels; of several faces ``most`` are listed."""
    said = result.said
    if isinstance(said, Verdict):
        return _of_verdict(said, result.file, width, em)
    if len(said.faces) == 1:
        return _of_verdict(said.faces[0].verdict, result.file, width, em)
    lines = _of_faces(said, width, em, most)
    return [*lines, Line(result.file, keep_end=True)] if result.file else lines


def height(lines: int, em: int) -> int:
    """Pixels that a caption of so many lines takes."""
    return round((2 * FIRST + (lines - 1) * LINE) * em)


def draw(page: Image.Image, lines: Sequence[Line], top: float, em: int) -> None:
    """Set a caption over the whole width of a page."""
    for row, line in enumerate(lines):
        _draw(page, line, top + (FIRST + row * LINE) * em, em)


def _draw(page: Image.Image, line: Line, y: float, em: int) -> None:
    end, x = float(page.width), INDENT * em
    if line.score:
        end -= write(page, (end, y), line.score, em, width=end, colour=GREY, align="right") + BETWEEN * em
    if line.number or line.signed:
        picture = numbered_sign(line.correct, line.number, round(em * 0.9)) if line.number else sign(line.correct, round(SIGN * em))
        paste(page, picture, 0, y)
        x = max(x, picture.width + 0.4 * em)
    shade = INK if line.bold or line.number else GREY
    x += write(page, (x, y), line.text, em, width=end - x, bold=line.bold, colour=shade, keep_end=line.keep_end) + BETWEEN * em
    if line.remark:
        write(page, (x, y), line.remark, em, width=end - x, colour=GREY)


def _of_verdict(verdict: Verdict, file: str, width: float, em: int) -> list[Line]:
    first = Line(verdict.names[0], bold=True, signed=True, correct=verdict.correct)
    second = Line(file, keep_end=True) if file else Line(verdict.truth or verdict.word)
    return _spread(first, second, percent(verdict.scores[0]), width, em)


def _of_faces(said: Faces, width: float, em: int, most: int) -> list[Line]:
    """Whether the labelled person was named, then each face by the number of its frame."""
    found = said.named
    if not said.faces:
        return [
            Line(say("no face found"), signed=True, correct=found),
            *([Line(say("true: {person}", person=said.person))] if said.person is not None else []),
        ]
    title = Line(said.person or say("{n} faces", n=len(said.faces)), bold=True, signed=found is not None, correct=found)
    lines = _spread(title, None, {True: say("named"), False: say("not named"), None: ""}[found], width, em)
    for number, face in enumerate(said.ordered[:most], 1):
        lines += _of_face(number, face, width, em)
    left_out = len(said.faces) - most
    return [*lines, Line(say("and {n} more", n=left_out))] if left_out > 0 else lines


def _of_face(number: int, face: BoxedFace, width: float, em: int) -> list[Line]:
    """One line, or as many as its names need."""
    whole = line_of(number, face)
    if whole.fits(width, em):
        return [whole]
    return _spread(replace(whole, remark="", score=""), Line(whole.remark) if whole.remark else None, whole.score, width, em)


def line_of(number: int, face: BoxedFace) -> Line:
    """What is said of one of several faces."""
    verdict = face.verdict
    return Line(verdict.names[0], correct=verdict.correct, number=number, remark=verdict.truth, score=percent(verdict.scores[0]))


def _spread(first: Line, second: Line | None, score: str, width: float, em: int) -> list[Line]:
    """Two lines, the score in the first that has room for it; a third where neither has."""
    lines = [first] if second is None else [first, second]
    for i, line in enumerate(lines):
        if replace(line, score=score).fits(width, em):
            return [*lines[:i], replace(line, score=score), *lines[i + 1 :]]
    return [*lines, Line("", score=score)]
