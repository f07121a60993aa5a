"""What is written beneath a photo of a printed grid: a verdict on the photo, or one on each of its faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from yolo_koin.reporting.annotate import Correct, Verdict, percent
from yolo_koin.reporting.boxed import NO_FACE, BoxedFace, FacePhoto, was_named
from yolo_koin.reporting.page import SIGN_SIZE, Page, length
from yolo_koin.reporting.style import GREY, INK

LINE, FIRST = 0.15, 0.11  # inches: from line to line, and from the photo to the first one's middle
NAME, SMALL = 7.0, 6.5  # points
AFTER_SIGN, AFTER_NUMBER, BETWEEN = 0.05, 0.15, 0.06  # inches
MOST_FACES = 8  # that are listed beneath one photo


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a caption: number, sign, text and remark from the left, a score at the right; what is empty is left out.

    Attributes:
        correct: which sign; there is none where ``signed`` is not set.
        indent: inches from the left to the text; number and sign stand before it.
    """

    text: str
    bold: bool = False
    signed: bool = False
    correct: Correct = None
    number: int = 0
    remark: str = ""
    score: str = ""
    indent: float = SIGN_SIZE + AFTER_SIGN

    @property
    def width(self) -> float:
        """Inches that it takes uncut."""
        texts = length(self.text, NAME if self.bold else SMALL, self.bold), length(self.remark, SMALL), length(self.score, SMALL)
        return self.indent + sum(text + BETWEEN for text in texts if text) - BETWEEN


def lines_beneath(shown: Verdict | FacePhoto, width: float) -> list[Line]:
    """The caption of a photo in a column of ``width`` inches."""
    if isinstance(shown, Verdict):
        return _of_verdict(shown, width)
    if not shown.faces:
        truth = [Line(f"true: {shown.person}")] if shown.person is not None else []
        return [Line(NO_FACE, signed=True, correct=was_named((), shown.person)), *truth]
    if len(shown.faces) == 1:
        return _of_verdict(shown.faces[0].verdict, width)
    return _of_faces(shown.ordered, shown.person, width)


def draw(page: Page, lines: Sequence[Line], x: float, y: float, width: float) -> None:
    """Set a caption, its top at ``y``."""
    for row, line in enumerate(lines):
        _draw(page, line, x, y + FIRST + row * LINE, width)


def height(lines: int) -> float:
    """Inches that a caption of so many lines takes."""
    return FIRST + (lines - 1) * LINE + FIRST


def second_line(verdict: Verdict) -> str:
    """Who it is where the name is wrong, else the verdict in a word."""
    if verdict.correct is False and verdict.true_name is not None:
        return f"true: {verdict.true_name}"
    return verdict.word


def _of_verdict(verdict: Verdict, width: float) -> list[Line]:
    first = Line(verdict.names[0], bold=True, signed=True, correct=verdict.correct)
    return _spread(first, second_line(verdict), percent(verdict.scores[0]), width)


def _of_faces(faces: Sequence[BoxedFace], person: str | None, width: float) -> list[Line]:
    """Whether the labelled person was named, then each face by the number of its frame."""
    found = was_named(faces, person)
    word = {True: "named", False: "not named", None: ""}[found]
    lines = _spread(Line(person or f"{len(faces)} faces", bold=True, signed=found is not None, correct=found), "", word, width)
    for number, face in enumerate(faces[:MOST_FACES], 1):
        lines += _of_face(number, face.verdict, width)
    left_out = len(faces) - MOST_FACES
    return [*lines, Line(f"and {left_out} more")] if left_out > 0 else lines


def _of_face(number: int, verdict: Verdict, width: float) -> list[Line]:
    """One line, or as many as its names need."""
    truth = second_line(verdict) if verdict.correct is False and verdict.true_name is not None else ""
    indent = AFTER_NUMBER + SIGN_SIZE + AFTER_SIGN
    line = Line(verdict.names[0], signed=True, correct=verdict.correct, number=number, indent=indent)
    score = percent(verdict.scores[0])
    whole = replace(line, remark=truth, score=score)
    return [whole] if whole.width <= width else _spread(line, truth, score, width)


def _spread(first: Line, second: str, score: str, width: float) -> list[Line]:
    """Two lines, the score in the first that has room for it; a third where neither has."""
    below = Line(second, indent=first.indent)
    with_score, below_with_score = replace(first, score=score), replace(below, score=score)
    if with_score.width <= width:
        return [with_score, below] if second else [with_score]
    if below_with_score.width <= width:
        return [first, below_with_score]
    return [first, below, Line("", score=score)]


def _draw(page: Page, line: Line, x: float, y: float, width: float) -> None:
    end = x + width
    if line.score:
        end -= page.text(end, y, line.score, width, size=SMALL, colour=GREY, align="right") + BETWEEN
    x += line.indent
    sign = x - AFTER_SIGN - SIGN_SIZE
    if line.signed:
        page.sign(line.correct, sign, y)
    if line.number:
        page.text(sign - AFTER_SIGN, y, str(line.number), AFTER_NUMBER, size=SMALL, colour=GREY, align="right")
    strong = line.bold or line.number > 0
    x += page.text(x, y, line.text, end - x, size=NAME if line.bold else SMALL, bold=line.bold, colour=INK if strong else GREY) + BETWEEN
    if line.remark:
        page.text(x, y, line.remark, end - x, size=SMALL, colour=GREY)
