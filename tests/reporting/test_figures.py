from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from yolo_koin.reporting import figures
from yolo_koin.reporting.figures import training_curves
from yolo_koin.reporting.style import WIDTH

from .charts import beyond, dots, expected, intervals, legend_over_panels, overlapping, texts, ticks

COLUMNS = ["run", "split", "metric", "value", "low", "high", "n"]
CASES = ("normal", "hard", "group")


def performance(frame: pd.DataFrame, labels: dict[str, str] | None = None) -> Figure:
    figure = figures.performance(frame, labels)
    assert figure is not None
    return figure


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


def test_performance_without_a_test_split_is_no_figure() -> None:
    assert figures.performance(metrics([])) is None


def test_every_test_split_is_drawn() -> None:
    """A case that we do not know and the variants of a known one, each with a look of its own."""
    splits = [*(f"{case}_cases/test" for case in CASES), "night_cases/test", *(f"normal_cases/test@mask-{i}" for i in range(1, 4))]
    frame = pd.DataFrame([("a", split, "top1", 0.9 - i / 10, 0.1, 0.95, 80) for i, split in enumerate(splits)], columns=COLUMNS)
    figure = performance(frame)
    looks = {(str(line.get_color()), str(line.get_marker())) for line in dots(figure.axes[0])}
    assert len(looks) == len(splits)
    known = {(str(line.get_color()), str(line.get_marker())) for line in dots(performance(metrics(["a"])).axes[0])}
    assert known < looks
    names = ["normal", *(f"normal (mask-{i})" for i in range(1, 4)), "hard", "group", "night"]
    assert legend(figure) == [f"{name}, 80 photos" for name in names]
    assert not legend_over_panels(figure)


def test_what_is_synthetic_in_one_run_is_not_called_so_in_another() -> None:
    """Where all agree the legend says it, else the run's own row."""
    frame = metrics(["sample", "KoIn"])
    both = performance(frame.assign(synthetic=frame["split"] == "hard_cases/test"))
    assert legend(both) == ["normal, 80 photos", "hard (synthetic), 80 photos", "group, 80 photos"]
    one = performance(frame.assign(synthetic=(frame["run"] == "sample") & (frame["split"] != "normal_cases/test")))
    assert legend(one) == ["normal, 80 photos", "hard, 80 photos", "group, 80 photos"]
    assert ticks(one.axes[0]) == ["sample\nhard and group photos: synthetic", "KoIn"]


def test_the_dataset_and_the_numbers_of_photos_are_told() -> None:
    """Where runs saw different numbers of photos of a split both ends are."""
    frame = metrics(["a", "b"], ["hard"])
    frame.loc[(frame["run"] == "b") & (frame["split"] == "hard_cases/test"), "n"] = 1
    figure = figures.performance(frame, dataset="a dataset with a very long name of its own")
    assert figure is not None
    assert figure.axes[0].get_title(loc="left") == "Accuracy on a dataset w…of its own"
    assert legend(figure) == ["hard, 1 to 80 photos"]
    assert not overlapping(figure)


def test_long_names_of_runs_are_told_apart() -> None:
    names = [f"YOLOv8n-cls, normal (a benchmark with a long name/cells/n-normal-seed{i} and more that is the same)" for i in range(3)]
    figure = performance(metrics(names))
    assert len(set(ticks(figure.axes[0]))) == 3
    assert not overlapping(figure)
    assert not beyond(figure)


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


def joined(whole: pd.DataFrame, found: pd.DataFrame, agreement: dict[str, str] | None = None) -> pd.DataFrame:
    """The metrics of runs that named whole photos and of runs that named faces, in one frame."""
    boxes = [(agreement or {}).get(split, "") for split in found["split"]]
    return pd.concat([whole.assign(way="whole", boxes=""), found.assign(boxes=boxes)], ignore_index=True).assign(synthetic=False)


def test_performance_sets_the_three_ways_of_naming_beneath_each_other() -> None:
    whole, found = metrics(["whole"]), face_metrics(FACES)
    figure = performance(joined(whole, found), {"whole": "YOLOv8n-cls, 김"})
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
    top = performance(joined(metrics(["a"]), face_metrics({"a": "faces"}))).axes[0]
    assert len(ticks(top)) == 2
    rows = sorted(round(float(y)) for line in dots(top) for y in np.asarray(line.get_ydata()))
    assert rows == [0, 0, 0, 1, 1, 1]


