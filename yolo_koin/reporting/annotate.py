"""A photo with its prediction beneath it.

The caption stands under the photo and never on it: in a face benchmark the pixels under a box or a name are the ones a reader
wants to see. Right and wrong are told four times: by a word, by the sign (a tick or a cross), by the sign's ground (round or
square) and by colour.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw

from yolo_koin.reporting.fonts import one_line, pillow_font, shorten
from yolo_koin.reporting.style import BLUE, GREY, INK, PAPER, VERMILION

MIN_WIDTH = 320  # pixels: below this no caption of a name, a bar and a score can be read
MIN_TEXT = 14  # pixels
MAX_ENLARGED = 1280  # pixels: a small photo is not enlarged beyond this height
BAR_GREY, TRACK = "#b5b5b5", "#f0f0f0"
Stroke = tuple[tuple[float, float], ...]
TICK: tuple[Stroke, ...] = (((0.27, 0.53), (0.44, 0.70), (0.75, 0.33)),)  # in a unit square, y down
CROSS: tuple[Stroke, ...] = (((0.30, 0.30), (0.70, 0.70)), ((0.70, 0.30), (0.30, 0.70)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a model said of a photo, in display names.

    Attributes:
        names: the likeliest identities, best first.
        scores: their softmax probabilities, 0 to 1.
        true_name: who it is, where that is known.
        correct: whether the first name is right; None where nobody knows.
    """

    names: tuple[str, ...]
    scores: tuple[float, ...]
    true_name: str | None = None
    correct: bool | None = None

    def __post_init__(self) -> None:
        """Refuse names and scores that do not pair up."""
        if not self.names or len(self.names) != len(self.scores):
            raise ValueError(f"{len(self.names)} names and {len(self.scores)} scores: one score for each name, at least one")

    @property
    def word(self) -> str:
        """``correct``, ``wrong``, or ``not scored`` where the truth is unknown."""
        return {True: "correct", False: "wrong", None: "not scored"}[self.correct]

    @property
    def colour(self) -> str:
        """Blue, vermilion or grey, as a hex string."""
        return {True: BLUE, False: VERMILION, None: GREY}[self.correct]

    @property
    def strokes(self) -> tuple[Stroke, ...]:
        """The sign's lines in a unit square, y down: a tick, a cross, or none."""
        return {True: TICK, False: CROSS, None: ()}[self.correct]


def percent(score: float) -> str:
    """``0.9237`` as ``92.4 %``."""
    return f"{100 * score:.1f} %"


