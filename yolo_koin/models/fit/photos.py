"""Square prepared photos as tensors: the same pixels for training, validation, evaluation and prediction."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from yolo_koin.dataset.images import load_square
from yolo_koin.faces import Face
from yolo_koin.models.fit.drawing import Drawing
from yolo_koin.models.fit.source import Batch, Source
from yolo_koin.models.protocol import LabelledPhoto

Item = tuple[Tensor, int, Face | None]


class Photos(Source[Item]):
    """Photos with one class each. A batch is ``img``, n × 3 × side × side uint8 with its channels last in memory, and ``cls``, n.

    Args:
        photos, names, side: as of :class:`yolo_koin.models.fit.source.Source`.
        interpolation: how photos are scaled to the side, in Pillow's words.
        drawing: the hard cases that are drawn on some photos of each batch; None for none.
    """

    def __init__(
        self,
        photos: Sequence[LabelledPhoto],
        names: Sequence[str],
        side: int,
        interpolation: str = "bilinear",
        drawing: Drawing | None = None,
    ) -> None:
        self.interpolation, self.drawing = interpolation, drawing
        super().__init__(photos, names, side)

    def read(self, photo: LabelledPhoto) -> Item:
        """See :class:`yolo_koin.models.fit.source.Source`."""
        pixels = torch.from_numpy(load_square(photo.path, self.side, self.interpolation))
        return pixels, self.index[photo.label], photo.face.scaled(self.side, self.side) if photo.face else None

    def joined(self, items: Sequence[Item]) -> Batch:
        """See :class:`yolo_koin.models.fit.source.Source`."""
        pixels, classes, faces = zip(*items, strict=True)
        if self.drawing:
            pixels = tuple(self.drawing.on_batch(pixels, faces))
        return {"img": torch.stack(pixels).permute(0, 3, 1, 2), "cls": torch.tensor(classes)}
