"""Letters that draw on any machine, with or without a Korean font.

The font is NanumGothic (Naver, SIL Open Font License 1.1), which the wheel ``koreanize-matplotlib`` carries. The wheel is
looked up and never imported: importing it would change matplotlib's settings for the whole program. Letters that NanumGothic
lacks (Vietnamese, Polish, …) are drawn in DejaVu Sans, which matplotlib brings along; for one that both lack stands a hollow square.
"""

from __future__ import annotations

import importlib.util
import math
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from yolo_koin.errors import KoinError

CARRIER = "koreanize_matplotlib"
FAMILIES = ("NanumGothic", "DejaVu Sans")  # matplotlib takes a glyph that the first lacks (the minus sign is one) from the second
ELLIPSIS, REPLACEMENT = "…", "□"
LONGEST = 28  # characters of a name in a chart
KEPT, KEPT_DRAWN = 4096, 1024  # texts that were measured, and drawn, and are remembered: some 10 MB, of photos of 12 megapixels 50


@cache
def hangul_file(bold: bool = False) -> Path:
    """The NanumGothic font file.

    Raises:
        KoinError: the wheel that carries it is not installed.
    """
    spec = importlib.util.find_spec(CARRIER)
    name = "NanumGothicBold.ttf" if bold else "NanumGothic.ttf"
    path = Path(spec.origin).parent / "fonts" / name if spec is not None and spec.origin else None
    if path is None or not path.is_file():
        raise KoinError("the Hangul font is missing", name, "Install it with: pip install koreanize-matplotlib==0.1.1")
    return path


def fallback_file(bold: bool = False) -> Path:
    """The font file for letters that NanumGothic lacks."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")


@dataclass(frozen=True, slots=True)
class Type:
    """What Pillow draws text with.

    Attributes:
        size: height of the em square, in pixels.
        bold: the bold cut.
    """

    size: int
    bold: bool = False

    def getlength(self, text: str) -> float:
        """Pixels from the text's begin to its end."""
        return sum(_length(file, self.size, run) for file, run in _runs(text, self.bold))

    def draw(self, page: Image.Image, x: float, baseline: int, text: str, colour: str) -> None:
        """Draw one line of text that begins at ``x``."""
        for file, run in _runs(text, self.bold):
            mask, left, top = _drawn(file, self.size, run, x % 1)
            page.paste(colour, (math.floor(x) + left, baseline + top), mask)
            x += _length(file, self.size, run)

    @property
    def capital(self) -> float:
        """How far the middle of a capital lies above the baseline."""
        return _capital(hangul_file(self.bold), self.size)


def matplotlib_fonts() -> dict[str, Any]:
    """Settings that draw Hangul, for ``matplotlib.rc_context``; matplotlib's own settings stay as they are."""
    _register()
    return {"font.family": list(FAMILIES)}


# ---------------------------------------------------------------------------------------------------------------- letters
def one_line(text: str) -> str:
    """The text as it can be drawn in a line.

    It is in NFC (fonts have whole syllables, not jamo), without invisible characters, each run of white space is one space, and
    for a letter that no font has stands :data:`REPLACEMENT`.
    """
    return "".join(letter if _has(letter) else REPLACEMENT for letter in _visible(text))


def missing_glyphs(names: Iterable[str]) -> tuple[str, ...]:
    """Those of some names that have a letter which cannot be drawn, each once, for a warning."""
    return tuple(name for name in dict.fromkeys(names) if not all(map(_has, _visible(name))))


def short(name: object, longest: int = LONGEST) -> str:
    """A name as one line of at most ``longest`` characters; an ellipsis stands for its middle, since names differ at their ends."""
    text = one_line(str(name))
    if len(text) <= longest:
        return text
    head = longest // 2
    return text[:head].rstrip() + ELLIPSIS + text[len(text) - (longest - 1 - head) :].lstrip()


def apart(names: Sequence[object], longest: int = LONGEST) -> list[str]:
    """Each name shortened, or all in full where two of them would then be the same."""
    shortened = [short(name, longest) for name in names]
    return shortened if len(set(shortened)) == len(set(map(str, names))) else [one_line(str(name)) for name in names]


@lru_cache(maxsize=KEPT)
def shorten(text: str, font: Type, width: float, keep_end: bool = False) -> str:
    """The text as one line; where that is wider than ``width`` pixels, an ellipsis stands for its end, at worst for all of it.

    With ``keep_end`` the ellipsis stands for its beginning: the end of a path tells which photo it is.
    """
    text = one_line(text)
    if font.getlength(text) <= width:
        return text

    def cut(kept: int) -> str:
        return ELLIPSIS + text[len(text) - kept :].lstrip() if keep_end else text[:kept].rstrip() + ELLIPSIS

    return cut(_most(len(text) - 1, lambda kept: font.getlength(cut(kept)) <= width))


