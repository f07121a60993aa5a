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
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from yolo_koin.errors import KoinError
from yolo_koin.reporting import fonts
from yolo_koin.reporting.style import new_figure, settings


def drawn(text: str, bold: bool = False) -> NDArray[np.uint8]:
    page = Image.new("RGB", (300, 60))
    fonts.Type(40, bold).draw(page, 4, 44, text, "white")
    return np.asarray(page)


@pytest.mark.parametrize("bold", [False, True], ids=["regular", "bold"])
@pytest.mark.parametrize("letter", ["김", "뷁", "힣", "ひ", "佐", "Ź", "Đ", "ễ"])
def test_letters_are_drawn_and_not_the_box_of_a_missing_glyph(letter: str, bold: bool) -> None:
    missing = drawn("\U0010fffd", bold)  # a private code point that no font has
    assert drawn(letter, bold).any()
    assert not np.array_equal(drawn(letter, bold), missing)


def test_bold_is_another_cut() -> None:
    assert drawn("김", bold=True).sum() > 1.1 * drawn("김").sum()


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("김민준 Kim", ["김민준 Kim"]),
        ("Łukasz Źdźbło", ["Łukasz Źdźbło"]),
        ("김 Źdźbło", ["김 ", "Źdźbło"]),
        ("김Ź", ["김", "Ź"]),
    ],
    ids=["one font has all", "a name looks like one", "a word", "a letter"],
)
def test_each_letter_is_in_a_font_that_has_it(text: str, runs: list[str]) -> None:
    found = fonts._runs(text, False)
    assert [run for _, run in found] == runs
    assert all(fonts._lacking(file, run) == 0 for file, run in found)
    assert fonts.Type(20).getlength(text) == pytest.approx(sum(fonts.Type(20).getlength(run) for run in runs))


def test_a_letter_that_no_font_has_is_replaced_and_its_name_reported_once() -> None:
    assert fonts.one_line("A\u200b🙂沢") == "A□□"
    assert fonts.missing_glyphs(["김민준", "沢", "Nguyễn", "沢", "x🙂"]) == ("沢", "x🙂")


@pytest.mark.parametrize(
    ("name", "longest", "expected"),
    [("김민준", 3, "김민준"), ("a/n-normal-seed0", 9, "a/n-…eed0"), ("ab", 1, "…")],
    ids=["fits", "the middle goes", "no room"],
)
def test_a_name_is_shortened_in_its_middle(name: str, longest: int, expected: str) -> None:
    assert fonts.short(name, longest) == expected


def test_names_that_differ_in_their_middle_stay_whole() -> None:
    names = ["a benchmark, seed 0, of May", "a benchmark, seed 1, of May"]
    assert fonts.apart(names, 10) == names
    assert fonts.apart(["a long name 0", "a long name 1"], 8) == ["a lo…e 0", "a lo…e 1"]


def canvas_pixels(text: str, weight: str, rc: dict[Any, Any]) -> NDArray[np.uint8]:
    with matplotlib.rc_context(rc):
        figure = new_figure(0.5, 1.0)
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
    assert fonts.shorten(text, fonts.Type(20), width) == expected


@pytest.mark.parametrize("width", [40, 77, 120, 199])
def test_shorten_takes_as_much_as_fits(width: int) -> None:
    font, text = fonts.Type(20), "황보라미" * 10
    short = fonts.shorten(text, font, width)
    kept = len(short) - 1
    assert font.getlength(short) <= width < font.getlength(text[: kept + 1] + "…")


def test_the_end_of_a_path_is_kept() -> None:
    font, path = fonts.Type(20), "normal_cases/train/김유나/0017.jpg"
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
    assert fonts.wrap(text, fonts.Type(20), 150) == lines


@given(st.text("ab 가나다W", max_size=60), st.floats(1, 200))
def test_wrap_keeps_every_letter_and_no_line_is_too_wide(text: str, width: float) -> None:
    font = fonts.Type(20)
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
from yolo_koin.reporting import annotate, document, people, prints, saving, sheets
saving.save(people.confused_pairs(pd.DataFrame({"true": ["a"], "predicted": ["b"], "count": [2], "n": [2]})), Path("x.png"))
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


@pytest.mark.parametrize("x", [4.0, 4.3, -7.8])
@pytest.mark.parametrize("text", ["아이유 y_j", "Żółć", "100.0 %"])
def test_a_remembered_text_is_what_pillow_draws(text: str, x: float) -> None:
    plain, ours = Image.new("RGB", (300, 60), "#204060"), Image.new("RGB", (300, 60), "#204060")
    at = x
    for file, run in fonts._runs(text, False):
        font = ImageFont.truetype(str(file), 33)
        ImageDraw.Draw(plain).text((at, 44), run, fill="#d55e00", font=font, anchor="ls")
        at += font.getlength(run)
    for _ in range(2):
        fresh = ours.copy()
        fonts.Type(33).draw(fresh, x, 44, text, "#d55e00")
        assert np.array_equal(np.asarray(fresh), np.asarray(plain))
