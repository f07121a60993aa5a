from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageColor

from yolo_koin.geometry import Box
from yolo_koin.reporting.grids import PAGE, PRINT
from yolo_koin.reporting.prints import PICKED, ExampleRow, examples_for_each_case, group_results, hardcases_results
from yolo_koin.reporting.style import BLUE, GREY, PHOTO_DPI, VERMILION
from yolo_koin.reporting.verdicts import BoxedFace, Faces, Result, Verdict

from .conftest import Written

Face = Callable[[int, int], Image.Image]
RIGHT = Verdict(("김민준",), (0.9,), "김민준", True)
WRONG = Verdict(("이서연",), (0.6,), "김민준", False)
UNKNOWN = Verdict(("박도윤",), (0.5,))
PLAIN = "#123456"


def texts(written: list[Written]) -> list[str]:
    return [text.text for text in written]


def photo(width: int = 92, height: int = 112) -> Image.Image:
    return Image.new("RGB", (width, height), PLAIN)


def boxed(verdict: Verdict, box: Box = (23, 28, 46, 56)) -> BoxedFace:
    return BoxedFace(box, verdict, 0.9)


def mask(picture: Image.Image, colour: str) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    found: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = (np.asarray(picture) == ImageColor.getrgb(colour)).all(axis=2)
    return found


@pytest.mark.parametrize("count", [1, 6, 18, 0])
def test_pages_are_as_wide_as_a_paper_and_tell_how_photos_were_picked(count: int, face: Face, written: list[Written]) -> None:
    results = [Result(face(i + 1, 9), (RIGHT, WRONG, UNKNOWN)[i % 3]) for i in range(count)]
    page = hardcases_results(results, title="YOLOv8n-cls", photos=80, top1=0.875)
    assert page.width == PAGE
    assert texts(written)[-2:] == ["YOLOv8n-cls", f"top-1 87.5 % of 80 photos; {count} shown, {PICKED}"]
    assert texts(written).count("true: 김민준") == (count + 1) // 3


def test_of_a_split_that_is_shown_whole_nothing_is_picked(written: list[Written]) -> None:
    hardcases_results([Result(photo(), RIGHT)], title="t", photos=1, top1=1, measure="labelled person named in")
    assert texts(written)[-1] == "labelled person named in 100.0 % of 1 photo"


def test_a_group_page_says_what_named_means(written: list[Written]) -> None:
    faces = boxed(WRONG, (200, 60, 40, 50)), boxed(RIGHT, (20, 50, 40, 50)), boxed(UNKNOWN, (110, 55, 40, 50))
    group_results([Result(photo(288, 208), Faces(faces, "김민준"))], title="t", photos=80, named=0.9125)
    assert texts(written)[-1].startswith("labelled person named, which is the first name of any face, in 91.2 % of 80 photos; 1 shown")


@pytest.mark.parametrize("title", ["T" * 300, "YOLOv8n-cls, normal · hard_cases/test " * 5])
def test_a_long_title_is_written_in_full(title: str, written: list[Written]) -> None:
    page = hardcases_results([Result(photo(), RIGHT)] * 6, title=title, photos=6, top1=1)
    head = [text for text in written if text.size > PRINT.em and text.page[0] == page.width]
    assert "".join(text.text for text in head).replace(" ", "").startswith(title.replace(" ", ""))
    assert all(text.right <= page.width for text in head)


@pytest.mark.parametrize("verdict", [RIGHT, WRONG, UNKNOWN], ids=["right", "wrong", "unknown"])
def test_a_frame_lies_just_outside_of_its_face(verdict: Verdict) -> None:
    """A face in the middle of a plain photo, its box half as wide and high: what is inside the line is the photo."""
    page = hardcases_results([Result(photo(), Faces((boxed(verdict),)))], title="", photos=1, top1=1)
    plain = mask(page, PLAIN)
    ys, xs = np.nonzero(plain)
    top, bottom, left, right = ys.min(), ys.max(), xs.min(), xs.max()
    middle = plain[(top + bottom) // 2, left : right + 1]  # outside, line, inside, line, outside
    assert len(np.flatnonzero(np.diff(middle.astype(int)))) == 4
    inside = np.flatnonzero(np.diff(middle.astype(int)))[1:3]
    assert np.diff(inside)[0] == pytest.approx((right - left + 1) / 2, abs=2)


def test_right_wrong_and_unknown_frames_differ_without_colour() -> None:
    """A wrong one is dashed; a coloured pixel here, a white one there."""
    shares = {}
    for verdict, colour in ((RIGHT, BLUE), (WRONG, VERMILION), (UNKNOWN, GREY)):
        page = hardcases_results([Result(photo(), Faces((boxed(verdict),)))], title="", photos=1, top1=1)
        rows = np.nonzero(mask(page, PLAIN))[0]
        line = mask(page, colour)[rows.min() : rows.max()]
        column = int(np.argmax(line.sum(axis=0)))
        rows = np.flatnonzero(line[:, column])
        shares[colour] = len(rows) / (rows.max() - rows.min() + 1)
    assert shares[BLUE] == shares[GREY] == 1
    assert 0.6 < shares[VERMILION] < 0.9


def test_a_face_that_reaches_beyond_the_photo_is_framed_at_its_edge() -> None:
    page = hardcases_results([Result(photo(), Faces((boxed(RIGHT, (-20, 50, 60, 90)),)))], title="", photos=1, top1=1)
    rows, columns = np.nonzero(mask(page, PLAIN))
    line = np.nonzero(mask(page, BLUE)[: rows.max() + 1 + PRINT.pen])
    assert (line[1].min(), line[0].max()) == (columns.min() - PRINT.pen, rows.max() + PRINT.pen)


def test_each_person_has_a_column_and_each_case_a_name(face: Face, written: list[Written]) -> None:
    people = {1: "김민준", 2: "이서연", 3: "박도윤"}
    rows = [
        ExampleRow("normal", "", [(face(p, 1), name) for p, name in people.items()]),
        ExampleRow("hard", "synthetic", []),
        ExampleRow("group", "synthetic", [(photo(300, 150), name) for name in people.values()]),
    ]
    page = examples_for_each_case(rows, "KoIn")
    assert page.width == PAGE
    assert texts(written) == ["normal", "", *people.values(), "group", "synthetic", *people.values(), "KoIn"]
    middles = {name: [(text.left + text.right) / 2 for text in written if text.text == name] for name in people.values()}
    assert all(above == pytest.approx(below, abs=1) for above, below in middles.values())


def test_printed_type_is_of_seven_to_nine_points(face: Face, written: list[Written]) -> None:
    hardcases_results([Result(face(1, 1), WRONG)] * 6, title="t", photos=80, top1=1)
    examples_for_each_case([ExampleRow("normal", "", [(face(1, 1), "김민준")])], "KoIn")
    assert {round(text.size * 72 / PHOTO_DPI) for text in written} <= {7, 8, 9}


def test_rows_without_a_name_have_nothing_beside_their_photos(face: Face) -> None:
    """Of few photos, which leave room at the left."""
    page = examples_for_each_case([ExampleRow("", "", [(face(1, i), "blur") for i in range(1, 4)])], left=0)
    assert (np.asarray(page)[:, :100] == 255).all()
