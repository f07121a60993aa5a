from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from yolo_koin.evaluation import metrics, predictions, scores, statistics
from yolo_koin.evaluation.predictions import PredictionsError
from yolo_koin.evaluation.scores import MetricsError

Make = Callable[..., pd.DataFrame]


@pytest.fixture
def frame(make_split: Make) -> pd.DataFrame:
    """Two test splits and a validation one, the later first."""
    hard = make_split("hard_cases/test", photos=90, errors=4, unknown=6, unlabelled=3, skill=1.0)
    return pd.concat([make_split("normal_cases/val", photos=40), hard, make_split("normal_cases/test", photos=120, skill=4.0)])


@pytest.fixture
def table(frame: pd.DataFrame) -> pd.DataFrame:
    return scores.score(frame, "0007", classes=12, resamples=200)


def one(table: pd.DataFrame, split: str, metric: str) -> pd.Series:
    chosen = table[(table["split"] == split) & (table["metric"] == metric)]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_splits_are_scored_by_themselves(frame: pd.DataFrame, table: pd.DataFrame) -> None:
    assert tuple(table.columns) == scores.COLUMNS
    assert (table["run"] == "0007").all()
    assert table["split"].drop_duplicates().tolist() == ["normal_cases/test", "hard_cases/test", "normal_cases/val"]
    for split in ("normal_cases/test", "hard_cases/test", "normal_cases/val"):
        alone = frame[frame["split"] == split]
        assert one(table, split, "top1")["value"] == metrics.top_k(alone, 1)
        assert one(table, split, "top3")["value"] == metrics.top_k(alone, 3)
        assert one(table, split, "top5")["value"] == metrics.top_k(alone, 5)
        for name in ("macro_recall", "macro_f1", "nll", "brier", "ece"):
            row = one(table, split, name)
            assert row["value"] == getattr(metrics, name)(alone)
            assert row["low"] < row["value"] < row["high"]


def test_numbers_of_photos(table: pd.DataFrame) -> None:
    counts = table[table["split"] == "hard_cases/test"].set_index("metric")[["value", "n"]]
    readable, known = 90 - 3, 90 - 3 - 6
    assert counts.loc[["top1", "macro_recall", "macro_f1", "errors"], "n"].tolist() == [readable + 4] * 4
    assert counts.loc["top1_gap", "n"] == readable + 4 - 6, "without the class that normal photos do not have"
    assert counts.loc["shared_classes", "value"] == 12
    assert counts.loc[["worst_class", "class_p10", "aurc"], "n"].tolist() == [readable + 4] * 3
    assert counts.loc["top1_at_80", "n"] == np.ceil(0.8 * (readable + 4))
    assert counts.loc[["brier", "ece"], "n"].tolist() == [readable] * 2
    assert counts.loc["nll", "n"] == known
    assert counts.loc["errors", "value"] == 4
    assert counts.loc["unknown_class", "value"] == 6


def test_top1_has_wilsons_interval(frame: pd.DataFrame, table: pd.DataFrame) -> None:
    right = metrics.hits(frame[frame["split"] == "hard_cases/test"])
    row = one(table, "hard_cases/test", "top1")
    assert (row["low"], row["high"]) == pytest.approx(tuple(map(float, statistics.wilson(right.sum(), len(right)))))


def test_the_gap_is_what_is_lost_over_the_classes_that_both_have(frame: pd.DataFrame, table: pd.DataFrame) -> None:
    normal = metrics.hits(frame[frame["split"] == "normal_cases/test"])
    hard = metrics.hits(frame[(frame["split"] == "hard_cases/test") & (frame["true_label"] != "stranger")])
    row = one(table, "hard_cases/test", "top1_gap")
    assert row["value"] == pytest.approx(normal.mean() - hard.mean())
    assert row["value"] > 0
    expected = statistics.newcombe(int(normal.sum()), len(normal), int(hard.sum()), len(hard))
    assert (row["low"], row["high"]) == pytest.approx(expected)
    assert table["metric"].eq("top1_gap").sum() == 1  # neither of normal to itself nor of validation


def test_variants_and_cases_of_others_have_a_gap_too(make_split: Make) -> None:
    splits = ["normal_cases/test", "normal_cases/test@mask-3", "stage/test"]
    table = scores.score(pd.concat([make_split(split) for split in splits]), "r", 12, resamples=0)
    assert table.loc[table["metric"] == "top1_gap", "split"].tolist() == splits[1:]


def test_without_a_shared_class_there_is_no_gap(make_split: Make) -> None:
    hard = make_split("hard_cases/test")
    hard["true_label"] = "x" + hard["true_label"]
    hard[["true_rank", "true_score"]] = np.nan
    table = scores.score(pd.concat([make_split(), hard]), "r", 12, resamples=0)
    assert "top1_gap" not in set(table["metric"])
    assert one(table, "hard_cases/test", "shared_classes")["value"] == 0


def test_without_normal_photos_there_is_no_gap(make_split: Make) -> None:
    assert "top1_gap" not in set(scores.score(make_split("hard_cases/test"), "r", 12, resamples=0)["metric"])


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        pytest.param(1, [], id="one class: nothing can be wrong"),
        pytest.param(3, ["top1"], id="3 of 3 is always right"),
        pytest.param(5, ["top1", "top3"], id="5 of 5 is always right"),
        pytest.param(6, ["top1", "top3", "top5"], id="all"),
    ],
)
def test_top_k_only_where_k_is_smaller_than_the_number_of_classes(make_split: Make, classes: int, expected: list[str]) -> None:
    names = scores.score(make_split(classes=classes), "r", classes, resamples=0)["metric"]
    assert [name for name in names if name in {"top1", "top3", "top5"}] == expected


