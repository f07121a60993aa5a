from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.evaluation.test_predictions import NAMES
from yolo_koin.evaluation import face_predictions, predictions
from yolo_koin.evaluation.face_predictions import BOX, NO_FACE
from yolo_koin.evaluation.predictions import PredictionsError

ROUND_TRIP = settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Photos with no face (a row with an error), one, or several, named by a classifier or by a detector."""
    names = draw(st.lists(NAMES, min_size=1, max_size=7, unique=True))
    images = draw(st.lists(NAMES, max_size=5, unique=True))
    parts = [face_predictions.error_rows("", [], [], [])]
    for image in images:
        label = draw(st.sampled_from([*names, "stranger of " + names[0], None]))
        n, softmax = draw(st.integers(0, 3)), draw(st.booleans())
        boxes = draw(hnp.arrays(np.float32, (n, 4), elements=st.floats(2**-10, 2**14, width=32)))
        scores = draw(hnp.arrays(np.float32, n, elements=st.floats(0, 1, width=32)))
        p = draw(hnp.arrays(np.float64, (n, len(names)), elements=st.floats(2**-10, 1)))
        p = p / p.sum(axis=1, keepdims=True) if softmax else p
        rows = face_predictions.face_rows("hard_cases/test", image, label, boxes, scores, p, names, probabilities_sum_to_one=softmax)
        parts.append(rows if n else face_predictions.error_rows("hard_cases/test", [image], [label], [draw(NAMES)]))
    return pd.concat(parts, ignore_index=True)


@given(frames())
@ROUND_TRIP
def test_a_written_frame_is_read_back_the_same_to_the_last_bit(tmp_path_factory: pytest.TempPathFactory, frame: pd.DataFrame) -> None:
    path = tmp_path_factory.mktemp("round") / "predictions.csv"
    face_predictions.write(path, frame)
    pd.testing.assert_frame_equal(face_predictions.read(path), frame, check_exact=True)


def two_faces(**arguments: Any) -> pd.DataFrame:
    given_: dict[str, Any] = {
        "split": "group_cases/test",
        "image": "1.jpg",
        "true_label": "0007",
        "boxes": np.array([[1.5, 2, 30, 40], [-3, 0, 10, 1 / 3]]),
        "face_scores": np.array([0.9, 0.8]),
        "probabilities": np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]]),
        "names": ["0007", "NA", "아이유"],
        "probabilities_sum_to_one": True,
    }
    return face_predictions.face_rows(**{**given_, **arguments})


def test_rows_by_hand() -> None:
    frame = two_faces()
    assert tuple(frame.columns) == (*predictions.COLUMNS, "x", "y", "width", "height", "face_score")
    assert frame[["split", "image", "true_label"]].drop_duplicates().to_numpy().tolist() == [["group_cases/test", "1.jpg", "0007"]]
    assert frame["pred_1"].tolist() == ["0007", "아이유"]
    assert frame["true_rank"].tolist() == [1, 3]  # of the person that the photo is of, for each face
    assert frame["sum_sq_score"].tolist() == [0.54, 0.54]
    assert frame[list(BOX)].to_numpy().tolist() == [[1.5, 2, 30, 40], [-3, 0, 10, 0.333333333]]
    assert frame["face_score"].tolist() == [0.9, 0.8]


def test_confidences_of_a_detector_need_not_sum_to_one() -> None:
    p = np.array([[0.9, 0.8, 0.001], [0.002, 0.001, 0.003]])
    frame = two_faces(probabilities=p, face_scores=p.max(axis=1), probabilities_sum_to_one=False)
    assert frame["sum_sq_score"].isna().all()
    assert frame[["pred_1", "score_1", "true_rank", "true_score"]].to_numpy().tolist() == [
        ["0007", 0.9, 1, 0.9],
        ["아이유", 0.003, 2, 0.002],
    ]
    face_predictions.validate(frame)
    with pytest.raises(ValueError, match="sum to one"):
        two_faces(probabilities=p)
    with pytest.raises(ValueError, match="from 0 to 1"):
        two_faces(probabilities=3 * p, probabilities_sum_to_one=False)


def test_rows_of_photos_one_by_one_and_of_all_at_once_are_the_same() -> None:
    rng = np.random.default_rng(0)
    p, boxes, scores = rng.dirichlet(np.ones(3), 6), rng.uniform(1, 9, (6, 4)), rng.random(6)
    photos = [two_faces(image=str(i), boxes=boxes[i : i + 2], face_scores=scores[i : i + 2], probabilities=p[i : i + 2]) for i in (0, 2, 4)]
    at_once = two_faces(image=list("002244"), true_label=["0007"] * 6, boxes=boxes, face_scores=scores, probabilities=p)
    pd.testing.assert_frame_equal(at_once, pd.concat(photos, ignore_index=True), check_exact=True)


def test_each_row_may_have_its_own_photo() -> None:
    frame = two_faces(split=["a/test", "b/test"], image=["1.jpg", "2.jpg"], true_label=["NA", None])
    assert frame[["split", "image", "true_label"]].to_numpy().tolist() == [["a/test", "1.jpg", "NA"], ["b/test", "2.jpg", ""]]
    assert frame["true_rank"].iloc[0] == 2
    assert np.isnan(frame["true_rank"].iloc[1])


def test_photos_without_a_face_keep_their_label() -> None:
    frame = pd.concat([two_faces(), face_predictions.error_rows("group_cases/test", ["2.jpg"], ["NA"], [NO_FACE])], ignore_index=True)
    last = face_predictions.validate(frame).iloc[-1]
    assert last[["true_label", "pred_1", "error"]].tolist() == ["NA", "", "no face found"]
    assert last[[*BOX, "face_score", "score_1"]].isna().all()


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"boxes": np.ones((2, 5))}, id="five numbers a box"),
        pytest.param({"boxes": np.ones((3, 4))}, id="a box too many"),
        pytest.param({"face_scores": np.ones((2, 1))}, id="scores as a column"),
        pytest.param({"probabilities": np.ones((1, 3)) / 3}, id="a row of scores too few"),
    ],
)
def test_shapes_that_do_not_agree(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"not n × 4 and n|not 2 rows"):
        two_faces(**arguments)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"width": 0.0}, "width in row 2 is 0.0, but a box has a size", id="no width"),
        pytest.param({"height": -1.0}, "height in row 2 is -1.0, but a box has a size", id="upside down"),
        pytest.param({"x": np.nan}, "x in row 2 is empty, but a box has four numbers", id="no box"),
        pytest.param({"y": np.inf}, "y in row 2 is inf", id="infinite"),
        pytest.param({"face_score": 1.1}, "face_score in row 2 is 1.1", id="score beyond 1"),
        pytest.param({"face_score": np.nan}, "face_score in row 2 is empty", id="no score"),
        pytest.param({"true_label": ["0007", "NA"], "true_rank": [1, 2]}, "true_label in row 3 is NA, but an earlier row", id="two labels"),
        pytest.param({"error": ["", "truncated"]}, "pred_1 in row 3", id="a face and an error"),
        pytest.param({"score_2": 0.8}, "score_2 in row 2 is 0.8, but it follows", id="what holds for photos holds for faces"),
        pytest.param({"sum_sq_score": 2.0}, "sum_sq_score in row 2", id="squares beyond 1"),
    ],
)
def test_a_malformed_face_is_named_by_column_and_row(changes: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(PredictionsError, match=says):
        face_predictions.write(tmp_path / "p.csv", two_faces().assign(**changes))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        pytest.param("x", 1.0, "x in row 4 is 1.0, but a photo with an error has no face", id="a box"),
        pytest.param("image", "1.jpg", "error in row 4 is truncated, but a photo with an error has no other row", id="faces as well"),
    ],
)
def test_a_photo_with_an_error_is_one_row_without_a_box(column: str, value: Any, says: str) -> None:
    frame = pd.concat([two_faces(), face_predictions.error_rows("group_cases/test", ["2.jpg"], ["0007"], ["truncated"])], ignore_index=True)
    face_predictions.validate(frame)
    frame.loc[2, column] = value
    with pytest.raises(PredictionsError, match=says):
        face_predictions.validate(frame)


def test_a_table_of_photos_is_no_table_of_faces(tmp_path: Path) -> None:
    predictions.write(tmp_path / "p.csv", predictions.rows("x", ["1"], ["a"], np.array([[1.0]]), ["a"]))
    with pytest.raises(PredictionsError, match="no column x, y, width, height, face_score"):
        face_predictions.read(tmp_path / "p.csv")
