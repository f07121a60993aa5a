from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageColor

from yolo_koin.geometry import Box
from yolo_koin.reporting.annotate import MIN_TEXT, MIN_WIDTH, enlarged, panel_of, type_size
from yolo_koin.reporting.boxed import MIN_WIDTH_OF_SEVERAL, annotate_faces
from yolo_koin.reporting.frames import Frame, casing_of, draw_frames, pen_of, pixels
from yolo_koin.reporting.marks import COLOURS, numbered_sign
from yolo_koin.reporting.style import BLUE, GREY, PAPER, VERMILION
from yolo_koin.reporting.tags import Rect
from yolo_koin.reporting.verdicts import BoxedFace, Faces, Verdict

Face = Callable[[int, int], Image.Image]
Pixels = NDArray[np.uint8]
NAMES = ("아이유", "김유나", "박도윤", "Wolfeschlegelsteinhausen")


def boxed(box: Box, correct: bool | None = True, name: str = NAMES[0], score: float = 0.9) -> BoxedFace:
    true = None if correct is None else name if correct else NAMES[2]
    return BoxedFace(box, Verdict((name, NAMES[1], NAMES[2]), (0.9, 0.05, 0.01), true, correct), score)


def colours(page: Image.Image, colour: str) -> int:
    return int((np.asarray(page) == ImageColor.getrgb(colour)).all(axis=2).sum())


def noise(width: int, height: int) -> Image.Image:
    """A photo of which any pixel that was drawn on shows."""
    return Image.fromarray(np.random.default_rng(0).integers(40, 200, (height, width, 3), dtype=np.uint8))


def shown(photo: Image.Image, faces: Sequence[BoxedFace], lines: bool = True) -> tuple[Image.Image, list[Rect]]:
    """The enlarged photo on its white margin, with the lines of the boxes at most and no name; and the boxes on it."""
    large = enlarged(photo, MIN_WIDTH if len(faces) < 2 else MIN_WIDTH_OF_SEVERAL)
    boxes = [pixels(face.box, large.width / photo.width, *large.size) for face in faces]
    pens = [pen_of(box, max(large.size)) for box in boxes]
    border = max((pen + casing_of(pen) for pen in pens), default=0)
    page = Image.new("RGB", (large.width + 2 * border, large.height + 2 * border), PAPER)
    page.paste(large, (border, border))
    boxes = [box.moved(border, border) for box in boxes]
    if lines:
        says = [face.verdict.correct for face in faces]
        draw_frames(page, [Frame(box, pen, COLOURS[c], c is False) for box, pen, c in zip(boxes, pens, says, strict=True)])
    return page, boxes


def annotated(photo: Image.Image, faces: Sequence[BoxedFace]) -> Image.Image:
    """What stands above the panel."""
    page, (width, height) = annotate_faces(photo, faces), shown(photo, faces)[0].size
    left = (page.width - width) // 2
    return page.crop((left, 0, left + width, height))


def inside(page: Image.Image, box: Rect) -> Pixels:
    return np.asarray(page)[int(box.top) : int(box.bottom), int(box.left) : int(box.right)]


def names_drawn(photo: Image.Image, faces: Sequence[BoxedFace]) -> tuple[int, int]:
    """Width and height of the area where the annotation is more than lines."""
    changed = np.asarray(annotated(photo, faces)) != np.asarray(shown(photo, faces)[0])
    ys, xs = np.nonzero(changed.any(axis=2))
    return int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1


# -------------------------------------------------------------------------------------------------- what is never covered
SCENES: dict[str, tuple[tuple[int, int], list[Box]]] = {
    "AT&T": ((92, 112), [(16, 8, 60, 76)]),
    "a face that fills an AT&T photo": ((92, 112), [(0, 0, 92, 112)]),
    "three in a small group photo": ((288, 208), [(28, 61, 43, 58), (119, 67, 59, 78), (221, 68, 39, 53)]),
    "faces of 20 px": ((1080, 810), [(100, 100, 20, 24), (124, 100, 20, 24), (1050, 780, 20, 24)]),
    "a camera's photo": ((4000, 2000), [(500, 300, 900, 1100), (2100, 700, 300, 400), (2500.5, 650.25, 300.3, 400.7)]),
    "partly outside": ((400, 300), [(-30, -20, 80, 90), (370, 200, 60, 200), (150, 120, 60, 80)]),
    "a column of tall and narrow ones": ((120, 900), [(10, 20, 90, 100), (10, 140, 90, 100), (10, 700, 100, 180)]),
}


