from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from PIL import Image

from yolo_koin.reporting.annotate import Verdict
from yolo_koin.reporting.sheets import GAP, contact_sheet, examples_for_each_case, hardcases_results, tile
from yolo_koin.reporting.style import CASES, WIDTH, save

Face = Callable[[int, int], Image.Image]
RIGHT = Verdict(("김민준",), (0.9,), "김민준", True)
WRONG = Verdict(("이서연",), (0.6,), "김민준", False)
UNKNOWN = Verdict(("박도윤",), (0.5,))


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


@pytest.mark.parametrize("size", [(92, 112), (400, 100), (1, 300), (2000, 2000)], ids=["AT&T", "panorama", "a line", "large"])
def test_tiles_are_of_one_size_and_hold_the_whole_photo(size: tuple[int, int]) -> None:
    photo = Image.new("RGB", size, "#123456")
    picture = np.asarray(tile(photo, RIGHT, side=100))
    assert picture.shape == (*tile(photo, WRONG, side=100).size[::-1], 3)
    factor = 100 / max(size)
    expected = max(1, round(size[0] * factor)) * max(1, round(size[1] * factor))
    assert (picture == (0x12, 0x34, 0x56)).all(axis=2).sum() == expected


def test_a_tile_says_right_wrong_or_neither(face: Face) -> None:
    pictures = {np.asarray(tile(face(1, 1), verdict)).tobytes() for verdict in (RIGHT, WRONG, UNKNOWN)}
    assert len(pictures) == 3


def test_a_sheet_takes_no_more_tiles_than_it_shows() -> None:
    taken = []

    def many() -> Iterator[Image.Image]:
        for i in range(1000):
            taken.append(i)
            yield Image.new("RGB", (50, 60), (i % 256, 0, 0))

    sheet = contact_sheet(many(), columns=4, title="hard_cases/test", total=1000, limit=10)
    assert taken == list(range(10))
    assert sheet.width == 4 * 50 + 5 * GAP
    left, foot = GAP + 50 + GAP, sheet.height - GAP
    last = sheet.crop((left, foot - 60, left + 50, foot))  # third row, second column
    assert np.array_equal(np.asarray(last), np.asarray(Image.new("RGB", (50, 60), (9, 0, 0))))


def test_a_sheet_says_what_is_left_out() -> None:
    tiles = [Image.new("RGB", (200, 60))] * 2
    all_shown, some_left = (contact_sheet(tiles, title="t", total=total) for total in (2, 80))
    assert all_shown.size == some_left.size
    assert not np.array_equal(np.asarray(all_shown), np.asarray(some_left))


@pytest.mark.parametrize("columns", [6, 0], ids=["usual", "none asked for"])
def test_a_sheet_of_nothing_is_a_page(columns: int) -> None:
    sheet = contact_sheet([], columns=columns, title="Nichts")
    assert np.asarray(sheet).min() < 128  # something is written on it


def test_examples_show_each_photo_with_its_name(face: Face) -> None:
    people = {1: "김민준", 2: "이서연", 3: "박도윤"}
    group = Image.new("RGB", (300, 150))
    rows = [
        ("normal", [(face(p, 1), name) for p, name in people.items()]),
        ("hard", []),
        ("group", [(group, "박도윤")]),
    ]
    figure = examples_for_each_case(rows)
    assert texts(figure) == ["normal", *people.values(), "group", "박도윤"]
    shapes = [image.get_array().shape for image in figure.axes[0].images]  # type: ignore[union-attr]
    assert [round(shape[1] / shape[0], 2) for shape in shapes] == [0.82, 0.82, 0.82, 2.0]


@pytest.mark.parametrize("count", [1, 6, 18, 0])
def test_hardcases_results(count: int, face: Face) -> None:
    tiles = [(face(i + 1, 9), (RIGHT, WRONG, UNKNOWN)[i % 3]) for i in range(count)]
    figure = hardcases_results(tiles, title="YOLOv8n-cls", photos=80, top1=0.875)
    assert texts(figure)[:2] == ["YOLOv8n-cls", f"top-1 87.5 % of 80 photos; {count} of them shown"]
    axes = figure.axes[0]
    assert len(axes.images) == count
    assert sum(isinstance(patch, Rectangle) for patch in axes.patches) == count // 3 + (count % 3 > 1)  # wrong: a square
    assert sum(isinstance(patch, Circle) for patch in axes.patches) == count - count // 3 - (count % 3 > 1)
    assert texts(figure).count("true: 김민준") == count // 3 + (count % 3 > 1)


def test_long_names_end_within_the_page(face: Face) -> None:
    tiles = [(face(1, 1), Verdict(("Wolfeschlegelsteinhausen " * 4,), (0.6,), "이서연" * 20, False))] * 6
    figure = hardcases_results(tiles, title="T" * 300, photos=6, top1=0)
    for text in figure.axes[0].texts:
        box = text.get_window_extent().transformed(figure.dpi_scale_trans.inverted())
        assert box.x1 <= WIDTH + 0.01


def test_figures_are_saved_at_print_size_and_always_the_same(tmp_path: Path, face: Face) -> None:
    for name in ("a.png", "b.png"):
        save(hardcases_results([(face(1, 1), RIGHT)], title=CASES["hard_cases"].name, photos=1, top1=1), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width == round(WIDTH * 300)
        assert picture.info["dpi"][0] == pytest.approx(300, abs=0.1)
        assert not {"Software", "Creation Time", "date"} & set(picture.info)
