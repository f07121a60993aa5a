from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageColor

from yolo_koin.geometry import Box
from yolo_koin.reporting.grids import SCREEN
from yolo_koin.reporting.sheets import (
    GAP,
    REVIEW_WIDTH,
    TILE,
    TO_CHECK,
    TO_DRAW,
    EvenTiles,
    Plan,
    ReviewFace,
    ReviewPhoto,
    contact_sheet,
    review_page,
    tile,
)
from yolo_koin.reporting.style import BLUE, GREEN, VERMILION
from yolo_koin.reporting.verdicts import BoxedFace, Faces, Result, Verdict

from .conftest import Written

Face = Callable[[int, int], Image.Image]
RIGHT = Verdict(("김민준",), (0.9,), "김민준", True)
WRONG = Verdict(("이서연",), (0.6,), "김민준", False)
UNKNOWN = Verdict(("박도윤",), (0.5,))
ON_A_FACE: Box = (10, 20, 60, 70)


def boxed(verdict: Verdict, box: Box = ON_A_FACE) -> BoxedFace:
    return BoxedFace(box, verdict, 0.9)


def pixels_of(picture: Image.Image, colour: str) -> int:
    return int((np.asarray(picture) == ImageColor.getrgb(colour)).all(axis=2).sum())


@pytest.mark.parametrize("size", [(92, 112), (400, 100), (1, 300), (2000, 2000)], ids=["AT&T", "panorama", "a line", "large"])
def test_tiles_are_of_one_size_and_hold_the_whole_photo(size: tuple[int, int]) -> None:
    photo = Image.new("RGB", size, "#123456")
    picture = np.asarray(tile(Result(photo, RIGHT), side=100))
    factor = 100 / max(size)
    expected = max(1, round(size[0] * factor)) * max(1, round(size[1] * factor))
    assert (picture == (0x12, 0x34, 0x56)).all(axis=2).sum() == expected
    assert picture.shape[1] == 100


@pytest.mark.parametrize("size", [(92, 112), (4000, 3000), (500, 40)], ids=["AT&T", "large", "panorama"])
@pytest.mark.parametrize("side", [100, TILE])
def test_a_boxed_tile_has_a_thin_line_and_leaves_the_face(size: tuple[int, int], side: int) -> None:
    """A face in the middle of a plain photo, its box half as wide and high: what is inside the line is the photo."""
    photo = Image.new("RGB", size, "#123456")
    middle = (size[0] / 4, size[1] / 4, size[0] / 2, size[1] / 2)
    picture = np.asarray(tile(Result(photo, Faces((boxed(RIGHT, middle),))), side=side))
    blue = (picture[:side] == ImageColor.getrgb(BLUE)).all(axis=2)
    ys, xs = np.nonzero(blue)
    enclosed = picture[ys.min() + 2 : ys.max() - 1, xs.min() + 2 : xs.max() - 1]
    assert (enclosed == (0x12, 0x34, 0x56)).all()
    assert enclosed.shape[1] == pytest.approx(side / 2 * min(1, size[0] / size[1]), abs=5)
    assert blue.sum() == 2 * 2 * (enclosed.shape[0] + enclosed.shape[1]) + 4 * 4


def test_tiles_of_one_photo_differ_by_what_was_said() -> None:
    """A face right, wrong, of nobody known; none; several with and without the person."""
    photo, other = Image.new("RGB", (92, 112)), boxed(UNKNOWN, (40, 20, 30, 30))
    scenes: list[Verdict | Faces] = [
        *(RIGHT, WRONG, UNKNOWN),
        *(Faces((boxed(verdict),)) for verdict in (RIGHT, WRONG, UNKNOWN)),
        *(Faces((), person) for person in (None, "김민준")),
        *(Faces((boxed(RIGHT), other), person) for person in (None, "김민준", "이서연")),
    ]
    assert len({tile(Result(photo, said)).tobytes() for said in scenes}) == len(scenes)