@pytest.mark.parametrize(("size", "boxes"), SCENES.values(), ids=SCENES)
def test_no_pixel_of_a_face_is_touched(size: tuple[int, int], boxes: list[Box]) -> None:
    photo = noise(*size)
    faces = [boxed(box, (True, False, None)[i % 3], NAMES[i % 4], 0.9 - i / 10) for i, box in enumerate(boxes)]
    page, (clean, drawn) = annotated(photo, faces), shown(photo, faces, lines=False)
    for box in drawn:
        assert np.array_equal(inside(page, box), inside(clean, box))


@st.composite
def some_boxes(draw: st.DrawFn) -> list[Box]:
    """Boxes that may overlap, lie one in another, and reach beyond a photo of 240 × 180."""
    side = st.floats(4, 120)
    return [(draw(st.floats(-20, 230)), draw(st.floats(-20, 170)), draw(side), draw(side)) for _ in range(draw(st.integers(1, 5)))]


@settings(max_examples=40)
@given(some_boxes())
def test_names_lie_outside_of_every_face(boxes: list[Box]) -> None:
    """Whatever is drawn besides lines lies outside of all boxes, but for numbers, which a crowd may push onto a corner of a box."""
    photo = noise(240, 180)
    faces = [boxed(box, True, NAMES[i % 4], 0.9 - i / 10) for i, box in enumerate(boxes)]
    page, (lines, drawn) = annotated(photo, faces), shown(photo, faces)
    changed = (np.asarray(page) != np.asarray(lines)).any(axis=2)
    if len(faces) > 1:
        width, height = numbered_sign(True, len(faces), type_size(*page.size)).size  # no text here is larger
        for x, y in ((x, y) for box in drawn for x in (box.left, box.right) for y in (box.top, box.bottom)):
            left, top = int(max(0, x - width)), int(max(0, y - height))
            changed[top : int(y + height), left : int(x + width)] = False
    for box in drawn:
        assert not changed[int(box.top) : int(box.bottom), int(box.left) : int(box.right)].any()


def test_every_tiled_face_keeps_its_middle() -> None:
    """Fifty faces that fill the photo: there is room for numbers only, on the corners."""
    photo = noise(920, 560)
    faces = [boxed((92 * x, 112 * y, 92, 112), True, f"Subject {10 * y + x}") for y in range(5) for x in range(10)]
    page, (lines, boxes) = annotated(photo, faces), shown(photo, faces)
    for box in boxes:
        middle = Rect(box.left + 20, box.top + 20, box.right - 20, box.bottom - 20)
        assert np.array_equal(inside(page, middle), inside(lines, middle))
    assert not np.array_equal(np.asarray(page), np.asarray(lines))


def test_a_nested_face_keeps_its_box() -> None:
    """Two boxes of one face, as detectors give: the inner one's line is whole, and its inside is the photo."""
    photo, faces = noise(400, 300), [boxed((50, 50, 200, 200)), boxed((100, 100, 60, 60), False)]
    page, (clean, (_, box)) = annotated(photo, faces), shown(photo, faces, lines=False)
    assert np.array_equal(inside(page, box)[20:, 20:], inside(clean, box)[20:, 20:])  # a number lies over the upper left corner
    pen = pen_of(box, max(clean.size))
    around = (inside(page, box.grown(pen)) == ImageColor.getrgb(VERMILION)).all(axis=2)
    for side in (around[:, :pen], around[:, -pen:], around[:pen].T, around[-pen:].T):
        assert 0.5 < side.all(axis=1).mean() < 1  # dashed, as the name is wrong


# ----------------------------------------------------------------------------------------------------------- what is drawn
@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((10.2, 20.7, 30.1, 40.1), (10, 20, 41, 61)),
        ((10, 20, 30, 40), (10, 20, 40, 60)),
        ((-5, -5, 20, 20), (0, 0, 15, 15)),
        ((95, 70, 20, 20), (95, 70, 100, 80)),
        ((500, -500, 20, 20), (99, 0, 100, 1)),
    ],
    ids=["rounded outwards", "whole", "beyond the upper left", "beyond the lower right", "outside: the nearest pixel"],
)
def test_a_box_in_whole_pixels(box: Box, expected: tuple[int, ...]) -> None:
    assert tuple(pixels(box, 1, 100, 80)) == expected
    doubled = tuple(side * 2 for side in box)
    assert tuple(pixels((doubled[0], doubled[1], doubled[2], doubled[3]), 0.5, 100, 80)) == expected


