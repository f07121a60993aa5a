"""The charts of models: frames in, matplotlib figures out. No number is worked out here, they are drawn as they stand in the frames.

Accuracies are dots with whiskers, not bars: a bar's length would be read as the value and would hide the interval. Rows run
down the page, so that names of models stand upright whatever their length.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from yolo_koin.reporting.fonts import apart, one_line
from yolo_koin.reporting.language import say, spoken
from yolo_koin.reporting.panels import (
    DETECTION,
    LABEL_SIZE,
    LINESPACING,
    WHOLE,
    Rows,
    accuracy,
    columns_of,
    detection,
    gaps,
    legend,
    legend_height,
    lines_of,
    panel_title,
    told_of_boxes,
)
from yolo_koin.reporting.style import COLUMN, INK, SERIES, new_figure, styled, styles_of
from yolo_koin.splits import of_part
from yolo_koin.words import Sentence

RING: dict[str, Any] = {"marker": "o", "markerfacecolor": "white", "markersize": 5, "linestyle": "none"}
TITLE_SIZE = 9  # points
MOST_WITH_TRAINING_LOSS = 4  # runs; with more, a second line each makes a tangle
DEFAULTS: dict[str, str | bool] = {"way": WHOLE, "synthetic": False, "boxes": ""}
LONGEST_ENTRY = 60  # characters of a legend's


# ------------------------------------------------------------------------------------------------- accuracy of the models
@styled
def performance(metrics: pd.DataFrame, labels: Mapping[str, str] | None = None, dataset: str = "") -> Figure | None:
    """Top-1 per run and test split, and what was lost from normal to hard photos, or how well faces were found and named.

    Args:
        metrics: columns ``run,split,metric,value,low,high,n``, of all runs. Rows ``top1`` of a test split give the first panel; rows
            ``top1_gap`` (normal minus the split's own top-1) the one beside it, which is left out where there is none, or where
            faces were named. Values are fractions, drawn in percent and percentage points; ``low`` and ``high`` are the 95 %
            interval's ends. Columns that may be left out: ``way``, a key of :data:`~yolo_koin.reporting.panels.WAYS`, where faces were
            named: such a run's ``person_top1`` stands beneath the others' ``top1``, and a row of panels below has the metrics of
            :data:`~yolo_koin.reporting.panels.DETECTION`; ``synthetic``, whether the run's photos of this split are; ``boxes``, the
            name of the face detector whose boxes were taken for true: those values say how far one agrees with it, which is told
            beneath the panels, and their dots are hollow.
        labels: what to call a run; its own name where it is not listed. Runs keep the order of the frame.
        dataset: whose photos these are; a title says it. Splits of several datasets are several figures.

    Returns:
        None where no test split was scored.
    """
    tests = of_part(metrics, "test").copy()
    for column, value in DEFAULTS.items():
        if column not in tests:
            tests[column] = value
    whole = tests["way"] == WHOLE
    named = tests[(whole & (tests["metric"] == "top1")) | (~whole & (tests["metric"] == "person_top1"))]
    if named.empty:
        return None
    if whole.all():
        return _accuracy_and_gaps(named, tests[tests["metric"] == "top1_gap"], labels or {}, dataset)
    return _naming_and_detection(named, tests[~whole & tests["metric"].isin(DETECTION)], labels or {}, dataset)


def _accuracy_and_gaps(top1: pd.DataFrame, lost: pd.DataFrame, labels: Mapping[str, str], dataset: str) -> Figure:
    rows = Rows.of(top1, labels, styles_of(top1["split"]))
    figure = new_figure(max(1.5, 0.9 + rows.height) + legend_height(top1))
    panels = figure.subplots(1, 2 if len(lost) else 1, sharey=True, width_ratios=[1.7, 1] if len(lost) else [1], squeeze=False)[0]
    accuracy(panels[0], rows, top1, dataset)
    if len(lost):
        gaps(panels[1], rows, lost)
    legend(figure, top1)
    return figure


def _naming_and_detection(named: pd.DataFrame, detected: pd.DataFrame, labels: Mapping[str, str], dataset: str) -> Figure:
    """How often the labelled person is named, over the whole width; below it, how well faces and identities were detected."""
    styles = styles_of(named["split"])
    rows, below = Rows.of(named, labels, styles), Rows.of(detected, labels, styles)
    heights = [1.0 + rows.height, *([1.4 + below.height] if below.runs else [])]
    figure = new_figure(sum(heights) + legend_height(named))
    grid = figure.add_gridspec(len(heights), len(DETECTION), height_ratios=heights, hspace=0.06)
    top = figure.add_subplot(grid[0, :])
    accuracy(top, rows, named, dataset)
    top.set_xlabel(say("photos whose person is the first name of the photo,\nor of any face in it, % (95 % Wilson interval)"))
    top.set_title(panel_title(Sentence("Labelled person named"), dataset))
    if below.runs:
        detection([figure.add_subplot(grid[1, column]) for column in range(len(DETECTION))], below, detected)
        figure.supxlabel(told_of_boxes(detected), fontsize=8, linespacing=LINESPACING)
    legend(figure, named)
    return figure


# -------------------------------------------------------------------------------------------------------------- training
@styled
def training_curves(results: Mapping[str, pd.DataFrame], title: str = "") -> Figure | None:
    """Loss and validation top-1 over the epochs, the chosen epoch marked.

    Args:
        results: per run's display name its ``results.csv``: columns ``epoch,train_loss,val_loss,val_top1`` (a fraction);
            others are ignored. The chosen epoch is the one of highest validation top-1, of those the one of lowest validation loss.
        title: of what, as in ``"Trained on sample"``; the name of a run that is alone comes before it.

    Returns:
        None where no run has an epoch.
    """
    results = {name: frame for name, frame in results.items() if len(frame)}
    if not results:
        return None
    several, few = len(results) > 1, len(results) <= MOST_WITH_TRAINING_LOSS
    names = ["\n".join(lines_of(name, COLUMN - 0.6, LABEL_SIZE)) for name in apart(list(results), LONGEST_ENTRY)]
    lines = _explained(few)
    entries = [*(names if several else []), *(str(line.get_label()) for line in lines)]
    columns = columns_of(entries, most=2, width=COLUMN)
    rows = sum(entry.count("\n") + 1 for entry in entries)
    figure = titled(
        3.6 + 0.17 * math.ceil(rows / columns), COLUMN, " · ".join(filter(None, [*([] if several else results), spoken(title)]))
    )
    loss, top1 = figure.subplots(2, 1, sharex=True)
    for index, frame in enumerate(results.values()):
        colour, dash = SERIES[index % len(SERIES)], ("-", "--", ":")[index // len(SERIES) % 3]
        if few:
            loss.plot(frame["epoch"], frame["train_loss"], color=colour, linestyle=dash, linewidth=0.8, alpha=0.55)
        _validation_curves(loss, top1, frame, colour, dash, names[index])
    loss.set(title=say("Loss") if few else say("Loss on validation photos"))
    loss.set_ylim(bottom=0)
    top1.set(xlabel=say("epoch"), title=say("Top-1 on validation photos"), ylim=(0, 101))
    top1.yaxis.set_major_formatter(PercentFormatter(100, decimals=0, symbol=" %"))
    for axes in (loss, top1):
        axes.grid(axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
    curves = top1.get_legend_handles_labels()[0] if several else []
    figure.legend(handles=[*curves, *lines], loc="outside lower center", ncols=columns)
    return figure


def _validation_curves(loss: Axes, top1: Axes, frame: pd.DataFrame, colour: str, dash: str, name: str) -> None:
    """The thick lines of one run, and a ring at its chosen epoch."""
    epoch, accuracy = frame["epoch"], frame["val_top1"] * 100
    best = frame.sort_values(["val_top1", "val_loss"], ascending=[False, True]).index[:1]
    for axes, values in ((loss, frame["val_loss"]), (top1, accuracy)):
        axes.plot(epoch, values, color=colour, linestyle=dash, linewidth=1.4, label=name)
        axes.plot(epoch[best], values[best], color=colour, zorder=4, clip_on=False, **RING)


def _explained(with_training: bool) -> list[Line2D]:
    """What the lines of all runs mean, for the legend."""
    thin = Line2D([], [], color=INK, linewidth=0.8, alpha=0.55, label=say("training, augmented photos"))
    thick = Line2D([], [], color=INK, linewidth=1.4, label=say("validation"))
    ring = Line2D([], [], color=INK, label=say("chosen epoch"), **RING)
    return [thin, thick, ring] if with_training else [thick, ring]


def titled(height: float, width: float, title: str) -> Figure:
    """A figure with a title of as many lines as it needs, on top of its height."""
    title = spoken(title)
    lines = lines_of(title, width - 0.15, TITLE_SIZE, bold=True) if title else []
    figure = new_figure(height + 0.175 * len(lines), width=width)
    if lines:
        figure.suptitle("\n".join(map(one_line, lines)), x=0.01, ha="left", fontsize=TITLE_SIZE, weight="bold", linespacing=LINESPACING)
    return figure
