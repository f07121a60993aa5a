"""How far boxes overlap, which of them find the same thing again, and which pairs of two sets lie on each other."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yolo_koin.evaluation.face_predictions import BOX
from yolo_koin.geometry import iou

SAME = 0.7  # two boxes that overlap by more were found at one place: what Ultralytics' detectors suppress by default


def best_of_each_place(
    group: NDArray[np.intp], boxes: NDArray[np.float64], scores: NDArray[np.float64], most: float = SAME
) -> NDArray[np.bool_]:
    """Greedy non-maximum suppression within each group: which boxes overlap no better one that stays.

    Args:
        group: n numbers; boxes of different groups do not know of each other.
        boxes: n × 4.
        scores: n; of equal scores the first is the better.
        most: the overlap that two boxes may have and both stay.
    """
    order = np.lexsort((-scores, group))
    sorted_group = group[order]
    first = np.searchsorted(sorted_group, sorted_group)  # where the group of each begins
    place = np.arange(len(order)) - first
    stays = np.ones(len(order), dtype=np.bool_)
    # All groups at once: their best boxes suppress, then their second best, …
    for leader in range(int(place.max(initial=0))):
        rest = np.flatnonzero((place > leader) & stays)
        if not len(rest):
            break
        at = first[rest] + leader
        stays[rest] = ~(stays[at] & (iou(boxes[order[at]], boxes[order[rest]]) > most))
    kept = np.empty_like(stays)
    kept[order] = stays
    return kept


def pairs(one: pd.DataFrame, other: pd.DataFrame, least: float) -> pd.DataFrame:
    """All pairs of boxes of one photo that overlap by ``least`` or more.

    Args:
        one: boxes: columns image, x, y, width, height.
        other: likewise.
        least: the overlap.

    Returns:
        Columns ``one, other, iou``, the first two numbering the rows from 0, in the order of ``one``, then of ``other``.
    """
    a, b = (frame[["image"]].assign(**{name: np.arange(len(frame))}) for frame, name in ((one, "one"), (other, "other")))
    both = a.merge(b, on="image")
    of_one, of_other = (frame[list(BOX)].to_numpy(dtype=np.float64) for frame in (one, other))
    both["iou"] = iou(of_one[both["one"].to_numpy()], of_other[both["other"].to_numpy()])
    return both.loc[both["iou"] >= least, ["one", "other", "iou"]].reset_index(drop=True)


def one_to_one(both: pd.DataFrame) -> pd.DataFrame:
    """Of :func:`pairs` those that remain when each box may be in one pair only: the pairs that overlap most come first."""
    taken: set[tuple[str, int]] = set()
    chosen: list[int] = []
    ordered = both.sort_values("iou", ascending=False, kind="stable")
    for row, one, other in zip(ordered.index, ordered["one"], ordered["other"], strict=True):
        boxes = {("one", one), ("other", other)}
        if taken.isdisjoint(boxes):
            taken |= boxes
            chosen.append(row)
    return both.loc[chosen]