@pytest.mark.parametrize("surest", [0, 1])
def test_the_surest_face_is_named_where_there_is_room_for_one(surest: int) -> None:
    """Between two faces of a low photo is room for one name: it stands at the surest one."""
    photo, places = noise(640, 40), [(0, 0, 150, 40), (490, 0, 150, 40)]
    faces = [boxed(box, True, "Wolfeschlegelsteinhausenberger", 0.9 if i == surest else 0.5) for i, box in enumerate(places)]
    changed = (np.asarray(annotated(photo, faces)) != np.asarray(shown(photo, faces)[0])).any(axis=2)[20]
    between = np.flatnonzero(changed[180:470]) + 180
    assert len(between) > 100
    assert (between.min() - 150 < 490 - between.max()) == (surest == 0)


@pytest.mark.parametrize(("side", "pen"), [(20, 5), (200, 5), (800, 8), (1500, 15)])
def test_a_line_grows_with_its_face_and_its_photo(side: int, pen: int) -> None:
    """Measured on the picture: blue pixels left of the box, at its middle."""
    photo = noise(2000, 2000)
    faces = [boxed((300, 100, side, side))]
    page, (_, (box,)) = annotated(photo, faces), shown(photo, faces)
    row = np.asarray(page)[int(box.top + box.height / 2), : int(box.left)]
    assert (row == ImageColor.getrgb(BLUE)).all(axis=1).sum() == pen


@pytest.mark.parametrize(
    ("size", "box", "least"),
    [((92, 112), (16, 8, 60, 76), MIN_TEXT), ((1080, 810), (500, 400, 20, 24), MIN_TEXT), ((4000, 3000), (500, 600, 40, 50), 40)],
    ids=["AT&T", "a face of 20 px", "a small face in a camera's photo"],
)
def test_text_is_legible(size: tuple[int, int], box: Box, least: int) -> None:
    """A tag is one and a half times as high as its text."""
    assert names_drawn(noise(*size), [boxed(box)])[1] >= 1.5 * least


def test_a_tag_is_no_larger_than_its_face_needs() -> None:
    small, large = (names_drawn(noise(1080, 1350), [boxed((400, 400, side, side))])[1] for side in (20, 400))
    assert small <= 1.6 * MIN_TEXT
    assert large > 1.3 * small