def test_agreement_with_a_detector_is_told_and_drawn_hollow() -> None:
    figure = performance(joined(metrics(["whole"]), face_metrics(FACES), AGREEMENT))
    top, *below = figure.axes

    def hollow(axes: Axes) -> list[bool]:
        return [line.get_markerfacecolor() == "#ffffff" for line in dots(axes)]

    assert not any(hollow(top))  # a name is right or wrong whoever drew the boxes
    assert all(hollow(axes) == [True, True, False] for axes in below)  # as the splits: normal, hard, group
    assert "agreement with CenterFace, which boxed the normal and hard photos" in figure.get_supxlabel()
    assert "boxed: normal, 80 photos; hard, 80 photos" in figure.get_supxlabel()


@pytest.mark.parametrize("agreement", [None, {"hard_cases/val": "CenterFace"}], ids=["drawn boxes", "a split that is not shown"])
def test_without_agreement_nothing_is_said_of_it(agreement: dict[str, str] | None) -> None:
    figure = performance(joined(metrics(["whole"]), face_metrics(FACES), agreement))
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
    assert len(performance(joined(metrics(whole), faces)).axes) == panels


@pytest.mark.parametrize("runs", [1, 4], ids=["one of each way", "four"])
def test_nothing_of_the_detection_panels_overlaps(runs: int) -> None:
    """Every text is drawn whole within the figure, and none lies over another."""
    found = face_metrics({f"{way}, a long name of run {i}": way for i in range(runs) for way in FACES.values()})
    labels = {run: f"CenterFace + YOLOv8n-cls, {i}" for i, run in enumerate(found["run"].unique())}
    frame = joined(metrics([f"w{i}" for i in range(runs)]), found, AGREEMENT)
    figure = performance(frame.assign(synthetic=frame["split"] == "hard_cases/test"), labels)
    assert not overlapping(figure)
    assert not beyond(figure)
    assert not legend_over_panels(figure)


def history(epochs: int = 5) -> pd.DataFrame:
    epoch = np.arange(1, epochs + 1)
    top1 = np.minimum(epoch, 3) / 4  # 0.25 0.5 0.75 0.75 0.75: a tie
    return pd.DataFrame(
        {"epoch": epoch, "time": epoch, "train_loss": 5 / epoch, "val_loss": abs(epoch - 4) + 1.0, "val_top1": top1, "lr": 0.003}
    )


def curves(runs: dict[str, pd.DataFrame], title: str = "") -> Figure:
    figure = training_curves(runs, title)
    assert figure is not None
    return figure


def test_training_curves_draw_the_epochs_and_mark_the_chosen_one() -> None:
    frame = history()
    figure = curves({"YOLOv8n-cls 김": frame}, "Trained on sample")
    loss, top1 = figure.axes
    train, validation, ring = loss.lines
    assert np.allclose(np.asarray(train.get_ydata()), frame["train_loss"])
    assert np.allclose(np.asarray(validation.get_ydata()), frame["val_loss"])
    assert np.allclose(np.asarray(top1.lines[0].get_ydata()), 100 * frame["val_top1"])
    # Of the tied epochs 3, 4 and 5 the one of lowest validation loss.
    assert [list(np.asarray(line.get_xydata())[0]) for line in (ring, top1.lines[1])] == [[4, 1], [4, 75]]
    assert figure.get_suptitle() == "YOLOv8n-cls 김 · Trained on sample"


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


LONG = "YOLOv8n-cls, normal (a benchmark with a long name/cells/n-normal-seed{})"


@pytest.mark.parametrize(("runs", "lines", "told"), [(1, 3, 3), (4, 12, 7), (15, 30, 17)], ids=["one", "few", "many: validation alone"])
@pytest.mark.parametrize("name", ["run {}", LONG], ids=["short", "long"])
def test_training_curves_of_several_runs_are_told_apart(name: str, runs: int, lines: int, told: int) -> None:
    figure = curves({name.format(i): history() for i in range(runs)})
    assert len(figure.axes[0].lines) == lines
    assert len(set(legend(figure))) == told
    drawn = [line for line in figure.axes[1].lines if len(np.asarray(line.get_xdata())) > 1]  # and not the rings
    assert len({(str(line.get_color()), str(line.get_linestyle())) for line in drawn}) == runs
    assert not legend_over_panels(figure)
    assert not beyond(figure)


def test_training_curves_of_one_epoch_and_of_none() -> None:
    assert len(curves({"a": history(1)}).axes) == 2
    assert training_curves({}) is None
    assert training_curves({"killed in its first epoch": history(0)}) is None
