"""Small networks of real architectures, untrained, and jobs of seconds on real photographs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import att
from yolo_koin.dataset.images import crop, pad
from yolo_koin.models.protocol import LabelledPhoto, Preparation, TrainJob

NAMES = ("김민준", "s02", "s03")
FACE = (0.45, 0.56, 0.8, 0.8)  # centre and size of the face in an AT&T photograph, on average


@pytest.fixture(scope="session")
def squares(tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[LabelledPhoto, ...], tuple[LabelledPhoto, ...]]:
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


@pytest.fixture
def job(squares: tuple[tuple[LabelledPhoto, ...], tuple[LabelledPhoto, ...]], tmp_path: Path) -> Callable[..., TrainJob]:
    """Makes a job of a few epochs."""
    train, val = squares

    def make(**changed: Any) -> TrainJob:
        usual: dict[str, Any] = {
            "model": "yolov8n-cls",
            "train": train,
            "val": val,
            "names": NAMES,
            "folder": tmp_path / "run",
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

    return make
