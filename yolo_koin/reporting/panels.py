"""The panels of the accuracy figure: dots with whiskers, a row for each run, the test splits beneath each other within it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import blended_transform_factory

from yolo_koin.reporting.fonts import Type, apart, one_line, short, wrap
from yolo_koin.reporting.language import of_split, photos, say, spoken
from yolo_koin.reporting.style import GREY, PAPER, RULE, WIDTH, SplitStyle, styles_of
from yolo_koin.splits import Split, in_order
from yolo_koin.words import Sentence, listed

WHOLE = "whole"
WAYS = {
    WHOLE: Sentence("names the whole photo"),
    "faces": Sentence("names each face found"),
    "detector": Sentence("finds and names faces"),
}
DETECTION = {
    "map50": Sentence("Identity\nmAP@0.5"),
    "map50_95": Sentence("Identity\nmAP@0.5:0.95"),
    "face_ap50": Sentence("Face\nAP@0.5"),
}
NAME, LABEL_SIZE, LONGEST = 1.5, 7.5, 90  # of a run's name beside an axis: inches of a line, points, characters
LONGEST_DATASET = 22  # characters of its name in a panel's title
LINESPACING = 1.35  # of lines in small type
WIDE, NARROW, MANY = 0.2, 0.13, 12  # inches between dots, and between those of more than so many
MEASURED = 100  # pixels a point to measure text at


@dataclass(frozen=True)
class Rows:
    """The rows of a panel.

    Attributes:
        runs: way and name of each, downwards.
        names: what they are called, in one or more lines.
        styles: how each split is drawn, in order.
    """

    runs: tuple[tuple[str, str], ...]
    names: tuple[str, ...]
    styles: Mapping[Split, SplitStyle]

    @classmethod
    def of(cls, frame: pd.DataFrame, labels: Mapping[str, str], styles: Mapping[Split, SplitStyle]) -> Rows:
        """The rows for the columns ``way,run,split,synthetic`` of a frame, in its order."""
        runs = tuple(dict.fromkeys(zip(frame["way"].astype(str), frame["run"].astype(str), strict=True)))
        distinct = list(dict.fromkeys(run for _, run in runs))  # one that was scored in two ways has one name
        titles = dict(zip(distinct, apart([labels.get(run, run) for run in distinct], LONGEST), strict=True))
        faces, synthetic, seen = any(way != WHOLE for way, _ in runs), _partly_synthetic(frame), set(frame["split"])
        names = tuple(
            "\n".join([*lines_of(titles[run], NAME, LABEL_SIZE), *([spoken(WAYS[way])] if faces else []), *synthetic.get(run, [])])
            for way, run in runs
        )
        return cls(runs, names, {split: style for split, style in styles.items() if str(split) in seen})

    @property
    def spacing(self) -> float:
        """Inches from dot to dot."""
        return NARROW if len(self.runs) * len(self.styles) > MANY else WIDE

    @property
    def pitch(self) -> float:
        """Inches from run to run."""
        lines = max((name.count("\n") + 1 for name in self.names), default=1)
        return max((len(self.styles) + 0.6) * self.spacing, (lines + 0.6) * LABEL_SIZE * LINESPACING / 72)

    @property
    def height(self) -> float:
        """Inches."""
        return len(self.runs) * self.pitch

    def at(self, frame: pd.DataFrame, split: Split) -> list[float]:
        """Where the dots of this split stand."""
        offset = (list(self.styles).index(split) - (len(self.styles) - 1) / 2) * self.spacing / self.pitch
        return [self.runs.index(run) + offset for run in zip(frame["way"], frame["run"], strict=True)]

    def draw(self, axes: Axes, frame: pd.DataFrame, hollow: bool = False) -> None:
        """Dots and whiskers of a frame, in percent, and rules between the runs; ``hollow`` ones where its ``boxes`` are a detector's."""
        for split, style in self.styles.items():
            rows = frame[frame["split"] == str(split)]
            agreed = (rows["boxes"] != "") & hollow
            for dots, face in ((rows[~agreed], style.colour), (rows[agreed], PAPER)):
                if len(dots):
                    _draw_dots(axes, dots, self.at(dots, split), style, face)
        for row in range(1, len(self.runs)):
            axes.axhline(row - 0.5, color=RULE, linewidth=0.6, zorder=0)
        axes.set_ylim(len(self.runs) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")

    def name(self, axes: Axes) -> None:
        """Write what each run is called."""
        axes.set_yticks(range(len(self.names)), self.names, linespacing=LINESPACING)


def _partly_synthetic(frame: pd.DataFrame) -> dict[str, list[str]]:
    """Run → a line that says which of its splits are synthetic, where those of another run are real; the legend tells the others."""
    photos = frame[["run", "split", "synthetic"]].drop_duplicates()
    lines: dict[str, list[str]] = {}
    for run, rows in photos[photos["split"].isin(_mixed(frame))].groupby("run", sort=False):
        names = [of_split(Split.parse(split).name) for split in in_order(rows.loc[rows["synthetic"].astype(bool), "split"])]
        if names:
            lines[str(run)] = [say("{names} photos: synthetic", names=listed(names))]
    return lines


def _mixed(frame: pd.DataFrame) -> list[str]:
    """Splits whose photos are synthetic in some runs and real in others."""
    return [str(split) for split, values in frame.groupby("split")["synthetic"] if values.nunique() > 1]


def _draw_dots(axes: Axes, rows: pd.DataFrame, at: Sequence[float], style: SplitStyle, face: str) -> None:
    """A dot per row with its interval, and its value in small type in a column right of the panel; all in percent."""
    value, low, high = (rows[column].to_numpy(dtype=float) * 100 for column in ("value", "low", "high"))
    # A rounded CSV may put an end a hair beyond the value; an interval that was left out is not drawn.
    whiskers = np.nan_to_num(np.clip(np.vstack([value - low, high - value]), 0, None))
    look: dict[str, Any] = {"fmt": style.marker, "color": style.colour, "markersize": 4.5, "elinewidth": 1, "zorder": 3}
    axes.errorbar(value, at, xerr=whiskers, markerfacecolor=face, **look)
    at_the_right(axes, at, [f"{x:.1f}".replace("-", "−") for x in value])


def at_the_right(axes: Axes, at: Iterable[float], texts: Iterable[str]) -> None:
    """Small texts in a column right of a panel, at these heights."""
    beside = blended_transform_factory(axes.transAxes, axes.transData)
    for y, text in zip(at, texts, strict=True):
        axes.annotate(text, (1, y), (3, 0), xycoords=beside, textcoords="offset points", va="center_baseline", fontsize=6.5, color=GREY)


def panel_title(what: str, dataset: str) -> str:
    """The title of a panel, with the dataset where it is known."""
    return say("{what} on {dataset}", what=what, dataset=short(dataset, LONGEST_DATASET)) if dataset else spoken(what)


def accuracy(axes: Axes, rows: Rows, frame: pd.DataFrame, dataset: str) -> None:
    """Top-1 of each run on each split."""
    rows.draw(axes, frame)
    low = float(np.nan_to_num(frame["low"].min()))
    axes.set_xlim(10 * math.floor(low * 10 - 0.2) if low > 0.03 else -1.5, 102)
    axes.set_xlabel(say("top-1 accuracy, %\n(95 % Wilson interval)"), linespacing=LINESPACING)
    axes.set_title(panel_title(Sentence("Accuracy"), dataset))
    rows.name(axes)


def legend(figure: Figure, frame: pd.DataFrame) -> None:
    """What the markers mean, above all panels."""
    styles, labels = styles_of(frame["split"]), _labels(frame)
    handles = [
        Line2D([], [], color=style.colour, marker=style.marker, linestyle="none", label=label)
        for style, label in zip(styles.values(), labels, strict=True)
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=columns_of(labels), columnspacing=1.2, handletextpad=0.1)


def legend_height(frame: pd.DataFrame) -> float:
    """Inches that the legend takes."""
    labels = _labels(frame)
    return 0.1 + 0.16 * math.ceil(len(labels) / columns_of(labels))


def _labels(frame: pd.DataFrame) -> list[str]:
    """The splits, with their numbers of photos."""
    synthetic = set(frame.loc[frame["synthetic"].astype(bool), "split"]) - set(_mixed(frame))
    called = {split: of_split(split.name, str(split) in synthetic) for split in styles_of(frame["split"])}
    return [one_line(f"{name}, {_photos(frame[frame['split'] == str(split)])}") for split, name in called.items()]


def _photos(rows: pd.DataFrame) -> str:
    """``80 photos``; where runs differ ``12 to 80 photos``."""
    least, most = int(rows["n"].min()), int(rows["n"].max())
    return photos(most) if least == most else say("{least:,} to {most:,} photos", least=least, most=most)


def columns_of(labels: Sequence[str], most: int = 5, width: float = WIDTH) -> int:
    """As many columns of a legend as the longest label leaves room for in ``width`` inches, ``most`` at most."""
    longest = max(Type(MEASURED).getlength(line) for label in labels for line in label.split("\n")) / MEASURED * LABEL_SIZE / 72
    return max(1, min(len(labels), most, int(width / (longest + 0.4))))


def gaps(axes: Axes, rows: Rows, frame: pd.DataFrame) -> None:
    """The loss against normal photos, in percentage points, each beside the dot that it belongs to."""
    rows.draw(axes, frame)
    axes.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    axes.set_xlabel(say("top-1 on normal minus here,\npercentage points\n(95 % Newcombe interval)"), linespacing=LINESPACING)
    axes.set_title(say("Lost from normal"))


def detection(panels: Sequence[Axes], rows: Rows, frame: pd.DataFrame) -> None:
    """Average precision, a panel for each of :data:`DETECTION`."""
    for axes, (metric, title) in zip(panels, DETECTION.items(), strict=True):
        rows.draw(axes, frame[frame["metric"] == metric], hollow=True)
        axes.set_title(spoken(title), linespacing=LINESPACING)
        axes.set(xlim=(-7, 107), xticks=(0, 50, 100))
    rows.name(panels[0])
    for axes in panels[1:]:
        axes.set_yticks(panels[0].get_yticks(), [])


def told_of_boxes(frame: pd.DataFrame) -> str:
    """What the values below are, and of which photos they say no more than how far one agrees with a face detector."""
    boxes = frame[frame["metric"] == "map50"]
    of = [f"{of_split(Split.parse(split).name)}, {_photos(boxes[boxes['split'] == split])}" for split in in_order(boxes["split"])]
    lines = [say("% (95 % bootstrap interval over boxed photos)"), *([say("boxed: {photos}", photos="; ".join(of))] if of else [])]
    for finder, rows in frame[frame["boxes"] != ""].groupby("boxes", sort=False):
        boxed = listed([of_split(Split.parse(split).name) for split in in_order(rows["split"])])
        lines.append(say("hollow: agreement with {finder}, which boxed the {splits} photos", finder=finder, splits=boxed))
    return "\n".join(lines)


def lines_of(text: str, width: float, size: float, bold: bool = False) -> list[str]:
    """The whole text in lines of at most ``width`` inches, in type of this size."""
    return wrap(text, Type(round(size * MEASURED), bold), width * 72 * MEASURED / 1.02)  # matplotlib rounds letters to whole pixels
