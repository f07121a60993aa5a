"""What a thing that is drawn on a photo covers, the same thing at another place, and photos without a face or with nothing else.

A cover is height × width, 0 to 1: how much of each pixel is hidden. Boxes are in pixels of the photo.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from yolo_koin.dataset.images import PAD_COLOUR, RGB
from yolo_koin.geometry import Box

Cover = NDArray[np.float32]
EDGE = 0.06  # of a face's width: the softness of its edge before another person's background


def share(cover: Cover, box: Box) -> float:
    """The share of a box that is more hidden than not; only the part of it that lies in the photo counts."""
    inside = cover[inside_of(box, cover.shape)]
    return float((inside > 0.5).mean()) if inside.size else 0.0


def moved(photo: RGB, covered: RGB, cover: Cover, rng: np.random.Generator) -> tuple[RGB, Cover]:
    """The same thing, in shape, size and colour, at a random place: it hides as much of the photo, and something else.

    Args:
        photo: without it.
        covered: with it.
        cover: what it hides.
        rng: chooses the place; each at which all of it lies in the photo is as likely.

    Returns:
        The photo with the thing moved, and what that hides.
    """
    result, hidden = photo.copy(), np.zeros_like(cover)
    rows, columns = (np.flatnonzero(cover.max(axis=axis) > 0) for axis in (1, 0))
    if not rows.size:
        return result, hidden
    thing = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    height, width = cover[thing].shape
    top, left = (int(rng.integers(whole - part + 1)) for whole, part in zip(cover.shape, (height, width), strict=True))
    place = slice(top, top + height), slice(left, left + width)
    hidden[place] = cover[thing]
    opacity = cover[thing][..., None]
    result[place] = np.round(photo[place] * (1 - opacity) + covered[thing] * opacity).astype(np.uint8)
    return result, hidden


def without_face(photo: RGB, box: Box) -> RGB:
    """The photo with its face's box grey."""
    result = photo.copy()
    result[inside_of(box, photo.shape)] = PAD_COLOUR
    return result


def only_face(photo: RGB, box: Box) -> RGB:
    """The photo with all but its face's box grey."""
    result, place = np.full_like(photo, PAD_COLOUR), inside_of(box, photo.shape)
    result[place] = photo[place]
    return result


def in_scene(photo: RGB, box: Box, scene: RGB, scene_box: Box) -> RGB:
    """The face of a photo before another person's background and clothes.

    The other photo is scaled and moved so that its face's box comes to lie on this one's; where it ends its edge goes on.

    Args:
        photo: the face comes from here.
        box: of that face.
        scene: all else comes from here.
        scene_box: of the face in it, which is covered.
    """
    across, down = box[2] / scene_box[2], box[3] / scene_box[3]
    onto = np.array([[across, 0, box[0] - across * scene_box[0]], [0, down, box[1] - down * scene_box[1]]])
    height, width = photo.shape[:2]
    ground = cv2.warpAffine(scene, onto, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    face = np.zeros((height, width), np.float32)
    face[inside_of(box, photo.shape)] = 1
    face = np.asarray(cv2.GaussianBlur(face, (0, 0), max(EDGE * box[2] / 2, 0.3)), np.float32)[..., None]
    return np.asarray(np.round(photo * face + ground * (1 - face)), np.uint8)


def inside_of(box: Box, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """The rows and columns of a box, as far as they lie in a photo of this shape."""
    x, y, width, height = box
    ends = ((y, y + height, shape[0]), (x, x + width, shape[1]))
    rows, columns = (slice(*(int(np.clip(round(end), 0, limit)) for end in (first, last))) for first, last, limit in ends)
    return rows, columns
