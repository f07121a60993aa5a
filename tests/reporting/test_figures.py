from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from yolo_koin.reporting.figures import MOST_ROWS, confused_pairs, per_class, performance, training_curves
from yolo_koin.reporting.style import WIDTH, save

COLUMNS = ["run", "split", "metric", "value", "low", "high", "n"]
CASES = ("normal", "hard", "group")


def metrics(runs: Iterable[str], cases: Iterable[str] = CASES, gaps: bool = True) -> pd.DataFrame:
    """Invented numbers, each row another, so that a swapped one shows."""
    rows: list[tuple[object, ...]] = []
    for (i, run), (j, case) in product(enumerate(runs), enumerate(cases)):
        value = 0.9 - 0.1 * j - 0.01 * i
        rows.append((run, f"{case}_cases/test", "top1", value, value - 0.05, value + 0.03, 80))
        rows.append((run, f"{case}_cases/test", "nll", 3.0, 2.0, 4.0, 80))
        if gaps and j:
            gap = 0.1 * j - 0.013 * i
            rows.append((run, f"{case}_cases/test", "top1_gap", gap, gap - 0.06, gap + 0.04, 80))
    rows.append(("left out", "normal_cases/val", "top1", 0.1, 0.0, 0.2, 24))
    return pd.DataFrame(rows, columns=COLUMNS)


def intervals(axes: Axes) -> list[tuple[float, float, float]]:
    """``(low, value, high)`` of every dot with a whisker, as drawn."""
    found = []
    for container in axes.containers:
        assert isinstance(container, ErrorbarContainer)
        line, _, (bars,) = container.lines
        for value, ((low, _), (high, _)) in zip(np.asarray(line.get_xdata()), bars.get_segments(), strict=True):
            found.append((float(low), float(value), float(high)))
    return sorted(found)


def expected(frame: pd.DataFrame, value: str = "value") -> list[tuple[float, float, float]]:
    percent = frame[["low", value, "high"]] * 100
    return sorted((low, middle, high) for low, middle, high in percent.itertuples(index=False))