def wrap(text: str, font: Type, width: float) -> list[str]:
    """The whole text in lines of at most ``width`` pixels: broken between words, and within a word that is longer than a line."""
    lines = [""]
    for word in one_line(text).split(" "):
        if font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
            continue
        pieces = _pieces(word, font, width)
        lines = [*lines, *pieces] if lines[-1] else pieces
    return lines


def _pieces(word: str, font: Type, width: float) -> list[str]:
    """A word in as many pieces as it takes; a piece has a letter at least."""
    fits = max(1, _most(len(word), lambda kept: font.getlength(word[:kept]) <= width))
    return [word[:fits], *_pieces(word[fits:], font, width)] if fits < len(word) else [word]


def _most(limit: int, fits: Callable[[int], bool]) -> int:
    """The largest number up to ``limit`` that fits, 0 if none does; a search by halves, since measuring text takes time."""
    return bisect_left(range(1, limit + 1), True, key=lambda number: not fits(number))


def _visible(text: str) -> str:
    composed = unicodedata.normalize("NFC", " ".join(text.split()))
    return "".join(letter for letter in composed if unicodedata.category(letter) != "Cf")


# ------------------------------------------------------------------------------------------------------------ font files
@lru_cache(maxsize=8192)
def _runs(text: str, bold: bool) -> tuple[tuple[Path, str], ...]:
    """A text in pieces of one font.

    A word is in the font that has more of its letters, the other lends what that one lacks. Where any word needs DejaVu Sans, all
    that it has are drawn in it, so that a name of several words looks like one.
    """
    hangul, other = _files(bold)
    words = re.split(r"(?<= )", text)
    first = [hangul, other] if all(_lacking(hangul, word) <= _lacking(other, word) for word in words) else [other, hangul]
    runs: list[tuple[Path, str]] = []
    for word in words:
        best, second = sorted(first, key=lambda file: _lacking(file, word))
        for letter in word:
            file = second if _lacking(best, letter) > _lacking(second, letter) else best
            if runs and runs[-1][0] == file:
                runs[-1] = file, runs[-1][1] + letter
            else:
                runs.append((file, letter))
    return tuple(runs)


def _lacking(file: Path, text: str) -> int:
    """How many letters of the text a font has not."""
    return sum(ord(letter) not in _characters(file) for letter in text)


def _files(bold: bool) -> tuple[Path, Path]:
    return hangul_file(bold), fallback_file(bold)


def _has(letter: str) -> bool:
    return any(ord(letter) in _characters(file) for file in _files(bold=False))


@lru_cache(maxsize=128)
def _load(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size)


@lru_cache(maxsize=KEPT)
def _length(path: Path, size: int, text: str) -> float:
    return _load(path, size).getlength(text)


@lru_cache(maxsize=128)
def _capital(path: Path, size: int) -> float:
    top, bottom = _load(path, size).getbbox("H", anchor="ls")[1::2]
    return -(top + bottom) / 2


@lru_cache(maxsize=KEPT_DRAWN)
def _drawn(path: Path, size: int, text: str, x: float) -> tuple[Image.Image, int, int]:
    """A text that begins at x, a part of a pixel, as a mask, and where the mask's corner lies from there and from the baseline.

    Kept, since captions of thousands of photos have few names and numbers, and drawing them takes a sixth of the time of a copy.
    """
    font = _load(path, size)
    left, top, right, bottom = font.getbbox(text, anchor="ls")
    left, top = math.floor(left) - 1, math.floor(top) - 1
    mask = Image.new("L", (math.ceil(right) + 2 - left, math.ceil(bottom) + 1 - top))
    ImageDraw.Draw(mask).text((x - left, -top), text, fill=255, font=font, anchor="ls")
    return mask, left, top


@cache
def _characters(path: Path) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(str(path)).get_charmap())


@cache
def _register() -> None:
    """Tell matplotlib of the font, once: each call of ``addfont`` would list it again."""
    from matplotlib import font_manager  # here, since it looks through the fonts of the machine

    manager = font_manager.fontManager
    for bold in (False, True):
        file = str(hangul_file(bold))
        manager.addfont(file)
        if bold:
            # The file calls its weight 600; asked for bold, matplotlib would take it, with a complaint each time.
            manager.ttflist.extend(replace(entry, weight=700) for entry in list(manager.ttflist) if entry.fname == file)
