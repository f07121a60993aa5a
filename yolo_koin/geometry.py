"""Boxes in a photo, and how far they overlap."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Box = tuple[float, float, float, float]  # x, y, width, height in pixels


def iou(one: ArrayLike, other: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union of boxes, 0 to 1.

    Args:
        one: … × 4: x, y, width, height. A box without an area overlaps nothing.
        other: likewise; the shapes broadcast, so ``iou(a[:, None], b[None])`` is of every two.

    >>> float(iou((0, 0, 10, 10), (5, 0, 5, 10)))
    0.5
    """
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    shared = (high - low).clip(min=0).prod(axis=-1)
    whole: NDArray[Any] = a[..., 2:].prod(axis=-1) + b[..., 2:].prod(axis=-1) - shared
    shares: NDArray[np.float64] = np.divide(shared, whole, out=np.zeros_like(shared), where=shared > 0)
    return shares
