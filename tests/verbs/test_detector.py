"""``--detector``: which detector a file is, or one line that says why it is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.faces.conftest import YUNET, photo
from yolo_koin.errors import WeightsError
from yolo_koin.faces import FaceDetector
from yolo_koin.faces.centerface import CenterFace, find_weights
from yolo_koin.faces.yunet import YuNet
from yolo_koin.verbs.detector import REMEDY, open_detector

has_yunet = pytest.mark.skipif(not YUNET.is_file(), reason=f"no YuNet at {YUNET}: download it and name it in YUNET_ONNX")


@pytest.mark.parametrize(
    ("path", "kind", "name"),
    [
        (None, CenterFace, "centerface"),
        (find_weights(), CenterFace, "centerface"),
        pytest.param(YUNET, YuNet, "yunet", marks=has_yunet),
    ],
    ids=["built in", "CenterFace", "YuNet"],
)
def test_networks_of_opencv_are_told_apart(path: Path | None, kind: type[FaceDetector], name: str, tmp_path: Path) -> None:
    if path is not None:
        renamed = tmp_path / "some name.ONNX"
        renamed.write_bytes(path.read_bytes())
        path = renamed
    detector = open_detector(path)
    assert isinstance(detector, kind)
    assert (detector.name, detector.batch, detector.longest) == (name, 1, 640)
    assert len(detector.detect(photo(1))) == 1


def another_network() -> bytes:
    """The smallest ONNX file there is: its input is its output, y = relu(x)."""

    def field(number: int, value: bytes | int) -> bytes:
        if isinstance(value, int):
            return bytes([number << 3, value])
        return bytes([number << 3 | 2, len(value)]) + value

    shape = field(2, b"".join(field(1, field(1, side)) for side in (1, 3, 8, 8)))
    tensor = field(1, field(1, 1) + shape)
    node = field(1, b"x") + field(2, b"y") + field(4, b"Relu")
    graph = field(1, node) + field(2, b"g") + b"".join(field(n, field(1, name) + field(2, tensor)) for n, name in ((11, b"x"), (12, b"y")))
    return field(1, 8) + field(7, graph) + field(8, field(1, b"") + field(2, 13))


def test_another_network(tmp_path: Path) -> None:
    path = tmp_path / "relu.onnx"
    path.write_bytes(another_network())
    assert cv2.dnn.readNet(str(path)).getUnconnectedOutLayersNames() == ("y",)
    with pytest.raises(WeightsError) as caught:
        open_detector(path)
    assert str(caught.value) == f"a network, but no face detector that is known: {path}. {REMEDY}"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.onnx", None, "no such face detector"),
        ("none.pt", None, "no such face detector"),
        ("faces.txt", b"hello", "not a face detector"),
        ("faces", b"hello", "not a face detector"),
        ("faces.onnx", b"hello", "not an ONNX network"),
        ("faces.onnx", b"", "not an ONNX network"),
        ("faces.pt", b"hello", "not a YOLO checkpoint, or a damaged one"),
        ("faces.pt", b"", "not a YOLO checkpoint, or a damaged one"),
    ],
)
def test_what_is_no_detector_is_one_line(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        open_detector(path, "cpu")
    assert str(caught.value).startswith(f"{said}: {path}. ")
    assert "\n" not in str(caught.value)


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"^a folder, not a face detector: .* --detector takes CenterFace or YuNet"):
        open_detector(tmp_path)


def test_the_built_in_one_loads_no_torch() -> None:
    code = "import sys; from yolo_koin.verbs.detector import open_detector; open_detector(None); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_it_finds_nothing_where_nothing_is() -> None:
    assert open_detector(None).detect(np.zeros((50, 50, 3), np.uint8)) == []