def annotate(photo: Image.Image, verdict: Verdict, top: int = 3) -> Image.Image:
    """A copy of the photo with a caption panel beneath it.

    The photo's own pixels are kept, except that a photo narrower than :data:`MIN_WIDTH` is enlarged by a whole factor first,
    and set in the middle of white where it is still narrower (a very tall one). Text grows with the photo: about a thirtieth
    of its width.

    Args:
        photo: RGB, any size.
        verdict: what to say of it.
        top: how many names to list at most.

    Returns:
        RGB; at least :data:`MIN_WIDTH` wide, as wide as the (enlarged) photo otherwise.
    """
    shown = _enlarged(photo if photo.mode == "RGB" else photo.convert("RGB"))
    width = max(shown.width, MIN_WIDTH)
    em = round(max(MIN_TEXT, width / 60, min(width / 30, shown.height / 20)))
    panel = _panel(width, em, verdict, min(top, len(verdict.names)))
    page = Image.new("RGB", (width, shown.height + panel.height), PAPER)
    page.paste(shown, ((width - shown.width) // 2, 0))
    page.paste(panel, (0, shown.height))
    return page


@lru_cache(maxsize=64)
def sign(correct: bool | None, size: int) -> Image.Image:
    """The sign as a ``size`` × ``size`` RGBA picture: white tick on a disc, white cross on a square, or an empty ring.

    Drawn four times larger and reduced, since Pillow draws hard edges.
    """
    verdict = Verdict(("",), (0.0,), correct=correct)
    big = size * 4
    picture = Image.new("RGBA", (big, big), (255, 255, 255, 0))
    draw = ImageDraw.Draw(picture)
    whole = (0, 0, big - 1, big - 1)
    if correct is None:
        draw.ellipse(whole, outline=verdict.colour, width=big // 9)
    elif correct:
        draw.ellipse(whole, fill=verdict.colour)
    else:
        draw.rounded_rectangle(whole, radius=big // 8, fill=verdict.colour)
    pen = max(big // 9, 1)
    for stroke in verdict.strokes:
        points = [(x * big, y * big) for x, y in stroke]
        draw.line(points, fill="white", width=pen, joint="curve")
        for x, y in (points[0], points[-1]):
            draw.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill="white")
    return picture.resize((size, size), Image.Resampling.LANCZOS)


def write(
    page: Image.Image,
    at: tuple[float, float],
    text: str,
    size: int,
    *,
    width: float,
    bold: bool = False,
    colour: str = INK,
    right: bool = False,
) -> float:
    """Write one line of text, shortened to ``width`` pixels, its capitals centred on ``at``'s y; returns its width in pixels."""
    font = pillow_font(size, bold, one_line(text))
    line = shorten(text, font, width)
    # Centred by the height of a capital, the same for every line, so that names with and without descenders stand level.
    top, bottom = font.getbbox("H", anchor="ls")[1::2]
    baseline = at[1] - (top + bottom) / 2
    ImageDraw.Draw(page).text((at[0], round(baseline)), line, fill=colour, font=font, anchor="rs" if right else "ls")
    return font.getlength(line)


def _enlarged(photo: Image.Image) -> Image.Image:
    factor = max(1, min(math.ceil(MIN_WIDTH / photo.width), MAX_ENLARGED // photo.height))
    if factor == 1:
        return photo
    return photo.resize((photo.width * factor, photo.height * factor), Image.Resampling.BICUBIC)


def _panel(width: int, em: int, verdict: Verdict, rows: int) -> Image.Image:
    """The caption: a strip of colour, a line with the verdict and the true name, then name, bar and score of each prediction."""
    margin, strip, line = em, max(2, round(em * 0.25)), round(em * 1.6)
    head = strip + round(em * 2.5)
    panel = Image.new("RGB", (width, head + rows * line + round(em * 0.7)), PAPER)
    ImageDraw.Draw(panel).rectangle((0, 0, width - 1, strip - 1), fill=verdict.colour)
    inner = min(width, 34 * em) - 2 * margin  # on a panorama the columns stay together, at the left
    _head(panel, (margin, strip + em * 1.35), em, inner, verdict)
    for row in range(rows):
        _row(panel, (margin, head + (row + 0.5) * line), em, inner, verdict, row)
    return panel


def _head(panel: Image.Image, at: tuple[float, float], em: int, inner: float, verdict: Verdict) -> None:
    x, y = at
    picture = sign(verdict.correct, round(em * 1.3))
    panel.paste(picture, (round(x), round(y - picture.height / 2)), picture)
    x += em * 1.75
    x += write(panel, (x, y), verdict.word, em, width=inner, bold=True, colour=verdict.colour) + em * 0.9
    if verdict.true_name is not None:
        x += write(panel, (x, y), "true name", em, width=inner, colour=GREY) + em * 0.45
        write(panel, (x, y), verdict.true_name, em, width=at[0] + inner - x, bold=True)


def _row(panel: Image.Image, at: tuple[float, float], em: int, inner: float, verdict: Verdict, row: int) -> None:
    x, y = at
    number = em * 3.9  # room for "100.0 %"
    bar = (inner - number) * 0.42
    names = inner - number - bar - em * 0.8
    score = min(max(verdict.scores[row], 0.0), 1.0)
    first = row == 0
    write(panel, (x, y), verdict.names[row], em, width=names, bold=first)
    left, half = x + inner - number - bar, max(1.0, em * 0.24)
    draw = ImageDraw.Draw(panel)
    top, foot = round(y - half), round(y + half)
    draw.rectangle((round(left), top, round(left + bar), foot), fill=TRACK)
    if score * bar >= 0.5:
        draw.rectangle((round(left), top, round(left + bar * score), foot), fill=_bar_colour(verdict, row))
    shade = INK if first else GREY
    write(panel, (x + inner, y), percent(verdict.scores[row]), em, width=number, bold=first, colour=shade, right=True)


def _bar_colour(verdict: Verdict, row: int) -> str:
    """The true identity's bar is blue wherever it stands, a wrong first one's is vermilion, all others are grey."""
    if row == 0:
        return verdict.colour
    true_here = verdict.correct is False and verdict.names[row] == verdict.true_name
    return BLUE if true_here else BAR_GREY
