"""Group photos composed of single portraits: two to four people on a plain stage, the labelled one in front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from yolo_koin.dataset.images import RGB
from yolo_koin.geometry import Box
from yolo_koin.synthetic.placement import Floats

Grey = NDArray[np.uint8]

HEIGHT = 208
WIDTHS = {2: 224, 3: 288, 4: 344}
FRONT, BEHIND = (78.0, 86.0), (48.0, 60.0)  # height of a face box in pixels: the labelled person's, and the others'


@dataclass(frozen=True, slots=True)
class Portrait:
    """One person for a scene.

    Attributes:
        label: who it is.
        photo: height × width, 8-bit grey.
        box: the face in it: x, y, width, height.
    """

    label: str
    photo: Grey
    box: Box


def compose(people: Sequence[Portrait], rng: np.random.Generator) -> tuple[RGB, list[tuple[str, Box]]]:
    """A scene of two to four people, the first of them the largest and in front.

    Returns:
        The scene (208 px high, RGB), and each person's label and face box in it, in the order of ``people``.
    """
    width = WIDTHS[len(people)]
    scene = _stage(width, rng)
    slots = rng.permutation(len(people))
    pitch = width / len(people)
    boxes: list[tuple[str, Box]] = []
    for number in reversed(range(len(people))):  # from the back to the front
        person = people[number]
        face_height = float(rng.uniform(*(FRONT if number == 0 else BEHIND)))
        scale = face_height / person.box[3]
        middle = (slots[number] + 0.5) * pitch + float(rng.uniform(-0.06, 0.06)) * pitch
        half = person.box[2] * scale / 2
        middle = float(np.clip(middle, half + 14, width - half - 14))
        chin = float(rng.uniform(138, 148) if number == 0 else rng.uniform(104, 122))
        box = (middle - half, chin - face_height, 2 * half, face_height)
        _stand(scene, person, box, scale, rng)
        boxes.append((person.label, box))
    grain = rng.normal(0, 1.2, scene.shape).astype(np.float32)
    grey = np.clip(np.round(scene + grain), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2), boxes[::-1]


def _stage(width: int, rng: np.random.Generator) -> Floats:
    """A backdrop with a pool of light, and a floor."""
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None]
    centre, level = float(rng.uniform(-0.4, 0.4)), float(rng.uniform(62, 82))
    wall = level * (0.80 + 0.42 * np.exp(-(((x - centre) / 0.8) ** 2 + ((y - 0.4) / 0.5) ** 2)))
    floor = level * (0.62 + 0.4 * (y - 0.86))
    edge = np.clip((y - 0.86) / 0.02, 0, 1)
    return np.asarray(wall * (1 - edge) + floor * edge, np.float32)


def _stand(scene: Floats, person: Portrait, box: Box, scale: float, rng: np.random.Generator) -> None:
    """Put one person on the stage: shoulders, neck, and the head out of the photo."""
    _body(scene, person, box, float(rng.uniform(26, 105)), rng)
    matrix = np.array([[scale, 0, box[0] - person.box[0] * scale], [0, scale, box[1] - person.box[1] * scale]], np.float64)
    size = scene.shape[::-1]
    shrink = cv2.GaussianBlur(person.photo, (0, 0), 0.45 / scale) if scale < 0.8 else person.photo  # warping alone would alias
    photo = np.asarray(cv2.warpAffine(shrink, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.float32)
    alpha = cv2.warpAffine(_cut(person), matrix, size, flags=cv2.INTER_LINEAR)
    # What is left of the photo's own background takes the stage's brightness where the cut fades out.
    height = person.photo.shape[0]
    rim = np.concatenate([person.photo[: height // 3, :4].ravel(), person.photo[: height // 3, -4:].ravel()])
    local = scene[max(int(box[1]), 0) : int(box[1] + box[3] / 2), max(int(box[0]), 0) : int(box[0] + box[2])]
    shift = float(np.clip(np.median(local) - np.median(rim), -45, 45)) if local.size else 0.0
    blended = photo + shift * np.clip(1.15 - 1.3 * alpha, 0, 1)
    scene += alpha * (blended - scene)


def _cut(person: Portrait) -> Floats:
    """Opacity of a portrait: an ellipse round head and hair, a neck, a wide soft edge; nothing at the photo's own borders."""
    height, width = person.photo.shape
    x, y, face_width, face_height = person.box
    mask = np.zeros((height, width), np.float32)
    # Where the photo cuts the hair off, the ellipse ends inside the photo: a low round head is less odd than a flat one.
    top, bottom = max(y - 0.27 * face_height, 1.0), y + 1.07 * face_height
    head = ((x + face_width / 2, (top + bottom) / 2), (1.22 * face_width, bottom - top), 0.0)
    cv2.ellipse(mask, head, 1.0, -1, cv2.LINE_AA)
    neck = ((x + face_width / 2, y + 1.0 * face_height), (0.62 * face_width, 0.5 * face_height), 0.0)
    cv2.ellipse(mask, neck, 1.0, -1, cv2.LINE_AA)
    rows = np.minimum(np.arange(height)[:, None] + 6, height - 1 - np.arange(height)[:, None]) / 7
    columns = np.minimum(np.arange(width)[None, :], width - 1 - np.arange(width)[None, :]) / 6
    inside = np.clip(rows, 0, 1) * np.clip(columns, 0, 1)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.035 * face_width) * inside, np.float32)


