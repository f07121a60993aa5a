"""From the raw output of an identity detector to faces: boxes with a confidence for every identity."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.ops import batched_nms, box_iou, nms

# The stock validator's: boxes of a class that overlap more (intersection over union) are one, and so many candidates and answers count.
OVERLAP = 0.7
MOST_CANDIDATES = 30_000
MOST_PAIRS = 300


@dataclass(frozen=True, slots=True)
class Faces:
    """Boxes of one photo, best first.

    Attributes:
        boxes: k × 4, left, top, right, bottom in pixels.
        scores: k × classes, confidences from 0 to 1 that do not sum to one.
    """

    boxes: Tensor
    scores: Tensor


def every_box(photo: Tensor, least: float, told: int = 5) -> Faces:
    """All boxes that hold for some identity: what average precision wants.

    A box is here when the stock suppression, identity by identity, keeps it for one. Of what overlaps, the best box of each identity
    is then that of the stock validator; without its time limit, by which a slow machine silently loses photos.

    Args:
        photo: (4 + classes) × boxes, as a YOLOv8 detection model gives it: centre and size in pixels, confidences.
        least: confidences that are no higher do not count.
        told: identities that are written down of each box. A box that was kept for more comes again, with those alone.
    """
    boxes, scores = _parts(photo)
    box, label, _ = kept_pairs(photo, least)
    chosen: list[int] = []
    rows: list[Tensor] = []
    for one in dict.fromkeys(box.tolist()):
        chosen.append(one)
        rows.append(scores[one])
        first = set(scores[one].topk(min(told, scores.shape[1])).indices.tolist())
        others = [name for name in label[box == one].tolist() if name not in first]
        for start in range(0, len(others), told):
            chosen.append(one)
            rows.append(torch.zeros_like(scores[one]).index_copy(0, at := torch.tensor(others[start : start + told]), scores[one][at]))
    if not rows:
        return Faces(boxes[:0], scores[:0])
    found = torch.stack(rows)
    order = found.amax(dim=1).argsort(descending=True, stable=True)
    return Faces(boxes[chosen][order], found[order])


def one_box_each(photo: Tensor, least: float) -> Faces:
    """One box for each face, whatever its identity: what a person wants to see. Arguments as of :func:`every_box`."""
    boxes, scores = _parts(photo)
    sure = torch.nonzero(scores.amax(dim=1) >= least).flatten()
    chosen = sure[nms(boxes[sure], scores[sure].amax(dim=1), OVERLAP)][:MOST_PAIRS]
    return Faces(boxes[chosen], scores[chosen])


def kept_pairs(photo: Tensor, least: float) -> tuple[Tensor, Tensor, Tensor]:
    """Box, identity and confidence of each pair that the stock suppression keeps, best first; see :func:`every_box`."""
    boxes, scores = _parts(photo)
    box, label = torch.nonzero(scores > least, as_tuple=True)
    score = scores[box, label]
    best = score.argsort(descending=True, stable=True)[:MOST_CANDIDATES]
    box, label, score = box[best], label[best], score[best]
    kept = batched_nms(boxes[box], score, label, OVERLAP)[:MOST_PAIRS]
    return box[kept], label[kept], score[kept]


def overlaps(one: Tensor, other: Tensor) -> Tensor:
    """Intersection over union of every two boxes given by corners: a × b."""
    iou: Tensor = box_iou(one, other)
    return iou


def corners(photo: Tensor) -> Tensor:
    """The boxes of a photo's output by their corners: boxes × 4."""
    return _parts(photo)[0]


def _parts(photo: Tensor) -> tuple[Tensor, Tensor]:
    photo = photo.float()
    centre, half = photo[:2].T, photo[2:4].T / 2
    return torch.cat([centre - half, centre + half], dim=1), photo[4:].T
