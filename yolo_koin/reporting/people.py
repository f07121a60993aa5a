"""The charts of people: who is recognised how well, and who is taken for whom; a sentence where a chart would say no more."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from yolo_koin.reporting.figures import titled
from yolo_koin.reporting.fonts import apart
from yolo_koin.reporting.language import say
from yolo_koin.reporting.panels import at_the_right
from yolo_koin.reporting.style import BLUE, COLUMN, GREY, VERMILION, WIDTH, styled
from yolo_koin.words import Sentence

MOST_PAIRS = 15  # of a figure
MOST_ROWS = 120  # of a per-class figure; of more people it counts how many are recognised how often
BINS = 5  # of recall, then
LONGEST_LABEL, LONGEST_IN_PAIR = 16, 20  # characters of a person's name, where there is little room
LONGEST_IN_COLUMN = 28  # characters of two names, in a chart that fits a column


# -------------------------------------------------------------------------------------------------------- confused pairs
def shown_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs worth a chart, most frequent first: those that happened twice at least; where they are many, no part of a tie."""
    ordered = pairs.sort_values(["count", "true", "predicted"], ascending=[False, True, True])
    least = max([1, *ordered["count"].iloc[MOST_PAIRS : MOST_PAIRS + 1]])
    shown: pd.DataFrame = ordered[ordered["count"] > least]
    return shown


def said_of_pairs(pairs: pd.DataFrame) -> str:
    """A sentence in place of a chart without a row."""
    if pairs.empty:
        return Sentence("Nobody was taken for somebody else.")
    if (most := int(pairs["count"].max())) > 1:
        n = int((pairs["count"] == most).sum())
        return Sentence(
            "No mistake stands out: {n:,} pairs of people were confused {times} times each, and none more often.", n=n, times=most
        )
    if len(pairs) == 1:
        return Sentence("Nobody was taken for the same other person more than once: one pair was confused once.")
    return Sentence("Nobody was taken for the same other person more than once: {n:,} pairs were confused once each.", n=len(pairs))


@styled
def confused_pairs(pairs: pd.DataFrame, title: str = "") -> Figure | None:
    """Who was taken for whom, most often first.

    Args:
        pairs: all that were confused: columns ``true,predicted,count`` and ``n`` or ``share``: display names, how often it happened,
            and how many photos of the true person there are, or the share of these.
        title: whose mistakes on which photos; drawn in full above the chart.

    Returns:
        None where there is no pair to show; :func:`said_of_pairs` then says why.
    """
    rows = shown_pairs(pairs)
    if rows.empty:
        return None
    photos = rows["n"] if "n" in rows else rows["count"] / rows["share"]
    names = _names(rows)
    figure = titled(0.75 + 0.2 * len(rows), COLUMN if max(map(len, names)) <= LONGEST_IN_COLUMN else WIDTH, title)
    axes = figure.subplots()
    axes.barh(range(len(rows)), rows["count"], height=0.62, color=VERMILION)
    for y, (count, n) in enumerate(zip(rows["count"], photos, strict=True)):
        text = say("{count} of {n}", count=round(count), n=round(n))
        axes.annotate(text, (count, y), (4, 0), textcoords="offset points", va="center_baseline", fontsize=7, color=GREY)
    axes.set_yticks(range(len(rows)), names)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, float(rows["count"].max()) * 1.12)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.set_title(say("True person → taken for"))
    figure.supxlabel(_counted(len(rows), len(pairs)), fontsize=8)
    return figure


def _counted(rows: int, pairs: int) -> str:
    """What the bars count, and of how many pairs."""
    if rows == pairs:
        return say("photos")
    if rows == 1:
        return say("photos, the most frequent of {pairs:,} pairs", pairs=pairs)
    return say("photos, the {rows} most frequent of {pairs:,} pairs", rows=rows, pairs=pairs)


def _names(rows: pd.DataFrame) -> list[str]:
    people = list(dict.fromkeys([*rows["true"], *rows["predicted"]]))
    name = dict(zip(people, apart(people, LONGEST_IN_PAIR), strict=True))
    return [f"{name[true]}  →  {name[predicted]}" for true, predicted in zip(rows["true"], rows["predicted"], strict=True)]


