"""Generic corruptions: the amounts that are named, the same at any size of the photo, and nothing left to chance."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tests.conftest import att
from yolo_koin.dataset.images import RGB
from yolo_koin.synthetic.corruptions import BLUR, CONTRAST, CORRUPTIONS, NOISE, RESOLUTION, SEEN_AT, corrupt


def photo(side: int = SEEN_AT) -> RGB:
    return np.asarray(att(3, 1).convert("RGB").resize((side, side)))


def of(kind: str, severity: int, pixels: RGB) -> RGB:
    return corrupt(pixels, kind, severity, np.random.default_rng(7))


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_each_step_changes_more_and_the_same_state_gives_the_same_bytes(kind: str) -> None:
    before = photo()
    results = [of(kind, severity, before) for severity in range(1, 6)]
    assert {(result.dtype, result.shape) for result in results} == {(before.dtype, before.shape)}
    changes = [np.abs(result.astype(int) - before).mean() for result in results]
    assert changes[0] > 0.5
    assert all(more > 0.7 * less for less, more in pairwise(changes))  # halves are cleaner than 0.6
    assert changes[4] > 1.3 * changes[0]
    assert np.array_equal(before, photo())
    assert np.array_equal(results[2], of(kind, 3, before))


@pytest.mark.parametrize("kind", sorted(set(CORRUPTIONS) - {"noise", "jpeg"}))  # those look at single pixels
def test_a_model_sees_the_same_of_a_larger_photo(kind: str) -> None:
    small, large = of(kind, 3, photo()), of(kind, 3, photo(3 * SEEN_AT))
    seen = cv2.resize(large, (SEEN_AT, SEEN_AT), interpolation=cv2.INTER_AREA)
    difference = np.abs(seen.astype(int) - small).mean()
    assert difference < 0.25 * np.abs(small.astype(int) - photo()).mean() + 2


@pytest.mark.parametrize("side", [SEEN_AT, 3 * SEEN_AT])
@pytest.mark.parametrize("severity", [1, 2])
def test_noise_has_the_spread_of_imagenet_c_as_it_is_seen(side: int, severity: int) -> None:
    grey = np.full((side, side, 3), 128, np.uint8)
    seen = cv2.resize(of("noise", severity, grey), (SEEN_AT, SEEN_AT), interpolation=cv2.INTER_AREA)
    assert seen.astype(float).std() == pytest.approx(255 * NOISE[severity - 1], rel=0.05)


@pytest.mark.parametrize("severity", [1, 5])
def test_blur_contrast_and_resolution_are_what_others_compute(severity: int) -> None:
    before = photo()
    blurred = np.stack([gaussian_filter(before[..., c].astype(float), BLUR[severity - 1], mode="mirror") for c in range(3)], axis=2)
    assert np.abs(of("blur", severity, before) - blurred).mean() < 1
    spread = of("contrast", severity, before).astype(float).std() / before.astype(float).std()
    assert spread == pytest.approx(CONTRAST[severity - 1], rel=0.06)
    rows = of("low-resolution", severity, before)
    distinct = 1 + int((rows[1:] != rows[:-1]).any(axis=(1, 2)).sum())
    assert distinct == pytest.approx(RESOLUTION[severity - 1] * SEEN_AT, abs=2)


def test_a_motion_blur_has_a_direction() -> None:
    """A point becomes a streak to one side that keeps its light."""
    dark = np.zeros((SEEN_AT, SEEN_AT, 3), np.uint8)
    dark[110:114, 110:114] = 255
    streak = of("motion-blur", 3, dark)[..., 0].astype(float)
    rows, columns = np.nonzero(streak > 2)
    assert streak.sum() == pytest.approx(16 * 255, rel=0.1)
    spread = np.linalg.eigvalsh(np.cov(rows, columns))
    assert spread[1] > 4 * spread[0]
