"""One real training of seconds, which most tests of the verbs look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import EPOCHS, working_in
from yolo_koin import TrainSpec, train
from yolo_koin.verbs.train import TrainResult


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a user works in."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def trained(home: Path, koin: Path) -> TrainResult:
    with working_in(home):
        return train(TrainSpec(data=str(koin), weights="scratch", epochs=EPOCHS, imgsz=64, batch=8, device="cpu", name="tiny"))


@pytest.fixture
def at_home(home: Path, trained: TrainResult) -> Iterator[Path]:
    with working_in(home):
        yield home