def test_a_seed_gives_the_same_numbers(frame: pd.DataFrame, table: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(scores.score(frame, "0007", 12, resamples=200), table)
    other = scores.score(frame, "0007", 12, resamples=200, seed=1)
    different = table.loc[(other["low"] != table["low"]) & table["low"].notna(), "metric"]
    assert set(different) <= {"macro_recall", "macro_f1", "ece", "aurc"}  # the others are exact
    assert "macro_f1" in set(different)


def test_the_file_gives_the_same_numbers_as_the_frame(frame: pd.DataFrame, table: pd.DataFrame, tmp_path: Path) -> None:
    predictions.write(tmp_path / "p.csv", frame)
    again = scores.score(predictions.read(tmp_path / "p.csv"), "0007", 12, resamples=200)
    pd.testing.assert_frame_equal(again, table, check_exact=True)


def test_what_cannot_be_scored(make_split: Make) -> None:
    with pytest.raises(PredictionsError, match="no photo with a known label"):
        scores.score(make_split(photos=3, unlabelled=3), "r", 12)
    with pytest.raises(PredictionsError, match="no column error"):
        scores.score(make_split().drop(columns="error"), "r", 12)
    with pytest.raises(ValueError, match="beyond the 4 classes"):
        scores.score(make_split(), "r", 4)


def test_all_unreadable_gives_a_table() -> None:
    frame = predictions.error_rows("normal_cases/test", ["1", "2"], ["a", "b"], ["empty file"] * 2)
    table = scores.score(frame, "r", 12, resamples=50)
    assert one(table, "normal_cases/test", "top1")["value"] == 0
    assert one(table, "normal_cases/test", "errors")["value"] == 2
    assert np.isnan(one(table, "normal_cases/test", "nll")["value"])
    assert one(table, "normal_cases/test", "nll")["n"] == 0


# ------------------------------------------------------------------------------------------------------------------ files
def test_metrics_are_read_as_written(table: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    scores.write(path, table)
    assert path.read_text(encoding="utf-8").startswith("run,split,metric,value,low,high,n\n0007,normal_cases/test,top1,0.")
    pd.testing.assert_frame_equal(scores.read(path), table, rtol=1e-5)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param("run,split,metric\n", "no column value", id="columns missing"),
        pytest.param("", "not a table", id="empty"),
        pytest.param("run,split,metric,value,low,high,n\n", "no metrics in it", id="no rows"),
        pytest.param("run,split,metric,value,low,high,n\nr,s,top1,good,,,3\n", "not a table", id="a word for a number"),
        pytest.param("run,split,metric,value,low,high,n\nr,s,top1,1,,,\n", "not a table", id="no n"),
        pytest.param(None, "cannot read", id="no file"),
    ],
)
def test_a_file_that_is_no_table_of_metrics(tmp_path: Path, content: str | None, says: str) -> None:
    path = tmp_path / "metrics.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(MetricsError, match=says):
        scores.read(path)


# ------------------------------------------------------------------------------------------------------------- for people
@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(("top1", 0.975, 0.9134, 0.9931), "97.5 % [91.3, 99.3]", id="percent"),
        pytest.param(("macro_f1", 1.0, np.nan, np.nan), "100.0 %", id="no interval"),
        pytest.param(("top1_gap", 0.125, -0.0312, 0.219), "12.5 pp [-3.1, 21.9]", id="percentage points"),
        pytest.param(("top1_gap", -0.0001, np.nan, np.nan), "0.0 pp", id="no minus zero"),
        pytest.param(("ece", 0.11349, 0.094, 0.132), "0.113 [0.094, 0.132]", id="plain"),
        pytest.param(("errors", 4.0, np.nan, np.nan), "4", id="a count"),
        pytest.param(("nll", np.nan, np.nan, np.nan), "", id="no value"),
        pytest.param(("map50_95", 0.3497, 0.3114, 0.3613), "35.0 % [31.1, 36.1]", id="of faces"),
        pytest.param(("unboxed", 3.0, np.nan, np.nan), "3", id="a count of faces"),
    ],
)
def test_text(row: tuple[str, float, float, float], expected: str) -> None:
    assert scores.text(*row) == expected


def test_summary_is_one_row_per_run_and_split(table: pd.DataFrame) -> None:
    both = pd.concat([table, table[table["split"] != "normal_cases/val"].assign(run="a")])
    summary = scores.summary(both)
    assert summary.columns.tolist() == ["run", "split", "n", *(metric for metric in scores.METRICS if metric in set(table["metric"]))]
    assert summary[["run", "split", "n"]].to_numpy().tolist() == [  # as they come, not by name
        ["0007", "normal_cases/test", 120],
        ["0007", "hard_cases/test", 91],
        ["0007", "normal_cases/val", 40],
        ["a", "normal_cases/test", 120],
        ["a", "hard_cases/test", 91],
    ]
    row = one(table, "hard_cases/test", "top1")
    assert summary.loc[1, "top1"] == scores.text("top1", row["value"], row["low"], row["high"])
    assert summary["top1_gap"].ne("").tolist() == [False, True, False, False, True]
    assert summary["errors"].tolist() == ["0", "4", "0", "0", "4"]


def test_summary_of_nothing_is_empty(table: pd.DataFrame) -> None:
    assert scores.summary(table.head(0)).empty
