"""The size at which small networks see a photo."""

from __future__ import annotations

import numpy as np
import pytest

from yolo_koin.faces.framing import BORDER, LARGEST, fit, scale_of


@pytest.mark.parametrize(("height", "width"), [(3000, 2000), (112, 92), (400, 500), (10_000, 3)])
def test_network_input_is_bounded_and_a_multiple_of_32(height: int, width: int) -> None:
    photo = np.zeros((height, width, 3), np.uint8)
    scale = scale_of(photo)
    framed = fit(photo, scale)
    assert framed.shape[0] % 32 == 0
    assert framed.shape[1] % 32 == 0
    assert max(framed.shape) <= LARGEST + 2 * BORDER + 31
    assert framed.shape[0] >= round(height * scale) + 2 * BORDER


@pytest.mark.parametrize(
    ("longer", "largest", "scale"),
    [(112, 640, 1.5), (20, 640, 3.0), (168, 640, 1.0), (640, 640, 1.0), (1280, 640, 0.5), (640, 320, 0.5), (112, 320, 1.5)],
)
def test_small_photos_are_enlarged_and_large_ones_reduced(longer: int, largest: int, scale: float) -> None:
    assert scale_of(np.zeros((longer, 5, 3), np.uint8), largest) == scale
