"""YuNet on the built-in faces, and both detectors of OpenCV on what is hard for them."""

from __future__ import annotations

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.conftest import att
from tests.faces.conftest import YUNET, crowd, photo
from yolo_koin.errors import WeightsError
from yolo_koin.faces.centerface import CenterFace, find_weights
from yolo_koin.faces.yunet import YuNet
from yolo_koin.geometry import iou
from yolo_koin.synthetic.scenes import Portrait, compose


# ------------------------------------------------------------------------------------------------------------- both of them
def test_fifty_faces_in_a_photo(each: CenterFace | YuNet) -> None:
    pixels, boxes = crowd(10, 5)
    faces = each.detect(pixels)
    assert len(faces) == 50
    assert all(max(iou(face.box, box) for face in faces) > 0.5 for box in boxes)
    assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)


def test_faces_of_20_pixels(each: CenterFace | YuNet) -> None:
    pixels, boxes = crowd(5, 4, scale=0.25, margin=10)
    faces = each.detect(pixels)
    assert len(faces) == 20
    assert 18 < float(np.median([face.box[3] for face in faces])) < 26
    assert all(max(iou(face.box, box) for face in faces) > 0.4 for box in boxes)


@pytest.mark.parametrize("size", [(92, 112), (640, 480), (1, 1), (400, 5)], ids="{0[0]} × {0[1]}".format)
def test_noise_is_no_face(each: CenterFace | YuNet, size: tuple[int, int]) -> None:
    assert each.detect(np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)) == []


def test_landmarks_are_eyes_above_nose_above_mouth_from_left_to_right(each: CenterFace | YuNet) -> None:
    for person in (2, 8, 22, 30):
        (face,) = each.detect(photo(person))
        left_eye, right_eye, nose, left_mouth, right_mouth = face.points()
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_mouth[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


def test_everybody_in_group_scenes(each: CenterFace | YuNet, detector: CenterFace) -> None:
    portraits = [Portrait(str(p), np.asarray(att(p, 1)), detector.detect(photo(p))[0].box) for p in range(1, 41)]
    for seed in range(6):
        rng = np.random.default_rng(seed)
        people = [portraits[i] for i in rng.permutation(40)[: 2 + seed % 3]]
        scene, located = compose(people, rng)
        faces = each.detect(scene)
        assert len(faces) == len(people)
        assert all(max(iou(face.box, box) for face in faces) > 0.5 for _, box in located)


def test_several_photos_at_once_are_as_one_by_one(each: CenterFace | YuNet) -> None:
    photos = [photo(1), np.zeros((50, 50, 3), np.uint8), photo(2)]
    assert each.detect_batch(photos) == [each.detect(pixels) for pixels in photos]
    assert each.detect_batch([]) == []


def test_threads_share_a_detector(each: CenterFace | YuNet) -> None:
    photos = [photo(person) for person in range(1, 9)]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(each.detect, photos)) == each.detect_batch(photos)


def test_a_copy_finds_the_same(each: CenterFace | YuNet) -> None:
    copy = pickle.loads(pickle.dumps(each))
    assert copy.key == each.key
    assert copy.detect(photo(3)) == each.detect(photo(3))


def test_the_network_of_the_other_is_refused_in_one_line(yunet: YuNet) -> None:
    with pytest.raises(WeightsError, match="another network than YuNet"):
        YuNet(find_weights())
    with pytest.raises(WeightsError, match="another network than CenterFace"):
        CenterFace(YUNET)


# ------------------------------------------------------------------------------------------------------------ YuNet alone
@pytest.mark.parametrize(
    ("factor", "why"),
    [(1, "enlarged first"), (3, "as it is"), (6, "reduced first"), (12, "a face that fills a photo of 1100 × 1340")],
)
def test_finds_every_portrait_where_centerface_does(yunet: YuNet, detector: CenterFace, factor: int, why: str) -> None:
    for person in range(1, 41, 8):
        pixels = photo(person)
        (expected,) = detector.detect(pixels)
        large = np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC), np.uint8)
        (face,) = yunet.detect(large)
        assert iou(face.scaled(1 / factor, 1 / factor).box, expected.box) > 0.6, why
        assert np.abs(face.points() / factor - expected.points()).max() < 8, why


def test_a_photo_without_a_face_at_640_is_looked_at_again_at_320(yunet: YuNet) -> None:
    """Of faces cut at brow and chin, which fill the photo, many are too large for the network at 640."""
    found = {}
    for side in (640, 320):
        seen = []
        for person in range(1, 41, 5):
            pixels = np.asarray(cv2.resize(photo(person)[30:100, 12:82], (640, 640), interpolation=cv2.INTER_CUBIC), np.uint8)
            seen.append(bool(yunet._seen(pixels, side / 640)))
            assert bool(yunet.detect(pixels)) >= seen[-1]
        found[side] = sum(seen)
    assert found[320] > found[640]


def test_blue_green_and_red_are_as_in_training(yunet: YuNet) -> None:
    """Skin is red rather than blue: with the channels the other way round, the network is less sure."""
    skin = np.array([1.0, 0.78, 0.62])
    right, wrong = (
        np.mean([yunet.detect((photo(person) * tint).astype(np.uint8))[0].score for person in range(1, 41, 2)])
        for tint in (skin, skin[::-1])
    )
    assert right > wrong


@pytest.mark.parametrize("content", [None, b"", b"no network", "first half"], ids=["missing", "empty", "not ONNX", "cut off"])
def test_bad_weights_are_one_line_and_opencv_is_quiet(yunet: YuNet, tmp_path: Path, content: bytes | str | None) -> None:
    path = tmp_path / "yunet.onnx"
    if content is not None:
        path.write_bytes(YUNET.read_bytes()[:100_000] if isinstance(content, str) else content)
    code = f"""
from pathlib import Path
from yolo_koin.errors import WeightsError
from yolo_koin.faces.yunet import YuNet
YuNet(Path({str(YUNET)!r})).detect(__import__("numpy").zeros((64, 64, 3), "uint8"))
try:
    YuNet(Path({str(path)!r}))
except WeightsError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.startswith(f"not an ONNX network: {path}. Take CenterFace or YuNet")
    assert done.stdout.count("\n") == 1