# -------------------------------------------------------------------------------------------------------------- per class
def said_of_classes(classes: pd.DataFrame) -> str:
    """A sentence in place of a chart whose rows are all alike; empty where they differ."""
    if len(classes) < 1 or classes[["correct", "n"]].drop_duplicates().shape[0] > 1:
        return ""
    correct, n = int(classes["correct"].iloc[0]), int(classes["n"].iloc[0])
    photos = Sentence("{n} photos", n=n) if n > 1 else Sentence("{n} photo", n=n)
    if len(classes) == 1:
        return Sentence("The one person was recognised in {right} of {photos}.", right=correct, photos=photos)
    return Sentence(
        "Each of the {people:,} people was recognised in {right} of {photos}.", people=len(classes), right=correct, photos=photos
    )


@styled
def per_class(classes: pd.DataFrame, title: str = "") -> Figure | None:
    """Recall of each class with its 95 % interval, best first, in as many columns as the page needs.

    Args:
        classes: columns ``label,n,correct,recall,low,high``; labels are display names, recall, low and high fractions. Of more
            than :data:`MOST_ROWS` classes it is drawn how many have which recall.
        title: whose recall on which photos; drawn in full above the chart.

    Returns:
        None where there is no class, or all are alike, which :func:`said_of_classes` then says.
    """
    if classes.empty or said_of_classes(classes):
        return None
    if len(classes) > MOST_ROWS:
        return _recall_of_many(classes, title)
    shown = classes.sort_values(["recall", "n", "label"], ascending=[False, False, True])
    shown = shown.assign(label=apart(list(shown["label"]), LONGEST_LABEL))
    columns = 1 if len(shown) <= 15 else 2 if len(shown) <= 50 else 3
    rows = math.ceil(len(shown) / columns)
    figure = titled(0.7 + max(rows, 3) * (0.17 if rows <= 25 else 0.14), WIDTH if columns > 1 else COLUMN, title)
    panels = figure.subplots(1, columns, sharex=True, squeeze=False, gridspec_kw={"wspace": 0.09})[0]
    for column, axes in enumerate(panels):
        _class_panel(axes, shown.iloc[column * rows : (column + 1) * rows], rows)
    panels[0].set_title(say("Recall per class"))
    figure.supxlabel(say("photos recognised, % (95 % Wilson interval); correct of all at the right"), fontsize=8 if columns > 1 else 7)
    return figure


def _recall_of_many(classes: pd.DataFrame, title: str) -> Figure:
    """How many people have which recall; a bin includes its upper end, and those of nobody recognised and of all are by themselves."""
    edges = np.linspace(0, 1, BINS + 1)
    at = np.digitize(classes["recall"], edges, right=True) + (classes["recall"] == 1).to_numpy()
    counts = np.bincount(at, minlength=BINS + 2)
    ends = [round(100 * edge) for edge in edges]
    names = ["0", *(f"{low + 1}–{min(high, 99)}" for low, high in pairwise(ends)), "100"]
    figure = titled(2.2, COLUMN, title)
    axes = figure.subplots()
    axes.bar(range(len(counts)), counts, width=0.8, color=BLUE)
    for x, count in enumerate(counts):
        axes.annotate(f"{count:,}", (x, count), (0, 2), textcoords="offset points", ha="center", fontsize=7, color=GREY)
    axes.set_xticks(range(len(counts)), names)
    axes.set_ylim(0, counts.max() * 1.1)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    axes.grid(axis="y")
    least, most = int(classes["n"].min()), int(classes["n"].max())
    of = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    axes.set(xlabel=say("photos of a person that are recognised, % (of {of} each)", of=of), ylabel=say("people"))
    axes.set_title(say("Recall of {people:,} people", people=len(classes)))
    return figure


def _class_panel(axes: Axes, rows: pd.DataFrame, height: int) -> None:
    value, low, high = (rows[column].to_numpy(dtype=float) * 100 for column in ("recall", "low", "high"))
    at = np.arange(len(rows))
    whiskers = np.clip(np.vstack([value - low, high - value]), 0, None)
    axes.errorbar(value, at, xerr=whiskers, fmt="o", color=BLUE, elinewidth=0.8, markersize=3.2)
    at_the_right(axes, at, [f"{correct:.0f}/{n:.0f}" for correct, n in zip(rows["correct"], rows["n"], strict=True)])
    axes.set_yticks(at, list(rows["label"]), fontsize=6.5)
    axes.set(ylim=(height - 0.4, -0.6), xlim=(-3, 103), xticks=(0, 50, 100))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="both")
