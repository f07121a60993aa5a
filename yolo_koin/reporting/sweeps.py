"""The charts of photos that were changed on purpose: accuracy over severity, and with and without the face."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter
from PIL import Image

from yolo_koin.naming.sweeps import ERASED
from yolo_koin.reporting.fonts import one_line
from yolo_koin.reporting.panels import columns_of
from yolo_koin.reporting.style import BLUE, GREY, PAGE, VERMILION, WIDTH, new_figure, styled, styles_of
from yolo_koin.splits import Split, in_order
from yolo_koin.synthetic.variants import KINDS, Variant

ABREAST, PANEL = 5, 1.35  # panels in a row, and the height of one in inches
BAND = 0.16  # opacity
WORDS = {"": "as it is", "no-face": "face erased", "face-only": "face alone", "other-scene": "another's\nbackground"}
Curves = dict[tuple[str, bool], pd.DataFrame]  # by kind, and whether the thing is elsewhere
PHOTO = 1.15  # inches: height of an example


@styled
def stress_curves(table: pd.DataFrame, title: str, reference: tuple[str, pd.DataFrame] | None = None) -> Figure:
    """Top-1 over severity, a panel for each kind, with Wilson's intervals as bands; 0 is the photos as they are.

    Args:
        table: rows of ``metrics.csv`` of a sweep, fractions.
        title: what the model is called.
        reference: the same of a model that this one is compared with: what it is called, and its rows.
    """
    curves = _curves(table)
    kinds = [kind for kind in KINDS if (kind, False) in curves]
    looks: list[tuple[str, str, Any, Curves, bool]] = [(title, BLUE, "-", curves, False)]
    if any(elsewhere for _, elsewhere in curves):
        looks.append(("the same thing elsewhere in the photo", VERMILION, "--", curves, True))
    if reference:
        looks.append((reference[0], GREY, ":", _curves(reference[1]), False))
    rows, columns = math.ceil(len(kinds) / ABREAST), min(ABREAST, len(kinds))
    width, names = PAGE * max(columns, 2) / ABREAST, [one_line(name) for name, *_ in looks]
    across = columns_of(names, most=3, width=width)
    figure = new_figure(PANEL * rows + 0.28 + 0.17 * math.ceil(len(names) / across), width)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, kind in zip(panels, kinds, strict=False):
        for _, colour, style, of, elsewhere in reversed(looks):
            if (kind, elsewhere) in of:
                _draw_curve(axes, of[kind, elsewhere], colour, style)
        axes.set(title=kind.replace("-", " "), xticks=range(6), ylim=(-3, 103), yticks=range(0, 101, 25))
        axes.yaxis.set_major_formatter(PercentFormatter(100, decimals=0, symbol=" %"))
        axes.tick_params(labelbottom=True)
        axes.grid(axis="y")
    for axes in panels[len(kinds) :]:
        axes.remove()
    figure.supxlabel("severity (0: as they are)", fontsize=8)
    figure.supylabel("top-1", fontsize=8)
    handles = [Line2D([], [], color=look[1], linestyle=look[2], label=name) for name, look in zip(names, looks, strict=True)]
    figure.legend(handles=handles, loc="outside upper right", ncols=across)
    return figure


def _curves(table: pd.DataFrame) -> Curves:
    """By kind and whether the thing is elsewhere: ``severity,value,low,high``, from the photos as they are."""
    top1 = table[table["metric"] == "top1"]
    points: dict[tuple[str, bool], list[tuple[float, ...]]] = {}
    clean: list[tuple[float, ...]] = []
    for split, *ends in top1[["split", "value", "low", "high"]].itertuples(index=False):
        if text := Split.parse(split).variant:
            variant = Variant.parse(text)
            points.setdefault((variant.kind, variant.elsewhere), []).append((variant.severity, *ends))
        else:
            clean.append((0, *ends))
    names = ["severity", "value", "low", "high"]
    return {key: pd.DataFrame(sorted(clean + found), columns=names) for key, found in points.items()}


def _draw_curve(axes: Axes, curve: pd.DataFrame, colour: str, style: Any) -> None:
    at = curve["severity"]
    axes.fill_between(at, 100 * curve["low"], 100 * curve["high"], color=colour, alpha=BAND, linewidth=0)
    axes.plot(at, 100 * curve["value"], color=colour, linestyle=style, marker="o", markersize=2.2, clip_on=False)


@styled
def erased_faces(table: pd.DataFrame, chance: pd.DataFrame, examples: Sequence[Image.Image], synthetic: Collection[str] = ()) -> Figure:
    """Top-1 of each test split as it is, without faces, with nothing else, and before others' backgrounds, below an example of each.

    Args:
        table: rows ``top1`` of ``metrics.csv``, fractions, with splits and their variants.
        chance: ``split,chance``: what guessing reaches.
        examples: a photo as it is and in its variants, or none.
        synthetic: splits whose photos are.
    """
    top1 = table[table["metric"] == "top1"]
    splits = list(dict.fromkeys(str(Split(s.case, s.part)) for s in map(Split.parse, in_order(top1["split"]))))
    styles = styles_of(splits)
    variants = ("", *ERASED)
    figure = new_figure(2.2 + (PHOTO if examples else 0), WIDTH)
    figure.get_layout_engine().set(wspace=0, w_pad=0.03)  # type: ignore[union-attr,call-arg]
    grid = figure.add_gridspec(2 if examples else 1, len(variants), height_ratios=[PHOTO, 2.0] if examples else None)
    for column, photo in enumerate(examples):
        axes = figure.add_subplot(grid[0, column])
        axes.imshow(np.asarray(photo), aspect="equal")
        axes.axis("off")
    axes = figure.add_subplot(grid[-1, :])
    for number, (split, style) in enumerate(styles.items()):
        found = top1.set_index("split")
        at = [(i, str(Split(split.case, split.part, variant))) for i, variant in enumerate(variants)]
        offset = (number - (len(styles) - 1) / 2) * 0.26
        x = [i + offset for i, name in at if name in found.index]
        value, low, high = 100 * found.loc[[name for _, name in at if name in found.index], ["value", "low", "high"]].to_numpy(float).T
        label = one_line(split.name + (" (synthetic)" if str(split) in synthetic else ""))
        whiskers = np.clip([value - low, high - value], 0, None)
        axes.errorbar(x, value, whiskers, fmt=style.marker, color=style.colour, elinewidth=1, label=label, zorder=3)
        for place, height in zip(x, value, strict=True):
            axes.annotate(f"{height:.1f}", (place, height), (4, 0), textcoords="offset points", va="center", fontsize=6.5, color=GREY)
    for number, level in enumerate(sorted(set(chance["chance"]))):
        axes.axhline(100 * level, color=GREY, linewidth=0.8, linestyle=":", zorder=1, label="_" if number else "guessing")
    axes.set(xlim=(-0.5, len(variants) - 0.5), ylim=(-3, 103), yticks=range(0, 101, 25), ylabel="top-1 (95 % Wilson interval)")
    axes.set_xticks(range(len(variants)), [WORDS[variant] for variant in variants])
    axes.tick_params(axis="x", length=0)
    axes.yaxis.set_major_formatter(PercentFormatter(100, decimals=0, symbol=" %"))
    axes.grid(axis="y")
    figure.legend(loc="outside upper right", ncols=len(styles) + 1)
    return figure
