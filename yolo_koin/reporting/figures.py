"""The charts: frames in, matplotlib figures out. No number is worked out here, they are drawn as they stand in the frames.

Accuracies are dots with whiskers, not bars: a bar's length would be read as the value and would hide the interval. Rows run
down the page, so that names of models and people stand upright whatever their length.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from yolo_koin.reporting.page import lines_of
from yolo_koin.reporting.panels import (
    DETECTION,
    LINESPACING,
    PHOTO,
    Rows,
    accuracy,
    at_the_right,
    detection,
    gaps,
    of_tests,
    short,
    told_of_boxes,
)
from yolo_koin.reporting.style import BLUE, GREY, INK, SERIES, VERMILION, WIDTH, new_figure, styled

RING: dict[str, Any] = {"marker": "o", "markerfacecolor": "white", "markersize": 5, "linestyle": "none"}
TITLE_SIZE = 9  # points
MOST_WITH_TRAINING_LOSS = 4  # runs; with more, a second line each makes a tangle
MOST_ROWS = 150  # of a per-class figure, which would not fit a page with more


# ------------------------------------------------------------------------------------------------- accuracy of the models
@styled
def performance(
    metrics: pd.DataFrame,
    labels: Mapping[str, str] | None = None,
    synthetic: Collection[str] = (),
    faces: pd.DataFrame | None = None,
    agreement: Mapping[str, str] | None = None,
) -> Figure:
    """Top-1 per run and test split, and what was lost from normal to hard photos, or how well faces were found and named.

    Args:
        metrics: columns ``run,split,metric,value,low,high,n``. Rows ``top1`` of a test split give the first panel; rows
            ``top1_gap`` (normal minus the split's own top-1) the one beside it, which is left out where there is none, or where
            there are ``faces``. Values are fractions, drawn in percent and percentage points; ``low`` and ``high`` are the 95 %
            interval's ends.
        labels: what to call a run; its own name where it is not listed. Runs keep the order of the frames.
        synthetic: splits whose photos are synthetic; the legend says so.
        faces: such rows of runs that named faces, with a column ``way``, a key of :data:`~yolo_koin.reporting.panels.WAYS`. Their
            ``person_top1`` stands beneath the others' ``top1``: how often the labelled person is named. A row of panels below has
            the metrics of :data:`~yolo_koin.reporting.panels.DETECTION`.
        agreement: of splits whose boxes are a face detector's, that detector's name. Their values say how far one agrees with it,
            which is told beneath those panels; their dots are hollow there.
    """
    photos = of_tests(metrics.assign(way=PHOTO))
    found = photos.head(0) if faces is None else of_tests(faces)
    top1, named = photos[photos["metric"] == "top1"], found[found["metric"] == "person_top1"]
    if top1.empty and named.empty:
        return _note("No test split was scored.")
    if found.empty:
        return _accuracy_and_gaps(top1, photos[photos["metric"] == "top1_gap"], labels or {}, synthetic)
    detected = found[found["metric"].isin(DETECTION)]
    return _naming_and_detection(pd.concat([top1, named]) if len(top1) else named, detected, labels or {}, synthetic, agreement or {})


def _accuracy_and_gaps(top1: pd.DataFrame, lost: pd.DataFrame, labels: Mapping[str, str], synthetic: Collection[str]) -> Figure:
    rows = Rows.of(top1)
    figure = new_figure(max(1.55, 0.95 + rows.height))
    panels = figure.subplots(1, 2 if len(lost) else 1, sharey=True, width_ratios=[1.7, 1] if len(lost) else [1], squeeze=False)[0]
    accuracy(panels[0], rows, top1, synthetic)
    rows.name(panels[0], labels, ways=False)
    if len(lost):
        gaps(panels[1], rows, lost)
    return figure


def _naming_and_detection(
    named: pd.DataFrame, detected: pd.DataFrame, labels: Mapping[str, str], synthetic: Collection[str], agreement: Mapping[str, str]
) -> Figure:
    """How often the labelled person is named, over the whole width; below it, how well faces and identities were detected."""
    rows, below = Rows.of(named), Rows.of(detected)
    heights = [0.85 + rows.height, *([1.1 + below.height] if below.runs else [])]
    figure = new_figure(sum(heights))
    grid = figure.add_gridspec(len(heights), len(DETECTION), height_ratios=heights, hspace=0.06)
    top = figure.add_subplot(grid[0, :])
    accuracy(top, rows, named, synthetic)
    top.set(
        xlabel="photos whose person is the first name of the photo, or of a face in it, % (95 % Wilson interval)",
        title="Labelled person named",
    )
    rows.name(top, labels, ways=True)
    if below.runs:
        panels = [figure.add_subplot(grid[1, column]) for column in range(len(DETECTION))]
        below.name(panels[0], labels, ways=True)
        detection(panels, below, detected, agreement)
        figure.supxlabel(told_of_boxes(detected, agreement), fontsize=8, linespacing=LINESPACING)
    return figure


# ------------------------------------------------------------------------------------------------------ people and classes
@styled
def confused_pairs(pairs: pd.DataFrame, most: int = 15, title: str = "") -> Figure:
    """Who was taken for whom, most often first.

    Args:
        pairs: columns ``true,predicted,count`` and ``n`` or ``share``: display names, how often it happened, and how many
            photos of the true person there are, or the share of these.
        most: the most pairs to draw. Give all pairs there are: where the last that is drawn ties with some that are not, the figure
            says how many.
        title: whose mistakes on which photos; drawn in full above the chart.
    """
    rows = pairs.sort_values(["count", "true", "predicted"], ascending=[False, True, True]).head(most)
    if rows.empty:
        return _note("No photo was taken for somebody else.", title)
    photos = rows["n"] if "n" in rows else rows["count"] / rows["share"]
    figure = _titled(0.75 + 0.2 * len(rows), WIDTH * 0.75, title)
    axes = figure.subplots()
    axes.barh(range(len(rows)), rows["count"], height=0.62, color=VERMILION)
    for y, (count, n) in enumerate(zip(rows["count"], photos, strict=True)):
        text = f"{count:.0f} of {n:.0f}"
        axes.annotate(text, (count, y), (4, 0), textcoords="offset points", va="center_baseline", fontsize=7, color=GREY)
    names = [f"{short(true)}  →  {short(predicted)}" for true, predicted in zip(rows["true"], rows["predicted"], strict=True)]
    axes.set_yticks(range(len(rows)), names)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, float(rows["count"].max()) * 1.12)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    more = f" ({len(rows)} of {len(pairs)} pairs)" if len(rows) < len(pairs) else ""
    axes.set_title(f"True person → taken for{more}")
    axes.set_xlabel(f"photos{_ties(rows, pairs)}", linespacing=LINESPACING)
    return figure


def _ties(rows: pd.DataFrame, pairs: pd.DataFrame) -> str:
    """What to say where pairs that are as frequent as the last one drawn were left out."""
    last = rows["count"].iloc[-1]
    shown, all_of_them = int((rows["count"] == last).sum()), int((pairs["count"] == last).sum())
    if shown == all_of_them:
        return ""
    return f"\nof the {all_of_them} pairs with {last:.0f} photo{'s' if last > 1 else ''} each, the first {shown} by name are shown"


@styled
def per_class(classes: pd.DataFrame, title: str = "") -> Figure:
    """Recall of each class with its 95 % interval, best first, in as many columns as the page needs.

    Args:
        classes: columns ``label,n,correct,recall,low,high``; labels are display names, recall, low and high fractions. Of more
            than :data:`MOST_ROWS` classes the worst are drawn, which the chart says.
        title: whose recall on which photos; drawn in full above the chart.
    """
    if classes.empty:
        return _note("No class to show.", title)
    ordered = classes.sort_values(["recall", "n", "label"], ascending=[False, False, True])
    shown = ordered.tail(MOST_ROWS)
    columns = 1 if len(shown) <= 15 else 2 if len(shown) <= 50 else 3
    rows = math.ceil(len(shown) / columns)
    figure = _titled(0.7 + max(rows, 3) * (0.17 if rows <= 25 else 0.14), WIDTH if columns > 1 else WIDTH / 2, title)
    panels = figure.subplots(1, columns, sharex=True, squeeze=False)[0]
    for column, axes in enumerate(panels):
        _class_panel(axes, shown.iloc[column * rows : (column + 1) * rows], rows)
    left_out = f", the {len(shown)} lowest of {len(ordered)} classes" if len(shown) < len(ordered) else ""
    panels[0].set_title(f"Recall per class{left_out}")
    figure.supxlabel("photos recognised, % (95 % Wilson interval); correct of all at the right", fontsize=8 if columns > 1 else 7)
    return figure


def _class_panel(axes: Axes, rows: pd.DataFrame, height: int) -> None:
    value, low, high = (rows[column].to_numpy(dtype=float) * 100 for column in ("recall", "low", "high"))
    at = np.arange(len(rows))
    whiskers = np.clip(np.vstack([value - low, high - value]), 0, None)
    axes.errorbar(value, at, xerr=whiskers, fmt="o", color=BLUE, elinewidth=0.8, markersize=3.2)
    at_the_right(axes, at, [f"{correct:.0f}/{n:.0f}" for correct, n in zip(rows["correct"], rows["n"], strict=True)])
    axes.set_yticks(at, [short(label, 16) for label in rows["label"]], fontsize=6.5)
    axes.set(ylim=(height - 0.4, -0.6), xlim=(-3, 103), xticks=(0, 50, 100))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="both")


# -------------------------------------------------------------------------------------------------------------- training
@styled
def training_curves(results: Mapping[str, pd.DataFrame]) -> Figure:
    """Loss and validation top-1 over the epochs, the chosen epoch marked.

    Args:
        results: per run's display name its ``results.csv``: columns ``epoch,train_loss,val_loss,val_top1`` (a fraction);
            others are ignored.
            The chosen epoch is the one of highest validation top-1, of those the one of lowest validation loss.
    """
    results = {name: frame for name, frame in results.items() if len(frame)}
    if not results:
        return _note("No training run to show.")
    legend_rows = 0 if len(results) == 1 else math.ceil(len(results) / 3)
    figure = new_figure(2.5 + 0.17 * legend_rows)
    loss, top1 = figure.subplots(1, 2)
    few = len(results) <= MOST_WITH_TRAINING_LOSS
    for index, (name, frame) in enumerate(results.items()):
        colour, dash = SERIES[index % len(SERIES)], ("-", "--", ":")[index // len(SERIES) % 3]
        if few:
            loss.plot(frame["epoch"], frame["train_loss"], color=colour, linestyle=dash, linewidth=0.8, alpha=0.55)
        _validation_curves(loss, top1, frame, colour, dash, short(name))
    loss.set(xlabel="epoch", title="Loss" if few else "Loss on validation photos")
    loss.set_ylim(bottom=0)
    top1.set(xlabel="epoch", title="Top-1 on validation photos", ylim=(0, 101))
    top1.yaxis.set_major_formatter(PercentFormatter(100, decimals=0, symbol=" %"))
    for axes in (loss, top1):
        axes.grid(axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
    _explain_lines(loss, few)
    if legend_rows:
        figure.legend(*top1.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _validation_curves(loss: Axes, top1: Axes, frame: pd.DataFrame, colour: str, dash: str, name: str) -> None:
    """The thick lines of one run, and a ring at its chosen epoch."""
    epoch, accuracy = frame["epoch"], frame["val_top1"] * 100
    best = frame.sort_values(["val_top1", "val_loss"], ascending=[False, True]).index[:1]
    for axes, values in ((loss, frame["val_loss"]), (top1, accuracy)):
        axes.plot(epoch, values, color=colour, linestyle=dash, linewidth=1.4, label=name)
        axes.plot(epoch[best], values[best], color=colour, zorder=4, clip_on=False, **RING)


def _explain_lines(loss: Axes, with_training: bool) -> None:
    thin = Line2D([], [], color=INK, linewidth=0.8, alpha=0.55, label="training, augmented photos")
    thick = Line2D([], [], color=INK, linewidth=1.4, label="validation")
    ring = Line2D([], [], color=INK, label="chosen epoch", **RING)
    loss.legend(handles=[thin, thick, ring] if with_training else [ring], loc="upper right")


def _titled(height: float, width: float, title: str) -> Figure:
    """A figure with a title of as many lines as it needs, on top of its height."""
    lines = lines_of(title, width - 0.15, TITLE_SIZE, bold=True) if title else []
    figure = new_figure(height + 0.175 * len(lines), width=width)
    if lines:
        figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=TITLE_SIZE, weight="bold", linespacing=LINESPACING)
    return figure


def _note(text: str, title: str = "") -> Figure:
    """A small figure that says why there is nothing to draw."""
    figure = _titled(0.6, WIDTH / 2, title)
    figure.text(0.5, 0.3 / figure.get_figheight(), text, ha="center", va="center", color=GREY, fontsize=9)
    return figure
