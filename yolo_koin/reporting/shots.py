"""The chart of few-shot learning: accuracy against training photos of each person. Frames in, a matplotlib figure out."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator, PercentFormatter

from yolo_koin.reporting.figures import titled
from yolo_koin.reporting.panels import LABEL_SIZE, columns_of, lines_of
from yolo_koin.reporting.style import SERIES, WIDTH, styled
from yolo_koin.splits import Split, in_order

MARKERS = "o^sDvP*X"
PANEL = 2.1  # inches: height of one
ABREAST = 3


@styled
def shots_curve(table: pd.DataFrame, dataset: str = "") -> Figure | None:
    """Top-1 on each test split against the training photos of each person, on a logarithmic scale.

    One training of a model is a dot with its 95 % interval; several seeds are faint dots, each for itself, and the line joins their means:
    an interval over photos would hide that the seeds learnt from other photos.

    Args:
        table: a row for each run and test split: ``model``, ``shots`` (photos of each person, their mean where all were taken), ``split``,
            ``value,low,high`` (fractions).
        dataset: whose photos these are.

    Returns:
        None where no model was trained with two different numbers of shots.
    """
    several = table.groupby("model")["shots"].nunique() > 1
    table = table[table["model"].isin(several[several].index)]
    if table.empty:
        return None
    splits, models = in_order(table["split"]), list(dict.fromkeys(table["model"]))
    columns = columns_of(models, most=2)
    rows = math.ceil(len(splits) / ABREAST)
    figure = titled(PANEL * rows + 0.2 * math.ceil(len(models) / columns), WIDTH, dataset)
    panels = figure.subplots(rows, min(len(splits), ABREAST), sharey=True, squeeze=False)
    for axes, split in zip(panels.flat, splits, strict=False):
        _panel(axes, table[table["split"] == split], models, Split.parse(split).name)
    for axes in panels.flat[len(splits) :]:
        axes.set_visible(False)
    for axes in panels[:, 0]:
        axes.set_ylabel("top-1")
    panels[-1, panels.shape[1] // 2].set_xlabel("training photos of each person")
    entries = [Line2D([], [], color=colour, marker=marker, label=_entry(model)) for model, (colour, marker) in _styles(models).items()]
    figure.legend(handles=entries, loc="outside lower center", ncols=columns)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, models: list[str], title: str) -> None:
    for model, (colour, marker) in _styles(models).items():
        mine = rows[rows["model"] == model].sort_values("shots")
        means = mine.groupby("shots")["value"].mean() * 100
        axes.plot(means.index, means, color=colour, marker=marker, markersize=4, clip_on=False, zorder=3)
        for shots in means.index:
            runs = mine[mine["shots"] == shots]
            at, values = runs["shots"], runs["value"] * 100
            if len(runs) > 1:
                axes.plot(at, values, color=colour, marker=marker, markersize=2.5, linestyle="none", alpha=0.45, clip_on=False)
            else:
                ends = [values - runs["low"] * 100, runs["high"] * 100 - values]
                axes.errorbar(at, values, ends, color=colour, linewidth=0.8, capsize=2, zorder=2)
    axes.set_title("\n".join(lines_of(title, 1.4, LABEL_SIZE)))
    axes.set_ylim(0, 100)
    axes.yaxis.set_major_formatter(PercentFormatter(100, decimals=0, symbol=" %"))
    axes.grid(axis="y")
    axes.set_xscale("log")
    ticks = sorted(rows["shots"].unique().tolist())
    axes.set_xticks(ticks, [f"{round(tick, 1):.4g}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())


def _styles(models: list[str]) -> dict[str, tuple[str, str]]:
    return {model: (SERIES[i % len(SERIES)], MARKERS[i % len(MARKERS)]) for i, model in enumerate(models)}


def _entry(model: str) -> str:
    return "\n".join(lines_of(model, 2.4, LABEL_SIZE))
