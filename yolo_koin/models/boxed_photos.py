"""Photos with labelled boxes as tensors, for the identity detector: the same pixels as stock Ultralytics validates on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import psutil
import torch
from torch import Tensor
from torch.utils.data import Dataset

from yolo_koin.dataset.images import PAD_COLOUR, RGB, open_photo
from yolo_koin.models.photos import CACHE_SHARE
from yolo_koin.parallel import in_threads

STRIDE = 32  # of the coarsest of the network's three grids


@dataclass(frozen=True, slots=True)
class Framed:
    """A photo made ready for the network.

    Attributes:
        pixels: 3 × height × width, uint8, RGB.
        scale: pixels here per pixel of the photo, across and down.
        left, top: where the photo's corner lies, in pixels here.
    """

    pixels: Tensor
    scale: tuple[float, float]
    left: int
    top: int


def frame(photo: RGB, side: int, square: bool = False) -> Framed:
    """Scale a photo so that its longer side is ``side`` pixels, and centre it on grey.

    Scaling and frame are the stock validator's, pixel for pixel, so that its scores can be compared with ours: bilinear, lengths rounded
    up, and each side of the frame a multiple of the stride with half a stride to spare. ``square`` gives ``side`` × ``side`` instead,
    which training wants.
    """
    height, width = photo.shape[:2]
    scale = side / max(height, width)
    inner = (min(math.ceil(width * scale), side), min(math.ceil(height * scale), side))
    outer = (side, side) if square else tuple(math.ceil(length / STRIDE + 0.5) * STRIDE for length in inner)
    if inner != (width, height):
        photo = np.asarray(cv2.resize(photo, inner, interpolation=cv2.INTER_LINEAR), np.uint8)
    left, top = ((o - i) // 2 for o, i in zip(outer, inner, strict=True))
    canvas = np.full((outer[1], outer[0], 3), PAD_COLOUR, np.uint8)
    canvas[top : top + inner[1], left : left + inner[0]] = photo
    scales = inner[0] / width, inner[1] / height
    return Framed(torch.from_numpy(canvas).permute(2, 0, 1).contiguous(), scales, left, top)


def label_file(image: Path, root: Path) -> Path:
    """The YOLO label file of a photo under ``root/images``."""
    return (root / "labels" / image.relative_to(root / "images")).with_suffix(".txt")


def read_labels(path: Path) -> Tensor:
    """Lines ``class cx cy w h``, shares of the photo, as a k × 5 tensor; k is 0 without a file."""
    lines = path.read_text(encoding="utf-8").split("\n") if path.is_file() else []
    rows = [[float(value) for value in line.split()] for line in lines if line.strip()]
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 5)


class BoxedPhotos(Dataset[dict[str, Tensor]]):
    """Photos on squares with their boxes, fetched a batch at a time; kept decoded in memory when they fit.

    Args:
        paths: photos of a converted dataset.
        root: the converted dataset.
        side: of the squares, in pixels.
    """

    def __init__(self, paths: Sequence[Path], root: Path, side: int) -> None:
        self.paths, self.side = list(paths), side
        self._labels = [read_labels(label_file(path, root)) for path in self.paths]
        needed = len(self.paths) * 3 * side * side
        self.cache: list[tuple[Tensor, Tensor, Tensor]] | None = None
        if needed < CACHE_SHARE * psutil.virtual_memory().available:
            self.cache = list(in_threads(self._read, range(len(self.paths))))

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return self.__getitems__([index])

    def __getitems__(self, indices: list[int]) -> dict[str, Tensor]:
        """A batch of n photos with k boxes in all.

        ``img``: n × 3 × side × side uint8; ``content``: n × 2, the share of the square that the photo takes, width and height;
        ``batch_idx``: k, the photo of each box; ``cls``: k × 1; ``bboxes``: k × 4, centre and size as shares of the square.
        """
        read = [self.cache[i] for i in indices] if self.cache is not None else list(in_threads(self._read, indices))
        pixels, content, labels = zip(*read, strict=True)
        boxes = torch.cat(labels)
        owner = torch.repeat_interleave(torch.arange(len(indices)), torch.tensor([len(own) for own in labels]))
        return {
            "img": torch.stack(pixels),
            "content": torch.stack(content),
            "batch_idx": owner.float(),
            "cls": boxes[:, :1],
            "bboxes": boxes[:, 1:],
        }

    def _read(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        photo = np.asarray(open_photo(self.paths[index])[0])
        framed = frame(photo, self.side, square=True)
        size = torch.tensor([photo.shape[1], photo.shape[0]]) * torch.tensor(framed.scale) / self.side
        corner = torch.tensor([framed.left, framed.top]) / self.side
        label = self._labels[index].clone()
        label[:, 1:3] = label[:, 1:3] * size + corner
        label[:, 3:5] *= size
        return framed.pixels, size, label
