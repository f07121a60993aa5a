"""Hangul that draws on any machine, with or without a Korean font.

The font is NanumGothic (Naver, SIL Open Font License 1.1), which the wheel ``koreanize-matplotlib`` carries. The wheel is
looked up and never imported: importing it would change matplotlib's settings for the whole program. A name with letters that
NanumGothic lacks (Vietnamese, Polish, …) is drawn in DejaVu Sans, which matplotlib brings along.
"""

from __future__ import annotations

import importlib.util
import unicodedata
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font
from PIL import ImageFont

from yolo_koin.errors import KoinError

CARRIER = "koreanize_matplotlib"
FAMILIES = ("NanumGothic", "DejaVu Sans")  # matplotlib takes a glyph that the first lacks (the minus sign is one) from the second
ELLIPSIS = "…"


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


@cache
def fallback_file(bold: bool = False) -> Path:
    """The DejaVu Sans font file that matplotlib carries."""
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")


def pillow_font(size: int, bold: bool = False, text: str = "") -> ImageFont.FreeTypeFont:
    """A font to draw with on a Pillow picture.

    Args:
        size: height of the em square, in pixels.
        bold: the bold cut.
        text: what will be drawn; NanumGothic is given up for DejaVu Sans only where that has more of its characters.
    """
    hangul, other = hangul_file(bold), fallback_file(bold)
    missing = _missing(hangul, text)
    return _load(other if missing and _missing(other, text) < missing else hangul, size)


def matplotlib_fonts() -> dict[str, Any]:
    """Settings that draw Hangul, for ``matplotlib.rc_context``; matplotlib's own settings stay as they are."""
    _register()
    return {"font.family": list(FAMILIES)}


def one_line(text: str) -> str:
    """The text in NFC (fonts have whole syllables, not jamo) with each run of white space as one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def shorten(text: str, font: ImageFont.FreeTypeFont, width: float, keep_end: bool = False) -> str:
    """The text as one line; where that is wider than ``width`` pixels, an ellipsis stands for its end, at worst for all of it.

    With ``keep_end`` the ellipsis stands for its beginning: the end of a path tells which photo it is.
    """
    text = one_line(text)
    if font.getlength(text) <= width:
        return text

    def cut(kept: int) -> str:
        return ELLIPSIS + text[len(text) - kept :].lstrip() if keep_end else text[:kept].rstrip() + ELLIPSIS

    return cut(_most(len(text) - 1, lambda kept: font.getlength(cut(kept)) <= width))


def wrap(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """The whole text in lines of at most ``width`` pixels: broken between words, and within a word that is longer than a line."""
    lines = [""]
    for word in one_line(text).split(" "):
        if font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
            continue
        pieces = _pieces(word, font, width)
        lines = [*lines, *pieces] if lines[-1] else pieces
    return lines


def _pieces(word: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """A word in as many pieces as it takes; a piece has a letter at least."""
    fits = max(1, _most(len(word), lambda kept: font.getlength(word[:kept]) <= width))
    return [word[:fits], *_pieces(word[fits:], font, width)] if fits < len(word) else [word]


def _most(limit: int, fits: Callable[[int], bool]) -> int:
    """The largest number up to ``limit`` that fits, 0 if none does; a search by halves, since measuring text takes time."""
    return bisect_left(range(1, limit + 1), True, key=lambda number: not fits(number))


@lru_cache(maxsize=128)
def _load(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size)


@cache
def _characters(path: Path) -> frozenset[int]:
    return frozenset(FT2Font(str(path)).get_charmap())


def _missing(path: Path, text: str) -> int:
    return sum(ord(character) not in _characters(path) for character in text)


@cache
def _register() -> None:
    """Tell matplotlib of the font, once: each call of ``addfont`` would list it again."""
    manager = font_manager.fontManager
    for bold in (False, True):
        file = str(hangul_file(bold))
        manager.addfont(file)
        if bold:
            # The file calls its weight 600; asked for bold, matplotlib would take it, with a complaint each time.
            manager.ttflist.extend(replace(entry, weight=700) for entry in list(manager.ttflist) if entry.fname == file)
