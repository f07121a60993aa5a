"""Shares of maps on faces: by counting pixels, and averages with their intervals."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolo_koin.evaluation.attention import COLUMNS, share_inside, summary


@given(st.integers(0, 2**31), st.tuples(*[st.integers(-10, 50)] * 2), st.tuples(*[st.integers(1, 60)] * 2))
def test_the_share_is_what_counting_pixels_gives(seed: int, corner: tuple[int, int], size: tuple[int, int]) -> None:
    """Of a map of 4 × 4 cells over a square of 40 × 40 pixels that begins left of and above the photo."""
    found = np.random.default_rng(seed).random((4, 4), dtype=np.float32)
    drawn = np.kron(found, np.ones((10, 10)))
    inside = np.zeros((200, 200))
    (x, y), (width, height) = corner, size
    inside[y + 60 : y + 60 + height, x + 60 : x + 60 + width] = 1  # the square begins at pixel 50 here, the photo at 60
    wanted = (inside[50:90, 50:90] * drawn).sum() / drawn.sum()
    assert share_inside(found, (-10, -10, 40), (x, y, width, height)) == pytest.approx(wanted, abs=1e-6)


def test_nothing_that_speaks_for_an_answer_has_no_share() -> None:
    assert math.isnan(share_inside(np.zeros((2, 2), np.float32), (0, 0, 4), (0, 0, 2, 2)))


def test_means_are_of_each_split_and_answer() -> None:
    rng = np.random.default_rng(0)
    shares = rng.uniform(0.4, 0.8, 60)
    rows = [("normal_cases/test", f"{i}.png", "right" if i < 40 else "wrong", shares[i], 0.5) for i in range(60)]
    rows += [("normal_cases/test", "none.png", "right", float("nan"), float("nan")), ("hard_cases/test", "0.png", "wrong", 0.3, 0.4)]
    right, wrong, single = summary(pd.DataFrame(rows, columns=list(COLUMNS))).to_dict("records")
    assert (right["n"], wrong["n"], single["n"]) == (40, 20, 1)
    assert right["in_face"] == pytest.approx(shares[:40].mean())
    assert right["above"] == pytest.approx(shares[:40].mean() - 0.5)
    half = 1.96 * shares[:40].std(ddof=1) / math.sqrt(40)
    assert (right["high"] - right["low"]) / 2 == pytest.approx(half, rel=0.1)
    assert (right["above_low"], right["above_high"]) == pytest.approx((right["low"] - 0.5, right["high"] - 0.5), abs=1e-9)
    assert math.isnan(single["low"]), "of one photo there is no interval"
