from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from yolo_koin.errors import RunError
from yolo_koin.evaluation import predictions
from yolo_koin.evaluation.predictions import COLUMNS, PREDICTED, SCORES, PredictionsError

# Names that a folder can have: Hangul, commas, quotes, line ends, and what looks like a number or a missing value.
HARD_NAMES = [
    "0007",
    "NA",
    "nan",
    "null",
    "None",
    "1e5",
    "-0",
    "True",
    "아이유",
    "a,b",
    'say "hi"',
    "two\nlines",
    "c\rr",
    " x ",
    "#",
]
NAMES = st.sampled_from(HARD_NAMES) | st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    names = draw(st.lists(NAMES, min_size=1, max_size=8, unique=True))
    images = draw(st.lists(NAMES, max_size=6, unique=True))
    weights = draw(hnp.arrays(np.float32, (len(images), len(names)), elements=st.integers(1, 40).map(float)))
    labels = draw(st.lists(st.sampled_from([*names, "stranger of " + names[0], None, ""]), min_size=len(images), max_size=len(images)))
    seen = predictions.rows("hard_cases/test", images, labels, weights / weights.sum(axis=1, keepdims=True), names)
    lost = predictions.error_rows("", images, labels, draw(st.lists(NAMES, min_size=len(images), max_size=len(images))))
    return pd.concat([seen, lost], ignore_index=True)


@given(frames())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_a_written_frame_is_read_back_the_same_to_the_last_bit(tmp_path_factory: pytest.TempPathFactory, frame: pd.DataFrame) -> None:
    path = tmp_path_factory.mktemp("round") / "predictions.csv"
    predictions.write(path, frame)
    pd.testing.assert_frame_equal(predictions.read(path), frame, check_exact=True)


@given(frames())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_rank_and_labels_tell_the_same(frame: pd.DataFrame) -> None:
    for k, column in enumerate(PREDICTED, 1):
        same = (frame[column] == frame["true_label"]) & (frame["true_label"] != "")
        assert (same == (frame["true_rank"] == k)).all()
    pd.testing.assert_frame_equal(predictions.validate(frame), frame)


def test_rows_by_hand() -> None:
    p = np.array([[0.1, 0.2, 0.3, 0.15, 0.05, 0.2], [0.25, 0.25, 0.25, 0.25, 0, 0], [1, 0, 0, 0, 0, 0]])
    frame = predictions.rows(["a/test", "b/test", "b/test"], ["1", "2", "3"], ["f", "d", "z"], p, list("abcdef"))
    assert tuple(frame.columns) == COLUMNS
    assert frame["split"].tolist() == ["a/test", "b/test", "b/test"]
    assert frame[list(PREDICTED)].to_numpy().tolist() == [list("cbfda"), list("abcde"), list("abcde")]  # ties: by class index
    assert frame[list(SCORES)].iloc[0].tolist() == [0.3, 0.2, 0.2, 0.15, 0.1]
    assert frame["true_rank"].tolist()[:2] == [3, 4]
    assert frame["true_score"].tolist()[:2] == [0.2, 0.25]
    assert frame.loc[2, ["true_rank", "true_score"]].isna().all()  # z is no class of the model
    assert frame["sum_sq_score"].tolist() == [0.205, 0.25, 1.0]
    assert (frame["error"] == "").all()


def test_a_model_of_few_classes_leaves_columns_empty() -> None:
    frame = predictions.rows("x", ["1"], ["b"], np.array([[0.75, 0.25]]), ["a", "b"])
    assert frame[["pred_2", "score_2"]].iloc[0].tolist() == ["b", 0.25]
    assert (frame[["pred_3", "pred_4", "pred_5"]] == "").all(axis=None)
    assert frame[["score_3", "score_4", "score_5"]].isna().all(axis=None)
    predictions.validate(frame)


def test_true_rank_counts_all_classes_not_only_five() -> None:
    p = np.arange(1, 101, dtype=np.float64)[None, :] / 5050
    assert predictions.rows("x", ["1"], ["0"], p, [str(i) for i in range(100)])["true_rank"].item() == 100


def test_no_photos_give_an_empty_table_that_can_be_written(tmp_path: Path) -> None:
    frame = predictions.rows("x", [], [], np.empty((0, 2)), ["a", "b"])
    predictions.write(tmp_path / "p.csv", frame)
    assert predictions.read(tmp_path / "p.csv").empty
    with pytest.raises(PredictionsError, match="no photo with a known label"):
        predictions.labelled(frame)


