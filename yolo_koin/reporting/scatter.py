"""The chart of hard against normal photos: what is lost by models that are as good on normal ones. Frame in, a matplotlib figure out."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from yolo_koin.reporting.figures import LONGEST_ENTRY, titled
from yolo_koin.reporting.fonts import apart
from yolo_koin.reporting.language import of_split, say
from yolo_koin.reporting.panels import columns_of
from yolo_koin.reporting.style import COLUMN, GREY, INK, SERIES, styled
from yolo_koin.splits import HARD, NORMAL

MARKERS = "o^sDvP*X"
FEWEST, MOST = 3, 20  # points, and models with methods that can be told apart
KEYS = ["model", "method", "trained_on", "shots", "names"]


@styled
def hard_against_normal(table: pd.DataFrame, dataset: str = "") -> Figure | None:
    """Top-1 on hard photos over top-1 on normal ones, a point with its intervals for each setting; on the diagonal nothing is lost.

    Args:
        table: as :func:`yolo_koin.verbs.overview.overview` gives it. A colour and a shape for each model and method; hollow is what learnt
            from hard photos too. A thin line joins settings that differ in the number of shots alone.
        dataset: whose photos these are.

    Returns:
        None where fewer than :data:`FEWEST` settings have both, or there are more than :data:`MOST` models and methods.
    """
    normal, hard = (table[table["split"] == str(split)] for split in (NORMAL, HARD))
    both = normal.merge(hard, on=KEYS, suffixes=("_normal", "_hard"))
    both["series"] = (both["model"] + " " + both["method"].map(of_split)).str.strip()
    if len(both) < FEWEST or both["series"].nunique() > MOST:
        return None
    series = list(dict.fromkeys(both["series"]))
    names = apart(series, LONGEST_ENTRY)
    columns = columns_of(names, most=2, width=COLUMN)
    figure = titled(3.1 + 0.17 * (math.ceil(len(series) / columns) + 1), COLUMN, dataset)
    axes = figure.subplots()
    axes.plot([0, 100], [0, 100], color=GREY, linewidth=0.8, linestyle=":", zorder=1)
    for i, one in enumerate(series):
        for hollow, points in both[both["series"] == one].groupby(_has_hard(both)):
            x, y = 100 * points["top1_normal"], 100 * points["top1_hard"]
            ends = [
                [x - 100 * points["low_normal"], 100 * points["high_normal"] - x],
                [y - 100 * points["low_hard"], 100 * points["high_hard"] - y],
            ]
            colour = SERIES[i % len(SERIES)]
            joined = points.sort_values("shots", na_position="last")  # the one of all photos comes last
            axes.plot(100 * joined["top1_normal"], 100 * joined["top1_hard"], color=colour, linewidth=0.5, alpha=0.6, zorder=2)
            look: dict[str, Any] = {"color": colour, "marker": MARKERS[i % len(MARKERS)], "markerfacecolor": "white" if hollow else colour}
            axes.errorbar(x, y, yerr=ends[1], xerr=ends[0], linestyle="none", elinewidth=0.5, markersize=4.5, zorder=3, **look)
    x, y = of_split(NORMAL.name), of_split(HARD.name, bool(hard["synthetic"].any()))
    axes.set(xlim=(0, 102), ylim=(0, 102), box_aspect=1)
    axes.set(xlabel=say("top-1 on {split} photos, %", split=x), ylabel=say("top-1 on {split} photos, %", split=y))
    axes.grid()
    entries = [
        Line2D([], [], color=SERIES[i % len(SERIES)], marker=MARKERS[i % len(MARKERS)], linestyle="none", label=name)
        for i, name in enumerate(names)
    ]
    if _has_hard(both).any():
        entries.append(
            Line2D([], [], color=INK, marker="o", markerfacecolor="white", linestyle="none", label=say("hollow: learnt from hard photos"))
        )
    figure.legend(handles=entries, loc="outside lower center", ncols=columns)
    return figure


def _has_hard(table: pd.DataFrame) -> pd.Series[bool]:
    return table["trained_on"].str.contains("hard|both")
