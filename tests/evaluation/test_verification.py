"""1:1 verification against plain loops over pairs, and over people that are really drawn again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from yolo_koin.evaluation import verification
from yolo_koin.evaluation.predictions import PredictionsError


def pairs_of(people: int, photos: int, folds: int = 2, seed: int = 0) -> pd.DataFrame:
    rng, rows = np.random.default_rng(seed), []
    for fold in range(1, folds + 1):
        labels = [f"{fold}{i}" for i in range(people) for _ in range(photos)]
        for i, one in enumerate(labels):
            for j, other in enumerate(labels):
                cosine = np.tanh(rng.normal(1.2 * (one == other) + fold, 0.5))  # another scale in each fold
                rows.append((float(fold), f"n/{i}", f"h/{j}", one, other, cosine))
    return pd.DataFrame(rows, columns=list(verification.COLUMNS))


def by_loop(pairs: pd.DataFrame, far: float) -> float:
    accepted = every = 0
    for _, rows in pairs.groupby("fold"):
        same = rows["bare_label"] == rows["covered_label"]
        others = sorted(rows["cosine"][~same], reverse=True)
        accepted += int((rows["cosine"][same] > others[int(far * len(others))]).sum())
        every += int(same.sum())
    return accepted / every


def test_rates_are_those_of_a_loop() -> None:
    pairs = pairs_of(people=10, photos=6)
    found = verification.verified(pairs, "mine", resamples=99).set_index("metric")
    assert len(found) == 3
    assert found.loc["claim", "value"] == 3 / 6480
    for far, metric in ((0.01, "tar_at_1"), (0.001, "tar_at_0.1")):
        row = found.loc[metric]
        assert row["value"] == pytest.approx(by_loop(pairs, far))
        assert row["low"] <= row["value"] <= row["high"]
        assert (row["n"], row["split"], row["score"]) == (720, "hard_cases/test", "cosine")


def test_a_resample_takes_the_pairs_of_the_people_that_it_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """One drawn resample, with the pairs of each two people as often as both were drawn."""
    pairs, times = pairs_of(people=6, photos=4), np.array([[2, 0, 1, 1, 1, 1, 1, 3, 0, 0, 1, 1]]).T.astype(float)
    monkeypatch.setattr(verification, "draws", lambda rng, people, resamples, cells: iter([times]))
    row = verification.verified(pairs, "mine", resamples=1).set_index("metric").loc["tar_at_1"]
    drawn = dict(zip(sorted(set(pairs["bare_label"])), times[:, 0].astype(int), strict=True))
    often = [drawn[a] * (1 if a == b else drawn[b]) for a, b in zip(pairs["bare_label"], pairs["covered_label"], strict=True)]
    again = pairs.loc[pairs.index.repeat(often)]
    assert row["low"] == row["high"] == pytest.approx(by_loop(again, 0.01))


def test_few_pairs_show_no_small_far_and_one_stranger_none() -> None:
    assert set(verification.verified(pairs_of(4, 4), "mine", 0)["metric"]) == {"claim", "tar_at_1"}
    assert set(verification.verified(pairs_of(2, 2), "mine", 0)["metric"]) == {"claim"}
    assert verification.verified(pairs_of(1, 3), "mine", 0).empty
    assert verification.verified(pairs_of(1, 3).head(0), "mine", 0).empty


def test_files(tmp_path: Path) -> None:
    pairs = pairs_of(2, 2).round(9)
    verification.write(tmp_path / "pairs.csv", pairs)
    pd.testing.assert_frame_equal(verification.read(tmp_path / "pairs.csv"), pairs)
    for wrong in (pairs.assign(cosine=2.0), pd.concat([pairs, pairs.head(1)])):
        with pytest.raises(PredictionsError):
            verification.write(tmp_path / "pairs.csv", wrong)
