"""Photos that lie on their side or upside down without an EXIF tag."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tests.conftest import att
from yolo_koin.dataset.images import RGB
from yolo_koin.faces.centerface import CenterFace
from yolo_koin.faces.protocol import Face, Landmarks, face_of
from yolo_koin.faces.turned import SHAPE, Turned, implausible, upright

WIDTH, HEIGHT = 184, 224


@pytest.fixture(scope="module")
def detector() -> CenterFace:
    return CenterFace()


def photo(person: int) -> RGB:
    return np.asarray(att(person, 1).convert("RGB").resize((WIDTH, HEIGHT)))


@pytest.mark.parametrize("quarters", range(4))
def test_a_turned_photo_has_its_face_where_the_upright_one_has_it(detector: CenterFace, quarters: int) -> None:
    """The detector's landmarks of a turned photo are those of no face: a mask would lie on the forehead."""
    for person in range(1, 16):
        pixels = photo(person)
        expected = upright(pixels, detector)
        assert expected is not None
        assert expected.quarters == 0
        lying = np.ascontiguousarray(np.rot90(pixels, quarters))
        found = upright(lying, detector)
        assert found is not None
        assert (found.quarters + quarters) % 4 == 0
        assert np.allclose(found.face.points(), expected.face.points(), atol=2)
        seen = found.as_seen(lying.shape[1], lying.shape[0])
        back = Turned(seen, 0)
        assert back.as_seen(lying.shape[1], lying.shape[0]) == seen


@pytest.mark.parametrize("quarters", range(4))
def test_coordinates_come_back_into_the_photo_as_it_is(quarters: int) -> None:
    """A red pixel for a landmark, turned with the photo."""
    canvas = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    canvas[40, 30] = 255
    row, column = np.argwhere(np.rot90(canvas, quarters))[0].tolist()
    face = face_of((float(column), float(row), 1, 1), 1.0, [(column + 0.5, row + 0.5)] * 5)
    seen = Turned(face, quarters).as_seen(WIDTH, HEIGHT)
    assert list(seen.box) == [30, 40, 1, 1]
    assert seen.points().tolist() == [[30.5, 40.5]] * 5


class Fixed:
    """A detector that finds the same face whatever it is shown, or none."""

    name, key, longest, batch = "fixed", "fixed", 640, 1

    def __init__(self, *faces: Face) -> None:
        self.faces = list(faces)
        self.looks = 0

    def detect(self, photo: RGB) -> list[Face]:
        self.looks += 1
        return self.faces

    def detect_batch(self, photos: Sequence[RGB]) -> list[list[Face]]:
        return [self.detect(one) for one in photos]


def shaped(points: object = SHAPE, score: float = 0.9) -> Face:
    return face_of((10, 20, 100, 100), score, np.asarray(points) * 100 + np.array([10, 20]))


def test_no_face_in_any_position() -> None:
    assert upright(photo(1), Fixed()) is None


@pytest.mark.parametrize(("score", "looks"), [(0.95, 1), (0.5, 4)], ids=["sure at once", "in doubt"])
def test_a_face_that_leaves_no_doubt_is_looked_at_once(score: float, looks: int) -> None:
    detector = Fixed(shaped(score=score))
    found = upright(photo(1), detector)
    assert found is not None
    assert (found.quarters, detector.looks) == (0, looks), "and what is as good in every position stays as it is"


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        (SHAPE, ""),
        (SHAPE[::-1], "eyes below the mouth"),
        (1 - SHAPE, "eyes below the mouth"),
        (SHAPE * (-1, 1) + (1, 0), "eyes in each other's place"),
        (SHAPE + np.array([0.6, 0]), "landmarks outside of the face"),
    ],
    ids=["a face", "mouth and eyes swapped", "upside down", "mirrored", "beside it"],
)
def test_what_no_upright_face_has(points: Landmarks, reason: str) -> None:
    assert implausible(shaped(points)) == reason
