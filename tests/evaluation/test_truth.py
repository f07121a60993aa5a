from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from yolo_koin.evaluation import truth
from yolo_koin.evaluation.truth import TruthError


def boxes() -> pd.DataFrame:
    rows = [
        ("group_cases/test", "1.jpg", "0007", 1.0, 2.0, 30.0, 40.0, "drawn"),
        ("group_cases/test", "1.jpg", "", 50.0, 2.0, 30.0, 100 / 3, "drawn"),
        ("group_cases/test", "2.jpg", "NA", 1.0, 2.0, 30.0, 40.0, "drawn"),
        ("group_cases/test", "2.jpg", "NA", 90.0, 2.0, 30.0, 40.0, "centerface"),
        ("normal_cases/test", "2.jpg", "아이유", 1.0, 2.0, 30.0, 40.0, "drawn"),
    ]
    return pd.DataFrame(rows, columns=list(truth.COLUMNS))


def test_a_written_frame_is_read_back_the_same(tmp_path: Path) -> None:
    truth.write(tmp_path / "truth.csv", boxes())
    pd.testing.assert_frame_equal(truth.read(tmp_path / "truth.csv"), truth.validate(boxes()), check_exact=True)
    assert truth.validate(boxes())["height"][1] == 33.3333333  # as in the file


def test_other_columns_are_dropped() -> None:
    assert tuple(truth.validate(boxes().assign(sha256="x")).columns) == truth.COLUMNS


def test_drawn_are_photos_of_which_a_person_drew_all_boxes() -> None:
    known = truth.drawn(boxes())
    assert known[["split", "image"]].to_numpy().tolist() == [["group_cases/test", "1.jpg"]] * 2 + [["normal_cases/test", "2.jpg"]]
    assert truth.drawn(boxes().head(0)).empty


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        pytest.param("width", 0.0, "width in row 3 is 0.0, but a box has a size", id="no width"),
        pytest.param("x", np.nan, "x in row 3 is empty, but a box has four numbers", id="no number"),
        pytest.param("image", "", "image in row 3 is empty", id="no photo"),
        pytest.param("provenance", "", "provenance in row 3 is empty", id="from nowhere"),
    ],
)
def test_a_malformed_box_is_named_by_column_and_row(column: str, value: Any, says: str, tmp_path: Path) -> None:
    frame = boxes()
    frame.loc[1, column] = value
    with pytest.raises(TruthError, match=says):
        truth.write(tmp_path / "truth.csv", frame)


def test_a_file_that_is_no_table_of_boxes(tmp_path: Path) -> None:
    with pytest.raises(TruthError, match="cannot read the true boxes"):
        truth.read(tmp_path / "none.csv")
    (tmp_path / "truth.csv").write_bytes(b"\xff\xd8")
    with pytest.raises(TruthError, match="not a table of true boxes"):
        truth.read(tmp_path / "truth.csv")
