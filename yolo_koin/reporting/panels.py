"""The panels of the accuracy figure: dots with whiskers, a row for each run, the cases beneath each other within it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.transforms import blended_transform_factory

from yolo_koin.reporting.fonts import one_line
from yolo_koin.reporting.style import CASES, GREY, PAPER, RULE, CaseStyle

TEST = "/test"
PHOTO = "photo"
WAYS = {PHOTO: "names the whole photo", "faces": "names each face found", "detector": "finds and names faces"}
DETECTION = {"map50": "Identity mAP@0.5", "map50_95": "Identity mAP@0.5:0.95", "face_ap50": "Face AP@0.5"}
LONGEST = 28  # characters of a name beside an axis
LINESPACING = 1.35  # of two lines in small type
WIDE, NARROW, MANY = 0.2, 0.13, 12  # inches between dots, and between those of more than so many


def of_tests(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of test splits."""
    return rows[rows["split"].str.endswith(TEST)]


@dataclass(frozen=True)
class Rows:
    """The rows of a panel.

    Attributes:
        runs: way and name of each, downwards.
        cases: in the order of :data:`~yolo_koin.reporting.style.CASES`.
    """

    runs: tuple[tuple[str, str], ...]
    cases: tuple[str, ...]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Rows:
        """The rows for the columns ``way,run,split`` of a frame, in its order."""
        runs = dict.fromkeys(zip(frame["way"].astype(str), frame["run"].astype(str), strict=True))
        return cls(tuple(runs), tuple(case for case in CASES if (frame["split"] == case + TEST).any()))

    @property
    def height(self) -> float:
        """Inches."""
        return len(self.runs) * (len(self.cases) + 0.6) * (NARROW if len(self.runs) * len(self.cases) > MANY else WIDE)

    def at(self, frame: pd.DataFrame, case: str) -> list[float]:
        """Where the dots of this case stand."""
        offset = (self.cases.index(case) - (len(self.cases) - 1) / 2) / (len(self.cases) + 0.6)
        return [self.runs.index(run) + offset for run in zip(frame["way"], frame["run"], strict=True)]

    def draw(self, axes: Axes, frame: pd.DataFrame, hollow: Collection[str] = ()) -> None:
        """Dots (``hollow`` ones of these splits) and whiskers of a frame, in percent, and rules between the runs."""
        for case in self.cases:
            dots = frame[frame["split"] == case + TEST]
            if len(dots):
                _draw_dots(axes, dots, self.at(dots, case), CASES[case], case + TEST in hollow)
        for row in range(1, len(self.runs)):
            axes.axhline(row - 0.5, color=RULE, linewidth=0.6, zorder=0)
        axes.set_ylim(len(self.runs) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")

    def name(self, axes: Axes, labels: Mapping[str, str], ways: bool) -> None:
        """What each run is called, and in a second line what it does, where runs of several ways are compared."""
        names = [short(labels.get(run, run)) + (f"\n{WAYS[way]}" if ways else "") for way, run in self.runs]
        axes.set_yticks(range(len(names)), names, linespacing=LINESPACING)


def _draw_dots(axes: Axes, rows: pd.DataFrame, at: Sequence[float], style: CaseStyle, hollow: bool) -> None:
    """A dot per row with its interval, and its value in small type in a column right of the panel; all in percent."""
    value, low, high = (rows[column].to_numpy(dtype=float) * 100 for column in ("value", "low", "high"))
    # A rounded CSV may put an end a hair beyond the value; an interval that was left out is not drawn.
    whiskers = np.nan_to_num(np.clip(np.vstack([value - low, high - value]), 0, None))
    look: dict[str, Any] = {"fmt": style.marker, "color": style.colour, "markersize": 4.5, "elinewidth": 1, "zorder": 3}
    axes.errorbar(value, at, xerr=whiskers, markerfacecolor=PAPER if hollow else style.colour, **look)
    at_the_right(axes, at, [f"{x:.1f}".replace("-", "−") for x in value])


def at_the_right(axes: Axes, at: Iterable[float], texts: Iterable[str]) -> None:
    """Small texts in a column right of a panel, at these heights."""
    beside = blended_transform_factory(axes.transAxes, axes.transData)
    for y, text in zip(at, texts, strict=True):
        axes.annotate(text, (1, y), (3, 0), xycoords=beside, textcoords="offset points", va="center_baseline", fontsize=6.5, color=GREY)


def accuracy(axes: Axes, rows: Rows, frame: pd.DataFrame, synthetic: Collection[str]) -> None:
    """Top-1 of each run on each case, and what the markers mean."""
    rows.draw(axes, frame)
    low = float(np.nan_to_num(frame["low"].min()))
    axes.set_xlim(10 * math.floor(low * 10 - 0.2) if low > 0.03 else -1.5, 102)
    axes.set(xlabel="top-1 accuracy, % (95 % Wilson interval)", title="Accuracy")
    handles = []
    for case in rows.cases:
        label = f"{CASES[case].name} (synthetic)" if case + TEST in synthetic else CASES[case].name
        handles.append(Line2D([], [], color=CASES[case].colour, marker=CASES[case].marker, linestyle="none", label=label))
    above: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1, 0.995), "borderaxespad": 0.3}
    axes.legend(handles=handles, ncols=len(handles), columnspacing=0.9, handletextpad=0.1, **above)


def gaps(axes: Axes, rows: Rows, frame: pd.DataFrame) -> None:
    """The loss against normal photos, in percentage points, each beside the dot that it belongs to."""
    rows.draw(axes, frame)
    axes.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    axes.set_xlabel("top-1 on normal minus here,\npercentage points (95 % Newcombe interval)", linespacing=LINESPACING)
    axes.set_title("Lost from normal photos")


def detection(panels: Sequence[Axes], rows: Rows, frame: pd.DataFrame, agreement: Collection[str]) -> None:
    """Average precision, a panel for each of :data:`DETECTION`; the dots of splits with boxes from a face detector are hollow."""
    for axes, (metric, title) in zip(panels, DETECTION.items(), strict=True):
        rows.draw(axes, frame[frame["metric"] == metric], agreement)
        axes.set(title=title, xlim=(-3, 103), xticks=(0, 50, 100))
    for axes in panels[1:]:
        axes.set_yticks(panels[0].get_yticks(), [])


def told_of_boxes(frame: pd.DataFrame, agreement: Mapping[str, str]) -> str:
    """What the values below are, and of which photos they say no more than how far one agrees with a face detector."""
    cases: dict[str, list[str]] = {}
    for split in dict.fromkeys(frame["split"]):
        if split in agreement:
            cases.setdefault(agreement[split], []).append(CASES[split.removesuffix(TEST)].name)
    lines = [f"hollow: agreement with {name}, which boxed the {_listed(boxed)} photos" for name, boxed in cases.items()]
    return "\n".join(["% (95 % bootstrap interval over photos)", *lines])


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def short(name: object, longest: int = LONGEST) -> str:
    """A name as one line of at most ``longest`` characters."""
    text = one_line(str(name))
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
