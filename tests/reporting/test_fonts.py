from __future__ import annotations

import importlib.util
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from yolo_koin.errors import KoinError
from yolo_koin.reporting import fonts
from yolo_koin.reporting.style import new_figure, settings


def drawn(text: str, font: ImageFont.FreeTypeFont) -> NDArray[np.uint8]:
    page = Image.new("L", (200, 60))
    ImageDraw.Draw(page).text((4, 4), text, fill=255, font=font)
    return np.asarray(page)


@pytest.mark.parametrize("bold", [False, True], ids=["regular", "bold"])
@pytest.mark.parametrize("syllable", ["김", "뷁", "가", "힣"], ids=["common", "rare", "Unicode's first", "Unicode's last"])
def test_hangul_is_drawn_and_not_the_box_of_a_missing_glyph(syllable: str, bold: bool) -> None:
    font = fonts.pillow_font(40, bold)
    missing = drawn("\U0010fffd", font)  # a private code point that no font has
    assert drawn(syllable, font).any()
    assert not np.array_equal(drawn(syllable, font), missing)


def test_bold_is_another_cut() -> None:
    assert drawn("김", fonts.pillow_font(40, bold=True)).sum() > 1.1 * drawn("김", fonts.pillow_font(40)).sum()


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("김민준", "NanumGothic"),
        ("Kim", "NanumGothic"),
        ("Łukasz Źdźbło", "DejaVu Sans"),
        ("Nguyễn", "DejaVu Sans"),
        ("\U0010fffd", "NanumGothic"),
    ],
    ids=["Hangul", "Latin", "Polish: Nanum lacks a letter", "Vietnamese", "nobody has it: no reason to change"],
)
def test_the_font_is_the_one_that_has_the_letters(text: str, family: str) -> None:
    assert fonts.pillow_font(20, text=text).getname()[0] == family


def canvas_pixels(text: str, weight: str, rc: dict[Any, Any]) -> NDArray[np.uint8]:
    with matplotlib.rc_context(rc):
        figure = new_figure(0.5, 1.0, layout=None)
        figure.text(0.2, 0.2, text, fontsize=20, weight=weight)
        canvas = figure.canvas
        assert isinstance(canvas, FigureCanvasAgg)
        canvas.draw()  # type: ignore[no-untyped-call]
        return np.asarray(canvas.buffer_rgba()).copy()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("weight", ["normal", "bold"])
@pytest.mark.parametrize("text", ["김", "−"], ids=["Hangul", "a minus, which comes from the second family"])
def test_matplotlib_draws_without_missing_glyphs(text: str, weight: str, caplog: pytest.LogCaptureFixture) -> None:
    """A missing glyph is a warning, and warnings are errors here; a missing font is a line in the log."""
    pixels = canvas_pixels(text, weight, settings())
    assert not np.array_equal(pixels, canvas_pixels("", weight, settings()))
    assert not caplog.records


def test_matplotlib_without_our_font_would_warn() -> None:
    """So that the test above can fail."""
    with pytest.warns(UserWarning, match="Glyph"):
        canvas_pixels("김", "normal", {"font.family": "DejaVu Sans"})


def test_one_line_composes_jamo_and_joins_lines() -> None:
    assert fonts.one_line(unicodedata.normalize("NFD", " 김민준\n\tKim ")) == "김민준 Kim"


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("김민준", 1000.0, "김민준"),
        ("김민준", 0.0, "…"),
        ("", 0.0, ""),
        ("a\nb", 1000.0, "a b"),
    ],
    ids=["fits", "no room at all", "empty", "a line break, which Pillow cannot measure"],
)
def test_shorten_at_its_ends(text: str, width: float, expected: str) -> None:
    assert fonts.shorten(text, fonts.pillow_font(20), width) == expected


@pytest.mark.parametrize("width", [40, 77, 120, 199])
def test_shorten_takes_as_much_as_fits(width: int) -> None:
    font, text = fonts.pillow_font(20), "황보라미" * 10
    short = fonts.shorten(text, font, width)
    kept = len(short) - 1
    assert font.getlength(short) <= width < font.getlength(text[: kept + 1] + "…")


def test_the_end_of_a_path_is_kept() -> None:
    font, path = fonts.pillow_font(20), "normal_cases/train/김유나/0017.jpg"
    short = fonts.shorten(path, font, 150, keep_end=True)
    assert short.startswith("…")
    assert path.endswith(short[1:])
    assert font.getlength(short) <= 150 < font.getlength(f"…{path[-len(short) :]}")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("one line", ["one line"]),
        ("YOLOv8n-cls, normal · hard_cases/test (synthetic)", ["YOLOv8n-cls,", "normal ·", "hard_cases/test", "(synthetic)"]),
    ],
    ids=["nothing", "fits", "between words"],
)
def test_wrap(text: str, lines: list[str]) -> None:
    assert fonts.wrap(text, fonts.pillow_font(20), 150) == lines


@examples(deadline=None)
@given(st.text("ab 가나다W", max_size=60), st.floats(1, 200))
def test_wrap_keeps_every_letter_and_no_line_is_too_wide(text: str, width: float) -> None:
    font = fonts.pillow_font(20)
    lines = fonts.wrap(text, font, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(font.getlength(line) <= width or len(line) == 1 for line in lines)


def test_without_the_wheel_the_error_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    fonts.hangul_file.cache_clear()
    with pytest.raises(KoinError, match="pip install koreanize-matplotlib"):
        fonts.hangul_file()
    fonts.hangul_file.cache_clear()


def test_neither_pyplot_nor_the_wheel_is_imported_and_settings_stay(tmp_path: Path) -> None:
    program = """
import sys, matplotlib
before = matplotlib.rcParams.copy()  # a copy: reading the backend out of rcParams would import pyplot
from pathlib import Path
import pandas as pd
from yolo_koin.reporting import annotate, figures, report, sheets, style
style.save(figures.confused_pairs(pd.DataFrame({"true": ["a"], "predicted": ["b"], "count": [1], "n": [2]})), Path("x.png"))
assert "matplotlib.pyplot" not in sys.modules
assert "koreanize_matplotlib" not in sys.modules
assert "torch" not in sys.modules
assert dict(matplotlib.rcParams.copy()) == dict(before)
"""
    root = str(Path(fonts.__file__).parents[2])
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {root!r})\n{program}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "x.png").stat().st_size > 1000


def test_the_users_own_settings_do_not_show() -> None:
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 40}):
        ours = settings()
    assert (ours["axes.facecolor"], ours["font.size"]) == ("white", 8)
    assert isinstance(new_figure(1), Figure)
