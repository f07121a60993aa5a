from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from PIL import Image, ImageColor

from yolo_koin.geometry import Box
from yolo_koin.reporting.annotate import Verdict
from yolo_koin.reporting.boxed import NO_FACE, BoxedFace, FacePhoto
from yolo_koin.reporting.captions import MOST_FACES
from yolo_koin.reporting.page import CASING
from yolo_koin.reporting.sheets import (
    GAP,
    REVIEW_COLUMNS,
    REVIEW_SIDE,
    TILE,
    ReviewPhoto,
    boxed_tile,
    contact_sheet,
    examples_for_each_case,
    group_results,
    hardcases_results,
    review_page,
    tile,
)
from yolo_koin.reporting.style import BLUE, CASES, GREEN, VERMILION, WIDTH, save

Face = Callable[[int, int], Image.Image]
RIGHT = Verdict(("김민준",), (0.9,), "김민준", True)
WRONG = Verdict(("이서연",), (0.6,), "김민준", False)
UNKNOWN = Verdict(("박도윤",), (0.5,))
ON_A_FACE: Box = (10, 20, 60, 70)


def boxed(verdict: Verdict, box: Box = ON_A_FACE) -> BoxedFace:
    return BoxedFace(box, verdict, 0.9)


def pixels_of(picture: Image.Image, colour: str) -> int:
    return int((np.asarray(picture) == ImageColor.getrgb(colour)).all(axis=2).sum())


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


@pytest.mark.parametrize("size", [(92, 112), (4000, 3000), (500, 40)], ids=["AT&T", "large", "panorama"])
@pytest.mark.parametrize("side", [100, TILE])
def test_a_boxed_tile_has_a_thin_line_and_leaves_the_face(size: tuple[int, int], side: int) -> None:
    """A face in the middle of a plain photo, its box half as wide and high: what is inside the line is the photo."""
    photo = Image.new("RGB", size, "#123456")
    middle = (size[0] / 4, size[1] / 4, size[0] / 2, size[1] / 2)
    picture = np.asarray(boxed_tile(photo, [boxed(RIGHT, middle)], side=side))
    assert picture.shape == np.asarray(tile(photo, RIGHT, side=side)).shape
    blue = (picture[:side] == ImageColor.getrgb(BLUE)).all(axis=2)
    ys, xs = np.nonzero(blue)
    enclosed = picture[ys.min() + 2 : ys.max() - 1, xs.min() + 2 : xs.max() - 1]
    assert (enclosed == (0x12, 0x34, 0x56)).all()
    assert enclosed.shape[1] == pytest.approx(side / 2 * min(1, size[0] / size[1]), abs=5)
    assert blue.sum() == 2 * 2 * (enclosed.shape[0] + enclosed.shape[1]) + 4 * 4


def test_tiles_of_one_photo_differ_by_what_was_said() -> None:
    """A face right, wrong, of nobody known; none; several with and without the person."""
    photo, other = Image.new("RGB", (92, 112)), boxed(UNKNOWN, (40, 20, 30, 30))
    scenes: list[tuple[list[BoxedFace], str | None]] = [
        *(([boxed(verdict)], None) for verdict in (RIGHT, WRONG, UNKNOWN)),
        ([], None),
        ([], "김민준"),
        *(([boxed(RIGHT), other], person) for person in (None, "김민준", "이서연")),
    ]
    pictures = [boxed_tile(photo, faces, person) for faces, person in scenes]
    assert len({picture.tobytes() for picture in pictures}) == len(scenes)
    assert len({picture.size for picture in pictures}) == 1


def test_a_long_name_takes_the_line_and_the_score_goes_below() -> None:
    """The second half of the first line, where scores stand, is the name's; that of the second line is not empty."""
    photo = Image.new("RGB", (92, 112))
    short, long = (np.asarray(tile(photo, Verdict((name,), (0.9,), name, True)).convert("L")) for name in ("가", "가나다라마바사아자차카"))
    lines = slice(TILE, TILE + 22), slice(TILE + 22, None)
    assert short[lines[1], TILE // 2 + 20 :].min() == 255
    assert long[lines[1], TILE // 2 + 20 :].min() < 200


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


def frames(figure: Figure) -> list[Rectangle]:
    """The coloured lines around faces; each has a white one beneath it."""
    hollow = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle) and not patch.get_fill()]
    assert all(patch.get_edgecolor()[:3] == (1, 1, 1) for patch in hollow[::2])
    return hollow[1::2]


