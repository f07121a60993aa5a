"""What an identity detector learns by: photos arranged in batches, the stock loss; the best epoch is that of the best mAP@0.5."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.utils.metrics import ap_per_class

from yolo_koin.models.devices import layout
from yolo_koin.models.fit.boxed_photos import BoxedPhotos
from yolo_koin.models.fit.collage import COLOURS, USUAL, collage
from yolo_koin.models.fit.lesson import check_photos, validation_batches
from yolo_koin.models.fit.source import Batch
from yolo_koin.models.protocol import TrainJob
from yolo_koin.models.suppression import corners, kept_pairs, overlaps

LEAST_SCORE = 0.01  # of boxes that validation looks at between epochs


class FaceLesson:
    """A :class:`yolo_koin.models.fit.lesson.Lesson` for YOLOv8 detectors whose classes are people.

    Args:
        job: the training.
        device: where the network is.
        criterion: the stock loss of the network: from its outputs and a batch the loss times the number of photos, and its terms.

    Raises:
        DatasetError: there are no training or no validation photos.
    """

    metric = "map50"

    def __init__(self, job: TrainJob, device: torch.device, criterion: Any) -> None:
        check_photos(job)
        self.job, self.device, self.criterion = job, device, criterion
        self.arrangement, self.strength = USUAL.times(job.augment), COLOURS.times(job.augment)
        self.train = BoxedPhotos(job.train, job.names, job.imgsz)
        self.val = BoxedPhotos(job.val, job.names, job.imgsz)

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """The stock loss on a collage, see :class:`yolo_koin.models.fit.lesson.Lesson`."""
        with torch.autocast(self.device.type, enabled=False):  # the warp's grid needs more than bf16's eight bits
            arranged = collage(batch, self.arrangement, self.strength)
        terms, _ = self.criterion(network(arranged["img"].contiguous(memory_format=layout(self.device))), arranged)
        loss = terms.sum()
        return loss, loss.detach() / len(arranged["img"])

    def validate(self, network: nn.Module) -> tuple[float, float]:
        """Identity mAP@0.5 and the stock loss, see :class:`yolo_koin.models.fit.lesson.Lesson`."""
        loss = 0.0
        right: list[Tensor] = []
        found: list[Tensor] = []  # score and class of each box
        true: list[Tensor] = []
        for batch in validation_batches(self.val, self.job, self.device):
            photos = batch["img"].float().div_(255).contiguous(memory_format=layout(self.device))
            scored, raw = network(photos)
            loss += float(self.criterion(raw, {**batch, "img": photos})[0].sum())
            for photo, output in enumerate(scored.cpu()):
                mine = batch["batch_idx"] == photo
                classes = batch["cls"][mine, 0].cpu()
                hits, told = _match(output, batch["bboxes"][mine].cpu() * self.job.imgsz, classes)
                right.append(hits)
                found.append(told)
                true.append(classes)
        return _map50(torch.cat(right), torch.cat(found), torch.cat(true)), loss / len(self.val)


def _match(output: Tensor, boxes: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """Which (box, identity) pairs are true positives at IoU 0.5, k × 1; and their scores and classes, k × 2; best score first."""
    box, label, score = kept_pairs(output, LEAST_SCORE)
    centre, half = boxes[:, :2], boxes[:, 2:] / 2
    true = torch.cat([centre - half, centre + half], dim=1)
    fits = (overlaps(corners(output)[box], true) >= 0.5) & (label[:, None] == classes[None, :])
    hits = torch.zeros(len(box), dtype=torch.bool)
    for column in fits.T:  # each true box counts once, for the best of those that fit it
        hits[torch.nonzero(column & ~hits).flatten()[:1]] = True
    return hits[:, None], torch.stack([score, label.float()], dim=1)


def _map50(right: Tensor, found: Tensor, true: Tensor) -> float:
    if not len(found):
        return 0.0
    ap = ap_per_class(right.numpy(), found[:, 0].numpy(), found[:, 1].numpy(), true.numpy())[5]
    return float(ap[:, 0].mean())
