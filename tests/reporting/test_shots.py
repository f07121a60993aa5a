"""The chart of few-shot learning: its dots are the numbers of the table, and it is drawn only where there is something to compare."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from yolo_koin.reporting.shots import shots_curve

COLUMNS = ["model", "trained_on", "shots", "split", "synthetic", "value", "low", "high"]


def table(*rows: tuple[str, str, float, str, float]) -> pd.DataFrame:
    return pd.DataFrame([(*row[:4], "hard" in row[3], row[4], row[4] - 0.1, row[4] + 0.2) for row in rows], columns=COLUMNS)


def test_a_line_and_its_intervals_for_each_model_and_a_row_of_panels_for_each_training_set() -> None:
    hard = [("a", "normal", 1.0, "hard_cases/test", 0.2), ("a", "normal", 5.0, "hard_cases/test", 0.3)]
    alone = ("b", "normal", 1.0, "hard_cases/test", 0.9)
    normal = [("a", "normal", 1.0, "normal_cases/test", 0.4), ("a", "normal", 5.0, "normal_cases/test", 0.5)]
    both = [("a", "both", 1.0, "hard_cases/test", 0.6), ("a", "both", 9.9, "hard_cases/test", 0.7)]
    figure = shots_curve(table(*hard, alone, *normal, *both), "mine")
    assert figure is not None
    assert figure.get_suptitle() == "mine"
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["normal", "hard (synthetic)", "", ""]
    assert [axes.get_ylabel() for axes in figure.axes] == ["top-1, trained on normal", "", "top-1, trained on both", ""]
    drawn: list[list[Any]] = [list(axes.containers) for axes in figure.axes]
    lines = [[one.lines[0].get_xydata().tolist() for one in of_panel] for of_panel in drawn]
    assert lines == [[[[1, 40], [5, 50]]], [[[1, 20], [5, 30]]], [], [[[1, 60], [9.9, 70]]]]
    ends = [segment.tolist() for segment in drawn[1][0].lines[2][0].get_segments()]
    assert ends == [[[1, pytest.approx(10)], [1, pytest.approx(40)]], [[5, pytest.approx(20)], [5, pytest.approx(50)]]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a"], "b has nothing to compare"


def test_models_that_learnt_from_one_set_each_leave_room_for_the_panels() -> None:
    """A line without points once took all of it."""
    one = [("a", "normal", shots, "hard_cases/test", 0.5) for shots in (1.0, 5.0)]
    other = [("b", "both", shots, "hard_cases/test", 0.5) for shots in (1.0, 9.9)]
    figure = shots_curve(table(*one, *other), "mine")
    assert figure is not None
    assert all(axes.get_position().height > 0.2 for axes in figure.axes)


def test_nothing_to_compare_is_no_figure() -> None:
    assert shots_curve(table(("a", "normal", 5.0, "hard_cases/test", 0.2), ("b", "normal", 1.0, "hard_cases/test", 0.2))) is None
