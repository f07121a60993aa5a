"""Photos with labelled boxes as tensors, for the identity detector: the same pixels as stock Ultralytics validates on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from yolo_koin.dataset.images import PAD_COLOUR, RGB, open_photo
from yolo_koin.models.fit.source import Batch, Source
from yolo_koin.models.protocol import LabelledPhoto

STRIDE = 32  # of the coarsest of the network's three grids


@dataclass(frozen=True, slots=True)
class Framed:
    """A photo made ready for the network.

    Attributes:
        pixels: height × width × 3, 8-bit RGB.
        scale: pixels here per pixel of the photo, across and down.
        left, top: where the photo's corner lies, in pixels here.
    """

    pixels: RGB
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
    return Framed(canvas, (inner[0] / width, inner[1] / height), left, top)


class BoxedPhotos(Source[tuple[Tensor, Tensor, Tensor]]):
    """Photos on squares with their boxes.

    A batch of n photos with k boxes in all is ``img``: n × 3 × side × side uint8 with its channels last in memory; ``content``: n × 2, the
    share of the square that the photo takes, width and height; ``batch_idx``: k, the photo of each box; ``cls``: k × 1; ``bboxes``: k × 4,
    centre and size as shares of the square.
    """

    def read(self, photo: LabelledPhoto) -> tuple[Tensor, Tensor, Tensor]:
        """See :class:`yolo_koin.models.fit.source.Source`."""
        pixels = np.asarray(open_photo(photo.path)[0])
        framed = frame(pixels, self.side, square=True)
        size = torch.tensor([pixels.shape[1], pixels.shape[0]]) * torch.tensor(framed.scale) / self.side
        corner = torch.tensor([framed.left, framed.top]) / self.side
        boxes = torch.tensor([(self.index[label], *box) for label, *box in photo.boxes], dtype=torch.float32).reshape(-1, 5)
        boxes[:, 1:3] = boxes[:, 1:3] * size + corner
        boxes[:, 3:5] *= size
        return torch.from_numpy(framed.pixels), size, boxes

    def joined(self, items: Sequence[tuple[Tensor, Tensor, Tensor]]) -> Batch:
        """See :class:`yolo_koin.models.fit.source.Source`."""
        pixels, content, labels = zip(*items, strict=True)
        boxes = torch.cat(labels)
        owner = torch.repeat_interleave(torch.arange(len(items)), torch.tensor([len(own) for own in labels]))
        return {
            "img": torch.stack(pixels).permute(0, 3, 1, 2),
            "content": torch.stack(content),
            "batch_idx": owner.float(),
            "cls": boxes[:, :1],
            "bboxes": boxes[:, 1:],
        }
