"""What a task puts into the training loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from yolo_koin.errors import DatasetError
from yolo_koin.models.fit.source import Batch, Source
from yolo_koin.models.protocol import TrainJob
from yolo_koin.words import count, some

VALIDATED_AT_ONCE = 4  # times the batch: without gradients there is room


class Lesson(Protocol):
    """Photos, augmentation, loss and validation of one task.

    Attributes:
        metric: what validation gives; larger is better.
        train: the photos to learn from.
    """

    metric: str

    @property
    def train(self) -> Source[Any]: ...  # noqa: D102

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Augment a batch and put it through the network: what is to be minimised, and the same for people, detached, per photo."""
        ...

    def validate(self, network: nn.Module) -> tuple[float, float]:
        """The metric, 0 to 1, and the loss per photo, on the validation photos. The network is in evaluation mode."""
        ...


def check_photos(job: TrainJob) -> None:
    """Refuse a training that has nothing to learn from, or would choose its best epoch by nothing.

    Raises:
        DatasetError: that.
    """
    for what, photos in (("training", job.train), ("validation", job.val)):
        if not photos:
            raise DatasetError(f"no {what} photos", job.folder, "Each class needs two training photos that are no near-duplicates.")
    if unknown := sorted({photo.label for photo in job.val} - {*job.names}):
        what = f"validation has {count(len(unknown), 'person')} that training has no photo of: {some(unknown)}"
        raise DatasetError(what, job.folder, "Give each a training photo, or name them in exclude.txt.")


def on_device(batches: Iterator[Batch], device: torch.device) -> Iterator[Batch]:
    """Batches moved to where the network is."""
    for batch in batches:
        yield {key: value.to(device, non_blocking=True) for key, value in batch.items()}


def validation_batches(source: Source[Any], job: TrainJob, device: torch.device) -> Iterator[Batch]:
    """All photos of a source in order, moved to the device."""
    everything: Sequence[int] = range(len(source))
    return on_device(source.batches(everything, VALIDATED_AT_ONCE * job.batch), device)
