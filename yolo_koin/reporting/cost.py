"""The chart of accuracy against cost, with the Pareto front. Frame in, a matplotlib figure out."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter
from matplotlib.transforms import Bbox

from yolo_koin.evaluation.pareto import on_front
from yolo_koin.reporting.figures import titled
from yolo_koin.reporting.fonts import Type
from yolo_koin.reporting.language import of_split, say, spoken
from yolo_koin.reporting.style import GREY, INK, PAGE, PAPER, SplitStyle, styled, styles_of
from yolo_koin.words import Sentence

AXES = {  # a column of the frame → what it is drawn in, and in what unit
    "latency_median": (Sentence("time for one photo, ms"), 1.0),
    "parameters": (Sentence("parameters, millions"), 1e6),
    "flops": (Sentence("FLOPs for one photo, billions"), 1e9),
}
FEWEST = 2  # settings that can be compared
PANEL = 2.05  # inches: height of one
ROOM = 1.9  # a panel reaches this factor beyond its points, so that their names fit
TYPE = 6.0  # points: of the names
MARK = 9  # pixels around a mark's middle that it takes


@styled
def accuracy_over_cost(table: pd.DataFrame, machine: str = "", dataset: str = "") -> Figure | None:
    """Top-1 over time, parameters and FLOPs, on logarithmic axes, with 95 % intervals; a row of panels for each split.

    The front is worked out for each panel on the point estimates: whiskers that overlap may hide another one.

    Args:
        table: as :func:`yolo_koin.verbs.costs.costs` gives it, of the splits to draw.
        machine: whose times are drawn; those of other machines cannot be compared, and are left out.
        dataset: whose photos these are.

    Returns:
        None where no split has :data:`FEWEST` settings with a cost.
    """
    table = table.assign(latency_median=table["latency_median"].where(table["machine"] == machine), label=_labels(table))
    shown = [axis for axis in AXES if (table.groupby("split")[axis].nunique() >= FEWEST).any()]
    if not shown:
        return None
    styles = styles_of(table["split"])
    figure = titled(PANEL * len(styles) + 0.25, PAGE, dataset)
    panels = figure.subplots(len(styles), len(shown), sharex="col", sharey="row", squeeze=False)
    for (split, style), row in zip(styles.items(), panels, strict=True):
        mine = table[table["split"] == str(split)]
        for axes, axis in zip(row, shown, strict=True):
            _panel(axes, mine, axis, style, _limits(table[axis], axis))
        lowest = 100 * min(mine["low"].min(), mine["top1"].min())
        row[0].set_ylim(max(0, lowest - max(15, 0.8 * (100 - lowest))), 104)
        row[0].set_ylabel(say("top-1, {split} photos", split=of_split(split.name, bool(mine["synthetic"].any()))))
    for axes, axis in zip(panels[-1], shown, strict=True):
        axes.set_xlabel(spoken(AXES[axis][0]))
    figure.draw_without_rendering()  # after which it is known where everything is
    for row, split in zip(panels, styles, strict=True):
        for axes, axis in zip(row, shown, strict=True):
            _name(axes, table[table["split"] == str(split)].dropna(subset=axis), axis)
    return figure


def _labels(table: pd.DataFrame) -> list[str]:
    """What each point is called: its network, and below it how it learnt, where that tells it from others of the same network."""
    several = table.groupby("model")[["method", "trained_on"]].transform("nunique") > 1
    told = [[of_split(row[column]) for column in several if mark[column]] for row, mark in zip(_rows(table), _rows(several), strict=True)]
    return ["\n".join(filter(None, [model, ", ".join(words)])) for model, words in zip(table["model"], told, strict=True)]


def _rows(table: pd.DataFrame) -> list[dict[Any, Any]]:
    return table.to_dict("records")


def _limits(costs: pd.Series, axis: str) -> tuple[float, float]:
    """From where to where the panels of an axis reach, which all splits share."""
    return costs.min() / AXES[axis][1] / ROOM, costs.max() / AXES[axis][1] * ROOM


def _panel(axes: Axes, rows: pd.DataFrame, axis: str, style: SplitStyle, limits: tuple[float, float]) -> None:
    rows = rows.dropna(subset=axis).sort_values([axis, "top1"])
    x, y = rows[axis].to_numpy(dtype=float) / AXES[axis][1], 100 * rows["top1"].to_numpy(dtype=float)
    ends = np.nan_to_num(np.clip([y - 100 * rows["low"], 100 * rows["high"] - y], 0, None))
    front = on_front(x, y)
    look: dict[str, Any] = {"color": style.colour, "marker": style.marker, "linestyle": "none", "zorder": 3, "elinewidth": 0.6}
    for mine, face in ((front, style.colour), (~front, PAPER)):
        if mine.any():
            axes.errorbar(x[mine], y[mine], ends[:, mine], markerfacecolor=face, **look)
    axes.set_xscale("log")
    axes.set_xlim(*limits)
    if front.any():
        axes.step([*x[front], limits[1]], [*y[front], y[front][-1]], where="post", color=style.colour, linewidth=0.8, alpha=0.6, zorder=2)
    axes.yaxis.set_major_formatter(PercentFormatter(100, decimals=0, symbol=" %"))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", which="minor", length=0)
    axes.grid(axis="y")


def _name(axes: Axes, rows: pd.DataFrame, axis: str) -> None:
    """Write what each point is called near it, where it covers least, with a thin line from one to the other where they are apart."""
    points = axes.transData.transform(np.column_stack([rows[axis] / AXES[axis][1], 100 * rows["top1"]]))
    ends = [axes.transData.transform([(1, 100 * low), (1, 100 * high)])[:, 1] for low, high in zip(rows["low"], rows["high"], strict=True)]
    taken = [Bbox([[x - 3, bottom], [x + 3, top]]) for (x, _), (bottom, top) in zip(points, np.nan_to_num(ends), strict=True)]
    taken += [Bbox([(x, y), (x, y)]).padded(MARK) for x, y in points]
    taken += [Bbox.from_extents(a, b - 2, c, d + 2) for line in axes.lines[-1:] for a, b, c, d in _steps(axes, line.get_xydata())]
    pixels = axes.figure.dpi / 72
    words: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": TYPE, "color": INK, "linespacing": 1.1, "zorder": 2.5}
    for (x, y), label in sorted(zip(map(tuple, points), rows["label"], strict=True), key=lambda one: (one[0][0], one[1])):
        lines = label.split("\n")
        wide = max(Type(100).getlength(line) for line in lines) / 100 * TYPE * pixels
        high = len(lines) * TYPE * 1.25 * pixels
        tried = [Bbox.from_bounds(x + dx - wide / 2, y + dy - high / 2, wide, high) for dx, dy in _around(wide, high, pixels)]
        box = min(tried, key=lambda one: _covered(one, taken, axes.bbox) + _reach(one, (x, y), taken) * pixels)
        taken.append(box)
        places = axes.transData.inverted().transform([(x, y), _middle(box)])
        look: dict[str, Any] = {"arrowstyle": "-", "color": GREY, "linewidth": 0.35, "shrinkA": 0, "shrinkB": 2, "relpos": (0.5, 0.5)}
        axes.annotate(
            label,
            tuple(places[0]),
            tuple(places[1]),
            arrowprops=look,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.3, "alpha": 0.8},
            **words,
        ).set_in_layout(False)


def _around(wide: float, high: float, pixels: float) -> list[tuple[float, float]]:
    """Places of a name's centre around its point, in pixels."""
    turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return [
        (np.cos(turn) * (wide / 2 + far * pixels), np.sin(turn) * (high / 2 + far * pixels))
        for far in (4, 9, 15, 22, 30, 40, 52)
        for turn in turns
    ]


def _steps(axes: Axes, ends: Any) -> list[tuple[float, float, float, float]]:
    """The level pieces of the front's line, in pixels."""
    at = axes.transData.transform(ends)
    return [(a, b, c, b) for (a, b), (c, _) in pairwise(at)]


def _covered(box: Bbox, taken: list[Bbox], panel: Bbox) -> float:
    """Pixels of a name that lie on something else, or outside of the panel, which is worse."""
    outside = box.width * box.height - _shared(box, panel)
    return 6 * (2 * outside + sum(_shared(box, other) for other in taken))


def _reach(box: Bbox, point: tuple[float, float], taken: list[Bbox]) -> float:
    """Pixels from a name to its point, those across something else counting for many."""
    way = np.linspace(point, _middle(box), 12)
    across = sum(other.contains(*at) for at in way[3:] for other in taken)
    return float(np.hypot(*(way[-1] - way[0])) * (1 + across))


def _middle(box: Bbox) -> tuple[float, float]:
    return (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2


def _shared(one: Bbox, other: Bbox) -> float:
    both = Bbox.intersection(one, other)
    return both.width * both.height if both is not None else 0.0
