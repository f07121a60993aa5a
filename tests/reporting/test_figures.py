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
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox

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


def dots(axes: Axes) -> list[Line2D]:
    """The dots of each case, whiskers left out."""
    return [container.lines[0] for container in axes.containers if isinstance(container, ErrorbarContainer)]


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


# ------------------------------------------------------------------------------------------------------- faces and boxes
FACE_METRICS = ("person_top1", "map50", "map50_95", "face_ap50", "top1_found")


def face_metrics(runs: dict[str, str], cases: Iterable[str] = CASES, interval: bool = True) -> pd.DataFrame:
    """Invented numbers for runs of these ways."""
    rows: list[tuple[object, ...]] = []
    for (i, (run, way)), (j, case), (k, metric) in product(enumerate(runs.items()), enumerate(cases), enumerate(FACE_METRICS)):
        value = 0.95 - 0.1 * j - 0.013 * i - 0.03 * k
        ends = (value - 0.05, value + 0.02) if interval else (np.nan, np.nan)
        rows.append((run, f"{case}_cases/test", metric, value, *ends, 80, way))
    return pd.DataFrame(rows, columns=[*COLUMNS, "way"])


FACES = {"two-stage": "faces", "one-stage": "detector"}
AGREEMENT = {"normal_cases/test": "CenterFace", "hard_cases/test": "CenterFace"}


def test_performance_sets_the_three_ways_of_naming_beneath_each_other() -> None:
    whole, found = metrics(["whole"]), face_metrics(FACES)
    figure = performance(whole, {"whole": "YOLOv8n-cls, 김"}, faces=found)
    top, *below = figure.axes
    drawn = pd.concat([whole[whole["metric"] == "top1"], found[found["metric"] == "person_top1"]])
    assert np.allclose(intervals(top), expected(drawn[drawn["split"].str.endswith("/test")]))
    assert [name.split("\n")[0] for name in ticks(top)] == ["YOLOv8n-cls, 김", *FACES]
    assert len({name.split("\n")[1] for name in ticks(top)}) == 3
    for axes, metric in zip(below, ("map50", "map50_95", "face_ap50"), strict=True):
        assert np.allclose(intervals(axes), expected(found[found["metric"] == metric]))
    assert [name.split("\n")[0] for name in ticks(below[0])] == list(FACES)
    assert figure.get_figwidth() <= WIDTH


def test_a_run_scored_in_two_ways_has_two_rows() -> None:
    """The same classifier on whole photos and on faces, under one name."""
    top = performance(metrics(["a"]), faces=face_metrics({"a": "faces"})).axes[0]
    assert len(ticks(top)) == 2
    rows = sorted(round(float(y)) for line in dots(top) for y in np.asarray(line.get_ydata()))
    assert rows == [0, 0, 0, 1, 1, 1]


def test_agreement_with_a_detector_is_told_and_drawn_hollow() -> None:
    figure = performance(metrics(["whole"]), faces=face_metrics(FACES), agreement=AGREEMENT)
    top, *below = figure.axes

    def hollow(axes: Axes) -> list[bool]:
        return [line.get_markerfacecolor() == "#ffffff" for line in dots(axes)]

    assert not any(hollow(top))  # a name is right or wrong whoever drew the boxes
    assert all(hollow(axes) == [True, True, False] for axes in below)
    assert "agreement with CenterFace, which boxed the normal and hard photos" in figure.get_supxlabel()


@pytest.mark.parametrize("agreement", [None, {"hard_cases/val": "CenterFace"}], ids=["drawn boxes", "a split that is not shown"])
def test_without_agreement_nothing_is_said_of_it(agreement: dict[str, str] | None) -> None:
    figure = performance(metrics(["whole"]), faces=face_metrics(FACES), agreement=agreement)
    assert "agreement" not in figure.get_supxlabel()


@pytest.mark.parametrize(
    ("whole", "faces", "panels"),
    [
        (["a"], face_metrics(FACES).iloc[:0], 2),
        ([], face_metrics(FACES), 4),
        (["a"], face_metrics(FACES).query("metric == 'person_top1'"), 1),
        (["a"], face_metrics(FACES, ["group"]), 4),
        (["a"], face_metrics(FACES, interval=False), 4),
    ],
    ids=["no face run: as without", "face runs alone", "no box is known", "group photos only", "no intervals"],
)
def test_performance_draws_the_face_metrics_there_are(whole: list[str], faces: pd.DataFrame, panels: int) -> None:
    assert len(performance(metrics(whole), faces=faces).axes) == panels


@pytest.mark.parametrize("runs", [1, 4], ids=["one of each way", "four"])
def test_nothing_of_the_detection_panels_overlaps(runs: int) -> None:
    """Every text is drawn whole within the figure, and none lies over another."""
    found = face_metrics({f"{way}, a long name of run {i}": way for i in range(runs) for way in FACES.values()})
    labels = {run: f"CenterFace + YOLOv8n-cls, {i}" for i, run in enumerate(found["run"].unique())}
    figure = performance(metrics([f"w{i}" for i in range(runs)]), labels, {"hard_cases/test"}, found, AGREEMENT)
    boxes = [box for _, box in text_boxes(figure)]
    page = figure.bbox.padded(1)
    assert all(page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1 for box in boxes)
    assert not [1 for i, one in enumerate(boxes) for other in boxes[:i] if one.padded(-1).overlaps(other.padded(-1))]


def text_boxes(figure: Figure) -> list[tuple[str, Bbox]]:
    """What is written in a figure, and where, in its pixels."""
    figure.draw_without_rendering()
    beyond = set()  # ticks beyond an axis have labels too, which are not drawn
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        beyond |= {tick.label1 for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high}
    written = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_visible() and text.get_text().strip()]
    return [(text.get_text(), text.get_window_extent()) for text in written if text not in beyond]


TITLE = "YOLOv8n-cls, normal · hard_cases/test (synthetic)"


@pytest.mark.parametrize("title", [TITLE, f"{TITLE} " * 3, "황보라미르한빛나라" * 9], ids=["one line", "several", "one long word"])
@pytest.mark.parametrize("figure_of", ["pairs", "no pairs", "one class", "many classes"])
def test_a_title_is_drawn_in_full(title: str, figure_of: str) -> None:
    figure = {
        "pairs": lambda: confused_pairs(PAIRS, title=title),
        "no pairs": lambda: confused_pairs(PAIRS.iloc[:0], title=title),
        "one class": lambda: per_class(classes(1), title=title),
        "many classes": lambda: per_class(classes(100), title=title),
    }[figure_of]()
    boxes = dict(text_boxes(figure))
    drawn = next(text for text in boxes if text.replace("\n", "").replace(" ", "") == title.replace(" ", ""))
    box = boxes.pop(drawn)
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1
    assert box.y1 <= figure.bbox.y1
    assert not any(box.overlaps(other) for other in boxes.values())


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


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ([3, 2, 1], ""),
        ([3, 2, 2, 2], "of the 3 pairs with 2 photos each, the first 1 by name are shown"),
        ([2, 2, 1, 1], ""),
        ([1, 1, 1, 1, 1], "of the 5 pairs with 1 photo each, the first 2 by name are shown"),
    ],
    ids=["no tie", "a tie at the cut", "a whole tie", "nothing but a tie"],
)
def test_a_tie_that_was_cut_is_told(counts: list[int], told: str) -> None:
    pairs = pd.DataFrame({"true": [f"p{i}" for i in range(len(counts))], "predicted": "q", "count": counts, "n": 4})
    _, *rest = confused_pairs(pairs, most=2).axes[0].get_xlabel().split("\n")
    assert rest == ([told] if told else [])


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
