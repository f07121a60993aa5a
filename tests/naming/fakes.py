"""Small things below the loop that do what the protocols say, by rules that a test can compute by itself.

They know people by colour: a photo, or the square cut out of it, shows the person whose colour it has most of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from yolo_koin.dataset.images import RGB
from yolo_koin.dataset.koin import Sample
from yolo_koin.faces import Face
from yolo_koin.models.protocol import NamedFaces, Preparation
from yolo_koin.splits import Split

COLOURS = {"파랑": (40, 40, 220), "green": (40, 200, 40), "red": (220, 40, 40)}
NAMES = tuple(COLOURS)
TEST = Split("normal_cases", "test")


def nearness(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """n × names: how near the mean colour of each of n photos is to each person's, the nearest largest."""
    means = pixels.reshape(len(pixels), -1, 3).mean(axis=1)[:, None]
    result: NDArray[np.float32] = -np.abs(means - np.array(list(COLOURS.values()))).sum(axis=2).astype(np.float32) / 20
    return result


@dataclass
class ColourClassifier:
    """A :class:`yolo_koin.models.protocol.Classifier`; ``asked`` notes how many photos it is shown at once, ``shown`` the photos."""

    task: ClassVar[Literal["classify"]] = "classify"
    names: tuple[str, ...] = NAMES
    side: int = 32
    preparation: Preparation = field(default_factory=lambda: Preparation(fit="pad", side=64))
    title: str = "Colours"
    train_on: str = "normal"
    weights: Path = Path("colours")
    asked: list[int] = field(default_factory=list)
    shown: list[NDArray[np.uint8]] = field(default_factory=list)

    def logits(self, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        assert photos.shape[1:] == (self.side, self.side, 3)
        self.asked.append(len(photos))
        self.shown.extend(photos)
        return nearness(photos)

    def features(self, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        return nearness(photos)


@dataclass
class ColourDetector:
    """A face detector: each rectangle of a person's colour is a face, of one size whatever the ground."""

    name: str = "colours"
    key: str = "colours 1"
    longest: int = 640
    batch: int = 1
    looked: int = 0

    def detect(self, photo: RGB) -> list[Face]:
        return self.detect_batch([photo])[0]

    def detect_batch(self, photos: Sequence[RGB]) -> list[list[Face]]:
        self.looked += len(photos)
        return [[Face(box, 0.9 - 0.1 * i) for i, (box, _) in enumerate(rectangles(photo))] for photo in photos]


@dataclass
class ColourIdentities:
    """A :class:`yolo_koin.models.protocol.IdentityDetector` that finds and names the rectangles at once."""

    task: ClassVar[Literal["detect"]] = "detect"
    names: tuple[str, ...] = NAMES
    side: int = 64
    preparation: Preparation = field(default_factory=lambda: Preparation(side=64))
    title: str = "Coloured faces"
    train_on: str = "normal"
    weights: Path = Path("colours")
    doubts: list[bool] = field(default_factory=list)

    def run(self, photos: Iterable[RGB], doubtful: bool, batch: int = 16) -> Iterator[NamedFaces]:
        self.doubts.append(doubtful)
        for photo in photos:
            found = rectangles(photo)
            boxes = np.array([box for box, _ in found], dtype=np.float64).reshape(-1, 4)
            scores = np.full((len(found), len(self.names)), 0.05, np.float32)
            for row, (_, name) in enumerate(found):
                scores[row, self.names.index(name)] = 0.8
            yield NamedFaces(boxes, scores)


def rectangles(photo: RGB) -> list[tuple[tuple[float, float, float, float], str]]:
    """Box and person of each colour that a photo has a rectangle of."""
    found: list[tuple[tuple[float, float, float, float], str]] = []
    for name, colour in COLOURS.items():
        rows, columns = np.nonzero((np.abs(photo.astype(int) - colour) < 30).all(axis=2))
        if len(rows) > 8:
            x, y = int(columns.min()), int(rows.min())
            found.append(((float(x), float(y), float(columns.max() + 1 - x), float(rows.max() + 1 - y)), name))
    return found


def painted(path: Path, faces: dict[str, tuple[int, int, int, int]], size: tuple[int, int] = (96, 80)) -> Sample:
    """A grey photo with rectangles of people's colours, as a sample of the first of them."""
    picture = Image.new("RGB", size, (128, 128, 128))
    for name, box in faces.items():
        x, y, width, height = box
        picture.paste(COLOURS[name], (x, y, x + width, y + height))
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
    return Sample(path.name, TEST, next(iter(faces), ""), path)
