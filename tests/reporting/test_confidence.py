from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection

from yolo_koin.reporting import confidence
from yolo_koin.reporting.style import WIDTH

from .charts import overlapping

SPLITS = [f"{case}_cases/test" for case in ("normal", "hard", "group")]


def curve(risk: float) -> pd.DataFrame:
    coverage = np.arange(1, 41) / 40
    return pd.DataFrame({"coverage": coverage, "risk": risk * coverage})


def bins(shift: float) -> pd.DataFrame:
    at = np.arange(1, 16) / 16
    right = (at + shift).clip(0, 1)
    return pd.DataFrame({"n": 3, "confidence": at, "accuracy": right, "accuracy_low": right - 0.1, "accuracy_high": right + 0.1})


@pytest.mark.parametrize(
    "runs", [["YOLOv8n-cls, 김"], [f"run {i} of a model with a rather long name" for i in range(9)]], ids=["one", "many"]
)
@pytest.mark.parametrize("splits", [SPLITS[:1], [*SPLITS, "normal_cases/test@mask-3"]], ids=["one split", "a row more"])
def test_each_split_has_a_panel_with_a_curve_of_each_run(runs: list[str], splits: list[str]) -> None:
    tables = {(run, split): curve(0.1 + i / 10) for i, run in enumerate(runs) for split in splits}
    figure = confidence.risk_coverage(tables, {"hard_cases/test"})
    assert figure is not None
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert len(panels) == len(splits)
    for axes in panels:
        for i, line in enumerate(axes.lines):
            assert np.allclose(line.get_xydata(), 100 * curve(0.1 + i / 10).to_numpy())
        assert len({(line.get_color(), line.get_linestyle()) for line in axes.lines}) == len(runs)
    titles = ["normal", "normal (mask-3)", "hard (synthetic)", "group"] if len(splits) > 1 else ["normal"]
    assert [axes.get_title(loc="left") for axes in panels] == titles
    assert len(figure.legends) == (len(runs) > 1)
    assert figure.get_figwidth() <= WIDTH
    assert not overlapping(figure)


def test_reliability_draws_bins_with_their_intervals() -> None:
    table = bins(0.1)
    figure = confidence.reliability(dict.fromkeys(SPLITS, table), "김 alone")
    assert figure is not None
    assert figure.get_suptitle() == "김 alone"
    for axes in figure.axes:
        (whiskers,) = [one for one in axes.collections if isinstance(one, LineCollection)]
        ends = np.array([np.asarray(segment)[:, 1] for segment in whiskers.get_segments()])
        assert np.allclose(ends, 100 * table[["accuracy_low", "accuracy_high"]].to_numpy())
        dots = next(one for one in axes.collections if not isinstance(one, LineCollection))
        assert np.allclose(dots.get_offsets(), 100 * table[["confidence", "accuracy"]].to_numpy())
        assert np.allclose(axes.lines[0].get_xydata(), [[0, 0], [100, 100]])
    assert not overlapping(figure)


def test_without_a_confidence_there_is_no_figure() -> None:
    assert confidence.risk_coverage({}) is None
    assert confidence.reliability({}, "a") is None