def _body(scene: Floats, person: Portrait, box: Box, cloth: float, rng: np.random.Generator) -> None:
    """Neck and shoulders down to the lower edge of the scene, lit from above."""
    x, y, width, height = box
    middle, chin = x + width / 2, y + height
    trapezium = [(-0.34, -0.3), (0.34, -0.3), (0.40, 0.32), (-0.40, 0.32)]
    neck = _polygon(scene, [(middle + u * width, chin + v * height) for u, v in trapezium], 0.8)
    skin = float(np.median(_face_part(person)))
    scene += neck * (0.62 * skin - scene)
    reach = width * float(rng.uniform(1.12, 1.28))
    top = chin + 0.10 * height
    right = [(0.30, 0.0), (0.42, 0.07), (0.72, 0.15), (0.92, 0.30), (1.0, 0.62), (1.08, 1.2), (1.12, 3.0)]
    left = [(-u, v) for u, v in reversed(right)]
    collar = [(-0.18, 0.13), (0.0, 0.19), (0.18, 0.13)]
    outline = [(middle + u * reach, top + v * height) for u, v in [*right, *left, *collar]]
    body = _polygon(scene, outline, 0.012 * width)
    down = (np.arange(scene.shape[0], dtype=np.float32)[:, None] - top) / height
    across = (np.arange(scene.shape[1], dtype=np.float32)[None, :] - middle) / reach
    shade = 1.12 - 0.30 * np.abs(across) ** 2 - 0.16 * np.clip(down, 0, 2) + 0.06 * np.sin(9 * across + 3 * down)
    under_chin = 1 - 0.35 * np.exp(-((across / 0.38) ** 2 + ((down - 0.05) / 0.16) ** 2))
    halo = np.asarray(cv2.GaussianBlur(body, (0, 0), 0.07 * width), np.float32)
    scene *= 1 - 0.25 * halo * (1 - body)
    scene += body * (cloth * shade * under_chin - scene)


def _face_part(person: Portrait) -> Grey:
    x, y, width, height = person.box
    rows = slice(max(int(y + 0.45 * height), 0), max(int(y + 0.8 * height), 1))
    return person.photo[rows, max(int(x + 0.25 * width), 0) : max(int(x + 0.75 * width), 1)]


def _polygon(scene: Floats, points: Sequence[tuple[float, float]], blur: float) -> Floats:
    mask = np.zeros(scene.shape, np.uint8)
    cv2.fillPoly(mask, [np.round(np.asarray(points) * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), max(blur, 0.6)), np.float32)
