"""Resamples told by the photos in them, for statistics that are told how often each photo is drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def times_drawn(numbers: NDArray[np.intp], photos: int) -> NDArray[np.float64]:
    """How often each photo is in each resample: photos × m, of an m × n array of photo numbers."""
    return np.stack([np.bincount(row, minlength=photos) for row in numbers], axis=1).astype(np.float64)
