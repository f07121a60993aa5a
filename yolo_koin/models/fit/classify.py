"""What a classifier learns by: augmented photos, smoothed targets; the best epoch is that of the best validation top-1."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from yolo_koin.models.devices import layout
from yolo_koin.models.fit.augment import Strength, augment
from yolo_koin.models.fit.drawing import Drawing
from yolo_koin.models.fit.lesson import check_photos, validation_batches
from yolo_koin.models.fit.photos import Photos
from yolo_koin.models.fit.source import Batch
from yolo_koin.models.protocol import Preparation, TrainJob

# Photos that were cut around the face. The cut is as exact as the detector's box, which a mask, a small face or a turned head moves; and
# in photos of several people, faces differ in light and in what is around them. Chosen on training photos of the built-in faces, set into
# scenes of their own: without, a third of the people there were named rightly; so, nine tenths.
CUT = Strength(scale=0.14, shift=0.07, degrees=8.0, brightness=0.2, contrast=0.2, surroundings=0.7)


class ClassLesson:
    """A :class:`yolo_koin.models.fit.lesson.Lesson` for networks that give logits, alone or after the softmax of evaluation mode.

    Args:
        job: the training.
        device: where the network is.

    Raises:
        DatasetError: there are no training or no validation photos.
    """

    metric = "top1"

    def __init__(self, job: TrainJob, device: torch.device) -> None:
        check_photos(job)
        self.job, self.device = job, device
        self.strength = (CUT if job.preparation.fit == "face" else Strength()).times(job.augment)
        self.normal = _normal(job.preparation, device)
        drawing = Drawing(job.hardcases, job.hardcase_kinds, job.hardcase_severities) if job.hardcases else None
        given = job.names, job.imgsz, job.preparation.interpolation
        self.train, self.val = Photos(job.train, *given, drawing), Photos(job.val, *given)

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Cross-entropy with smoothed targets, see :class:`yolo_koin.models.fit.lesson.Lesson`."""
        with torch.autocast(self.device.type, enabled=False):  # the warp's grid needs more than bf16's eight bits
            photos = self._shown(augment(batch["img"], self.strength))
        loss = functional.cross_entropy(_logits(network(photos)), batch["cls"], label_smoothing=self.job.label_smoothing)
        return loss, loss.detach()

    def validate(self, network: nn.Module) -> tuple[float, float]:
        """Top-1 and cross-entropy, see :class:`yolo_koin.models.fit.lesson.Lesson`."""
        loss, right = torch.zeros((), device=self.device), torch.zeros((), device=self.device)
        for batch in validation_batches(self.val, self.job, self.device):
            logits = _logits(network(self._shown(batch["img"].float().div_(255)))).float()
            loss += functional.cross_entropy(logits, batch["cls"], reduction="sum")
            right += (logits.argmax(dim=1) == batch["cls"]).sum()
        return float(right) / len(self.val), float(loss) / len(self.val)

    def _shown(self, photos: Tensor) -> Tensor:
        if self.normal:
            mean, std = self.normal
            photos = (photos - mean) / std
        return photos.contiguous(memory_format=layout(self.device))


def _normal(preparation: Preparation, device: torch.device) -> tuple[Tensor, Tensor] | None:
    """What photos are normalised by; None leaves them as they are."""
    if (preparation.mean, preparation.std) == (Preparation.mean, Preparation.std):
        return None
    mean, std = (torch.tensor(values, device=device).view(1, 3, 1, 1) for values in (preparation.mean, preparation.std))
    return mean, std


def _logits(output: Any) -> Tensor:
    logits: Tensor = output[1] if isinstance(output, tuple | list) else output
    return logits