@pytest.mark.parametrize(
    ("size", "count", "width"),
    [((92, 112), 1, 368), ((92, 112), 2, 644), ((288, 208), 3, 864), ((1080, 810), 3, 1080), ((92, 112), 0, 368)],
    ids=["one face", "two need more room", "a group", "large enough", "no face"],
)
def test_a_small_photo_is_enlarged_by_a_whole_factor(size: tuple[int, int], count: int, width: int) -> None:
    faces = [boxed((2 + 30 * i, 10, 20, 24)) for i in range(count)]
    photo = noise(*size)
    page = annotate_faces(photo, faces)
    margin, height = page.width - width, photo.height * width // photo.width
    last_row = np.asarray(page)[margin // 2 + height - 1, margin // 2 : margin // 2 + width]
    assert np.array_equal(last_row, np.asarray(photo.resize((width, height), Image.Resampling.BICUBIC))[-1])


def test_beneath_one_face_stands_the_panel_of_a_photo(face: Face) -> None:
    one = boxed((16, 8, 60, 76), False)
    page, (lines, _) = annotate_faces(face(1, 1), [one], top=2), shown(face(1, 1), [one])
    panel = panel_of(page.width, type_size(page.width, lines.height), one.verdict, 2)
    assert np.array_equal(np.asarray(page.crop((0, lines.height, *page.size))), np.asarray(panel))


def test_of_several_faces_each_has_a_line_in_the_panel() -> None:
    """Three by three narrower than a column each: as many lines as faces, then the panel is higher by as much."""
    photo = noise(640, 480)
    heights = [annotate_faces(photo, [boxed((10 + 60 * i, 50, 40, 50)) for i in range(n)]).height for n in (2, 4, 6)]
    assert heights[2] - heights[1] == heights[1] - heights[0] > 0


def test_right_wrong_and_unknown_differ_in_colour_and_in_sign() -> None:
    photo, box = noise(600, 400), (200, 100, 100, 120)
    pages = {correct: annotate_faces(photo, [boxed(box, correct)]) for correct in (True, False, None)}
    for correct, colour in ((True, BLUE), (False, VERMILION), (None, GREY)):
        assert colours(pages[correct], colour) > 600  # the line alone
    assert colours(pages[None], BLUE) == colours(pages[None], VERMILION) == 0
    signs = [names_drawn(photo, [boxed(box, correct)])[0] for correct in (True, False, None)]
    assert signs[0] == signs[1] > signs[2]  # nobody knows: no sign, a shorter tag


@pytest.mark.parametrize(("a", "b"), [(0, 1), (0, 2), (1, 2)])
def test_hangul_names_are_told_apart(a: int, b: int) -> None:
    """Both above and in the panel: a missing glyph would be the same box for each."""
    photo, box = noise(600, 400), (200, 100, 100, 120)
    pages = [annotate_faces(photo, [boxed(box, None, NAMES[i]), boxed((20, 20, 30, 30))]) for i in (a, b)]
    foot = shown(photo, [boxed(box, None), boxed((20, 20, 30, 30))])[0].height
    for area in ((0, 0, pages[0].width, foot), (0, foot, *pages[0].size)):
        assert not np.array_equal(np.asarray(pages[0].crop(area)), np.asarray(pages[1].crop(area)))


@pytest.mark.parametrize(
    "box",
    [(500, 500, 40, 40), (-90, 20, 40, 40), (50, 50, 0, 0), (-1e6, -1e6, 2e6, 2e6), (399.9, 299.9, 0.05, 0.05)],
    ids=["outside", "left of the photo", "no area", "all of it and more", "less than a pixel"],
)
def test_odd_boxes_are_drawn_at_the_photos_edge(box: Box) -> None:
    page = annotate_faces(noise(400, 300), [boxed(box), boxed((100, 100, 50, 60), False)])
    assert colours(page, BLUE) > 0
    assert colours(page, VERMILION) > 0


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (3000, 2)], ids=["a pixel", "a line", "a level"])
def test_odd_photos_are_annotated(size: tuple[int, int]) -> None:
    for count in (0, 1, 3):
        page = annotate_faces(noise(*size), [boxed((0, 0, 1, 1), None)] * count)
        assert page.width >= MIN_WIDTH


@pytest.mark.parametrize("person", [None, NAMES[0]])
def test_without_a_face_the_photo_is_shown_as_it_is(person: str | None) -> None:
    photo = noise(640, 480)
    page = annotate_faces(photo, [], person=person)
    assert np.array_equal(np.asarray(page.crop((0, 0, 640, 480))), np.asarray(photo))
    assert (colours(page, VERMILION) > 100) == (person is not None)  # a miss, where it is known that somebody is there


def test_the_panel_tells_whether_the_person_was_named() -> None:
    photo, faces = noise(640, 480), [boxed((100, 100, 50, 60), None, NAMES[1]), boxed((300, 100, 50, 60), None, NAMES[2])]
    named, missed, unknown = (annotate_faces(photo, faces, person=person) for person in (NAMES[1], NAMES[0], None))
    assert colours(named, BLUE) > 500
    assert colours(missed, VERMILION) > 500
    assert colours(unknown, BLUE) == colours(unknown, VERMILION) == 0


def test_the_same_faces_in_another_order_give_the_same_picture() -> None:
    """Numbers go by place, and the surest face chooses first."""
    photo = noise(640, 480)
    faces = [boxed((60 + 90 * i, 100 + 10 * i, 60, 70), True, NAMES[i % 4], 0.9 - i / 10) for i in range(5)]
    assert annotate_faces(photo, faces).tobytes() == annotate_faces(photo, faces[::-1]).tobytes()


# ---------------------------------------------------------------------------------------------------------------- words
@pytest.mark.parametrize(("person", "expected"), [(None, None), (NAMES[1], True), (NAMES[2], False)])
def test_was_named(person: str | None, expected: bool | None) -> None:
    faces = boxed((0, 0, 1, 1)), boxed((0, 0, 1, 1), name=NAMES[1])
    assert Faces(faces, person).named is expected


def test_a_face_in_a_reduced_photo() -> None:
    assert boxed((10, 20, 30, 40)).scaled(0.5).box == (5, 10, 15, 20)


def test_faces_of_a_photo_are_numbered_from_the_left() -> None:
    faces = tuple(boxed((x, 50, 20, 20)) for x in (60, 10, 110))
    assert [face.box[0] for face in Faces(faces).ordered] == [10, 60, 110]
