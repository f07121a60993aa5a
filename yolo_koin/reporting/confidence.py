"""The charts of how far a model's confidence can be trusted: risk over coverage, and reliability. A panel for each test split."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from yolo_koin.reporting.figures import LONGEST_ENTRY, titled
from yolo_koin.reporting.fonts import apart, one_line
from yolo_koin.reporting.panels import columns_of
from yolo_koin.reporting.style import GREY, SERIES, WIDTH, styled, styles_of
from yolo_koin.splits import Split, in_order

ABREAST = 3  # panels
SIDE = 2.6  # inches of a panel with its labels
DOTS: dict[str, Any] = {"linewidths": 0, "zorder": 3, "clip_on": False}
LEAST_DOT, LARGEST_DOT = 4.0, 90.0  # square points: of a bin with hardly a photo, and what all photos add

Tables = Mapping[tuple[str, str], pd.DataFrame]  # by what a run is called, and split


@dataclass(frozen=True)
class _Panels:
    """A figure with a square panel for each split, both axes in percent.

    Attributes:
        figure: with a legend where there are several runs, else with the run's name above.
        axes: by split.
        runs: in order.
    """

    figure: Figure
    axes: dict[str, Axes]
    runs: list[str]

    @classmethod
    def of(cls, tables: Tables, synthetic: Collection[str], xlabel: str, ylabel: str) -> _Panels:
        runs, splits = list(dict.fromkeys(run for run, _ in tables)), in_order(split for _, split in tables)
        names = apart(runs, LONGEST_ENTRY)
        columns, rows = columns_of(names, most=3), -(-len(splits) // ABREAST)
        legend = 0.1 + 0.17 * -(-len(runs) // columns) if len(runs) > 1 else 0.0
        figure = titled(SIDE * rows + legend, WIDTH, "" if len(runs) > 1 else runs[0])
        grid = figure.subplots(rows, ABREAST, squeeze=False).ravel()
        panels = cls(figure, dict(zip(splits, grid, strict=False)), runs)
        for split, axes in panels.axes.items():
            name = Split.parse(split).name
            axes.set(title=one_line(f"{name} (synthetic)" if split in synthetic else name), xlim=(-2, 102), ylim=(-2, 102), box_aspect=1)
            axes.grid()
            axes.set(xlabel=xlabel, ylabel=ylabel if axes in grid[::ABREAST] else "")
        for axes in grid[len(splits) :]:
            axes.set_visible(False)
        if len(runs) > 1:
            handles = [Line2D([], [], label=name, **panels.look(run, splits[0])) for run, name in zip(runs, names, strict=True)]
            figure.legend(handles=handles, loc="outside lower center", ncols=columns)
        return panels

    def look(self, run: str, split: str) -> dict[str, Any]:
        """How a run is drawn: in the split's colour where it is alone."""
        number = self.runs.index(run)
        colour = SERIES[number % len(SERIES)] if len(self.runs) > 1 else styles_of([split])[Split.parse(split)].colour
        return {"color": colour, "linestyle": ("-", "--", ":")[number // len(SERIES) % 3], "linewidth": 1.2}


@styled
def risk_coverage(tables: Tables, synthetic: Collection[str] = ()) -> Figure | None:
    """How many answers are wrong among the photos that a model is surest of, over how many those are.

    Args:
        tables: ``coverage,risk``, fractions.
        synthetic: splits whose photos are synthetic.

    Returns:
        None where there is no table.
    """
    if not tables:
        return None
    panels = _Panels.of(tables, synthetic, "photos answered, the surest first, %", "wrong among them, %")
    for (run, split), table in tables.items():
        panels.axes[split].plot(100 * table["coverage"], 100 * table["risk"], **panels.look(run, split))
    return panels.figure


@styled
def reliability(tables: Tables, synthetic: Collection[str] = ()) -> Figure | None:
    """How often a model is right, over how sure it is; on the diagonal it is right as often as it says.

    Args:
        tables: ``n,confidence,accuracy,accuracy_low,accuracy_high``, a row per bin; ``n`` gives the area of its dot, the others are
            fractions. A run that is alone has its intervals drawn, several have lines.
        synthetic: splits whose photos are synthetic.

    Returns:
        None where there is no table.
    """
    if not tables:
        return None
    alone = len({run for run, _ in tables}) == 1
    panels = _Panels.of(
        tables, synthetic, "confidence, % (area of a dot: photos)", "right, % (95 % Wilson interval)" if alone else "right, %"
    )
    for axes in panels.axes.values():
        axes.plot([0, 100], [0, 100], color=GREY, linewidth=0.8, linestyle=":", zorder=1)
    for (run, split), table in tables.items():
        at, right, low, high = (100 * table[column] for column in ("confidence", "accuracy", "accuracy_low", "accuracy_high"))
        axes, look, marker = panels.axes[split], panels.look(run, split), styles_of([split])[Split.parse(split)].marker
        axes.scatter(at, right, LEAST_DOT + LARGEST_DOT * table["n"] / table["n"].sum(), color=look["color"], marker=marker, **DOTS)
        if alone:
            axes.vlines(at, low, high, color=look["color"], linewidth=0.8)
        else:
            axes.plot(at, right, **look)
    return panels.figure
