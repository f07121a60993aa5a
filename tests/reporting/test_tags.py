from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolo_koin.reporting.tags import Rect, corners, place, place_number, reading_order

PAGE = Rect(0, 0, 300, 200)


@st.composite
def boxes(draw: st.DrawFn) -> Rect:
    left, top = draw(st.integers(0, 280)), draw(st.integers(0, 180))
    return Rect(left, top, draw(st.integers(left + 1, 300)), draw(st.integers(top + 1, 200)))


@given(st.lists(boxes(), min_size=1, max_size=6), st.integers(1, 150), st.integers(1, 60))
def test_a_tag_lies_on_the_page_at_its_face_and_over_no_face(faces: list[Rect], width: int, height: int) -> None:
    spot = place((width, height), faces[0], PAGE, faces)
    if spot is None:
        return
    assert spot.inside(PAGE)
    assert not any(spot.overlaps(face) for face in faces)
    assert spot.overlaps(faces[0].grown(0.001))
    assert (spot.width, spot.height) == pytest.approx((width, height))


@pytest.mark.parametrize(
    ("face", "taken", "expected"),
    [
        (Rect(100, 80, 140, 120), [], (90, 120)),
        (Rect(100, 80, 140, 120), [Rect(0, 130, 300, 140)], (90, 60)),
        (Rect(100, 80, 140, 120), [Rect(0, 130, 300, 140), Rect(0, 60, 300, 70)], (140, 90)),
        (Rect(260, 80, 300, 120), [Rect(0, 130, 300, 140), Rect(0, 60, 300, 70)], (200, 90)),
        (Rect(0, 80, 20, 120), [], (0, 120)),
        (Rect(0, 0, 300, 200), [], None),
    ],
    ids=["below", "above", "right", "left", "below, as far left as the page goes", "no room"],
)
def test_the_first_free_place(face: Rect, taken: list[Rect], expected: tuple[float, float] | None) -> None:
    spot = place((60, 20), face, PAGE, [face, *taken])
    assert (spot[:2] if spot else None) == expected


@given(st.lists(boxes(), min_size=1, max_size=8))
def test_a_number_always_has_a_place_at_its_own_box(faces: list[Rect]) -> None:
    numbers: list[Rect] = []
    for face in faces:
        spot = place_number((12, 10), face, PAGE, faces, numbers)
        numbers.append(spot)
        assert spot.inside(PAGE)
        assert spot.overlaps(face.grown(0.001))


def test_numbers_of_tiled_faces_do_not_overlap() -> None:
    """Fifty faces without a gap: each number lies over a corner of its own box, none over another number."""
    faces = [Rect(92 * x, 112 * y, 92 * (x + 1), 112 * (y + 1)) for y in range(5) for x in range(10)]
    numbers: list[Rect] = []
    for face in faces:
        numbers.append(place_number((20, 18), face, Rect(0, 0, 920, 560), faces, numbers))
    assert not any(one.overlaps(other) for i, one in enumerate(numbers) for other in numbers[:i])


@given(st.lists(boxes(), max_size=8))
def test_every_face_is_read_once(faces: list[Rect]) -> None:
    assert sorted(reading_order(faces)) == list(range(len(faces)))


def test_faces_are_read_row_by_row() -> None:
    """Heads of a row stand at different heights; the second row begins where one is half a face lower."""
    faces = [Rect(200, 6, 240, 46), Rect(0, 60, 40, 100), Rect(100, 0, 140, 40), Rect(0, 14, 40, 54), Rect(100, 52, 140, 92)]
    assert reading_order(faces) == [3, 2, 0, 1, 4]


def test_a_box_is_scaled_before_it_is_moved() -> None:
    assert corners((1, 2, 3, 4), 10, 100, 200) == Rect(110, 220, 140, 260)
