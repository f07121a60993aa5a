"""Top-1 without the photos that training shows too, and what they gave."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.evaluation.conftest import Make
from yolo_koin.evaluation import scores
from yolo_koin.evaluation.leaks import gain, leak_notes

Row = dict[Any, Any]
NAMES = ("leaked", "top1_leak_free", "leak_gain")


def scored(frame: pd.DataFrame, leaked: set[str]) -> dict[tuple[str, str], Row]:
    """The rows of leaks by split and metric."""
    table = scores.score(frame, "r", 12, resamples=0, leaked=leaked)
    return {(row["split"], row["metric"]): row for row in table.to_dict("records") if row["metric"] in NAMES}


def test_top1_of_the_other_photos_is_what_scoring_them_alone_gives(make_split: Make) -> None:
    frame = pd.concat([make_split(), make_split("hard_cases/test", seed=1)])
    right = frame[(frame["split"] == "normal_cases/test") & (frame["true_rank"] == 1)]
    leaked = {*right["image"][:30], "normal_cases/test/unknown.jpg"}
    found = scored(frame, leaked)
    assert set(found) == {("normal_cases/test", name) for name in NAMES}, "nothing is added where nothing leaked"
    alone, whole = (
        scores.score(photos, "r", 12, resamples=0).query("split == 'normal_cases/test' and metric == 'top1'").to_dict("records")[0]
        for photos in (frame[~frame["image"].isin(leaked)], frame)
    )
    number, free, given = (found["normal_cases/test", name] for name in NAMES)
    assert {**free, "metric": "top1"} == alone
    assert given["value"] == pytest.approx(whole["value"] - alone["value"])
    assert 0 < given["low"] < given["value"] < given["high"]
    assert (number["value"], number["n"]) == (30, 200)


def test_the_other_metrics_stay_as_they_are(make_split: Make) -> None:
    frame = make_split()
    plain = scores.score(frame, "r", 12, resamples=50)
    table = scores.score(frame, "r", 12, resamples=50, leaked=set(frame["image"][:9]))
    pd.testing.assert_frame_equal(table[~table["metric"].isin(NAMES)].reset_index(drop=True), plain)
    pd.testing.assert_frame_equal(scores.score(frame, "r", 12, resamples=50, leaked={"x"}), plain)


def test_where_everything_leaked_nothing_is_left_to_tell(make_split: Make) -> None:
    frame = make_split(photos=20)
    leaked = set(frame["image"])
    assert [metric for _, metric in scored(frame, leaked)] == ["leaked"]
    (line,) = leak_notes(scores.score(frame, "r", 12, resamples=0, leaked=leaked))
    assert line == "normal_cases/test: all 20 photos have a near-duplicate in training, so top-1 tells nothing of new photos"


def test_of_training_photos_nothing_leaks(make_split: Make) -> None:
    frame = make_split("normal_cases/val")
    assert scored(frame, set(frame["image"])) == {}


def test_the_interval_holds_the_truth() -> None:
    """20 of 100 photos leaked, and are named 95 % rightly in place of 60 %: 7 points are theirs."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(500):
        _, (low, high) = gain(rng.random(80) < 0.6, rng.random(20) < 0.95)
        held += low <= 0.2 * 0.35 <= high
    assert 0.92 <= held / 500 <= 0.99


def test_notes_say_it_in_a_line(make_split: Make) -> None:
    frame = make_split()
    table = scores.score(frame, "r", 12, resamples=0, leaked=set(frame["image"][:50]))
    (line,) = leak_notes(table)
    free = frame["true_rank"][50:] == 1
    assert line.startswith("normal_cases/test: 50 of 200 photos have a near-duplicate in training; without them top-1 is ")
    assert f"{100 * free.mean():.1f} %" in line
    assert leak_notes(scores.score(frame, "r", 12, resamples=0)) == ()
