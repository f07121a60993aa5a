"""The charts of how far a model's confidence can be trusted: risk over coverage, and reliability. A panel for each test split."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from yolo_koin.reporting.figures import LONGEST_ENTRY, titled
from yolo_koin.reporting.fonts import apart, one_line
from yolo_koin.reporting.language import of_split, say
from yolo_koin.reporting.panels import columns_of
from yolo_koin.reporting.style import GREY, SERIES, WIDTH, styled, styles_of
from yolo_koin.splits import Split, in_order

ABREAST = 3  # panels
SIDE = WIDTH / ABREAST + 0.1  # inches of a panel with its title
LABEL = 8  # points
DOTS: dict[str, Any] = {"linewidths": 0, "zorder": 3, "clip_on": False}
LEAST_DOT, LARGEST_DOT = 4.0, 90.0  # square points: of a bin with hardly a photo, and what all photos add


@styled
def risk_coverage(tables: Mapping[tuple[str, str], pd.DataFrame], synthetic: Collection[str] = ()) -> Figure | None:
    """How many answers are wrong among the photos that a model is surest of, over how many those are.

    Args:
        tables: ``coverage,risk``, fractions, by what a run is called and by split. A run that is alone is named above, and has the
            colours of the splits.
        synthetic: splits whose photos are synthetic.

    Returns:
        None where there is no table.
    """
    if not tables:
        return None
    runs = list(dict.fromkeys(run for run, _ in tables))
    looks: dict[str, dict[str, Any]] = {
        run: {"color": SERIES[i % len(SERIES)], "linestyle": ("-", "--", ":")[i // len(SERIES) % 3]} for i, run in enumerate(runs)
    }
    several = len(runs) > 1
    columns = columns_of(names := apart(runs, LONGEST_ENTRY), most=3)
    legend = 0.1 + 0.17 * -(-len(runs) // columns) if several else 0.0
    labels = say("photos answered, the surest first, %"), say("wrong among them, %")
    figure, panels = square_panels((split for _, split in tables), synthetic, "" if several else runs[0], labels, legend)
    for (run, split), table in tables.items():
        look = looks[run] if several else {"color": styles_of([split])[Split.parse(split)].colour}
        panels[split].plot(100 * table["coverage"], 100 * table["risk"], **look)
    if several:
        handles = [Line2D([], [], label=name, **looks[run]) for run, name in zip(runs, names, strict=True)]
        figure.legend(handles=handles, loc="outside upper center", ncols=columns)
    return figure


@styled
def reliability(tables: Mapping[str, pd.DataFrame], title: str, synthetic: Collection[str] = ()) -> Figure | None:
    """How often a model is right, over how sure it is; on the diagonal it is right as often as it says.

    Args:
        tables: ``n,confidence,accuracy,accuracy_low,accuracy_high``, a row per bin, by split; ``n`` gives the area of its dot, the others
            are fractions.
        title: what the run is called.
        synthetic: splits whose photos are synthetic.

    Returns:
        None where there is no table.
    """
    if not tables:
        return None
    labels = say("confidence, % (the area of a dot tells how many photos)"), say("right, % (95 % Wilson interval)")
    figure, panels = square_panels(tables, synthetic, title, labels)
    styles = styles_of(tables)
    for split, table in tables.items():
        at, right, low, high = (100 * table[column] for column in ("confidence", "accuracy", "accuracy_low", "accuracy_high"))
        axes, style = panels[split], styles[Split.parse(split)]
        axes.plot([0, 100], [0, 100], color=GREY, linewidth=0.8, linestyle=":", zorder=1)
        axes.vlines(at, low, high, color=style.colour, linewidth=0.8)
        axes.scatter(at, right, LEAST_DOT + LARGEST_DOT * table["n"] / table["n"].sum(), color=style.colour, marker=style.marker, **DOTS)
    return figure


def square_panels(
    splits: Iterable[str], synthetic: Collection[str], title: str, labels: tuple[str, str], legend: float = 0.0
) -> tuple[Figure, dict[str, Axes]]:
    """A figure, and its panel for each split, both axes in percent and labelled; ``legend`` is the room for one, in inches."""
    splits = in_order(splits)
    rows, columns = -(-len(splits) // ABREAST), min(ABREAST, len(splits))
    figure = titled(SIDE * rows + 0.2 + legend, WIDTH, title)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    figure.supxlabel(labels[0], fontsize=LABEL)
    for axes in grid[len(splits) :]:
        axes.remove()
    for number, (split, axes) in enumerate(zip(splits, grid, strict=False)):
        axes.set(title=one_line(of_split(Split.parse(split).name, split in synthetic)), xlim=(-2, 102), ylim=(-2, 102), box_aspect=1)
        axes.set_ylabel("" if number % columns else labels[1])
        axes.grid()
    return figure, dict(zip(splits, grid, strict=False))