def test_error_rows_are_one_line_and_never_without_a_reason() -> None:
    frame = predictions.error_rows("x", ["1", "2"], ["a", None], ["cannot\nread", ""])
    assert frame["error"].tolist() == ["cannot read", "unreadable"]
    assert frame["true_label"].tolist() == ["a", ""]
    predictions.validate(frame)


@pytest.mark.parametrize(
    ("p", "names", "error", "says"),
    [
        pytest.param([[np.nan, 1.0]], ["a", "b"], PredictionsError, "not numbers", id="training diverged"),
        pytest.param([[2.0, -1.0]], ["a", "b"], ValueError, "not probabilities", id="logits"),
        pytest.param([[0.9, 0.9]], ["a", "b"], ValueError, "not probabilities", id="sigmoids"),
        pytest.param([[0.5, 0.5]], ["a", "b", "c"], ValueError, "3 classes", id="names of another model"),
        pytest.param([[0.5, 0.5]], ["a", "a"], ValueError, "not distinct", id="one name for two classes"),
        pytest.param([[0.5, 0.5]], ["a", ""], ValueError, "empty", id="an empty name means unknown"),
    ],
)
def test_what_a_model_cannot_have_said(p: list[list[float]], names: list[str], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        predictions.rows("x", ["1"], ["a"], np.array(p), names)


# ------------------------------------------------------------------------------------------------------- malformed files
def good() -> pd.DataFrame:
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.5, 0.3, 0.2]])
    seen = predictions.rows("normal_cases/test", ["1.jpg", "2.jpg", "3.jpg"], ["a", "b", None], p, list("abc"))
    return pd.concat([seen, predictions.error_rows("normal_cases/test", ["4.jpg"], ["c"], ["empty file"])], ignore_index=True)


def write_cells(path: Path, frame: pd.DataFrame, **changes: Any) -> None:
    """The frame as CSV with some cells of its third photo (row 4) changed, whatever they are."""
    texts = frame.astype(object).where(frame.notna(), "")
    for column, value in changes.items():
        texts.loc[2, column] = value
    texts[list(COLUMNS)].to_csv(path, index=False)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"score_1": "1.2"}, "score_1 in row 4 is 1.2, but a probability", id="above 1"),
        pytest.param({"score_3": "-0.1"}, "score_3 in row 4", id="below 0"),
        pytest.param({"score_1": "high"}, "score_1 in row 4 is 'high', but has to be a number", id="a word"),
        pytest.param({"score_1": "nan"}, "score_1 in row 4 is 'nan'", id="a NaN that someone wrote"),
        pytest.param({"score_1": "inf"}, "score_1 in row 4 is 'inf'", id="infinite"),
        pytest.param({"score_2": "0.6"}, "score_2 in row 4 is 0.6, but it follows score_1", id="not in order"),
        pytest.param({"sum_sq_score": "3"}, "sum_sq_score in row 4", id="squares beyond 1"),
        pytest.param({"true_rank": "0"}, "true_rank in row 4 is 0.0, but ranks", id="rank 0"),
        pytest.param({"true_rank": "1.5"}, "true_rank in row 4 is 1.5, but ranks", id="half a rank"),
        pytest.param({"true_rank": "9", "true_score": "0.1"}, "no true_label", id="rank of nobody"),
        pytest.param({"true_label": "b", "true_rank": "1", "true_score": "0.3"}, "pred_1 and true_label", id="rank 1 but wrong"),
        pytest.param({"true_label": "a"}, "pred_1 and true_label", id="right but no rank"),
        pytest.param({"true_label": "a", "true_rank": "1"}, "true_score in row 4 is empty", id="rank without a score"),
        pytest.param({"image": "1.jpg"}, "image in row 4 is 1.jpg, but a split has each photo once", id="twice"),
        pytest.param({"image": ""}, "image in row 4 is empty", id="no photo"),
        pytest.param({"pred_1": ""}, "pred_1 in row 4 is empty", id="no prediction and no error"),
        pytest.param({"pred_2": ""}, "score_2 in row 4 is 0.3, but it goes with pred_2", id="score of nothing"),
        pytest.param({"error": "truncated"}, "pred_1 in row 4 is a, but a photo with an error", id="prediction and error"),
        pytest.param({"sum_sq_score": ""}, "sum_sq_score in row 4 is empty", id="no sum of squares"),
    ],
)
def test_a_malformed_cell_is_named_by_column_and_row(tmp_path: Path, changes: dict[str, str], says: str) -> None:
    path = tmp_path / "predictions.csv"
    write_cells(path, good())
    predictions.read(path)  # without the change all is well
    write_cells(path, good(), **changes)
    with pytest.raises(PredictionsError, match=says) as raised:
        predictions.read(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"", "no column split, image", id="empty file"),
        pytest.param(b"split,image\n", "no column true_label", id="columns missing"),
        pytest.param(b"\xff\xd8\xff\xe0\x00", "not a table of predictions", id="a JPEG"),
        pytest.param(",".join(COLUMNS).encode() + b'\n"open', "not a table of predictions", id="a quote that never closes"),
        pytest.param(",".join(COLUMNS).encode() + b"\na,b\n", "row 2 has 2 cells, not 19", id="cut short"),
        pytest.param(",".join((*COLUMNS, "split")).encode() + b"\n", "twice", id="two columns of one name"),
    ],
)
def test_a_file_that_is_no_table(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "predictions.csv"
    path.write_bytes(content)
    with pytest.raises(PredictionsError, match=says):
        predictions.read(path)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(PredictionsError, match="cannot read the predictions"):
            predictions.read(path)


def test_a_file_that_a_spreadsheet_saved_is_read(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    predictions.write(path, good())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))  # mark and line ends of Excel
    pd.testing.assert_frame_equal(predictions.read(path), good())


