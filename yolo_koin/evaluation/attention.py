"""How much of what speaks for an answer lies on the face: shares of class-activation maps, photo by photo and on average.

``explained.csv`` (:data:`COLUMNS`) has a row for each photo: ``named`` is ``right``, ``wrong`` or ``unknown``; ``in_face`` the share of the
map's mass inside of the face's box, and ``face_area`` the box's share of the square that the model is shown, which is what a map that is
the same everywhere would have there. Both are empty without a known face, the first also where nothing speaks for the answer.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yolo_koin.dataset.images import Square
from yolo_koin.evaluation.statistics import NO_INTERVAL, Ratio
from yolo_koin.geometry import Box
from yolo_koin.splits import in_order

COLUMNS = ("split", "image", "named", "in_face", "face_area")
SUMMARY = ("split", "named", "n", "in_face", "low", "high", "face_area", "above", "above_low", "above_high")
NAMED = ("right", "wrong", "unknown")
FEWEST = 10  # photos that an interval is told of: resamples of a few are all alike, whatever other photos would give


def share_inside(found: NDArray[np.float32], square: Square, box: Box) -> float:
    """The share of a map's mass inside of a box; NaN where the map is 0 throughout.

    A cell of the map counts by the share of it that the box covers.

    Args:
        found: height × width, none negative, over the square.
        square: left, top and length; box: x, y, width, height; in the same pixels.

    >>> share_inside(np.ones((2, 2), np.float32), (0, 0, 8), (0, 0, 4, 2))
    0.125
    """
    left, top, length = square
    x, y, width, height = box
    across = _covered(found.shape[1], (x - left) / length, (x + width - left) / length)
    down = _covered(found.shape[0], (y - top) / length, (y + height - top) / length)
    total = float(found.sum(dtype=np.float64))
    return float(down @ found.astype(np.float64) @ across) / total if total > 0 else float("nan")


def _covered(cells: int, start: float, end: float) -> NDArray[np.float64]:
    """The share of each of some cells from 0 to 1 that lies between two places."""
    edges = np.arange(cells + 1) / cells
    covered: NDArray[np.float64] = ((np.minimum(edges[1:], end) - np.maximum(edges[:-1], start)) * cells).clip(0)
    return covered


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Means of each split, of photos named rightly and wrongly apart, with 95 % BCa bootstrap intervals over :data:`FEWEST` photos or more.

    Args:
        frame: rows of ``explained.csv``; those without both shares are left out.

    Returns:
        Columns :data:`SUMMARY`; ``above`` is the mean of the share in the face less the face's area.
    """
    known, rows = frame.dropna(subset=["in_face", "face_area"]), []
    for split in in_order(known["split"]):
        for named in NAMED:
            photos = known[(known["split"] == split) & (known["named"] == named)]
            if n := len(photos):
                inside, area = (photos[column].to_numpy(dtype=np.float64) for column in ("in_face", "face_area"))
                rows.append((split, named, n, *_mean(inside), float(area.mean()), *_mean(inside - area)))
    return pd.DataFrame(rows, columns=list(SUMMARY))


def _mean(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """A mean and its interval."""
    of = Ratio(values, np.ones_like(values))
    return of.value, *(of.interval() if len(values) >= FEWEST else NO_INTERVAL)