def ticks(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


@pytest.mark.parametrize("count", [1, 3, 15], ids=["one run", "three", "five sizes by three training sets"])
def test_performance_draws_the_numbers_of_the_frame(count: int) -> None:
    runs = [f"run-{i}" for i in range(count)]
    frame = metrics(runs)
    figure = performance(frame, {"run-0": "YOLOv8n-cls, 김"})
    left, right = figure.axes
    test = frame[frame["split"].str.endswith("/test")]
    assert np.allclose(intervals(left), expected(test[test["metric"] == "top1"]))
    assert np.allclose(intervals(right), expected(test[test["metric"] == "top1_gap"]))
    assert ticks(left) == ["YOLOv8n-cls, 김", *runs[1:]]
    assert figure.get_figwidth() <= WIDTH
    assert figure.get_figheight() <= 9  # a page


def test_performance_sets_each_dot_in_the_row_of_its_run() -> None:
    frame = metrics(["a", "b"])
    left = performance(frame).axes[0]
    for container, case in zip(left.containers, CASES, strict=True):
        assert isinstance(container, ErrorbarContainer)
        line = container.lines[0]
        rows = frame[(frame["metric"] == "top1") & (frame["split"] == f"{case}_cases/test")]
        assert [round(y) for y in np.asarray(line.get_ydata())] == [0, 1]
        assert np.allclose(np.asarray(line.get_xdata()), 100 * rows["value"])


def test_the_cases_have_shapes_of_their_own() -> None:
    left = performance(metrics(["a"])).axes[0]
    markers = [container.lines[0].get_marker() for container in left.containers if isinstance(container, ErrorbarContainer)]
    assert len(set(markers)) == len(CASES) == len(markers)


@pytest.mark.parametrize(
    ("cases", "gaps", "panels"),
    [(("normal", "hard"), True, 2), (("normal",), False, 1), (("hard",), False, 1)],
    ids=["no group photos", "normal photos only", "hard photos only"],
)
def test_performance_draws_what_there_is(cases: tuple[str, ...], gaps: bool, panels: int) -> None:
    figure = performance(metrics(["a"], cases, gaps))
    assert len(figure.axes) == panels
    assert len(intervals(figure.axes[0])) == len(cases)


def test_performance_takes_a_gain_and_values_at_the_ends() -> None:
    rows = [
        ("a", "normal_cases/test", "top1", 0.0, 0.0, 0.05, 80),
        ("a", "hard_cases/test", "top1", 1.0, 0.95, 1.0 - 1e-9, 80),  # the upper end rounded to below the value
        ("a", "hard_cases/test", "top1_gap", -1.0, -1.0, -0.9, 80),
    ]
    left, right = performance(pd.DataFrame(rows, columns=COLUMNS)).axes
    assert left.get_xlim()[0] < 0
    assert left.get_xlim()[1] > 100
    assert texts(right) == ["−100.0"]


def test_performance_without_a_test_split_says_so() -> None:
    figure = performance(metrics([]))
    assert [text.get_text() for text in figure.texts] == ["No test split was scored."]


PAIRS = pd.DataFrame(
    [("박도윤", "최지우", 1, 2), ("김민준", "이서연", 3, 4), ("$x_1$", "a_b", 2, 5)], columns=["true", "predicted", "count", "n"]
)


def test_confused_pairs_stand_by_count() -> None:
    axes = confused_pairs(PAIRS).axes[0]
    assert [bar.get_width() for bar in axes.patches] == [3, 2, 1]  # type: ignore[attr-defined]
    assert texts(axes) == ["3 of 4", "2 of 5", "1 of 2"]
    assert ticks(axes) == ["김민준  →  이서연", "$x_1$  →  a_b", "박도윤  →  최지우"]


def test_confused_pairs_take_a_share_in_place_of_the_number() -> None:
    shares = PAIRS.assign(share=PAIRS["count"] / PAIRS["n"]).drop(columns="n")
    assert texts(confused_pairs(shares).axes[0]) == ["3 of 4", "2 of 5", "1 of 2"]


def test_confused_pairs_are_cut_off_and_say_so() -> None:
    axes = confused_pairs(PAIRS, most=2).axes[0]
    assert len(axes.patches) == 2
    assert "2 of 3 pairs" in axes.get_title(loc="left")


def test_no_confusion_is_a_figure_too(tmp_path: Path) -> None:
    figure = confused_pairs(PAIRS.iloc[:0])
    assert [text.get_text() for text in figure.texts] == ["No photo was taken for somebody else."]
    save(figure, tmp_path / "none.png")
    assert (tmp_path / "none.png").stat().st_size > 500


def classes(count: int) -> pd.DataFrame:
    recall = np.arange(count) % 11 / 10
    return pd.DataFrame(
        {
            "label": [f"김민준 {i}" for i in range(count)],
            "n": 10,
            "correct": np.arange(count) % 11,
            "recall": recall,
            "low": np.maximum(recall - 0.2, 0),
            "high": np.minimum(recall + 0.2, 1),
        }
    )


@pytest.mark.parametrize("count", [1, 10, 40, 100], ids=["one", "KoIn10", "the built-in faces", "KoIn100"])
def test_per_class_draws_every_class_best_first(count: int) -> None:
    frame = classes(count)
    figure = per_class(frame)
    drawn = [interval for axes in figure.axes for interval in intervals(axes)]
    assert np.allclose(sorted(drawn), expected(frame, "recall"))
    names = [name for axes in figure.axes for name in ticks(axes)]
    by_name = frame.set_index("label")["recall"]
    assert sorted(names) == sorted(frame["label"])
    assert list(by_name[names]) == sorted(frame["recall"], reverse=True)
    assert figure.get_figwidth() <= WIDTH
    assert figure.get_figheight() <= 9


def test_per_class_numbers_belong_to_their_names() -> None:
    frame = classes(40)
    wanted = dict(zip(frame["label"], frame["correct"], strict=True))
    for axes in per_class(frame).axes:
        assert texts(axes) == [f"{wanted[name]}/10" for name in ticks(axes)]


def test_of_very_many_classes_the_worst_are_drawn() -> None:
    frame = classes(1000)
    figure = per_class(frame)
    drawn = [value for axes in figure.axes for _, value, _ in intervals(axes)]
    assert sorted(drawn) == pytest.approx(sorted(100 * frame["recall"])[:MOST_ROWS])
    assert "150 lowest of 1000" in figure.axes[0].get_title(loc="left")


def test_per_class_of_nothing_says_so() -> None:
    assert [text.get_text() for text in per_class(classes(0)).texts] == ["No class to show."]


def history(epochs: int = 5) -> pd.DataFrame:
    epoch = np.arange(1, epochs + 1)
    top1 = np.minimum(epoch, 3) / 4  # 0.25 0.5 0.75 0.75 0.75: a tie
    return pd.DataFrame(
        {"epoch": epoch, "time": epoch, "train_loss": 5 / epoch, "val_loss": abs(epoch - 4) + 1.0, "val_top1": top1, "lr": 0.003}
    )


def test_training_curves_draw_the_epochs_and_mark_the_chosen_one() -> None:
    frame = history()
    loss, top1 = training_curves({"YOLOv8n-cls 김": frame}).axes
    train, validation, ring = loss.lines
    assert np.allclose(np.asarray(train.get_ydata()), frame["train_loss"])
    assert np.allclose(np.asarray(validation.get_ydata()), frame["val_loss"])
    assert np.allclose(np.asarray(top1.lines[0].get_ydata()), 100 * frame["val_top1"])
    # Of the tied epochs 3, 4 and 5 the one of lowest validation loss.
    assert [list(np.asarray(line.get_xydata())[0]) for line in (ring, top1.lines[1])] == [[4, 1], [4, 75]]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()] if figure.legends else []


@pytest.mark.parametrize(("runs", "lines"), [(1, 3), (4, 12), (15, 30)], ids=["one", "few", "many: validation alone"])
def test_training_curves_of_several_runs_are_told_apart(runs: int, lines: int) -> None:
    names = [f"run {i}" for i in range(runs)]
    figure = training_curves({name: history() for name in names})
    assert len(figure.axes[0].lines) == lines
    assert legend(figure) == (names if runs > 1 else [])
    curves = [line for line in figure.axes[1].lines if len(np.asarray(line.get_xdata())) > 1]  # and not the rings
    looks = {(str(line.get_color()), str(line.get_linestyle())) for line in curves}
    assert len(looks) == runs


def test_training_curves_of_one_epoch_and_of_none() -> None:
    assert len(training_curves({"a": history(1)}).axes) == 2
    for nothing in ({}, {"killed in its first epoch": history(0)}):
        assert [text.get_text() for text in training_curves(nothing).texts] == ["No training run to show."]