def test_a_frame_lies_just_outside_of_its_face(face: Face) -> None:
    figure = hardcases_results([FacePhoto(face(1, 9), (boxed(RIGHT),))], title="", photos=1, top1=1)
    (frame,) = frames(figure)
    left, right, bottom, top = figure.axes[0].images[0].get_extent()
    scale = (right - left) / 92
    line = CASING / 2 / 72
    assert frame.get_x() == pytest.approx(left + 10 * scale - line)
    assert frame.get_y() == pytest.approx(top + 20 * scale - line)
    assert frame.get_width() == pytest.approx(60 * scale + 2 * line)
    assert frame.get_height() == pytest.approx(70 * scale + 2 * line)
    assert frame.get_y() + frame.get_height() == pytest.approx(top + 90 / 112 * (bottom - top) + line, abs=1 / 300)  # a printed pixel


def test_right_and_wrong_frames_differ_without_colour(face: Face) -> None:
    photos = [FacePhoto(face(1, 9), (boxed(verdict),)) for verdict in (RIGHT, WRONG, UNKNOWN)]
    right, wrong, unknown = frames(hardcases_results(photos, title="", photos=3, top1=1))
    assert right.get_linestyle() != wrong.get_linestyle()
    assert len({right.get_edgecolor(), wrong.get_edgecolor(), unknown.get_edgecolor()}) == 3


def test_a_face_that_reaches_beyond_the_photo_is_framed_at_its_edge(face: Face) -> None:
    figure = hardcases_results([FacePhoto(face(1, 9), (boxed(RIGHT, (-20, 50, 60, 90)),))], title="", photos=1, top1=1)
    (frame,) = frames(figure)
    left, _, bottom, _ = figure.axes[0].images[0].get_extent()
    assert frame.get_x() == pytest.approx(left - CASING / 2 / 72)
    assert frame.get_y() + frame.get_height() == pytest.approx(bottom + CASING / 2 / 72)


def test_each_face_of_a_group_is_framed_numbered_and_listed() -> None:
    """Numbers go from left to right, whatever the order of the faces; the list repeats them."""
    faces = (boxed(WRONG, (200, 60, 40, 50)), boxed(RIGHT, (20, 50, 40, 50)), boxed(UNKNOWN, (110, 55, 40, 50)))
    figure = group_results([FacePhoto(Image.new("RGB", (288, 208)), faces, "김민준")], title="t", photos=80, named=0.9125)
    assert [frame.get_x() for frame in frames(figure)] == sorted(frame.get_x() for frame in frames(figure))
    assert texts(figure)[:2] == ["t", "labelled person named in 91.2 % of 80 photos; 1 of them shown"]
    assert texts(figure)[2:5] == ["1", "2", "3"]
    grounds = [patch for patch in figure.axes[0].patches if patch.get_fill() and patch.get_edgecolor()[:3] == (1, 1, 1)]
    assert [type(ground) for ground in grounds] == [Circle, Circle, Rectangle]  # the third is wrong
    listed = texts(figure)[5:]
    assert listed == ["named", "김민준", "90.0 %", "1", "김민준", "50.0 %", "2", "박도윤", "60.0 %", "3", "이서연", "true: 김민준"]


