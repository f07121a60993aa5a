"""The chart of weak segments: top-1 of each part of a split with its interval, beside that of the whole split."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from yolo_koin.evaluation.segments import weak
from yolo_koin.reporting.fonts import one_line
from yolo_koin.reporting.style import BLUE, GREY, PAGE, VERMILION, new_figure, styled
from yolo_koin.splits import Split

LINE, REST = 0.17, 1.15  # inches: of a row, and of what is around them
LEFT = 1.7  # inches: of the names
PANEL = (PAGE - LEFT) / 3
SHOWN = 3  # splits


@styled
def weak_segments(table: pd.DataFrame, title: str, synthetic: Collection[str] = ()) -> Figure:
    """A panel for each split, a row for each part.

    Args:
        table: of :func:`yolo_koin.evaluation.segments.segments`; of the first :data:`SHOWN` splits.
        title: what the model is called.
        synthetic: splits whose photos are.
    """
    splits = list(dict.fromkeys(table["split"]))[:SHOWN]
    table = table[table["split"].isin(splits)]
    rows = list(dict.fromkeys(zip(table["property"], table["segment"], strict=True)))
    worse = {tuple(row) for row in weak(table)[["split", "property", "segment"]].to_numpy().tolist()}
    figure = new_figure(LINE * len(rows) + REST, LEFT + PANEL * len(splits))
    panels = figure.subplots(1, len(splits), sharey=True, squeeze=False)[0]
    for axes, split in zip(panels, splits, strict=True):
        for one in table[table["split"] == split].to_dict("records"):
            place, is_weak = rows.index((one["property"], one["segment"])), (split, one["property"], one["segment"]) in worse
            value, low, high, rest = (100 * one[key] for key in ("top1", "low", "high", "rest"))
            whiskers = np.clip([[value - low], [high - value]], 0, None)
            axes.errorbar([value], [place], xerr=whiskers, fmt="X" if is_weak else "o", color=VERMILION if is_weak else BLUE, elinewidth=1)
            axes.vlines(rest, place - 0.35, place + 0.35, color=GREY, linewidth=1.2, zorder=1)
        name = Split.parse(split).name + (" (synthetic)" if split in synthetic else "")
        axes.set(xlim=(-3, 103), ylim=(len(rows) - 0.4, -0.6), title=one_line(name), xticks=(0, 50, 100))
        axes.xaxis.set_major_formatter(PercentFormatter(100, decimals=0, symbol=" %"))
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        for place in [i for i in range(1, len(rows)) if rows[i][0] != rows[i - 1][0]]:
            axes.axhline(place - 0.5, color=GREY, linewidth=0.4)
    panels[0].set_yticks(range(len(rows)), [f"{name}: {segment}" for name, segment in rows])
    panels[len(splits) // 2].set_xlabel("top-1 (95 % Wilson interval)")
    handles = [
        Line2D([], [], marker="o", color=BLUE, linestyle="", label="a part of the split"),
        Line2D([], [], marker="X", color=VERMILION, linestyle="", label="shown to be worse than the rest"),
        Line2D([], [], color=GREY, label="the rest of the split"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    figure.suptitle(one_line(title), fontsize=9, fontweight="bold", x=0.01, ha="left")
    return figure
