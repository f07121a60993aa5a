"""Corruptions that any photo may suffer, at severity 1 to 5.

Amounts are those of ImageNet-C (Hendrycks and Dietterich, ICLR 2019, arXiv:1903.12261; make_imagenet_c.py of hendrycks/robustness),
but for rotation, which it lacks. They are of photos of 224 pixels: blurs grow with the photo, so that a model sees the same of any; noise,
JPEG and low resolution are done at 224 pixels, or at the photo's own size where that is smaller.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from yolo_koin.dataset.images import RGB

SEEN_AT = 224  # px: longer side that the amounts are of
BLUR = (1.0, 2.0, 3.0, 4.0, 6.0)  # standard deviation, px
MOTION = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))  # half length and standard deviation of the streak, px
NOISE = (0.08, 0.12, 0.18, 0.26, 0.38)  # standard deviation, of white
JPEG = (25, 18, 15, 10, 7)  # quality
BRIGHTNESS = (0.1, 0.2, 0.3, 0.4, 0.5)  # added to the value, of white
CONTRAST = (0.4, 0.3, 0.2, 0.1, 0.05)  # factor
RESOLUTION = (0.6, 0.5, 0.4, 0.3, 0.25)  # of the pixels that are seen, along each side
ROTATION = (6, 12, 18, 24, 30)  # degrees, to either side

Floats = NDArray[np.float32]
Corrupt = Callable[[RGB, int, np.random.Generator], RGB]


def corrupt(photo: RGB, kind: str, severity: int, rng: np.random.Generator) -> RGB:
    """A corrupted copy of a photo.

    Args:
        photo: height × width × 3, 8-bit RGB; left as it is.
        kind: one of :data:`CORRUPTIONS`.
        severity: 1 to 5.
        rng: chooses grain and directions; the same state gives the same bytes.
    """
    return CORRUPTIONS[kind](photo, severity, rng)


def _blur(photo: RGB, severity: int, rng: np.random.Generator) -> RGB:
    return np.asarray(cv2.GaussianBlur(photo, (0, 0), BLUR[severity - 1] * max(photo.shape) / SEEN_AT), np.uint8)


def _motion_blur(photo: RGB, severity: int, rng: np.random.Generator) -> RGB:
    """A streak to one side that fades as half a bell curve, as ImageMagick draws it."""
    half, spread = (value * max(photo.shape) / SEEN_AT for value in MOTION[severity - 1])
    angle, at = math.radians(rng.uniform(-45, 45)), np.arange(round(2 * half) + 1)
    kernel = np.zeros((2 * len(at) + 1, 2 * len(at) + 1), np.float32)
    places = (np.rint(length * at).astype(int) + len(at) for length in (math.sin(angle), math.cos(angle)))
    np.add.at(kernel, tuple(places), np.exp(-(at**2) / (2 * spread**2)))
    return np.asarray(cv2.filter2D(photo, -1, kernel / kernel.sum()), np.uint8)


def _noise(photo: RGB, severity: int, rng: np.random.Generator) -> RGB:
    return _as_seen(photo, lambda small: _bytes(small + rng.normal(0, 255 * NOISE[severity - 1], small.shape)))


def _jpeg(photo: RGB, severity: int, rng: np.random.Generator) -> RGB:
    def again(small: RGB) -> RGB:
        _, file = cv2.imencode(".jpg", small, (cv2.IMWRITE_JPEG_QUALITY, JPEG[severity - 1]))
        return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)

    return _as_seen(photo[..., ::-1], again)[..., ::-1]


def _brightness(photo: RGB, severity: int, rng: np.random.Generator) -> RGB:
    hsv = cv2.cvtColor(photo.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    hsv[..., 2] = np.clip(hsv[..., 2] + BRIGHTNESS[severity - 1], 0, 1)
    return _bytes(255 * cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))


def _contrast(photo: RGB, severity: int, rng: np.random.Generator) -> RGB:
    middle = photo.mean(axis=(0, 1))
    return _bytes((photo - middle) * CONTRAST[severity - 1] + middle)


def _low_resolution(photo: RGB, severity: int, rng: np.random.Generator) -> RGB:
    height, width = photo.shape[:2]
    factor = RESOLUTION[severity - 1] * _seen(photo)
    small = cv2.resize(photo, (max(round(width * factor), 1), max(round(height * factor), 1)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def _rotation(photo: RGB, severity: int, rng: np.random.Generator) -> RGB:
    height, width = photo.shape[:2]
    angle = ROTATION[severity - 1] * float(rng.choice((-1, 1)))
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1)
    return np.asarray(cv2.warpAffine(photo, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101), np.uint8)


CORRUPTIONS: dict[str, Corrupt] = {
    "blur": _blur,
    "motion-blur": _motion_blur,
    "noise": _noise,
    "jpeg": _jpeg,
    "brightness": _brightness,
    "contrast": _contrast,
    "low-resolution": _low_resolution,
    "rotation": _rotation,
}


def _seen(photo: RGB) -> float:
    """The factor by which a photo is reduced to :data:`SEEN_AT`; 1 for smaller ones."""
    return min(1.0, SEEN_AT / float(max(photo.shape)))


def _as_seen(photo: RGB, change: Callable[[RGB], RGB]) -> RGB:
    """The photo with the difference that a change makes to it as it is seen."""
    height, width = photo.shape[:2]
    size = max(round(width * _seen(photo)), 1), max(round(height * _seen(photo)), 1)
    small = np.ascontiguousarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)  # of one size: the same pixels
    difference = change(small).astype(np.float32) - small
    return _bytes(photo + cv2.resize(difference, (width, height), interpolation=cv2.INTER_NEAREST))


def _bytes(values: NDArray[Any]) -> RGB:
    return np.asarray(np.clip(np.round(values), 0, 255), np.uint8)
