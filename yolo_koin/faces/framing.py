"""Photos as the small networks of OpenCV see them: at a good size, with a border."""

from __future__ import annotations

import cv2
import numpy as np

from yolo_koin.dataset.images import PAD_COLOUR, RGB

MULTIPLE = 32  # the networks halve their input five times
BORDER = 16  # pixels around the photo: faces that touch its edge are found too
LARGEST, SMALLEST, MAX_ENLARGEMENT = 640, 168, 3.0  # longer side of what the network sees


def scale_of(photo: RGB, largest: int = LARGEST) -> float:
    """How much a photo is enlarged (at most three times) or reduced before a network sees it."""
    longer: int = max(photo.shape[:2])
    return min(largest / longer, 1.0) if longer >= SMALLEST else min(SMALLEST / longer, MAX_ENLARGEMENT)


def fit(photo: RGB, scale: float) -> RGB:
    """The photo scaled, with a grey border, its sides multiples of 32. Its corner lies at (:data:`BORDER`, :data:`BORDER`)."""
    height, width = photo.shape[:2]
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    scaled = cv2.resize(photo, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    right, bottom = ((-(side + 2 * BORDER)) % MULTIPLE + BORDER for side in size)
    framed = cv2.copyMakeBorder(scaled, BORDER, bottom, BORDER, right, cv2.BORDER_CONSTANT, value=PAD_COLOUR)
    return np.asarray(framed, dtype=np.uint8)
