"""Built-in faces, alone and in crowds, and the detectors to find them."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.conftest import att
from yolo_koin.faces.centerface import CenterFace
from yolo_koin.faces.yunet import YuNet
from yolo_koin.geometry import Box

YUNET = Path(os.environ.get("YUNET_ONNX", Path(__file__).parents[3] / "shared/models/face_detection_yunet_2023mar.onnx"))
FACE: Box = (9.9, 17.1, 72.9, 91.1)  # where the face is in an AT&T photograph on average


def photo(person: int, number: int = 1) -> NDArray[np.uint8]:
    """An AT&T photograph, 112 × 92 × 3."""
    return np.asarray(att(person, number).convert("RGB"))


def crowd(columns: int, rows: int, scale: float = 1.0, margin: int = 0) -> tuple[NDArray[np.uint8], list[Box]]:
    """Photographs side by side on grey, at most of forty people, and about where their faces are."""
    width, height = round(92 * scale), round(112 * scale)
    pixels = np.full((rows * (height + margin) + margin, columns * (width + margin) + margin, 3), 128, np.uint8)
    boxes: list[Box] = []
    for number in range(columns * rows):
        x, y = (margin + at * (side + margin) for at, side in ((number % columns, width), (number // columns, height)))
        tile = cv2.resize(photo(number % 40 + 1, 1 + number // 40), (width, height), interpolation=cv2.INTER_AREA)
        pixels[y : y + height, x : x + width] = tile
        boxes.append((x + FACE[0] * scale, y + FACE[1] * scale, FACE[2] * scale, FACE[3] * scale))
    return pixels, boxes


@pytest.fixture(scope="session")
def detector() -> CenterFace:
    return CenterFace()


@pytest.fixture(scope="session")
def yunet() -> YuNet:
    if not YUNET.is_file():
        pytest.skip(f"no YuNet at {YUNET}: download it from OpenCV Zoo and name it in YUNET_ONNX")
    return YuNet(YUNET)


@pytest.fixture(params=["detector", "yunet"], ids=["centerface", "yunet"])
def each(request: pytest.FixtureRequest) -> CenterFace | YuNet:
    """Every detector that runs on OpenCV."""
    found: CenterFace | YuNet = request.getfixturevalue(request.param)
    return found
