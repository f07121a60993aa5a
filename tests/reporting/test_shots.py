"""The chart of few-shot learning: its dots are the numbers of the table, and it is drawn only where there is something to compare."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from yolo_koin.reporting.shots import shots_curve

COLUMNS = ["model", "shots", "split", "value", "low", "high"]


def table(*rows: tuple[str, float, str, float]) -> pd.DataFrame:
    return pd.DataFrame([(*row, row[3] - 0.1, row[3] + 0.1) for row in rows], columns=COLUMNS)


def test_lines_join_the_means_and_seeds_stand_by_themselves() -> None:
    hard = [("a", 1.0, "hard_cases/test", 0.2), ("a", 5.0, "hard_cases/test", 0.3), ("b", 1.0, "hard_cases/test", 0.9)]
    normal = [("a", 1.0, "normal_cases/test", 0.4), ("a", 5.0, "normal_cases/test", 0.5), ("a", 5.0, "normal_cases/test", 0.7)]
    figure = shots_curve(table(*hard, *normal), "mine")
    assert figure is not None
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["normal", "hard"]
    assert figure.get_suptitle() == "mine"
    lines: list[list[Any]] = [[line.get_xydata() for line in axes.lines] for axes in figure.axes]
    normal_photos, hard_photos = ([line.tolist() for line in of_panel if len(line) > 1] for of_panel in lines)
    assert normal_photos == [[[1, 40], [5, pytest.approx(60)]], [[5, 50], [5, pytest.approx(70)]]], "the means, then the seeds"
    assert hard_photos == [[[1, 20], [5, 30]]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a"], "b has nothing to compare"


def test_nothing_to_compare_is_no_figure() -> None:
    assert shots_curve(table(("a", 5.0, "hard_cases/test", 0.2), ("b", 1.0, "hard_cases/test", 0.2))) is None
