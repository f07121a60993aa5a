"""The figure of where a classifier looks: photos with their maps, above the share of the maps that lies on the face."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter
from PIL import Image

from yolo_koin.evaluation.scores import text
from yolo_koin.reporting.fonts import one_line
from yolo_koin.reporting.marks import COLOURS
from yolo_koin.reporting.panels import at_the_right
from yolo_koin.reporting.style import BLUE, GREY, PAGE, VERMILION, new_figure, styled
from yolo_koin.splits import Split
from yolo_koin.words import count

EACH = 4  # photos of a split that were named rightly, and wrongly
ROW, LINE, REST = 1.0, 0.19, 0.75  # inches: of photos, of a line of the chart, and around those
LOOKS = {"right": ("o", BLUE), "wrong": ("X", VERMILION)}


@styled
def where_it_looks(
    examples: Mapping[str, Sequence[tuple[Image.Image, bool]]], table: pd.DataFrame, title: str, synthetic: Collection[str] = ()
) -> Figure:
    """Photos of each split with their maps, above the mean share of the maps that lies on the face.

    Args:
        examples: split → photos with their maps, and whether the answer was right; those that were named rightly first.
        table: of :func:`yolo_koin.evaluation.attention.summary`; shares.
        title: what the model is called.
        synthetic: splits whose photos are.
    """
    splits = list(dict.fromkeys(table["split"]))
    names = {split: one_line(Split.parse(split).name + (" (synthetic)" if split in synthetic else "")) for split in splits}
    rows = [split for split in splits if examples.get(split)]
    chart = LINE * len(table) + REST
    figure = new_figure(ROW * len(rows) + chart + 0.25, PAGE)
    grid = figure.add_gridspec(len(rows) + 1, 2 * EACH, height_ratios=[ROW] * len(rows) + [chart])
    for number, split in enumerate(rows):
        for column, (photo, right) in enumerate(_placed(examples[split])):
            axes = figure.add_subplot(grid[number, column])
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
            axes.patch.set_visible(False)  # an empty one would cover the title beside it
            if photo is not None:
                axes.imshow(np.asarray(photo))
            if column == 0:
                axes.set_ylabel(names[split].replace(" (", "\n("), fontsize=7.5)
            if number == 0 and column in {0, EACH}:
                axes.set_title("named rightly" if right else "named wrongly", fontsize=7.5, color=COLOURS[right], pad=4)
    axes = figure.add_subplot(grid[-1, :])
    told = table.to_dict("records")
    for place, one in enumerate(told):
        value, low, high, area = (100 * one[key] for key in ("in_face", "low", "high", "face_area"))
        marker, colour = LOOKS[one["named"]]
        axes.errorbar(
            [value], [place], xerr=np.nan_to_num([[value - low], [high - value]]), fmt=marker, color=colour, elinewidth=1, zorder=3
        )
        axes.vlines(area, place - 0.35, place + 0.35, color=GREY, linewidth=1.5, zorder=2)
    axes.set(xlim=(0, 100), ylim=(len(told) - 0.4, -0.6), xlabel="share of the map on the face (95 % bootstrap interval)")
    axes.set_yticks(range(len(told)), [f"{names[one['split']]}, {one['named']}" for one in told])
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(PercentFormatter(100, decimals=0, symbol=" %"))
    axes.grid(axis="x")
    shown = [f"{count(one['n'], 'photo')}: {text('top1', one['in_face'], one['low'], one['high'])}" for one in told]
    at_the_right(axes, range(len(told)), shown)
    handles = [
        Line2D([], [], marker=marker, color=colour, linestyle="", label=f"named {named}ly") for named, (marker, colour) in LOOKS.items()
    ]
    handles.append(Line2D([], [], color=GREY, label="an even map: the face's share of what the model is shown"))
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    figure.suptitle(one_line(title), fontsize=9, fontweight="bold", x=0.01, ha="left")
    return figure


def _placed(photos: Sequence[tuple[Image.Image, bool]]) -> list[tuple[Image.Image | None, bool]]:
    """Those that were named rightly at the left, the others in the right half; None where there are too few."""
    found: list[tuple[Image.Image | None, bool]] = []
    for right in (True, False):
        some = [photo for photo, is_right in photos if is_right == right][:EACH]
        found += [(photo, right) for photo in (*some, *[None] * (EACH - len(some)))]
    return found