def test_the_file_is_plain(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    predictions.write(path, good())
    head, first, *_, last = path.read_text(encoding="utf-8").splitlines()
    assert head == "split,image,true_label,pred_1,score_1,pred_2,score_2,pred_3,score_3,pred_4,score_4,pred_5,score_5," + (
        "true_rank,true_score,sum_sq_score,max_logit,logit_norm,error"
    )
    assert first == "normal_cases/test,1.jpg,a,a,0.7,b,0.2,c,0.1,,,,,1,0.7,0.54,,,"
    assert last == "normal_cases/test,4.jpg,c,,,,,,,,,,,,,,,,empty file"


def test_a_malformed_frame_is_not_written_over_a_good_file(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    predictions.write(path, good())
    before = path.read_bytes()
    with pytest.raises(PredictionsError, match="score_1 in row 2 is 2"):
        predictions.write(path, good().assign(score_1=2.0))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot write"):
        predictions.write(tmp_path / "file" / "predictions.csv", good())


def test_a_file_name_that_is_no_utf8_is_written(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    predictions.write(path, predictions.error_rows("", ["caf\udce9.jpg"], [None], ["truncated"]))
    with path.open(encoding="utf-8", newline="") as stream:
        assert next(csv.DictReader(stream))["image"] == "caf\\udce9.jpg"


def test_labelled_keeps_errors_and_drops_unlabelled() -> None:
    assert predictions.labelled(good())["image"].tolist() == ["1.jpg", "2.jpg", "4.jpg"]


# ----------------------------------------------------------------------------------------------------------------- logits
def test_largest_logit_and_norm_are_kept(tmp_path: Path) -> None:
    logits = np.array([[3.0, 4.0], [-1.0, 0.5]])
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    frame = predictions.rows("normal_cases/test", ["1", "2"], ["a", "b"], p, ["a", "b"], logits=logits)
    assert frame["max_logit"].tolist() == [4.0, 0.5]
    assert frame["logit_norm"].tolist() == pytest.approx([5.0, 1.25**0.5])
    predictions.write(tmp_path / "p.csv", frame)
    pd.testing.assert_frame_equal(predictions.read(tmp_path / "p.csv"), frame)


def test_an_older_file_without_logits_is_read(tmp_path: Path) -> None:
    predictions.write(tmp_path / "p.csv", good())
    older = pd.read_csv(tmp_path / "p.csv", dtype=str, keep_default_na=False).drop(columns=["max_logit", "logit_norm"])
    older.to_csv(tmp_path / "older.csv", index=False)
    pd.testing.assert_frame_equal(predictions.read(tmp_path / "older.csv"), good())


def test_a_norm_that_cannot_be(tmp_path: Path) -> None:
    frame = good().assign(max_logit=3.0, logit_norm=2.0)
    with pytest.raises(PredictionsError, match="logit_norm in row 2"):
        predictions.validate(frame)
