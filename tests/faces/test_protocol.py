"""Faces, and which of several a photo is about."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolo_koin.faces import Face, clearly_dominant, dominant
from yolo_koin.faces.protocol import DOMINANCE, face_of, key_of

POINTS = ((1.0, 2.0), (3.0, 2.0), (2.0, 3.0), (1.0, 4.0), (3.0, 4.0))


def square(side: float, score: float = 0.5) -> Face:
    return Face((0.0, 0.0, side, side), score)


@pytest.mark.parametrize(
    ("sides", "expected", "why"),
    [
        ([], None, "nobody"),
        ([5], 5, "the only one, however small"),
        ([20, 10], 20, "four times the area"),
        ([10, 14.2], 14.2, "just over twice the area, in any order"),
        ([10, 14.1], None, "just under twice the area"),
        ([10, 10], None, "twins"),
        ([30, 14, 14, 14], 30, "a crowd in the background"),
        ([30, 29, 2], None, "two in front"),
    ],
)
def test_clearly_dominant(sides: list[float], expected: float | None, why: str) -> None:
    face = clearly_dominant([square(side) for side in sides])
    assert (face and face.box[2]) == expected, why


@given(st.lists(st.tuples(st.floats(1, 1000), st.floats(0, 1)), max_size=6))
def test_a_clearly_dominant_face_is_the_dominant_one_and_dwarfs_all_others(drawn: list[tuple[float, float]]) -> None:
    faces = [square(side, score) for side, score in drawn]
    chosen = clearly_dominant(faces)
    if chosen is None:
        assert len(faces) != 1
    else:
        assert chosen is dominant(faces)
        assert all(face is chosen or chosen.area >= DOMINANCE * face.area for face in faces)


def test_a_face_in_a_photo_of_another_size() -> None:
    face = Face((2.0, 4.0, 6.0, 8.0), 0.7, POINTS).scaled(0.5, 2)
    assert face.box == (1.0, 8.0, 3.0, 16.0)
    assert face.points().tolist() == [[x / 2, y * 2] for x, y in POINTS]
    assert Face((2.0, 4.0, 6.0, 8.0), 0.7).scaled(2, 2).landmarks is None


def test_a_face_of_array_values_holds_plain_numbers() -> None:
    face = face_of(np.array([1, 2, 3, 4], np.float32), float(np.float32(0.5)), np.array(POINTS))
    assert face == Face((1.0, 2.0, 3.0, 4.0), 0.5, POINTS)
    assert {type(value) for value in (*face.box, face.score)} == {float}


def test_points_of_a_face_of_a_box_only() -> None:
    with pytest.raises(ValueError, match="no landmarks"):
        square(3).points()


def test_a_key_tells_weights_and_settings_apart(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"1")
    other.write_bytes(b"2")
    keys = [key_of("a", one, t=1), key_of("a", other, t=1), key_of("a", one, t=2), key_of("b", one, t=1)]
    assert len(set(keys)) == 4
    assert key_of("a", one, t=1, u=2) == key_of("a", one, u=2, t=1)
