from __future__ import annotations

import pandas as pd

from yolo_koin.reporting.scatter import hard_against_normal


def table(*settings: tuple[str, str, float, float]) -> pd.DataFrame:
    rows = []
    for model, trained_on, *values in settings:
        about = {"model": model, "method": "probe", "trained_on": trained_on, "shots": float("nan"), "names": ""}
        for split, value in zip(("normal_cases/test", "hard_cases/test"), values, strict=True):
            rows.append({**about, "split": split, "synthetic": False, "top1": value, "low": value - 0.1, "high": value + 0.05})
    return pd.DataFrame(rows)


def test_a_point_for_each_setting_where_its_two_values_meet() -> None:
    figure = hard_against_normal(table(("a", "normal", 0.9, 0.5), ("a", "both", 0.8, 0.7), ("b", "normal", 0.6, 0.3)), "KoIn")
    assert figure is not None
    (axes,) = figure.axes
    points = {(round(line.get_xdata()[0]), round(line.get_ydata()[0])): line.get_markerfacecolor() for line, *_ in axes.containers}
    assert set(points) == {(90, 50), (80, 70), (60, 30)}
    assert points[80, 70] == "white", "it learnt from hard photos"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a probe", "b probe", "hollow: learnt from hard photos"]


def test_two_points_are_no_chart() -> None:
    assert hard_against_normal(table(("a", "normal", 0.9, 0.5), ("b", "normal", 0.6, 0.3))) is None
