"""What all figures share: colours, sizes, type, and how each split is drawn.

Colours are those of Okabe and Ito ("Color Universal Design", 2008), which stay apart for colour-blind readers; shapes and
words carry the same meaning, so that a grey print loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from itertools import count
from typing import Any, NamedTuple, ParamSpec, TypeVar

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from yolo_koin.reporting.fonts import matplotlib_fonts
from yolo_koin.splits import GROUP, HARD, NORMAL, Split, in_order

INK, GREY, RULE, PAPER = "#222222", "#6b6b6b", "#dcdcdc", "#ffffff"
BLUE, VERMILION, GREEN = "#0072b2", "#d55e00", "#009e73"
SERIES = (BLUE, VERMILION, GREEN, "#cc79a7", "#e69f00", "#56b4e9", "#000000")
PAGE = 7.2  # inches: the full text width of a two-column paper, for pages of photos
COLUMN = 3.35  # inches: one column, for charts of one panel's width
WIDTH = 5.2  # inches: of wider charts, which can be read in a column as well (their type is then five points), or at this size
DPI = 300
PHOTO_DPI = 240  # of pages of photos: as sharp as the photos are, and three fifths of the pixels


class SplitStyle(NamedTuple):
    """How a split is drawn everywhere."""

    colour: str
    marker: str


KNOWN = {NORMAL: SplitStyle(BLUE, "o"), HARD: SplitStyle(VERMILION, "^"), GROUP: SplitStyle(GREEN, "s")}
FURTHER_COLOURS, FURTHER_MARKERS = SERIES[3:], "Dv*PX<>hp"  # for other cases and for variants; of 4 and 9, so that pairs repeat late


def styles_of(splits: Iterable[str]) -> dict[Split, SplitStyle]:
    """The style of each split of a figure, in the order that people read them."""
    found = {split: KNOWN.get(split) for split in map(Split.parse, in_order(splits))}
    further = count()
    return {split: style or _further(next(further)) for split, style in found.items()}


def _further(i: int) -> SplitStyle:
    return SplitStyle(FURTHER_COLOURS[i % len(FURTHER_COLOURS)], FURTHER_MARKERS[i % len(FURTHER_MARKERS)])


_SETTINGS: dict[str, Any] = {
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelsize": 8,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "legend.handletextpad": 0.4,
    "text.color": INK,
    "text.parse_math": False,  # a name with a dollar sign is a name
    "lines.linewidth": 1.2,
    "lines.markersize": 4.5,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "savefig.bbox": None,
    "pdf.fonttype": 42,  # TrueType, which can be searched and edited
}

Arguments = ParamSpec("Arguments")
Drawn = TypeVar("Drawn", Figure, Figure | None)


def settings() -> dict[Any, Any]:
    """Our settings over matplotlib's defaults, whatever the user's own ``matplotlibrc`` says."""
    defaults = {key: value for key, value in matplotlib.rcParamsDefault.items() if not key.startswith(("backend", "toolbar"))}
    return {**defaults, **_SETTINGS, **matplotlib_fonts()}


def styled(draw: Callable[Arguments, Drawn]) -> Callable[Arguments, Drawn]:
    """Let a function draw with our settings, and leave matplotlib's own as they were."""

    @wraps(draw)
    def inner(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Drawn:
        with matplotlib.rc_context(settings()):
            figure = draw(*args, **kwargs)
            # Ticks come into being only when drawn, and take the settings of that moment.
            if figure is not None:
                figure.draw_without_rendering()
                figure.set_layout_engine("none")  # laid out once: each file of a figure looks the same, to the last digit
        return figure

    return inner


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure, sizes in inches, that no window and no pyplot state knows of."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure
