"""Where things sit on a face: a drawing board in the face's own coordinates, and its transfer into the photo.

Face coordinates: the origin is the middle between the eyes, the unit is their distance, u points to the viewer's right and
v down the face. The chin is near v = 1.55, the ears near u = ±1.2, the hairline near v = -0.95.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from yolo_koin.dataset.images import RGB
from yolo_koin.geometry import Box

Floats = NDArray[np.float32]
Points = Sequence[tuple[float, float]]

# Eyes and corners of the mouth of an upright face, measured on the AT&T photographs; u + iv.
CANONICAL = np.array([-0.5 + 0j, 0.5 + 0j, -0.41 + 0.95j, 0.41 + 0.95j])
NOSE = 2  # index of the nose's tip among the landmarks
HALF_WIDTH = 1.05  # of the detector's box around an upright face


@dataclass(frozen=True, slots=True)
class Placement:
    """The similarity transform from face coordinates to the photo, and how far the head is turned.

    Attributes:
        turn: complex factor: its length is the pixels per unit, its angle the tilt of the head.
        origin: the middle between the eyes in the photo, x + iy.
        nose: how far right of the middle line the nose's tip is, in units; positive when the head is turned that way.
        left, right: width of the face on either side of the middle line over that of a face seen from the front.
        chin: v of the lower edge of the face.
    """

    turn: complex
    origin: complex
    nose: float
    left: float
    right: float
    chin: float

    @property
    def unit(self) -> float:
        """Pixels per unit, that is between the eyes."""
        return abs(self.turn)


def place(landmarks: NDArray[np.float64], box: Box) -> Placement:
    """Fit the transform by least squares to the eyes and the mouth; the tip of the nose tells how far the head is turned.

    Args:
        landmarks: 5 × 2 pixels: eyes, tip of the nose, corners of the mouth, the viewer's left before right.
        box: x, y, width, height of the face in pixels.

    Raises:
        ValueError: the landmarks are one point.
    """
    points = landmarks[:, 0] + 1j * landmarks[:, 1]
    targets = np.delete(points, NOSE)
    source = CANONICAL - CANONICAL.mean()
    turn = complex(np.vdot(source, targets - targets.mean()) / np.vdot(source, source).real)
    if abs(turn) < 1e-6:
        raise ValueError("the five landmarks are one point")
    origin = complex(targets.mean() - turn * CANONICAL.mean())
    nose = float(np.clip(((points[NOSE] - origin) / turn).real, -0.4, 0.4))
    x, y, width, height = box
    centre = (complex(x + width / 2, y + height / 2) - origin) / turn
    half = width / 2 / abs(turn)
    left, right = (float(np.clip(side / HALF_WIDTH, 0.75, 1.3)) for side in (half - centre.real, half + centre.real))
    return Placement(turn, origin, nose, left, right, float(np.clip(centre.imag + height / 2 / abs(turn), 1.4, 1.75)))


class Board:
    """A transparent picture in face coordinates, painted from back to front.

    Args:
        u: its extent to either side.
        v: its upper and lower end.
        resolution: pixels per unit.
    """

    def __init__(self, u: float, v: tuple[float, float], resolution: float) -> None:
        self.left, self.top, self.resolution = -u, v[0], resolution
        width, height = round(2 * u * resolution), round((v[1] - v[0]) * resolution)
        self.u: Floats = ((np.arange(width, dtype=np.float32) + 0.5) / resolution - u)[None, :]
        self.v: Floats = ((np.arange(height, dtype=np.float32) + 0.5) / resolution + v[0])[:, None]
        self.layer: Floats = np.zeros((height, width, 4), np.float32)  # premultiplied reflectance, and opacity

    def fill(self, outline: Points) -> Floats:
        """Coverage, 0 to 1, of a closed polygon."""
        mask = self._empty()
        cv2.fillPoly(mask, [self._pixels(outline)], 255, cv2.LINE_AA, shift=4)
        return np.float32(1 / 255) * mask

    def stroke(self, path: Points, width: float) -> Floats:
        """Coverage of a line of a width in units."""
        mask = self._empty()
        cv2.polylines(mask, [self._pixels(path)], False, 255, max(round(width * self.resolution), 1), cv2.LINE_AA, shift=4)
        return np.float32(1 / 255) * mask

    def soft(self, mask: Floats, radius: float) -> Floats:
        """A mask blurred with a standard deviation in units."""
        return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(radius * self.resolution, 0.3)), np.float32)

    def paint(self, mask: Floats, colour: Sequence[float] | Floats, shade: Floats | float = 1.0) -> None:
        """Lay a colour (reflectance 0 to 1) times a shade over what is there."""
        rows, columns = (_nonzero(mask, axis) for axis in (1, 0))  # most things cover little
        cover = mask[rows, columns, None]
        tone = np.asarray(shade, np.float32)
        tint = np.asarray(colour, np.float32) * (tone[rows, columns, None] if tone.ndim else tone)
        part = self.layer[rows, columns]
        part *= 1 - cover
        part[..., :3] += cover * tint
        part[..., 3:] += cover

    def window(self, u: tuple[float, float], v: tuple[float, float]) -> Board:
        """The part of the board between two u and two v; what is painted on it appears on the board."""
        part = copy.copy(self)
        columns, rows = (
            slice(*(int(np.clip(math.floor((end - start) * self.resolution), 0, size)) for end in (ends[0], ends[1] + 1 / self.resolution)))
            for ends, start, size in ((u, self.left, self.u.size), (v, self.top, self.v.size))
        )
        part.u, part.v, part.layer = self.u[:, columns], self.v[rows], self.layer[rows, columns]
        part.left, part.top = self.left + columns.start / self.resolution, self.top + rows.start / self.resolution
        return part

    def lower(self, mask: Floats, distance: float) -> Floats:
        """A mask moved down by a distance in units; what leaves the board is lost."""
        step = min(max(round(distance * self.resolution), 1), mask.shape[0])
        return np.concatenate([np.zeros_like(mask[:step]), mask[: mask.shape[0] - step]])

    def _empty(self) -> NDArray[np.uint8]:
        return np.zeros(self.layer.shape[:2], np.uint8)

    def _pixels(self, points: Points) -> NDArray[np.int32]:
        corner = np.array([self.left, self.top])
        sixteenths = ((np.asarray(points, dtype=np.float64) - corner) * self.resolution - 0.5) * 16
        return np.asarray(np.round(sixteenths), np.int32)


def _nonzero(mask: Floats, axis: int) -> slice:
    """The rows (axis 1) or columns (axis 0) from the first to the last with something in them."""
    where = np.flatnonzero(np.any(mask, axis=axis))
    return slice(int(where[0]), int(where[-1]) + 1) if where.size else slice(0, 0)


def curve(points: Points, steps: int = 12) -> list[tuple[float, float]]:
    """A smooth path (Catmull-Rom) through points."""
    knots = np.asarray([points[0], *points, points[-1]], dtype=np.float64)
    t = (np.arange(steps) / steps)[:, None]
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(knots, knots[1:], knots[2:], knots[3:], strict=False)
    ]
    return [(float(x), float(y)) for x, y in np.vstack([*pieces, knots[-1:]])]


def transfer(board: Board, placement: Placement, shape: tuple[int, int], oversample: int) -> tuple[Floats, tuple[slice, slice]]:
    """The board as it appears in the photo, bent round a head that is turned.

    Args:
        board: the picture.
        placement: where it goes.
        shape: height and width of the photo.
        oversample: samples per pixel and direction.

    Returns:
        Its part inside the photo (h × w × 4), and the rows and columns that this part covers.
    """
    rows, columns = _extent(board, placement, shape)
    height, width = rows.stop - rows.start, columns.stop - columns.start
    if height <= 0 or width <= 0:
        return np.zeros((0, 0, 4), np.float32), (slice(0, 0), slice(0, 0))
    x = (np.arange(width * oversample) + 0.5) / oversample + columns.start - 0.5
    y = (np.arange(height * oversample) + 0.5) / oversample + rows.start - 0.5
    inverse = 1 / placement.turn
    u = inverse.real * (x[None, :] - placement.origin.real) - inverse.imag * (y[:, None] - placement.origin.imag)
    v = inverse.imag * (x[None, :] - placement.origin.real) + inverse.real * (y[:, None] - placement.origin.imag)
    u = u - 0.6 * placement.nose * np.clip(1 - (u / 1.25) ** 2, 0, None)
    u = u / np.where(u < 0, placement.left, placement.right)
    at_x, at_y = (u - board.left) * board.resolution - 0.5, (v - board.top) * board.resolution - 0.5
    seen = cv2.remap(board.layer, at_x.astype(np.float32), at_y.astype(np.float32), cv2.INTER_LINEAR)
    part = cv2.resize(seen, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(part, np.float32), (rows, columns)


def _extent(board: Board, placement: Placement, shape: tuple[int, int]) -> tuple[slice, slice]:
    widest = 1.35 * board.left  # the board may be stretched to the left and right
    bottom = board.top + board.layer.shape[0] / board.resolution
    corners = [placement.origin + placement.turn * complex(u, v) for u in (widest, -widest) for v in (board.top, bottom)]
    x, y = [c.real for c in corners], [c.imag for c in corners]
    rows = slice(max(int(np.floor(min(y))), 0), min(int(np.ceil(max(y))) + 1, shape[0]))
    return rows, slice(max(int(np.floor(min(x))), 0), min(int(np.ceil(max(x))) + 1, shape[1]))


@dataclass(frozen=True, slots=True)
class Lighting:
    """How a photo is lit, as far as a drawn thing needs it.

    Attributes:
        white: level (0 to 255) of a surface that reflects everything.
        slant: relative growth of brightness per unit to the right.
        skin: reflectance of the skin, RGB.
        grain: standard deviation of the photo's noise.
        grey: the photo has no colour.
    """

    white: float
    slant: float
    skin: tuple[float, float, float]
    grain: float
    grey: bool


def read_lighting(photo: RGB, placement: Placement, box: Box) -> Lighting:
    """Measure the lighting in a face's box; the noise by Immerkær, "Fast noise variance estimation", CVIU 64 (1996)."""
    x, y, width, height = box
    part = photo[_span(y, height, photo.shape[0]), _span(x, width, photo.shape[1])].astype(np.float32)
    light = part @ np.array([0.299, 0.587, 0.114], np.float32)
    skin = _skin(photo, placement)
    white = float(0.5 * skin.mean() / 0.55 + 0.5 * np.percentile(light, 97) / 0.85)
    half = max(light.shape[1] // 2, 1)
    left, right = float(light[:, :half].mean()), float(light[:, -half:].mean())
    slant = float(np.clip((right - left) / max(right + left, 1.0), -0.22, 0.22))
    noise = cv2.filter2D(light, -1, np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32))
    grain = float(np.median(np.abs(noise)) / 0.6745 / 6)  # the median, because edges are no noise
    grey = float(np.ptp(part, axis=2).mean()) < 3
    tone = skin / max(white, 1.0)
    return Lighting(white, slant, (float(tone[0]), float(tone[1]), float(tone[2])), min(grain, 6.0), grey)


def _span(start: float, length: float, limit: int) -> slice:
    first = int(np.clip(np.floor(start), 0, limit - 1))
    return slice(first, int(np.clip(np.ceil(start + length), first + 1, limit)))


def _skin(photo: RGB, placement: Placement) -> Floats:
    """Colour of the cheeks: the median of small patches, so that a beard or a glint does not decide."""
    spots = [placement.origin + placement.turn * complex(u, v) for u in (-0.5, -0.35, 0.35, 0.5) for v in (0.4, 0.55)]
    radius = max(round(0.08 * placement.unit), 1)
    patches = []
    for spot in spots:
        x, y = (int(np.clip(round(c), 0, side - 1)) for c, side in ((spot.real, photo.shape[1]), (spot.imag, photo.shape[0])))
        patches.append(photo[max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1].reshape(-1, 3))
    return np.asarray(np.median(np.concatenate(patches), axis=0), np.float32)
