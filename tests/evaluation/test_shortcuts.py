"""Properties that tell people apart are called a shortcut, and noise is not."""

from __future__ import annotations

import numpy as np
import pytest

from yolo_koin.evaluation.shortcuts import shortcut

PEOPLE = [f"s{i:02}" for i in range(20)]


def drawn(strength: float, seed: int, each: int = 6) -> tuple[np.ndarray, list[str]]:
    """Properties of photos: each person's own brightness, as far as ``strength`` goes, one that is noise, and one of no spread."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(len(PEOPLE) * each, 3)) * (1, 1, 0)
    own = strength * np.random.default_rng(99).normal(size=len(PEOPLE))
    return noise + np.repeat(own, each)[:, None] * (1, 0, 0), [person for person in PEOPLE for _ in range(each)]


def test_brightness_that_tells_people_is_a_shortcut() -> None:
    found = shortcut(*drawn(3, 0), *drawn(3, 1))
    assert found.is_one
    assert found.chance == pytest.approx(1 / 20)
    assert found.low < found.value < found.high
    assert found.n == 120
    said = "size, brightness, sharpness and colour alone name"
    assert found.words.startswith(
        f"{said} {100 * found.value:.1f} % [{100 * found.low:.1f}, {100 * found.high:.1f}] of 120 photos; chance is 5.0 %"
    )
    assert shortcut(*drawn(0, 0), *drawn(0, 1)).words.endswith("of 120 photos, not shown to be more than chance, 5.0 %")


def test_chance_is_called_so() -> None:
    called = [shortcut(*drawn(0, 2 * seed), *drawn(0, 2 * seed + 1)).is_one for seed in range(200)]
    assert np.mean(called) < 0.06


def test_the_discriminant_is_the_nearest_mean_where_spreads_are_alike() -> None:
    learnt, labels = np.array([[0.0, 1], [0, -1], [10, 1], [10, -1]]), ["a", "a", "b", "b"]
    assert shortcut(learnt, labels, np.array([[1.0, 50], [9, -50], [4.9, 0], [5.1, 0]]), ["a", "b", "a", "b"]).value == 1
