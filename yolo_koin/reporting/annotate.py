"""A photo with its prediction beneath it.

The caption stands under the photo and never on it: in a face benchmark the pixels under a box or a name are the ones a reader
wants to see. Right and wrong are told four times: by a word, by the sign (a tick or a cross), by the sign's ground (round or
square) and by colour.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from PIL import Image, ImageDraw

from yolo_koin.reporting.marks import COLOURS, paste, sign, write
from yolo_koin.reporting.style import BLUE, GREY, INK, PAPER
from yolo_koin.reporting.verdicts import Correct, Verdict, percent

MIN_WIDTH = 320  # pixels: below this no caption of a name, a bar and a score can be read
MIN_TEXT = 14  # pixels
MAX_ENLARGED = 1280  # pixels: a small photo is not enlarged beyond this height
BAR_GREY, TRACK = "#b5b5b5", "#f0f0f0"


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
    shown = enlarged(photo, MIN_WIDTH)
    width = max(shown.width, MIN_WIDTH)
    return above(shown, panel_of(width, type_size(width, shown.height), verdict, top))


def enlarged(photo: Image.Image, least: int) -> Image.Image:
    """The photo as RGB, enlarged by a whole factor until it is ``least`` wide, or as far as :data:`MAX_ENLARGED` allows."""
    photo = photo if photo.mode == "RGB" else photo.convert("RGB")
    factor = max(1, min(math.ceil(least / photo.width), MAX_ENLARGED // photo.height))
    return photo if factor == 1 else photo.resize((photo.width * factor, photo.height * factor), Image.Resampling.BICUBIC)


def type_size(width: int, height: int) -> int:
    """Pixels of text beneath a picture: a thirtieth of its width, less under a low one, legible anyway."""
    return round(max(MIN_TEXT, width / 60, min(width / 30, height / 20)))


def above(photo: Image.Image, panel: Image.Image) -> Image.Image:
    """The photo, in the middle, above its panel, which is at least as wide."""
    ground = PAPER if photo.width < panel.width else None  # which nothing would be seen of
    page = Image.new("RGB", (panel.width, photo.height + panel.height), ground)
    page.paste(photo, ((panel.width - photo.width) // 2, 0))
    page.paste(panel, (0, photo.height))
    return page


def panel_of(width: int, em: int, verdict: Verdict, top: int) -> Image.Image:
    """The caption of one verdict: beneath its heading the ``top`` names, each with bar and score."""
    rows, line = min(top, len(verdict.names)), round(em * 1.6)
    who = None if verdict.true_name is None else ("true name", verdict.true_name)
    panel, body = headed_panel(width, em, rows * line, Heading(verdict.correct, verdict.word, who))
    for row in range(rows):
        _row(panel, (em, body + (row + 0.5) * line), em, _inner(width, em), verdict, row)
    return panel


class Heading(NamedTuple):
    """The first line of a caption: a sign with a word in its colour, and who it is, as a remark and a name."""

    correct: Correct
    word: str
    who: tuple[str, str] | None = None


def headed_panel(width: int, em: int, body: int, heading: Heading) -> tuple[Image.Image, int]:
    """A strip of colour and a heading.

    Returns:
        The panel with room for ``body`` pixels, and the y where that room begins.
    """
    correct, word, who = heading
    strip = max(2, round(em * 0.25))
    head = strip + round(em * 2.5)
    panel = Image.new("RGB", (width, head + body + round(em * 0.7)), PAPER)
    ImageDraw.Draw(panel).rectangle((0, 0, width - 1, strip - 1), fill=COLOURS[correct])
    x, y, inner = float(em), strip + em * 1.35, _inner(width, em)
    paste(panel, sign(correct, round(em * 1.3)), em, y)
    x += em * 1.75
    x += write(panel, (x, y), word, em, width=em + inner - x, bold=True, colour=COLOURS[correct]) + em * 0.9
    if who:
        x += write(panel, (x, y), who[0], em, width=inner, colour=GREY) + em * 0.45
        write(panel, (x, y), who[1], em, width=em + inner - x, bold=True)
    return panel, head


def _inner(width: int, em: int) -> int:
    """Width of what is written; on a panorama the columns stay together, at the left."""
    return min(width, 34 * em) - 2 * em


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
    if not math.isnan(score):  # of unknown there is no probability
        draw.rectangle((round(left), top, round(left + bar), foot), fill=TRACK)
    if score * bar >= 0.5:
        draw.rectangle((round(left), top, round(left + bar * score), foot), fill=_bar_colour(verdict, row))
    shade = INK if first else GREY
    write(panel, (x + inner, y), percent(verdict.scores[row]), em, width=number, bold=first, colour=shade, align="right")


def _bar_colour(verdict: Verdict, row: int) -> str:
    """The true identity's bar is blue wherever it stands, a wrong first one's is vermilion, all others are grey."""
    if row == 0:
        return COLOURS[verdict.correct]
    true_here = verdict.correct is False and verdict.names[row] == verdict.true_name
    return BLUE if true_here else BAR_GREY
