"""What a chart shows, read back from its artists."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox


def intervals(axes: Axes) -> list[tuple[float, float, float]]:
    """``(low, value, high)`` of every dot with a whisker, as drawn."""
    found = []
    for container in axes.containers:
        assert isinstance(container, ErrorbarContainer)
        line, _, (bars,) = container.lines
        for value, ((low, _), (high, _)) in zip(np.asarray(line.get_xdata()), bars.get_segments(), strict=True):
            found.append((float(low), float(value), float(high)))
    return sorted(found)


def dots(axes: Axes) -> list[Line2D]:
    """The dots of each case, whiskers left out."""
    return [container.lines[0] for container in axes.containers if isinstance(container, ErrorbarContainer)]


def expected(frame: pd.DataFrame, value: str = "value") -> list[tuple[float, float, float]]:
    percent = frame[["low", value, "high"]] * 100
    return sorted((low, middle, high) for low, middle, high in percent.itertuples(index=False))


def ticks(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def text_boxes(figure: Figure) -> list[tuple[str, Bbox]]:
    """What is written in a figure, and where, in its pixels."""
    figure.draw_without_rendering()
    beyond = set()  # ticks beyond an axis have labels too, which are not drawn
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        beyond |= {tick.label1 for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high}
    written = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_visible() and text.get_text().strip()]
    return [(text.get_text(), text.get_window_extent()) for text in written if text not in beyond]


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    """Texts that lie over one another."""
    boxes = text_boxes(figure)
    return [(one[0], other[0]) for i, one in enumerate(boxes) for other in boxes[:i] if one[1].padded(-1).overlaps(other[1].padded(-1))]


def beyond(figure: Figure) -> list[str]:
    """Texts that are not drawn whole."""
    page = figure.bbox.padded(1)
    return [
        text
        for text, box in text_boxes(figure)
        if not (page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1)
    ]


def legend_over_panels(figure: Figure) -> bool:
    """Whether a legend lies over the curves or their titles."""
    figure.draw_without_rendering()
    legends = [child for child in figure.findobj(Legend) if isinstance(child, Legend)]
    panels = [axes.get_tightbbox() for axes in figure.axes]
    return any(legend.get_window_extent().padded(-1).overlaps(box) for legend in legends for box in panels if box)
