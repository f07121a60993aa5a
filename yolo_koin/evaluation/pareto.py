"""The Pareto front: what nothing else beats in cost and in worth at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def on_front(cost: ArrayLike, worth: ArrayLike) -> NDArray[np.bool_]:
    """Which points are not dominated: no other costs as little or less and is worth as much or more, one of the two strictly.

    Args:
        cost: of each point; one of unknown cost or worth (NaN) is on no front, and dominates nothing.
        worth: of each.
    """
    x, y = np.asarray(cost, dtype=float), np.asarray(worth, dtype=float)
    with np.errstate(invalid="ignore"):
        no_dearer, no_worse = x[:, None] <= x[None], y[:, None] >= y[None]
        better = (x[:, None] < x[None]) | (y[:, None] > y[None])
    result: NDArray[np.bool_] = ~(no_dearer & no_worse & better).any(axis=0) & ~np.isnan(x) & ~np.isnan(y)
    return result
