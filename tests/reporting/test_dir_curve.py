from __future__ import annotations

import pandas as pd
import pytest

from yolo_koin.reporting.dir_curve import Curves, dir_curves

LINE = pd.DataFrame({"fpir": [0.02, 0.1, 1.0], "tpir": [0.2, 0.5, 0.9], "low": [0.1, 0.4, 0.8], "high": [0.3, 0.6, 1.0]})


@pytest.mark.parametrize("runs", [1, 2, 6])
def test_a_panel_a_split_from_the_smallest_claim_on(runs: int) -> None:
    splits = ("normal_cases/test", "hard_cases/test")
    lines = {(f"run {i}", split): LINE for i in range(runs) for split in splits}
    marks = {("run 0", splits[0]): (0.1, 0.5), ("run 0", splits[1]): (0.0, 0.1)}
    figure = dir_curves(Curves(lines, marks, frozenset({"hard_cases/test"})))
    normal, hard = figure.axes
    assert [axes.get_title(loc="left") for axes in (normal, hard)] == ["normal", "hard (synthetic)"]
    assert (normal.get_xscale(), normal.get_xlim()) == ("log", (2, 100))
    assert normal.lines[0].get_xydata().tolist() == [[2, 20], [10, 50], [100, 90]]  # type: ignore[union-attr]
    assert len(normal.collections) == (runs if runs < 5 else 0), "bands of many runs hide each other"
    assert normal.lines[1].get_xydata().tolist() == [[10, 50]]  # type: ignore[union-attr]
    assert (hard.lines[1].get_marker(), hard.lines[1].get_xydata().tolist()) == ("<", [[2, 10]]), "left of the line"  # type: ignore[union-attr]
    assert len(figure.legends) == (runs > 1)