def test_a_crowd_is_listed_as_far_as_there_is_room() -> None:
    faces = tuple(boxed(RIGHT, (92 * (i % 10), 112 * (i // 10), 92, 112)) for i in range(50))
    figure = group_results([FacePhoto(Image.new("RGB", (920, 560)), faces)], title="", photos=1, named=1)
    assert len(frames(figure)) == 50
    assert texts(figure).count("김민준") == MOST_FACES
    assert texts(figure)[-1] == f"and {50 - MOST_FACES} more"


def test_a_photo_without_a_face_says_so(face: Face) -> None:
    figure = hardcases_results([FacePhoto(face(1, 9), (), "김민준")], title="", photos=1, top1=0, measure="labelled person named in")
    assert texts(figure)[1:] == ["labelled person named in 0.0 % of 1 photos", NO_FACE, "true: 김민준"]
    assert not frames(figure)


@pytest.mark.parametrize(
    ("name", "true", "lines"),
    [
        ("김민준", "김민준", ["김민준", "90.0 %", "correct"]),
        ("Alexander Hamil", "Alexander Hamil", ["Alexander Hamil", "correct", "90.0 %"]),
        ("Alexander Hamil", "김민준", ["Alexander Hamil", "true: 김민준", "90.0 %"]),
        ("Alexander Hamil", "Bartholomew F.", ["Alexander Hamil", "true: Bartholomew F.", "90.0 %"]),
    ],
    ids=["short", "the score moves down", "beside the truth", "below the truth"],
)
def test_six_columns_leave_names_uncut(name: str, true: str, lines: list[str], face: Face) -> None:
    verdict = Verdict((name,), (0.9,), true, name == true)
    figure = hardcases_results([(face(1, 1), verdict)] * 6, title="", photos=6, top1=1)
    assert sorted(texts(figure)[2:5]) == sorted(lines)


@pytest.mark.parametrize("columns", [3, 6])
def test_no_text_of_a_caption_overlaps_another(columns: int) -> None:
    """Long names, wrong ones among them, in photos with one face and with several."""
    long = Verdict(("Wolfeschlegelsteinhausen",), (0.9,), "황보라미르한빛나라", False)
    faces = tuple(boxed(verdict, (10 + 70 * i, 60, 50, 60)) for i, verdict in enumerate((long, RIGHT, WRONG, UNKNOWN)))
    photos = [FacePhoto(Image.new("RGB", (288, 208)), faces[: 1 + i % 4], "황보라미르한빛나라") for i in range(8)]
    figure = hardcases_results(photos, title="t", photos=8, top1=1, columns=columns)
    boxes = [text.get_window_extent().padded(-1) for text in figure.axes[0].texts]
    assert not [1 for i, one in enumerate(boxes) for other in boxes[:i] if one.overlaps(other)]


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


# --------------------------------------------------------------------------------------------------------------- review
def review_photo(**changes: object) -> ReviewPhoto:
    told: dict[str, object] = {"image": "normal_cases/train/s01/1.jpg", "name": "김민준", "box": (100, 100, 200, 300), "score": 0.93}
    return ReviewPhoto(Image.new("RGB", (200, 150), "#123456"), (800, 600), **(told | changes))  # type: ignore[arg-type]


def review_tile(**changes: object) -> Image.Image:
    page = review_page([review_photo(**changes)], 1, 1, "t")
    return page.crop((GAP, page.height - GAP - round(REVIEW_SIDE * 1.21), GAP + REVIEW_SIDE, page.height - GAP))


def test_a_page_takes_photos_one_by_one_and_has_eight_in_a_row() -> None:
    pages = [review_page((review_photo() for _ in range(count)), 1, 1, "t") for count in (0, 1, 8, 9, 48)]
    assert {page.width for page in pages} == {REVIEW_COLUMNS * (REVIEW_SIDE + GAP) + GAP}
    row = pages[1].height - pages[0].height
    assert row > REVIEW_SIDE + GAP
    assert [page.height - pages[0].height for page in pages] == [0, row, row, 2 * row, 6 * row]


def test_a_box_is_drawn_in_pixels_of_the_original() -> None:
    """The photo came at a quarter of its size; the box covers a quarter of its width and half of its height."""
    picture = np.asarray(review_tile())
    ys, xs = np.nonzero((picture[:REVIEW_SIDE] == ImageColor.getrgb(BLUE)).all(axis=2))
    scale = (REVIEW_SIDE - 6) / 800
    assert np.ptp(xs) + 1 - 4 == pytest.approx(200 * scale, abs=2)
    assert np.ptp(ys) + 1 - 4 == pytest.approx(300 * scale, abs=2)


@pytest.mark.parametrize(
    ("changes", "colour"),
    [({}, BLUE), ({"score": 0.41}, VERMILION), ({"score": None}, GREEN), ({"box": None, "reason": "no face found"}, VERMILION)],
    ids=["detected", "the detector is unsure", "drawn", "left out"],
)
def test_boxes_that_ask_for_a_look_are_told_apart(changes: dict[str, object], colour: str) -> None:
    picture = review_tile(**changes)
    assert pixels_of(picture, colour) > 5
    assert not any(pixels_of(picture, other) for other in {BLUE, VERMILION, GREEN} - {colour})


def test_the_end_of_a_long_id_tells_photos_apart() -> None:
    """They lie deep in the same folder, and differ by the last letters."""
    folder = "normal_cases/train/황보라미르한빛나라/" * 3
    one, other = (np.asarray(review_tile(image=f"{folder}{name}.jpg")) for name in ("0001", "0002"))
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("changes", [{"line": 217}, {"name": "이서연"}, {"score": 0.94}, {"score": None}])
def test_what_tells_a_row_is_written(changes: dict[str, object]) -> None:
    assert review_tile().tobytes() != review_tile(**changes).tobytes()
