"""Our trainer of identity detectors: the stock loop, loss and checkpoints, with photos decoded once and arranged in batches.

The best epoch is the one of highest validation mAP@0.5 over identities, ties by loss; see :mod:`yolo_koin.models.loop` for the rest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.utils.metrics import ap_per_class

from yolo_koin.errors import DatasetError
from yolo_koin.models.boxed_photos import BoxedPhotos
from yolo_koin.models.checkpoints import layout
from yolo_koin.models.collage import collage
from yolo_koin.models.faces import corners, kept_pairs, overlaps
from yolo_koin.models.loop import Loop

LEAST_SCORE = 0.01  # of boxes that validation looks at between epochs


class IdentityTrainer(Loop, DetectionTrainer):  # type: ignore[misc]
    """YOLOv8 detection on a converted dataset whose classes are people."""

    metric = "map50"

    # ------------------------------------------------------------------------------------------------------------ photos
    def get_dataset(self) -> dict[str, Any]:
        """The folders and class names of the converted dataset.

        The stock method would look for a font on the network where a name is not ASCII, and rewrite photos that it finds damaged.

        Raises:
            DatasetError: it has no validation photos.
        """
        path = Path(self.args.data)
        data: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        root = path.parent
        folders = {part: root / "images" / part for part in ("train", "val")}
        for part, folder in folders.items():
            if not any(folder.rglob("*.jpg")):
                what = "no validation photos" if part == "val" else "no training photos"
                raise DatasetError(what, root, "Each class needs two training photos that are no near-duplicates, with a face in each.")
        names = dict(data["names"])
        return {"names": names, "nc": len(names), "channels": 3, "path": root, **{part: str(folder) for part, folder in folders.items()}}

    def build_dataset(self, img_path: str, mode: str = "train", batch: Any = None) -> BoxedPhotos:
        """The photos of one split."""
        return BoxedPhotos(sorted(Path(img_path).rglob("*.jpg")), self.data["path"], self.args.imgsz)

    def preprocess_batch(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Move a training batch to the device and arrange its photos anew."""
        with torch.autocast(self.device.type, enabled=False):  # the warp's grid needs more than bf16's eight bits
            arranged = collage({key: value.to(self.device, non_blocking=True) for key, value in batch.items()})
        return {**arranged, "img": arranged["img"].contiguous(memory_format=layout(self.device))}

    # -------------------------------------------------------------------------------------------------------- validation
    def validate(self) -> tuple[dict[str, float], float]:
        """Identity mAP@0.5 and loss on the validation photos."""
        model = self.ema.ema.eval()
        loss, photos = 0.0, 0
        right: list[Tensor] = []
        found: list[Tensor] = []  # score and class of each box
        true: list[Tensor] = []
        with torch.no_grad():
            for batch in self.test_loader:
                here = {key: value.to(self.device) for key, value in batch.items()}
                here["img"] = here["img"].float().div_(255)
                scored, raw = model(here["img"])
                terms, _ = model.loss(here, raw)  # already times the number of photos
                loss += float(terms.sum())
                photos += len(here["img"])
                for photo, output in enumerate(scored.cpu()):
                    mine = here["batch_idx"] == photo
                    hits, told = _match(output, here["bboxes"][mine].cpu() * self.args.imgsz, here["cls"][mine, 0].cpu())
                    right.append(hits)
                    found.append(told)
                    true.append(here["cls"][mine, 0])
        return self.chosen(_map50(torch.cat(right), torch.cat(found), torch.cat(true)), loss / photos)


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
    ap = ap_per_class(right.numpy(), found[:, 0].numpy(), found[:, 1].numpy(), true.cpu().numpy())[5]
    return float(ap[:, 0].mean())
