"""Where a model fails: top-1 of parts of a test split, each against the rest of it.

The parts are fixed before anybody looks at an answer: thirds of the split by each property, and photos with no, one and several faces. Each
is tested by Fisher's exact test against the other photos of its split, with Holm's correction over all parts of all splits. The test takes
photos for independent, which several photos of one person, or of one original, are not: its p-values are then too small.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yolo_koin.evaluation import metrics, predictions
from yolo_koin.evaluation.across_runs import LEVEL
from yolo_koin.evaluation.statistics import holm, wilson
from yolo_koin.splits import in_order

COLUMNS = ("split", "property", "segment", "least", "most", "right", "n", "top1", "low", "high", "rest", "p", "p_holm")
FACES = "faces"  # the one property that is counted
THIRDS, COUNTED = ("lowest third", "middle third", "highest third"), ("none", "one", "several")


def segments(frame: pd.DataFrame, properties: pd.DataFrame) -> pd.DataFrame:
    """Top-1 of the parts of each split.

    Args:
        frame: predictions; photos without a true label are left out.
        properties: ``split,image`` and a column for each property, NaN where it is not known: such a photo is in no part by it.

    Returns:
        Columns :data:`COLUMNS`: ``least`` and ``most`` are the values in a part, ``right`` of its ``n`` photos are named rightly, ``rest``
        is top-1 of the other photos whose property is known. A property that does not divide a split has no row of it.
    """
    known = predictions.labelled(frame)
    photos = known.assign(is_right=metrics.hits(known))[["split", "image", "is_right"]].merge(properties, on=["split", "image"])
    names = [str(name) for name in properties if name not in {"split", "image"}]
    rows = [row for split in in_order(photos["split"]) for name in names for row in _of(photos[photos["split"] == split], split, name)]
    table = pd.DataFrame(rows, columns=list(COLUMNS[:-1]))
    return table.assign(p_holm=holm(table["p"].to_numpy(dtype=np.float64)))


def weak(table: pd.DataFrame) -> pd.DataFrame:
    """The parts that are shown to be worse than the rest, at 5 % for all together."""
    return table[(table["p_holm"] < LEVEL) & (table["top1"] < table["rest"])]


def _of(photos: pd.DataFrame, split: str, name: str) -> Iterator[tuple[object, ...]]:
    from scipy import stats

    known = photos.dropna(subset=[name])
    values, right = known[name].to_numpy(dtype=np.float64), known["is_right"].to_numpy(dtype=bool)
    parts, words = _parts(values, name)
    present = np.unique(parts)
    for part in present if len(present) > 1 else ():
        inside = parts == part
        (hit, n), (others, of) = ((int(right[some].sum()), int(some.sum())) for some in (inside, ~inside))
        low, high = wilson(hit, n)
        p = float(stats.fisher_exact(np.array([[hit, n - hit], [others, of - others]])).pvalue)
        ends = float(values[inside].min()), float(values[inside].max())
        yield split, name, words[part], *ends, hit, n, hit / n, float(low), float(high), others / of, p


def _parts(values: NDArray[np.float64], name: str) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """The number of each photo's part, and what the parts are called. Photos of one value are in one part."""
    if name == FACES:
        return values.clip(0, 2).astype(np.intp), COUNTED
    edges = np.quantile(values, (1 / 3, 2 / 3)) if len(values) else np.zeros(2)
    return np.searchsorted(edges, values, side="left"), THIRDS
