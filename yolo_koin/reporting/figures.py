"""The charts: frames in, matplotlib figures out. No number is worked out here, they are drawn as they stand in the frames.

Accuracies are dots with whiskers, not bars: a bar's length would be read as the value and would hide the interval. Rows run
down the page, so that names of models and people stand upright whatever their length.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter
from matplotlib.transforms import blended_transform_factory

from yolo_koin.reporting.fonts import one_line
from yolo_koin.reporting.style import BLUE, CASES, GREY, INK, RULE, SERIES, VERMILION, WIDTH, CaseStyle, new_figure, styled

TEST = "/test"
RING: dict[str, Any] = {"marker": "o", "markerfacecolor": "white", "markersize": 5, "linestyle": "none"}
LONGEST = 28  # characters of a name beside an axis
MOST_WITH_TRAINING_LOSS = 4  # runs; with more, a second line each makes a tangle
MOST_ROWS = 150  # of a per-class figure, which would not fit a page with more


# ------------------------------------------------------------------------------------------------- accuracy of the models
@styled
def performance(metrics: pd.DataFrame, labels: Mapping[str, str] | None = None, synthetic: Collection[str] = ()) -> Figure:
    """Top-1 per run and test split (left), and what was lost from normal to hard photos (right).

    Args:
        metrics: columns ``run,split,metric,value,low,high,n``. Rows ``top1`` of a test split give the left panel; rows
            ``top1_gap`` (normal minus the split's own top-1) the right one, which is left out where there is none. Values are
            fractions, drawn in percent and percentage points; ``low`` and ``high`` are the 95 % interval's ends.
        labels: what to call a run; its own name where it is not listed. Runs keep the order of the frame.
        synthetic: splits whose photos are synthetic; the legend says so.
    """
    test = metrics[metrics["split"].str.endswith(TEST)]
    top1, gaps = test[test["metric"] == "top1"], test[test["metric"] == "top1_gap"]
    runs = [str(run) for run in dict.fromkeys(top1["run"])]
    if not runs:
        return _note("No test split was scored.")
    cases = [case for case in CASES if (top1["split"] == case + TEST).any()]
    step = 0.13 if len(runs) * len(cases) > 12 else 0.2  # inches between dots
    figure = new_figure(max(1.55, 0.95 + len(runs) * (len(cases) + 0.6) * step))
    panels = figure.subplots(1, 2 if len(gaps) else 1, sharey=True, width_ratios=[1.7, 1] if len(gaps) else [1], squeeze=False)[0]
    _accuracy_panel(panels[0], top1, runs, cases, synthetic)
    if len(gaps):
        _gap_panel(panels[1], gaps, runs, cases)
    names = [_short((labels or {}).get(run, run)) for run in runs]
    panels[0].set_yticks(range(len(runs)), names)
    panels[0].set_ylim(len(runs) - 0.5, -0.5)
    return figure


def _accuracy_panel(axes: Axes, top1: pd.DataFrame, runs: list[str], cases: list[str], synthetic: Collection[str]) -> None:
    for case in cases:
        rows = top1[top1["split"] == case + TEST]
        _dots(axes, rows, _rows_of(rows, runs, cases, case), CASES[case], scale=100)
    _between_rows(axes, len(runs))
    low = float(top1["low"].min()) if len(top1) else 0.0
    axes.set_xlim(10 * math.floor(low * 10 - 0.2) if low > 0.03 else -1.5, 102)
    axes.set(xlabel="top-1 accuracy, % (95 % Wilson interval)", title="Accuracy")
    axes.grid(axis="x")
    _legend_of_cases(axes, cases, synthetic)


def _gap_panel(axes: Axes, gaps: pd.DataFrame, runs: list[str], cases: list[str]) -> None:
    """The loss against normal photos, in percentage points, each beside the dot that it belongs to."""
    for case in cases:
        rows = gaps[gaps["split"] == case + TEST]
        if len(rows):
            _dots(axes, rows, _rows_of(rows, runs, cases, case), CASES[case], scale=100)
    axes.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    _between_rows(axes, len(runs))
    axes.set(xlabel="top-1 on normal minus here,\npercentage points (95 % Newcombe interval)", title="Lost from normal photos")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


def _rows_of(rows: pd.DataFrame, runs: list[str], cases: list[str], case: str) -> list[float]:
    """Where a run's dot of this case stands: the run's row, the cases beneath each other within it."""
    offset = (cases.index(case) - (len(cases) - 1) / 2) / (len(cases) + 0.6)
    return [runs.index(str(run)) + offset for run in rows["run"]]


def _dots(axes: Axes, rows: pd.DataFrame, at: list[float], style: CaseStyle, scale: float) -> None:
    """A dot per row with its interval, and its value in small type in a column right of the panel."""
    value, low, high = (rows[column].to_numpy(dtype=float) * scale for column in ("value", "low", "high"))
    # A rounded CSV may put an end a hair beyond the value.
    whiskers = np.clip(np.vstack([value - low, high - value]), 0, None)
    axes.errorbar(value, at, xerr=whiskers, fmt=style.marker, color=style.colour, elinewidth=1, markersize=4.5, label=style.name, zorder=3)
    _at_the_right(axes, at, [f"{x:.1f}".replace("-", "−") for x in value])


def _at_the_right(axes: Axes, at: Iterable[float], texts: Iterable[str]) -> None:
    beside = blended_transform_factory(axes.transAxes, axes.transData)
    for y, text in zip(at, texts, strict=True):
        axes.annotate(text, (1, y), (3, 0), xycoords=beside, textcoords="offset points", va="center_baseline", fontsize=6.5, color=GREY)


def _between_rows(axes: Axes, count: int) -> None:
    for row in range(1, count):
        axes.axhline(row - 0.5, color=RULE, linewidth=0.6, zorder=0)
    axes.tick_params(axis="y", length=0)


def _legend_of_cases(axes: Axes, cases: list[str], synthetic: Collection[str]) -> None:
    handles = []
    for case in cases:
        style, drawn = CASES[case], case + TEST in synthetic
        label = f"{style.name} (synthetic)" if drawn else style.name
        handles.append(Line2D([], [], color=style.colour, marker=style.marker, linestyle="none", label=label))
    above: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1, 0.995), "borderaxespad": 0.3}
    axes.legend(handles=handles, ncols=len(handles), columnspacing=0.9, handletextpad=0.1, **above)


# ------------------------------------------------------------------------------------------------------ people and classes
@styled
def confused_pairs(pairs: pd.DataFrame, most: int = 15) -> Figure:
    """Who was taken for whom, most often first.

    Args:
        pairs: columns ``true,predicted,count`` and ``n`` or ``share``: display names, how often it happened, and how many
            photos of the true person there are, or the share of these.
        most: the most pairs to draw.
    """
    rows = pairs.sort_values(["count", "true", "predicted"], ascending=[False, True, True]).head(most)
    if rows.empty:
        return _note("No photo was taken for somebody else.")
    photos = rows["n"] if "n" in rows else rows["count"] / rows["share"]
    figure = new_figure(0.75 + 0.2 * len(rows), width=WIDTH * 0.75)
    axes = figure.subplots()
    axes.barh(range(len(rows)), rows["count"], height=0.62, color=VERMILION)
    for y, (count, n) in enumerate(zip(rows["count"], photos, strict=True)):
        text = f"{count:.0f} of {n:.0f}"
        axes.annotate(text, (count, y), (4, 0), textcoords="offset points", va="center_baseline", fontsize=7, color=GREY)
    names = [f"{_short(true)}  →  {_short(predicted)}" for true, predicted in zip(rows["true"], rows["predicted"], strict=True)]
    axes.set_yticks(range(len(rows)), names)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, float(rows["count"].max()) * 1.12)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    more = f" ({len(rows)} of {len(pairs)} pairs)" if len(rows) < len(pairs) else ""
    axes.set(xlabel="photos", title=f"True person → taken for{more}")
    return figure


@styled
def per_class(classes: pd.DataFrame) -> Figure:
    """Recall of each class with its 95 % interval, best first, in as many columns as the page needs.

    Args:
        classes: columns ``label,n,correct,recall,low,high``; labels are display names, recall, low and high fractions. Of more
            than :data:`MOST_ROWS` classes the worst are drawn, which the title says.
    """
    if classes.empty:
        return _note("No class to show.")
    ordered = classes.sort_values(["recall", "n", "label"], ascending=[False, False, True])
    shown = ordered.tail(MOST_ROWS)
    columns = 1 if len(shown) <= 15 else 2 if len(shown) <= 50 else 3
    rows = math.ceil(len(shown) / columns)
    figure = new_figure(0.7 + max(rows, 3) * (0.17 if rows <= 25 else 0.14), width=WIDTH if columns > 1 else WIDTH / 2)
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
    _at_the_right(axes, at, [f"{correct:.0f}/{n:.0f}" for correct, n in zip(rows["correct"], rows["n"], strict=True)])
    axes.set_yticks(at, [_short(label, 16) for label in rows["label"]], fontsize=6.5)
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
        _validation_curves(loss, top1, frame, colour, dash, _short(name))
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


def _note(text: str) -> Figure:
    """A small figure that says why there is nothing to draw."""
    figure = new_figure(0.6, width=WIDTH / 2)
    figure.text(0.5, 0.5, text, ha="center", va="center", color=GREY, fontsize=9)
    return figure


def _short(name: object, longest: int = LONGEST) -> str:
    text = one_line(str(name))
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
