"""What a test split scores without the photos that training shows too.

Three metrics of ``metrics.csv``, on test splits that have such photos only: ``leaked``, how many they are; ``top1_leak_free``, top-1 on the
others, with Wilson's interval; and ``leak_gain``, top-1 on all photos minus that, so positive is what the leak gave.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yolo_koin.evaluation import metrics
from yolo_koin.evaluation.statistics import Interval, newcombe
from yolo_koin.words import Sentence

FREE = (
    "{split}: {leaked} of {photos} photos have a near-duplicate in training; without them top-1 is {free:.1f} %, "
    "so they give {gain:+.1f} pp [{low:.1f}, {high:.1f}]"
)
ALL = "{split}: all {photos} photos have a near-duplicate in training, so top-1 tells nothing of new photos"


def without(photos: pd.DataFrame, leaked: Collection[str]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each labelled photo of a split is right, of those that training does not show, and of those that it does.

    Args:
        photos: predictions of one split.
        leaked: image ids of photos that have a near-duplicate in training.
    """
    right, is_leaked = metrics.hits(photos), photos["image"].isin(list(leaked)).to_numpy()
    return right[~is_leaked], right[is_leaked]


def gain(free: NDArray[np.bool_], leaked: NDArray[np.bool_]) -> tuple[float, Interval]:
    """Top-1 on all photos minus top-1 on those that did not leak, and its 95 % interval.

    It is the share of leaked photos times the difference between the two groups, which have no photo in common: Newcombe's interval of
    that difference, times the share, which is known.
    """
    share = len(leaked) / (len(free) + len(leaked))
    low, high = newcombe(int(leaked.sum()), len(leaked), int(free.sum()), len(free))
    return share * float(leaked.mean() - free.mean()), (share * low, share * high)


def leak_notes(table: pd.DataFrame) -> tuple[str, ...]:
    """A line on each split of a table of metrics that has photos which training shows too."""
    told = []
    by_place = {(str(row["split"]), str(row["metric"])): row for row in table.to_dict("records")}
    for split, metric in by_place:
        if metric == "leaked" and (split, "leak_gain") not in by_place:
            told.append(Sentence(ALL, split=split, photos=int(by_place[split, metric]["n"])))
        elif metric == "leak_gain":
            gained, free, leaked = (by_place[split, name] for name in ("leak_gain", "top1_leak_free", "leaked"))
            of, low, high = (100 * float(gained[column]) for column in ("value", "low", "high"))
            shown = {"leaked": int(leaked["value"]), "photos": int(leaked["n"]), "free": 100 * float(free["value"])}
            told.append(Sentence(FREE, split=split, gain=of, low=low, high=high, **shown))
    return tuple(told)
