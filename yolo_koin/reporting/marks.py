"""The vocabulary of all pictures of photos: a sign, a number on a sign's ground, a line of text.

Right and wrong are told by the sign (a tick or a cross), by its ground (round or square) and by colour.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal

from PIL import Image, ImageDraw

from yolo_koin.reporting.fonts import Type, shorten
from yolo_koin.reporting.style import BLUE, GREY, INK, PAPER, VERMILION
from yolo_koin.reporting.verdicts import Correct

Stroke = tuple[tuple[float, float], ...]
TICK: tuple[Stroke, ...] = (((0.27, 0.53), (0.44, 0.70), (0.75, 0.33)),)  # in a unit square, y down
CROSS: tuple[Stroke, ...] = (((0.30, 0.30), (0.70, 0.70)), ((0.70, 0.30), (0.30, 0.70)))
COLOURS: dict[Correct, str] = {True: BLUE, False: VERMILION, None: GREY}
STROKES: dict[Correct, tuple[Stroke, ...]] = {True: TICK, False: CROSS, None: ()}
FINER = 4  # signs are drawn so many times larger and reduced, since Pillow draws hard edges
CLEAR = (255, 255, 255, 0)


@lru_cache(maxsize=64)
def sign(correct: Correct, size: int) -> Image.Image:
    """The sign as a ``size`` × ``size`` RGBA picture: white tick on a disc, white cross on a square, or an empty ring."""
    big, colour = size * FINER, COLOURS[correct]
    picture = Image.new("RGBA", (big, big), CLEAR)
    draw = ImageDraw.Draw(picture)
    whole = (0, 0, big - 1, big - 1)
    if correct is None:
        draw.ellipse(whole, outline=colour, width=big // 9)
    elif correct:
        draw.ellipse(whole, fill=colour)
    else:
        draw.rounded_rectangle(whole, radius=big // 8, fill=colour)
    pen = max(big // 9, 1)
    for stroke in STROKES[correct]:
        points = [(x * big, y * big) for x, y in stroke]
        draw.line(points, fill=PAPER, width=pen, joint="curve")
        for x, y in (points[0], points[-1]):
            draw.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill=PAPER)
    return picture.resize((size, size), Image.Resampling.LANCZOS)


@lru_cache(maxsize=256)
def numbered_sign(correct: Correct, number: int, em: int) -> Image.Image:
    """The ground of a sign with a number on it, ``em`` pixels high, edged in white: RGBA."""
    text, font = str(number), Type(em * FINER, bold=True)
    height = round(em * 1.3) * FINER
    width = max(height, math.ceil(font.getlength(text) + em * FINER * 0.5))
    picture = Image.new("RGBA", (width, height), CLEAR)
    draw = ImageDraw.Draw(picture)
    radius, edge = (height // 8 if correct is False else height // 2), max(FINER, em * FINER // 12)
    draw.rounded_rectangle((0, 0, width - 1, height - 1), radius=radius, fill=PAPER)
    draw.rounded_rectangle((edge, edge, width - 1 - edge, height - 1 - edge), radius=radius, fill=COLOURS[correct])
    font.draw(picture, (width - font.getlength(text)) / 2, round(height / 2 + font.capital), text, PAPER)
    return picture.resize((width // FINER, height // FINER), Image.Resampling.LANCZOS)


def paste(page: Image.Image, picture: Image.Image, left: float, middle: float) -> None:
    """Set a sign on a page, its left edge and the middle of its height at these pixels."""
    page.paste(picture, (round(left), round(middle - picture.height / 2)), picture)


def write(
    page: Image.Image,
    at: tuple[float, float],
    text: str,
    size: int,
    *,
    width: float,
    bold: bool = False,
    colour: str = INK,
    align: Literal["left", "middle", "right"] = "left",
    keep_end: bool = False,
) -> float:
    """Write one line of text, shortened to ``width`` pixels, its capitals centred on ``at``'s y; returns its width in pixels."""
    font = Type(size, bold)
    line = shorten(text, font, width, keep_end)
    taken = font.getlength(line)
    left = at[0] - taken * {"left": 0, "middle": 0.5, "right": 1}[align]
    # Centred by the height of a capital, the same for every line, so that names with and without descenders stand level.
    font.draw(page, left, round(at[1] + font.capital), line, colour)
    return taken
