from __future__ import annotations

import pytest
from PIL import Image

from yolo_koin.reporting.captions import Line, lines_beneath
from yolo_koin.reporting.grids import PRINT, Look, cell, column_of
from yolo_koin.reporting.verdicts import NO_FACE, BoxedFace, Faces, Result, Verdict

from .conftest import Written

RIGHT = Verdict(("김민준",), (0.9,), "김민준", True)
WRONG = Verdict(("이서연",), (0.6,), "김민준", False)
UNKNOWN = Verdict(("박도윤",), (0.5,))
PHOTO = Image.new("RGB", (288, 208))
SIX, THREE = column_of(6), column_of(3)


def told(said: Verdict | Faces, width: int = THREE, most: int = 8, file: str = "") -> list[tuple[int, str, str, str]]:
    lines = lines_beneath(Result(PHOTO, said, file), width, PRINT.em, most)
    return [(line.number, line.text, line.remark, line.score) for line in lines]


def boxed(verdict: Verdict, x: float) -> BoxedFace:
    return BoxedFace((x, 60, 40, 50), verdict)


@pytest.mark.parametrize(
    ("name", "true", "lines"),
    [
        ("김민준", "김민준", [("김민준", "90.0 %"), ("correct", "")]),
        ("Alexander Hamilton", "Alexander Hamilton", [("Alexander Hamilton", ""), ("correct", "90.0 %")]),
        ("Alexander Hamilton", "김민준", [("Alexander Hamilton", ""), ("true: 김민준", "90.0 %")]),
        ("Alexander Hamilton", "Bartholomew Fry", [("Alexander Hamilton", ""), ("true: Bartholomew Fry", ""), ("", "90.0 %")]),
    ],
    ids=["short", "the score moves down", "beside the truth", "below the truth"],
)
def test_six_columns_leave_names_uncut(name: str, true: str, lines: list[tuple[str, str]]) -> None:
    found = told(Verdict((name,), (0.9,), true, name == true), SIX)
    assert [(text, score) for _, text, _, score in found] == lines


def test_faces_are_numbered_from_left_to_right_and_listed() -> None:
    said = Faces((boxed(WRONG, 200), boxed(RIGHT, 20), boxed(UNKNOWN, 110)), "김민준")
    assert told(said) == [
        (0, "김민준", "", "named"),
        (1, "김민준", "", "90.0 %"),
        (2, "박도윤", "", "50.0 %"),
        (3, "이서연", "true: 김민준", "60.0 %"),
    ]


def test_a_crowd_is_listed_as_far_as_there_is_room() -> None:
    said = Faces(tuple(boxed(RIGHT, 5 * i) for i in range(50)))
    assert [number for number, *_ in told(said)] == [0, *range(1, 9), 0]
    assert told(said)[0] == (0, "50 faces", "", "")
    assert told(said)[-1] == (0, "and 42 more", "", "")


@pytest.mark.parametrize(
    ("said", "last"),
    [
        (UNKNOWN, "IMG_0001.jpg"),
        (Faces((boxed(UNKNOWN, 10),)), "IMG_0001.jpg"),
        (Faces((boxed(UNKNOWN, 10), boxed(UNKNOWN, 90))), "IMG_0001.jpg"),
        (Faces(()), NO_FACE),
    ],
    ids=["photo", "one face", "two", "none"],
)
def test_a_photo_that_nobody_labelled_is_told_by_its_file(said: Verdict | Faces, last: str) -> None:
    assert last in [text for _, text, _, _ in told(said, file="IMG_0001.jpg")]
    assert "IMG_0001.jpg" in [text for _, text, _, _ in told(said, file="IMG_0001.jpg")]


def test_without_a_face_whose_photo_it_is_is_told() -> None:
    assert told(Faces((), "김민준")) == [(0, NO_FACE, "", ""), (0, "true: 김민준", "", "")]
    assert told(Faces(())) == [(0, NO_FACE, "", "")]


LONG = Verdict(("Wolfeschlegelsteinhausen",), (0.9,), "황보라미르한빛나라", False)
ENDLESS = Verdict(("Wolfeschlegelsteinhausen " * 4,), (0.6,), "이서연" * 20, False)


@pytest.mark.parametrize("width", [SIX, THREE])
@pytest.mark.parametrize("faces", [0, 1, 2, 4])
@pytest.mark.parametrize("verdict", [RIGHT, LONG, ENDLESS], ids=["short", "long", "endless"])
def test_no_text_of_a_caption_overlaps_another_or_leaves_its_column(
    verdict: Verdict, faces: int, width: int, written: list[Written]
) -> None:
    said = Faces(tuple(boxed(verdict, 10 + 70 * i) for i in range(faces)), "황보라미르한빛나라") if faces else verdict
    look: Look = PRINT
    cell(Result(PHOTO, said), (width, width), look)
    texts = [text for text in written if text.page[0] == width]
    assert len(texts) >= 2
    for i, one in enumerate(texts):
        assert one.left >= 0
        assert one.right <= width + 1
        assert one.baseline < one.page[1]
        same_line = [other for other in texts[:i] if abs(other.baseline - one.baseline) < one.size / 2]
        assert all(other.right <= one.left or one.right <= other.left for other in same_line)


def test_a_line_fits_or_not() -> None:
    line = Line("김민준", score="90.0 %")
    assert line.fits(SIX, PRINT.em)
    assert not line.fits(4 * PRINT.em, PRINT.em)
