"""Synthetic hard cases: mask, sunglasses, hat, hand or microphone, and coloured stage light, put on a face by its five landmarks.

Severity 1 to 5 is the covered share of the face, and for light its strength; for one ``rng`` state each step covers more:

========== ==================================================================================================================
kind       from severity 1 to 5
========== ==================================================================================================================
mask       upper edge from the upper lip (chin and mouth) to just below the eyes (everything under them)
sunglasses from narrow lenses to ones that reach from the brows to the cheeks
hat        lowest point of the brim from the hairline to the eyes
hand       fingertips from beside the mouth to the far cheek, or a microphone from the chin up to the nose
light      share of the photo's own light that coloured light replaces: 38 % to 94 %
========== ==================================================================================================================
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from yolo_koin.dataset.images import RGB
from yolo_koin.errors import UsageError
from yolo_koin.geometry import Box
from yolo_koin.synthetic import accessories, hands
from yolo_koin.synthetic.placement import Board, Floats, Lighting, Placement, place, read_lighting, transfer

KINDS = ("mask", "sunglasses", "hat", "hand", "light")
SEVERITIES = (1, 2, 3, 4, 5)
BOARDS = {"mask": (1.4, (-0.2, 2.0)), "sunglasses": (1.4, (-0.9, 0.9)), "hat": (1.75, (-2.4, 0.3)), "hand": (2.2, (0.0, 2.8))}
GELS = ((255, 40, 170), (60, 90, 255), (20, 220, 235), (255, 70, 40), (150, 50, 255), (60, 235, 110), (255, 170, 30))
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def apply(photo: RGB, landmarks: NDArray[np.float64], box: Box, kind: str, severity: int, rng: np.random.Generator) -> RGB:
    """A copy of the photo with one synthetic hard case on one face, see :func:`drawn`."""
    return drawn(photo, landmarks, box, kind, severity, rng)[0]


def drawn(
    photo: RGB, landmarks: NDArray[np.float64], box: Box, kind: str, severity: int, rng: np.random.Generator
) -> tuple[RGB, NDArray[np.float32]]:
    """A copy of the photo with one synthetic hard case on one face, and what it covers.

    Args:
        photo: height × width × 3, 8-bit RGB; left as it is.
        landmarks: 5 × 2 pixels: eyes, tip of the nose, corners of the mouth, the viewer's left before right.
        box: x, y, width, height of the face in pixels.
        kind: one of :data:`KINDS`.
        severity: 1 to 5, see the table above.
        rng: chooses model, colour and grain; the same state gives the same bytes.

    Returns:
        The copy, and how much of each pixel is hidden, height × width, 0 to 1; light hides nothing.

    Raises:
        UsageError: an unknown kind or severity.
        ValueError: the landmarks are one point.
    """
    check(kind, severity)
    placement = place(np.asarray(landmarks, dtype=np.float64), box)
    cover = np.zeros(photo.shape[:2], np.float32)
    if kind == "light":
        return stage_light(photo, placement, severity, rng), cover
    lighting = read_lighting(photo, placement, box)
    oversample = 2 if placement.unit < 250 else 1
    extent, ends = BOARDS[kind]
    board = Board(extent, ends, min(placement.unit * oversample, 256.0))
    _draw(board, kind, severity, rng, placement, lighting)
    layer, where = transfer(board, placement, photo.shape[:2], oversample)
    result = photo.copy()
    if layer.size:
        result[where] = _compose(photo[where], layer, placement, lighting, where, rng)
        cover[where] = layer[..., 3]
    return result, cover


def check(kind: str, severity: int) -> None:
    """Raise a UsageError for an unknown kind or severity."""
    if kind not in KINDS:
        raise UsageError("no such hard case", kind, f"Choose from {', '.join(KINDS)}.")
    if severity not in SEVERITIES:
        raise UsageError("no such severity", severity, "Choose a whole number from 1 to 5.")


def _draw(board: Board, kind: str, severity: int, rng: np.random.Generator, placement: Placement, lighting: Lighting) -> None:
    if kind == "mask":
        accessories.mask(board, severity, rng, placement.chin)
    elif kind == "sunglasses":
        accessories.sunglasses(board, severity, rng)
    elif kind == "hat":
        accessories.hat(board, severity, rng)
    else:
        hands.hand(board, severity, rng, lighting.skin)


def _compose(
    part: RGB, layer: Floats, placement: Placement, lighting: Lighting, where: tuple[slice, slice], rng: np.random.Generator
) -> RGB:
    """Lay the drawn thing over the photo: its shadow, the photo's light on it, the photo's grain in it."""
    alpha = np.asarray(cv2.GaussianBlur(layer[..., 3], (0, 0), 0.45), np.float32)[
        ..., None
    ]  # the softness of a lens, in pixels of the photo
    colour = cv2.GaussianBlur(layer[..., :3], (0, 0), 0.45)
    if lighting.grey:
        colour = np.repeat((colour @ LUMA)[..., None], 3, axis=2)
    across = (np.arange(where[1].start, where[1].stop, dtype=np.float32) - placement.origin.real) / placement.unit
    gain = np.clip(1 + lighting.slant * across, 0.7, 1.3)[None, :, None]
    seen = _shoulder(np.asarray(colour * gain * lighting.white, np.float32), alpha)
    shadow = _shadow(layer[..., 3], placement.unit)[..., None]
    noise = rng.normal(0, max(0.8 * lighting.grain, 0.8), part.shape[:2]).astype(np.float32)[..., None]
    mixed = part.astype(np.float32) * (1 - alpha) * (1 - 0.42 * shadow) + seen + alpha * noise
    return np.clip(np.round(mixed), 0, 255).astype(np.uint8)


def _shoulder(premultiplied: Floats, alpha: Floats) -> Floats:
    """Bright cloth rolls off below white instead of clipping, as film and cameras do."""
    level = premultiplied / np.maximum(alpha, 1e-3)
    knee, top = 190.0, 246.0
    rolled = knee + (top - knee) * np.tanh((level - knee) / (top - knee))
    return np.asarray(np.where(level > knee, rolled, level) * alpha, np.float32)


def _shadow(alpha: Floats, unit: float) -> Floats:
    """A contact shadow: the thing's outline, blurred and moved down a little."""
    drop = 0.07 * unit
    down = np.array([[1, 0, 0], [0, 1, drop]], np.float32)
    moved = cv2.warpAffine(alpha, down, alpha.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.GaussianBlur(moved, (0, 0), max(0.09 * unit, 0.5)), np.float32)


