"""Prepared photos as tensors: the same pixels for training, validation, evaluation and prediction."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from yolo_koin.parallel import in_threads

CACHE_SHARE = 0.25  # of the free memory that decoded training photos may take


def load_square(photo: Path | bytes, side: int) -> Tensor:
    """Decode a prepared photo, scaled to what the network takes.

    The same resampling as the stock validation transform (Pillow, bilinear, antialiased), so that stock Ultralytics gives the same
    answers on the same files.

    Args:
        photo: path or bytes of a square JPEG.
        side: network input size, in pixels.

    Returns:
        3 × side × side, uint8, RGB.
    """
    with Image.open(io.BytesIO(photo) if isinstance(photo, bytes) else photo) as image:
        rgb = image.convert("RGB")
    if rgb.size != (side, side):
        rgb = rgb.resize((side, side), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(rgb)).permute(2, 0, 1).contiguous()


class Photos(Dataset[dict[str, Tensor]]):
    """Labelled photos, fetched a batch at a time; kept decoded in memory when they fit.

    Args:
        paths: prepared photos.
        labels: class index of each.
        side: network input size, in pixels.
    """

    def __init__(self, paths: Sequence[Path], labels: Sequence[int], side: int) -> None:
        self.paths, self.side = list(paths), side
        self.labels = torch.tensor(labels, dtype=torch.long)
        needed = len(self.paths) * 3 * side * side
        self.cache: Tensor | None = None
        if needed < CACHE_SHARE * psutil.virtual_memory().available:
            self.cache = torch.empty((len(self.paths), 3, side, side), dtype=torch.uint8)
            for i, photo in enumerate(in_threads(lambda path: load_square(path, side), self.paths)):
                self.cache[i] = photo

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return self.__getitems__([index])

    def __getitems__(self, indices: list[int]) -> dict[str, Tensor]:
        """A batch: ``img`` n × 3 × side × side uint8, ``cls`` n."""
        if self.cache is not None:
            return {"img": self.cache[indices], "cls": self.labels[indices]}
        read = in_threads(lambda i: load_square(self.paths[i], self.side), indices)
        return {"img": torch.stack(list(read)), "cls": self.labels[indices]}