@pytest.mark.parametrize(
    ("total", "most", "unreadable", "kept"),
    [
        (3, 60, (), [0, 1, 2]),
        (10, 5, (), [0, 2, 4, 6, 8]),
        (10, 4, (), [0, 2, 5, 7]),
        (10, 5, (0, 1, 4), [2, 3, 5, 6, 8]),
        (5, 5, (2,), [0, 1, 3, 4]),
        (4, 2, (0, 1, 2, 3), []),
    ],
    ids=["few: all", "every second", "spread", "the next stands in", "one less", "none can be read"],
)
def test_tiles_are_an_even_sample(total: int, most: int, unreadable: tuple[int, ...], kept: list[int]) -> None:
    tiles = EvenTiles(total, most)
    assert [i for i in range(total) if tiles.due(i not in unreadable)] == kept


def test_a_sheet_of_very_many_photos_is_full() -> None:
    tiles = EvenTiles(12_345)
    places = np.array([i for i in range(12_345) if tiles.due(True)])
    assert len(places) == 60
    assert set(np.diff(places)) <= {205, 206}


def test_rows_of_a_sheet_are_as_tall_as_their_tallest_tile() -> None:
    tiles = [Image.new("RGB", (50, height), (i, 0, 0)) for i, height in enumerate((60, 90, 60, 60, 70, 70))]
    sheet = np.asarray(contact_sheet(tiles, columns=4, title="t"))
    assert sheet.shape[1] == max(4 * 50 + 5 * GAP, 3 * TILE)
    foot = sheet.shape[0] - GAP - 70
    assert (sheet[foot : foot + 70, GAP : GAP + 50] == (4, 0, 0)).all()  # second row
    assert (sheet[foot - GAP - 90 : foot - GAP, 2 * GAP + 50 : 2 * GAP + 100] == (1, 0, 0)).all()


@pytest.mark.parametrize(
    ("total", "remark", "told"),
    [
        (2, "", "2 photos"),
        (1, "", "2 photos"),
        (3, "", "2 of 3 photos"),
        (8000, "top-1 87.5 % of 8,000 photos", "2 of 8,000 photos, evenly spread · top-1 87.5 % of 8,000 photos"),
    ],
)
def test_a_sheet_says_what_is_left_out_and_how_much_is_right(total: int, remark: str, told: str, written: list[Written]) -> None:
    contact_sheet([Image.new("RGB", (400, 60))] * 2, title="t", total=total, remark=remark)
    assert [text.text for text in written] == ["t", told]


@pytest.mark.parametrize("columns", [6, 0], ids=["usual", "none asked for"])
def test_a_sheet_of_nothing_is_a_page(columns: int, written: list[Written]) -> None:
    contact_sheet([], columns=columns, title="Nichts")
    assert [text.text for text in written] == ["Nichts", "no photo"]


# --------------------------------------------------------------------------------------------------------------- review
A_FACE = ReviewFace((100, 100, 200, 300), "김민준", 0.93)
SUGGESTED = ReviewFace((100, 100, 200, 300), score=0.9, suggested=True)


def review_photo(**changes: object) -> ReviewPhoto:
    told: dict[str, object] = {"image": "normal_cases/train/s01/1.jpg", "line": 12, "faces": (A_FACE,)}
    return ReviewPhoto(Image.new("RGB", (200, 150), "#123456"), (800, 600), **(told | changes))  # type: ignore[arg-type]


def review_tile(**changes: object) -> Image.Image:
    empty, page = review_page([], TO_CHECK, "t"), review_page([review_photo(**changes)], TO_CHECK, "t")
    return page.crop((GAP, empty.height - GAP, GAP + TO_CHECK.side, page.height - GAP))


@pytest.mark.parametrize("plan", [TO_DRAW, TO_CHECK], ids=["to draw", "to check"])
def test_a_page_takes_photos_one_by_one_in_rows(plan: Plan) -> None:
    pages = [review_page((review_photo() for _ in range(count)), plan, "t") for count in (0, 1, plan.columns, plan.columns + 1)]
    assert {page.width for page in pages} == {REVIEW_WIDTH}
    row = pages[1].height - pages[0].height
    assert [page.height - pages[0].height for page in pages] == [0, row, row, 2 * row + GAP]
    assert plan.photos % plan.columns == 0


