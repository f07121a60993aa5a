from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from tests.evaluation.resampling import times_drawn
from yolo_koin.evaluation import metrics, predictions, selective
from yolo_koin.evaluation.statistics import bootstrap

Make = Callable[..., pd.DataFrame]


def said(answers: str, scores: list[float]) -> pd.DataFrame:
    """One photo per letter: r is right, w is wrong, e is unreadable and has no score."""
    images, n = [f"{i}.jpg" for i in range(len(answers))], len(answers)
    rows = predictions.top1_rows([""] * n, images, ["a"] * n, ["b" if letter == "w" else "a" for letter in answers], np.array(scores))
    lost = predictions.error_rows("", images, ["a"] * n, ["truncated"] * n)
    return rows.where(pd.Series([letter != "e" for letter in answers]), lost)


def test_by_hand() -> None:
    frame = said("wrer", [0.5, 0.9, 0.0, 0.7])
    curve = selective.risk_coverage(frame)
    assert curve["coverage"].tolist() == [0.25, 0.5, 0.75, 1]
    assert curve["risk"].tolist() == pytest.approx([0, 0, 1 / 3, 1 / 2])  # r, r, w, and the unreadable one last
    assert selective.aurc(frame) == pytest.approx((1 / 3 + 1 / 2) / 4)
    assert selective.right_at(frame, 0.5) == (2, 2)
    assert selective.right_at(frame, 0.8) == (2, 4), "as many as reach the coverage"
    assert curve["risk"].iloc[-1] == 1 - metrics.top_k(frame)


def test_photos_of_one_confidence_are_averaged_over_all_their_orders() -> None:
    frame = said("rwrrwwr", [0.9, 0.8, 0.8, 0.8, 0.5, 0.4, 0.4])
    risks = []
    for order in itertools.permutations(range(7)):
        scores = frame["score_1"].to_numpy()[list(order)]
        if (np.diff(scores) <= 0).all():
            wrong = (frame["true_rank"] != 1).to_numpy()[list(order)]
            risks.append(wrong.cumsum() / np.arange(1, 8))
    assert len(risks) == 12
    assert selective.risk_coverage(frame)["risk"].tolist() == pytest.approx(np.mean(risks, axis=0))
    assert selective.aurc(frame) == pytest.approx(np.mean(risks))


@pytest.mark.parametrize("digits", [9, 1], ids=["each photo has a confidence of its own", "photos share one"])
def test_the_fast_area_of_a_resample_is_that_of_the_resampled_table(make_split: Make, digits: int) -> None:
    frame = make_split(photos=40, errors=3, unknown=2)
    frame["score_1"] = frame["score_1"].round(digits)
    numbers = np.random.default_rng(0).integers(0, len(frame), (20, len(frame)))
    found = selective.aurc_of(frame)(times_drawn(numbers, len(frame)))
    assert found == pytest.approx([selective.risk_coverage(frame.iloc[row])["risk"].mean() for row in numbers])


def test_confidence_that_tells_something_is_better_than_none(make_split: Make) -> None:
    frame = make_split(photos=400, skill=1.0)
    risk = 1 - metrics.top_k(frame)
    low, high = bootstrap(selective.aurc_of(frame), 400, 199)
    assert low < selective.aurc(frame) < high < risk
    right, kept = selective.right_at(frame)
    assert kept == 320
    assert right / kept > 1 - risk
    assert selective.aurc(frame.assign(score_1=0.5)) == pytest.approx(risk)
