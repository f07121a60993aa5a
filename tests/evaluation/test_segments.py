"""Weak segments: thirds by hand, the tests by their formulas, and nothing shown where there is nothing."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from yolo_koin.evaluation import predictions
from yolo_koin.evaluation.segments import COLUMNS, COUNTED, FACES, THIRDS, segments, weak

NAMES = ["a", "b", "c"]
SPLIT = "normal_cases/test"


def frame_of(right: list[bool], split: str = SPLIT) -> pd.DataFrame:
    """Photos of ``a``; a wrong one is taken for ``b``."""
    scores = np.array([[0.8, 0.1, 0.1] if one else [0.1, 0.8, 0.1] for one in right], dtype=np.float32)
    images = [f"{split}/a/{i}.png" for i in range(len(right))]
    return predictions.rows([split] * len(right), images, ["a"] * len(right), scores, NAMES)


def properties_of(frame: pd.DataFrame, **columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"split": frame["split"], "image": frame["image"], **columns})


def test_thirds_are_told_by_their_formulas() -> None:
    right = [True] * 12 + [True, False] * 6 + [False] * 9 + [True] * 3
    frame = frame_of(right)
    table = segments(frame, properties_of(frame, brightness=[float(i) for i in range(36)]))
    assert tuple(table.columns) == COLUMNS
    assert table["segment"].tolist() == list(THIRDS)
    assert table["right"].tolist() == [12, 6, 3]
    assert table[["least", "most"]].to_numpy().tolist() == [[0, 11], [12, 23], [24, 35]]
    z = NormalDist().inv_cdf(0.975)
    for row, (hit, others) in zip(table.to_dict("records"), [(12, 9), (6, 15), (3, 18)], strict=True):
        share, n = hit / 12, 12
        centre, half = (
            (share + z * z / (2 * n)) / (1 + z * z / n),
            z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)),
        )
        assert (row["low"], row["high"]) == pytest.approx((centre - half, centre + half))
        assert row["rest"] == pytest.approx(others / 24)
        ways = np.array([math.comb(12, k) * math.comb(24, 21 - k) for k in range(13)]) / math.comb(36, 21)  # of margins as they are
        assert row["p"] == pytest.approx(ways[ways <= ways[hit] * (1 + 1e-7)].sum())
    order = sorted(table["p"])
    assert sorted(table["p_holm"]) == pytest.approx(np.maximum.accumulate([min(1, (3 - i) * p) for i, p in enumerate(order)]))
    assert weak(table)["segment"].tolist() == ["highest third"], "the best third is no weak one"


def test_what_does_not_divide_a_split_is_no_row() -> None:
    frame = frame_of([True, False] * 6)
    table = segments(frame, properties_of(frame, megapixels=[1.0] * 12, brightness=[float("nan")] * 12))
    assert table.empty
    assert weak(table).empty


def test_faces_are_counted_and_equal_values_stay_together() -> None:
    frame = frame_of([True] * 8 + [False] * 4)
    table = segments(
        frame, properties_of(frame, **{FACES: [0.0] * 3 + [1.0] * 5 + [2.0, 3.0, 4.0, 7.0], "sharpness": [1.0] * 10 + [2.0] * 2})
    )
    counted, tied = (table[table["property"] == name] for name in (FACES, "sharpness"))
    assert counted[["segment", "right", "n"]].to_numpy().tolist() == [["none", 3, 3], ["one", 5, 5], ["several", 0, 4]]
    assert COUNTED == ("none", "one", "several")
    assert tied["n"].tolist() == [10, 2]


def test_each_split_is_by_itself_and_all_are_corrected_together() -> None:
    frames = [frame_of([True] * 30), frame_of([False] * 10 + [True] * 20, "hard_cases/test")]
    frame = pd.concat(frames, ignore_index=True)
    table = segments(frame, properties_of(frame, brightness=[float(i % 30) for i in range(60)]))
    assert table["split"].tolist() == [SPLIT] * 3 + ["hard_cases/test"] * 3
    found = weak(table)
    assert found[["split", "segment"]].to_numpy().tolist() == [["hard_cases/test", "lowest third"]]
    assert found["p_holm"].iloc[0] == pytest.approx(6 * stats.fisher_exact(np.array([[0, 10], [20, 0]])).pvalue)


def test_of_answers_that_have_nothing_to_do_with_it_one_in_twenty_tables_at_most_shows_something() -> None:
    rng, shown = np.random.default_rng(0), 0
    for _ in range(60):
        frame = frame_of(list(rng.random(60) < 0.6))
        shown += len(weak(segments(frame, properties_of(frame, brightness=list(rng.random(60)), sharpness=list(rng.random(60)))))) > 0
    assert shown <= stats.binom.ppf(0.999, 60, 0.05)
