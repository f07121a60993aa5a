from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.evaluation.conftest import make_faces
from yolo_koin.evaluation import detection, face_predictions, face_scores, matching, metrics, scores, statistics, truth
from yolo_koin.evaluation.face_scores import score_faces
from yolo_koin.evaluation.predictions import PredictionsError
from yolo_koin.evaluation.truth import TruthError
from yolo_koin.specs import Way

HARD, GROUP = "hard_cases/test", "group_cases/test"
EVERY = [*scores.OF_FACES, "errors", "unboxed"]


@pytest.fixture
def both() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two splits, the later first: groups whose boxes are drawn, hard photos whose boxes a detector found."""
    group, of_group = make_faces(GROUP, photos=30, faces=3, found=6, strangers=0.2, errors=2)
    hard, of_hard = make_faces(HARD, photos=50, errors=3, seed=1)
    return pd.concat([group, hard]), pd.concat([of_group, of_hard.assign(provenance="centerface")])


@pytest.fixture
def table(both: tuple[pd.DataFrame, pd.DataFrame]) -> pd.DataFrame:
    return score_faces(*both, "0007", way="faces", resamples=200)


def one(table: pd.DataFrame, split: str, metric: str) -> pd.Series:
    chosen = table[(table["split"] == split) & (table["metric"] == metric)]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_splits_are_scored_by_themselves_in_the_order_of_the_dataset(both: tuple[pd.DataFrame, pd.DataFrame], table: pd.DataFrame) -> None:
    assert tuple(table.columns) == scores.COLUMNS
    assert (table["run"] == "0007").all()
    assert table.loc[table["split"] == GROUP, "metric"].tolist() == EVERY
    assert table.loc[table["split"] == HARD, "metric"].tolist() == [m for m in EVERY if not m.startswith("names")]  # none is drawn
    assert table["split"].drop_duplicates().tolist() == [HARD, GROUP]
    frame, boxes = (part[part["split"] == HARD].reset_index(drop=True) for part in both)
    alone = score_faces(frame, boxes, "0007", way="faces", resamples=200)
    pd.testing.assert_frame_equal(alone, table[table["split"] == HARD].reset_index(drop=True))


def test_every_metric_is_what_its_function_says(both: tuple[pd.DataFrame, pd.DataFrame], table: pd.DataFrame) -> None:
    frame, boxes = (part[part["split"] == GROUP].reset_index(drop=True) for part in both)
    boxes = truth.validate(boxes)
    rows, faces = frame[frame["error"] == ""], matching.found_faces(frame, 0)
    precision, recall = matching.names(faces, boxes)
    persons = detection.of_persons(rows, boxes, times_face_score=True)
    expected = {
        "person_top1": matching.person_hits(frame, faces).mean(),
        "person_top3": matching.person_hits(frame, faces, 3).mean(),
        "names_precision": precision.value,
        "names_recall": recall.value,
        "face_ap50": detection.of_faces(rows, boxes).at(0.5).value,
        "map50": persons.at(0.5).value,
        "map50_95": persons.value,
        "top1_found": matching.top1_found(faces, boxes).value,
        "faces_found": matching.faces_found(faces, boxes).value,
        "errors": 2,
        "unboxed": 0,
    }
    assert table[table["split"] == GROUP].set_index("metric")["value"].to_dict() == pytest.approx(expected)
    shares = table[table["metric"].isin(scores.OF_FACES)]
    assert (shares["low"] < shares["value"]).all()
    assert (shares["value"] < shares["high"]).all()


@pytest.mark.parametrize(("way", "split"), [("faces", GROUP), ("detector", HARD)])
def test_photos_of_one_row_each_have_the_same_top1(way: Way, split: str) -> None:
    """A detector also reports faces that it hardly believes in: a photo of nothing else has no face."""
    frame, boxes = make_faces(split, photos=40, faces=2, found=4, errors=2, way=way)
    frame.loc[frame["image"] == frame["image"].iloc[0], "face_score"] = 0.2 if way == "detector" else 0.9
    photos = face_scores.one_per_photo(frame, way)
    assert photos["image"].tolist() == frame["image"].drop_duplicates().tolist()
    right = metrics.top_k(photos)
    assert right == one(score_faces(frame, boxes, "a", way=way, resamples=0), split, "person_top1")["value"]
    assert 0 < right < 1
    lost = photos[photos["error"] == face_predictions.NO_FACE]
    assert (photos["image"].iloc[0] in set(lost["image"])) == (way == "detector")
    assert (lost["pred_1"] == "").all()


def test_persons_have_wilsons_interval_and_photos_without_a_face_are_wrong(table: pd.DataFrame) -> None:
    row = one(table, HARD, "person_top1")
    assert row["n"] == 53
    assert (row["low"], row["high"]) == pytest.approx(tuple(map(float, statistics.wilson(row["value"] * 53, 53))))
    assert row["value"] <= 50 / 53


def test_numbers_of_photos(table: pd.DataFrame) -> None:
    n = table[table["split"] == GROUP].set_index("metric")["n"]
    assert n[["person_top1", "person_top3", "face_ap50", "map50", "map50_95", "faces_found", "errors", "unboxed"]].tolist() == [32] * 8
    assert n["names_precision"] == 30  # photos that have a face


@pytest.mark.parametrize(("way", "times"), [("faces", True), ("detector", False)])
def test_the_way_says_how_sure_a_name_is(way: Way, times: bool) -> None:
    frame, boxes = make_faces(photos=30, found=20, way=way)
    table = score_faces(frame, boxes, "r", way=way, resamples=0)
    rows, least = truth.validate(boxes), {"faces": 0.0, "detector": 0.25}[way]
    persons = detection.of_persons(frame, rows, times_face_score=times)
    assert one(table, GROUP, "map50")["value"] == persons.at(0.5).value
    assert one(table, GROUP, "faces_found")["value"] == matching.faces_found(matching.found_faces(frame, least), rows).value
    hits = matching.person_hits(frame, matching.found_faces(frame, least))
    assert one(table, GROUP, "person_top1")["value"] == hits.mean()


def test_faces_that_a_detector_is_not_sure_of_count_for_average_precision_only() -> None:
    frame, boxes = make_faces(found=1, way="detector")
    unsure = frame.assign(face_score=0.2)
    sure, doubt = (score_faces(rows, boxes, "r", way="detector", resamples=0) for rows in (frame.assign(face_score=0.25), unsure))
    assert one(doubt, GROUP, "face_ap50")["value"] == one(sure, GROUP, "face_ap50")["value"] > 0
    assert one(doubt, GROUP, "faces_found")["value"] == one(doubt, GROUP, "person_top3")["value"] == 0
    assert "top1_found" not in set(doubt["metric"])


# ------------------------------------------------------------------------------------------------- what cannot be scored
def test_without_truth_only_photos_are_scored() -> None:
    frame, boxes = make_faces(errors=2)
    table = score_faces(frame, boxes.head(0), "r", way="faces")
    assert table["metric"].tolist() == ["person_top1", "person_top3", "errors", "unboxed"]
    assert one(table, GROUP, "unboxed")[["value", "n"]].tolist() == [42, 42]


def test_without_labels_in_the_truth_only_faces_are_scored() -> None:
    frame, boxes = make_faces(photos=30)
    table = score_faces(frame, boxes.assign(label=""), "r", way="faces", resamples=0)
    expected = ["person_top1", "person_top3", "names_precision", "face_ap50", "faces_found", "errors", "unboxed"]
    assert table["metric"].tolist() == expected
    assert one(table, GROUP, "names_precision")["value"] == 0  # whoever is named is nobody who is known


def test_photos_without_a_true_box_are_counted_and_known_better_by_who_left_them_out() -> None:
    frame, boxes = make_faces(photos=30)
    boxes = boxes[boxes["image"].isin(boxes["image"].unique()[:18])]
    table = score_faces(frame, boxes, "r", way="faces", resamples=0)
    assert one(table, GROUP, "unboxed")["value"] == 12
    assert one(table, GROUP, "face_ap50")["n"] == 18
    assert one(table, GROUP, "person_top1")["n"] == 30
    told = score_faces(frame, boxes, "r", way="faces", unboxed={GROUP: 15, HARD: 4}, resamples=0)
    assert one(told, GROUP, "unboxed")["value"] == 15


@pytest.mark.parametrize(("classes", "expected"), [(3, ["person_top1"]), (4, ["person_top1", "person_top3"])])
def test_three_names_only_where_there_are_more(classes: int, expected: list[str]) -> None:
    names = score_faces(*make_faces(classes=classes), "r", way="faces", resamples=0)["metric"]
    assert [name for name in names if name.startswith("person")] == expected


def test_all_without_a_face_gives_a_table() -> None:
    frame, boxes = make_faces(photos=0, errors=4)
    table = score_faces(frame, boxes, "r", way="faces", resamples=50)
    assert table.set_index("metric")["value"].to_dict() == {
        **dict.fromkeys(["person_top1", "person_top3", "names_recall", "face_ap50", "map50", "map50_95", "faces_found"], 0),
        "errors": 4,
        "unboxed": 0,
    }


def test_splits_without_a_labelled_photo_are_passed_over() -> None:
    frame, boxes = make_faces()
    nameless = make_faces(HARD)[0].assign(true_label="", true_rank=np.nan, true_score=np.nan)
    assert set(score_faces(pd.concat([frame, nameless]), boxes, "r", way="faces", resamples=0)["split"]) == {GROUP}
    with pytest.raises(PredictionsError, match="no photo with a known label"):
        score_faces(nameless, boxes, "r", way="faces")


def test_malformed_tables_are_refused() -> None:
    frame, boxes = make_faces()
    with pytest.raises(PredictionsError, match="no column face_score"):
        score_faces(frame.drop(columns="face_score"), boxes, "r", way="faces")
    with pytest.raises(TruthError, match="width in row 2"):
        score_faces(frame, boxes.assign(width=0), "r", way="faces")


# ------------------------------------------------------------------------------------------------------------------ files
def test_the_files_give_the_same_numbers_as_the_frames(
    both: tuple[pd.DataFrame, pd.DataFrame], table: pd.DataFrame, tmp_path: Path
) -> None:
    face_predictions.write(tmp_path / "predictions.csv", both[0])
    truth.write(tmp_path / "truth.csv", both[1])
    frame, boxes = face_predictions.read(tmp_path / "predictions.csv"), truth.read(tmp_path / "truth.csv")
    again = score_faces(frame, boxes, "0007", way="faces", resamples=200)
    pd.testing.assert_frame_equal(again, table, check_exact=True)


def test_metrics_of_faces_are_read_as_written_and_summed_up(table: pd.DataFrame, tmp_path: Path) -> None:
    scores.write(tmp_path / "metrics.csv", table)
    read = scores.read(tmp_path / "metrics.csv")
    pd.testing.assert_frame_equal(read, table, rtol=1e-5)
    summary = scores.summary(read)
    assert summary.columns.tolist() == ["run", "split", "n", *EVERY]
    assert summary["n"].tolist() == [53, 32]
    assert summary["map50"].str.contains("%").all()
    assert summary["unboxed"].tolist() == ["0", "0"]


def test_a_seed_gives_the_same_numbers(both: tuple[pd.DataFrame, pd.DataFrame], table: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(score_faces(*both, "0007", way="faces", resamples=200), table)
    other = score_faces(*both, "0007", way="faces", resamples=200, seed=1)
    different = set(table.loc[(other["low"] != table["low"]) & table["low"].notna(), "metric"])
    assert different
    assert different <= set(scores.OF_FACES) - {"person_top1", "person_top3"}


def test_what_is_scored_is_documented() -> None:
    assert all(metric in str(face_scores.__doc__) for metric in EVERY)
