"""Decoded training photos, fetched a batch at a time; kept in memory when they fit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

import psutil
from torch import Tensor

from yolo_koin.models.protocol import LabelledPhoto
from yolo_koin.parallel import in_threads

CACHE_SHARE = 0.25  # of the free memory that decoded photos may take

Item = TypeVar("Item")
Batch = dict[str, Tensor]


class Source(ABC, Generic[Item]):
    """Photos of one split.

    Args:
        photos: prepared photos.
        names: classes, in the order of the network's outputs.
        side: of the network's input, in pixels.
    """

    def __init__(self, photos: Sequence[LabelledPhoto], names: Sequence[str], side: int) -> None:
        self.photos, self.side = photos, side
        self.index = {name: number for number, name in enumerate(names)}
        self.cache: list[Item] | None = None
        if len(photos) * 3 * side * side < CACHE_SHARE * psutil.virtual_memory().available:
            self.cache = list(in_threads(self.read, photos))

    def __len__(self) -> int:
        return len(self.photos)

    @abstractmethod
    def read(self, photo: LabelledPhoto) -> Item:
        """One photo, decoded."""

    @abstractmethod
    def joined(self, items: Sequence[Item]) -> Batch:
        """Some photos as one batch."""

    def batch(self, order: Sequence[int]) -> Batch:
        """The photos of these numbers."""
        return next(self.batches(order, len(order)))

    def batches(self, order: Sequence[int], size: int) -> Iterator[Batch]:
        """The photos of these numbers in batches of ``size``; the last may be smaller. Those from the disk are read ahead in threads."""
        items = iter([self.cache[i] for i in order]) if self.cache else in_threads(lambda i: self.read(self.photos[i]), order)
        waiting: list[Item] = []
        for item in items:
            waiting.append(item)
            if len(waiting) == size:
                yield self.joined(waiting)
                waiting = []
        if waiting:
            yield self.joined(waiting)
