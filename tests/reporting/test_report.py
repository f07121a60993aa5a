from __future__ import annotations

import pandas as pd
import pytest

from yolo_koin.reporting.report import markdown_table


def test_a_table() -> None:
    frame = pd.DataFrame({"run": ["n", "YOLOv8n"], "top-1": [0.9712345678, None], "n": [80, 3]}, index=[7, 8])
    assert markdown_table(frame) == (
        "| run     |    top-1 |   n |\n| ------- | -------: | --: |\n| n       | 0.971235 |  80 |\n| YOLOv8n |          |   3 |\n"
    )


@pytest.mark.parametrize(
    ("value", "cell"),
    [("a|b", r"a\|b"), ("a\\|b", r"a\\\|b"), ("a\nb", "a b"), ("0007", "0007"), (pd.NA, ""), (None, ""), (True, "True")],
    ids=["pipe", "backslash before a pipe", "line break", "a label that looks like a number", "missing", "None", "truth"],
)
def test_cells(value: object, cell: str) -> None:
    last = markdown_table(pd.DataFrame({"x": pd.Series([value], dtype=object)})).splitlines()[-1]
    assert last[2:-2].strip() == cell


def test_no_rows() -> None:
    assert markdown_table(pd.DataFrame(columns=["a", "b"])).count("\n") == 2


def test_two_columns_of_one_name() -> None:
    frame = pd.DataFrame([[1, 2]], columns=["x", "x"])
    assert "|   1 |   2 |" in markdown_table(frame)