@pytest.mark.parametrize("size", [(800, 600), (1080, 1350), (92, 112), (6000, 400)], ids=["wide", "tall", "small", "panorama"])
@pytest.mark.parametrize("plan", [TO_DRAW, TO_CHECK], ids=["to draw", "to check"])
def test_a_box_can_be_read_off_the_scale(plan: Plan, size: tuple[int, int], written: list[Written]) -> None:
    """From the numbers along the edges to pixels of the original: where the line is, is where the box is."""
    x, y, width, height = (size[0] * 0.25, size[1] * 0.2, size[0] * 0.5, size[1] * 0.6)
    photo = ReviewPhoto(Image.new("RGB", size, "#123456"), size, "1.jpg", 2, (ReviewFace((x, y, width, height), "", 0.9),))
    head = review_page([], plan, "t").height - GAP
    picture = np.asarray(review_page([photo], plan, "t"))[head:, GAP:]
    ys, xs = np.nonzero((picture == ImageColor.getrgb(BLUE)).all(axis=2) & (np.arange(len(picture)) < len(picture) - 50)[:, None])
    numbers = [one for one in written if one.text.isdigit() and one.size == SCREEN.em - 2]
    across = [((one.left + one.right) / 2, int(one.text)) for one in numbers if one.baseline == numbers[0].baseline]
    down = [(one.baseline, int(one.text)) for one in numbers if one.baseline != numbers[0].baseline]
    for marks, line, start, length in ((across, xs, x, width), (down, ys, y, height)):
        if len(marks) > 1:  # a panorama is lower than a step
            per = (marks[-1][1] - marks[0][1]) / (marks[-1][0] - marks[0][0])
            assert np.ptp(line) * per == pytest.approx(length, abs=8 * per)
            if line is xs:
                assert (line.min() + 2 - marks[0][0]) * per == pytest.approx(start, abs=2 * per)


@pytest.mark.parametrize(
    ("changes", "colour"),
    [
        ({}, BLUE),
        ({"faces": (replace(A_FACE, score=0.41),)}, VERMILION),
        ({"faces": (replace(A_FACE, score=None),)}, GREEN),
        ({"faces": (), "reason": "no face found"}, VERMILION),
        ({"faces": (SUGGESTED,), "reason": "not known who is who"}, VERMILION),
    ],
    ids=["detected", "the detector is unsure", "drawn", "left out", "suggested"],
)
def test_boxes_that_ask_for_a_look_are_told_apart(changes: dict[str, object], colour: str) -> None:
    picture = review_tile(**changes)
    assert pixels_of(picture, colour) > 5
    assert not any(pixels_of(picture, other) for other in {BLUE, VERMILION, GREEN} - {colour})


def test_a_suggestion_is_dashed() -> None:
    unsure = review_tile(faces=(replace(A_FACE, score=0.41),))
    assert 200 < pixels_of(review_tile(faces=(SUGGESTED,), reason="?"), VERMILION) < 0.9 * pixels_of(unsure, VERMILION)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, ["line 12", "normal_cases/train/s01/1.jpg", "0.93", "김민준"]),
        ({"faces": (), "reason": "no face found"}, ["line 12", "normal_cases/train/s01/1.jpg", "no face found", ""]),
        ({"faces": (A_FACE, replace(A_FACE, name=""))}, ["lines 12–13", "normal_cases/train/s01/1.jpg", "", "1 김민준 · 2 ?"]),
        ({"faces": (SUGGESTED,) * 3, "reason": "who?"}, ["lines 12–14", "normal_cases/train/s01/1.jpg", "who?", ""]),
    ],
    ids=["one face", "no face", "several", "suggested"],
)
def test_what_tells_a_row_is_written(changes: dict[str, object], told: list[str], written: list[Written]) -> None:
    review_page([review_photo(**changes)], TO_DRAW, "t")
    found = [one.text for one in written if one.size == SCREEN.em + 2]
    assert found == told


def test_the_end_of_a_long_id_tells_photos_apart() -> None:
    """They lie deep in the same folder, and differ by the last letters."""
    folder = "normal_cases/train/황보라미르한빛나라/" * 3
    one, other = (np.asarray(review_tile(image=f"{folder}{name}.jpg")) for name in ("0001", "0002"))
    assert not np.array_equal(one, other)