def stage_light(photo: RGB, placement: Placement, severity: int, rng: np.random.Generator) -> RGB:
    """Two coloured lamps, one from each side above, that take over 38 % to 94 % of the photo's own light."""
    share = 0.24 + 0.14 * severity
    first, second = (np.array(GELS[i], np.float32) / 255 for i in rng.choice(len(GELS), 2, replace=False))
    side = 1 if rng.integers(2) else -1
    height, width = photo.shape[:2]
    x = (np.arange(width, dtype=np.float32)[None, :] - placement.origin.real) / placement.unit
    y = (np.arange(height, dtype=np.float32)[:, None] - placement.origin.imag) / placement.unit
    key = 1 / (1 + np.exp(-(1.6 * side * x - 0.25 * y + 0.1)))
    spot = np.exp(-(((x - 0.5 * side) / 2.0) ** 2 + ((y - 0.3) / 2.6) ** 2))
    lamp = key[..., None] * first * 1.25 + (1 - key)[..., None] * second * 0.75
    lamp = lamp * (0.45 + 0.75 * spot)[..., None]
    light = photo.astype(np.float32)
    luma = (light @ LUMA)[..., None]
    coloured = luma**1.12 * 255 ** (1 - 1.12) * lamp * 1.35
    # Haze in the beam: the lamp's colour also lies over the dark parts.
    haze = 26 * share * spot[..., None] * first
    mixed = light * (1 - share) + coloured * share + haze
    exposed = 255 * 1.22 * (1 - np.exp(-mixed / 255 * 1.18))  # bright lamps roll off instead of clipping
    return np.asarray(np.clip(np.round(exposed), 0, 255), np.uint8)
