"""What a report says of runs beside each other. A model is called better only where a test says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from yolo_koin.evaluation import predictions, scores
from yolo_koin.reporting.document import Block, Figure, Heading, Table, Text, markdown
from yolo_koin.verbs import comparisons
from yolo_koin.verbs.comparisons import SHOWN, Paired, confidence, details, first_seeds
from yolo_koin.verbs.scored import Scored
from yolo_koin.verbs.seeds import means

SPLITS = ("normal_cases/test", "hard_cases/test")
PHOTOS = 40


def run(name: str, right: float = 0.5, seed: int = 0, settings: str = "", scored: bool = True, photos: int = PHOTOS) -> Scored:
    """A run that is right on so many of the first photos of each split."""
    parts = []
    for split in SPLITS:
        p = np.array([[0.8, 0.2] if i < right * photos else [0.3, 0.7] for i in range(photos)])
        parts.append(predictions.rows(split, [f"{split}/{i}" for i in range(photos)], ["a"] * photos, p, ["a", "b"]))
    frame = pd.concat(parts, ignore_index=True)
    if not scored:
        frame = frame.assign(sum_sq_score=np.nan)
        frame[["score_1", "score_2", "true_score"]] = np.nan
    metrics = scores.score(frame, name, classes=2, resamples=0)
    return Scored(name, f"model {settings or name}", seed, settings, name, frame, metrics, None, None, frozenset({"hard_cases/test"}), 0.5)


def compared(runs: list[Scored]) -> list[Block]:
    return comparisons.compared(runs, means(runs), Paired.between(runs))


def page(runs: list[Scored]) -> str:
    return markdown(compared(runs), Path())


def test_a_model_is_called_better_only_where_the_test_says_so() -> None:
    (tests,) = [block for block in compared([run("good", 0.9), run("fair", 0.5), run("same", 0.5)]) if isinstance(block, Table)]
    pairs = tests.frame[["A", "B", "better"]].to_numpy().tolist()
    assert pairs == 2 * [["good", "fair", "good"], ["good", "same", "good"], ["fair", "same", "neither shown"]]
    assert "all 6 tests" in tests.caption


def test_of_very_many_pairs_the_surest_are_shown() -> None:
    runs = [run(f"m{i}", 0.1 + i / 20) for i in range(9)]
    tests, robustness = (block for block in compared(runs) if isinstance(block, Table))
    assert len(tests.frame) == SHOWN
    assert "all 72 tests" in tests.caption
    assert ("m0", "m8") in set(zip(tests.frame["A"], tests.frame["B"], strict=True))
    assert robustness.frame["model"].tolist() == [one.name for one in runs]
    assert "all 9 models" in robustness.caption


def test_one_seed_stands_for_a_model_that_was_trained_with_several() -> None:
    """Also where another model has no run of that very seed: it would be compared with nothing."""
    runs = [run("b1", seed=1, settings="b"), run("a2", seed=2, settings="a"), run("a0", seed=0, settings="a"), run("unknown")]
    assert [one.name for one in first_seeds(runs)] == ["b1", "a0", "unknown"]
    assert "| b1 " in page(runs)
    assert "| a2 " not in page(runs)


def test_runs_on_other_photos_are_not_compared_which_is_said() -> None:
    blocks = compared([run("a"), run("b", photos=39)])
    assert [type(block) for block in blocks] == [Heading, Text, Text]
    assert "normal_cases/test: no test between the runs, since they were not scored on the same labelled photos" in page(
        [run("a"), run("b", photos=39)]
    )


def test_one_run_is_compared_with_nothing() -> None:
    assert compared([run("a")]) == []


def test_details_are_of_what_each_run_tells(tmp_path: Path) -> None:
    runs = [run("full"), run("poor", scored=False)]
    table = details(runs).frame
    assert table["split"].tolist() == ["normal_cases/test", "hard_cases/test (synthetic)"] * 2
    assert (table.loc[table["model"] == "full"] != "").all(axis=None)
    assert (table.loc[table["model"] == "poor", ["ECE", "AURC", "top-1 at 80 % coverage"]] == "").all(axis=None)


def test_charts_are_of_the_runs_that_tell_their_confidence(tmp_path: Path, screen_only: None) -> None:
    full, poor = run("full"), run("poor", scored=False)
    for shown, expected in ((full, ["risk_coverage.png", "reliability.png"]), (poor, ["risk_coverage.png"])):
        assert [block.path.name for block in confidence([full, poor], shown, tmp_path) if isinstance(block, Figure)] == expected
    assert confidence([poor], poor, tmp_path) == []


@pytest.mark.parametrize("unlabelled", ["normal_cases/test", ""])
def test_photos_that_nobody_labelled_are_on_no_chart(tmp_path: Path, screen_only: None, unlabelled: str) -> None:
    one = run("full")
    more = predictions.rows(unlabelled, ["x.jpg"], [None], np.array([[0.8, 0.2]]), ["a", "b"])
    both = replace(one, predictions=pd.concat([one.predictions, more], ignore_index=True))
    assert len(confidence([both], both, tmp_path)) == 2
