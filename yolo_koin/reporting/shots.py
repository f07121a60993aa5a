"""The chart of few-shot learning: accuracy against training photos of each person. Frames in, a matplotlib figure out."""

from __future__ import annotations

import math
from itertools import zip_longest
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator, PercentFormatter

from yolo_koin.reporting.figures import titled
from yolo_koin.reporting.language import of_split, say
from yolo_koin.reporting.panels import LABEL_SIZE, columns_of, lines_of
from yolo_koin.reporting.style import SERIES, WIDTH, styled
from yolo_koin.splits import Split, in_order

MARKERS = "o^sDvP*X"
PANEL = 1.9  # inches: height of one
ABREAST = 3
APART = 0.03  # of its place on the logarithmic axis: points of several models at one number of shots stand side by side


@styled
def shots_curve(table: pd.DataFrame, dataset: str = "") -> Figure | None:
    """Top-1 on each test split against the training photos of each person, on a logarithmic scale, with 95 % intervals.

    Args:
        table: a row for each setting and test split: ``model``, ``trained_on``, ``shots`` (photos of each person, their mean where all were
            taken), ``split``, ``synthetic``, ``value,low,high`` (fractions; of several seeds the mean, and its interval). A training set
            has a row of panels, a model a colour and a shape.
        dataset: whose photos these are.

    Returns:
        None where no model was trained with two different numbers of shots.
    """
    several = table.groupby(["model", "trained_on"])["shots"].transform("nunique") > 1
    table = table[several]
    if table.empty:
        return None
    splits, models, sets = in_order(table["split"]), list(dict.fromkeys(table["model"])), list(dict.fromkeys(table["trained_on"]))
    columns = columns_of(models, most=2)
    abreast = min(len(splits), ABREAST)
    deep = math.ceil(len(splits) / abreast)
    figure = titled(PANEL * deep * len(sets) + 0.2 * math.ceil(len(models) / columns), WIDTH, dataset)
    panels = figure.subplots(deep * len(sets), abreast, sharey=True, squeeze=False)
    for row, trained_on in enumerate(sets):
        of_set = panels[row * deep : (row + 1) * deep]
        for axes, split in zip_longest(of_set.flat, splits):
            if split is None:
                axes.set_visible(False)
                continue
            rows = table[(table["split"] == split) & (table["trained_on"] == trained_on)]
            title = of_split(Split.parse(split).name, bool(table.loc[table["split"] == split, "synthetic"].any()))
            _panel(axes, rows, models, title if row == 0 or deep > 1 else "")
        for axes in of_set[:, 0]:
            axes.set_ylabel(say("top-1, trained on {trained_on}", trained_on=of_split(trained_on)) if trained_on else "top-1")
    panels[-1, panels.shape[1] // 2].set_xlabel(say("training photos of each person"))
    entries = [Line2D([], [], color=colour, marker=marker, label=_entry(model)) for model, (colour, marker) in _styles(models).items()]
    figure.legend(handles=entries, loc="outside lower center", ncols=columns)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, models: list[str], title: str) -> None:
    for number, (model, (colour, marker)) in enumerate(_styles(models).items()):
        mine = rows[rows["model"] == model].sort_values("shots")
        if mine.empty:  # matplotlib would give it a place of its own, and the others none
            continue
        at, values = mine["shots"] * (1 + APART * (number - (len(models) - 1) / 2)), mine["value"] * 100
        ends = [values - mine["low"] * 100, mine["high"] * 100 - values]
        look: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 3.5, "linewidth": 1.0, "elinewidth": 0.6}
        axes.errorbar(at, values, ends, clip_on=False, zorder=3, **look)
    if title:
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
