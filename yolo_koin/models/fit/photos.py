"""Square prepared photos as tensors: the same pixels for training, validation, evaluation and prediction."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from yolo_koin.dataset.images import load_square
from yolo_koin.models.fit.source import Batch, Source
from yolo_koin.models.protocol import LabelledPhoto


class Photos(Source[tuple[Tensor, int]]):
    """Photos with one class each. A batch is ``img``, n × 3 × side × side uint8 with its channels last in memory, and ``cls``, n.

    Args:
        photos, names, side: as of :class:`yolo_koin.models.fit.source.Source`.
        interpolation: how photos are scaled to the side, in Pillow's words.
    """

    def __init__(self, photos: Sequence[LabelledPhoto], names: Sequence[str], side: int, interpolation: str = "bilinear") -> None:
        self.interpolation = interpolation
        super().__init__(photos, names, side)

    def read(self, photo: LabelledPhoto) -> tuple[Tensor, int]:
        """See :class:`yolo_koin.models.fit.source.Source`."""
        return torch.from_numpy(load_square(photo.path, self.side, self.interpolation)), self.index[photo.label]

    def joined(self, items: Sequence[tuple[Tensor, int]]) -> Batch:
        """See :class:`yolo_koin.models.fit.source.Source`."""
        pixels, classes = zip(*items, strict=True)
        return {"img": torch.stack(pixels).permute(0, 3, 1, 2), "cls": torch.tensor(classes)}
