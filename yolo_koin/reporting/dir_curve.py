"""The chart of open-set identification: how many known people are still named over how many strangers are let through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from yolo_koin.reporting.confidence import square_panels
from yolo_koin.reporting.figures import LONGEST_ENTRY
from yolo_koin.reporting.fonts import apart
from yolo_koin.reporting.language import say
from yolo_koin.reporting.panels import columns_of
from yolo_koin.reporting.style import SERIES, styled, styles_of
from yolo_koin.splits import Split

TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)  # percent
MOST_BANDS = 4  # runs; those of more hide each other
BAND: dict[str, Any] = {"alpha": 0.13, "linewidth": 0}
MARK: dict[str, Any] = {"markeredgecolor": "white", "markeredgewidth": 0.6, "clip_on": False, "zorder": 4}
Key = tuple[str, str]  # what a run is called, and a split


@dataclass(frozen=True)
class Curves:
    """What is drawn.

    Attributes:
        lines: ``fpir,tpir,low,high``, fractions, from the smallest FPIR that can be claimed to 1.
        marks: FPIR and TPIR at a chosen threshold, fractions; one that is left of its line is drawn at the edge, as an arrow.
        synthetic: splits whose photos are.
    """

    lines: Mapping[Key, pd.DataFrame]
    marks: Mapping[Key, tuple[float, float]] = field(default_factory=dict)
    synthetic: frozenset[str] = frozenset()


@styled
def dir_curves(curves: Curves) -> Figure:
    """A panel for each test split; a run that is alone is named above, and has the colours of the splits. Many runs have no bands."""
    runs = list(dict.fromkeys(run for run, _ in curves.lines))
    several, names = len(runs) > 1, apart(runs, LONGEST_ENTRY)
    columns = columns_of(names, most=3)
    legend = 0.1 + 0.17 * -(-len(runs) // columns) if several else 0.0
    labels = say("FPIR: strangers' photos accepted, % (log scale)"), say("TPIR: known people named, %")
    figure, panels = square_panels((split for _, split in curves.lines), curves.synthetic, "" if several else runs[0], labels, legend)
    looks: dict[str, dict[str, Any]] = {
        run: {"color": SERIES[i % len(SERIES)], "linestyle": ("-", "--", ":")[i // len(SERIES) % 3]} for i, run in enumerate(runs)
    }
    for (run, split), line in curves.lines.items():
        look = looks[run] if several else {"color": styles_of([split])[Split.parse(split)].colour}
        _draw(panels[split], line, curves.marks.get((run, split)), look, with_band=len(runs) <= MOST_BANDS)
    for axes in panels.values():
        axes.set_xscale("log")
        axes.set_xlim(100 * min(line["fpir"].min() for line in curves.lines.values()), 100)
        axes.xaxis.set_major_locator(FixedLocator(TICKS))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
    if several:
        handles = [Line2D([], [], label=name, **looks[run]) for run, name in zip(runs, names, strict=True)]
        figure.legend(handles=handles, loc="outside upper center", ncols=columns)
    return figure


def _draw(axes: Axes, line: pd.DataFrame, mark: tuple[float, float] | None, look: dict[str, Any], with_band: bool) -> None:
    percent = 100 * line
    axes.plot(percent["fpir"], percent["tpir"], drawstyle="steps-post", **look)
    if with_band:
        axes.fill_between(percent["fpir"], percent["low"], percent["high"], step="post", color=look["color"], **BAND)
    if mark:
        left = line["fpir"].min()
        sign = "o" if mark[0] >= left else "<"
        axes.plot([100 * max(mark[0], left)], [100 * mark[1]], color=look["color"], marker=sign, **MARK)
