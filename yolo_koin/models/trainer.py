"""Our trainer of classifiers: the stock loop, checkpoints and command line, with what is poor for faces replaced.

Replaced are the photos' way to the network (decoded once, augmented in batches), the targets (smoothed) and the selection of the best
epoch (validation top-1, ties by loss, instead of the mean of top-1 and top-5); see :mod:`yolo_koin.models.loop` for the rest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from ultralytics.models.yolo.classify import ClassificationTrainer

from yolo_koin.errors import DatasetError
from yolo_koin.models.augment import Strength, augment
from yolo_koin.models.checkpoints import layout
from yolo_koin.models.loop import Loop
from yolo_koin.models.photos import Photos
from yolo_koin.runs import read_manifest

LABEL_SMOOTHING = 0.1
# Photos that were cut around the face. The cut is as exact as the detector's box, which a mask, a small face or a turned head moves; and
# in photos of several people, faces differ in light and in what is around them. Chosen on training photos of the built-in faces, set into
# scenes of their own: without, a third of the people there were named rightly; so, nine tenths.
CUT = Strength(scale=0.14, shift=0.07, degrees=8.0, brightness=0.2, contrast=0.2, surroundings=0.7)


class FaceTrainer(Loop, ClassificationTrainer):  # type: ignore[misc]
    """YOLOv8-cls on a converted dataset."""

    metric = "top1"
    strength: Strength

    # ------------------------------------------------------------------------------------------------------------ photos
    def get_dataset(self) -> dict[str, Any]:
        """The folders and class names of the converted dataset.

        Raises:
            DatasetError: it has no validation photos; the stock method would take the test split for them.
        """
        data: dict[str, Any] = super().get_dataset()
        if Path(data["val"] or "").name != "val" or not any(Path(data["val"]).glob("*/*.jpg")):
            raise DatasetError(
                "no validation photos", self.args.data, "Each class needs two training photos that are no near-duplicates of each other."
            )
        made = read_manifest(Path(data["train"]).parent) or {}
        self.strength = CUT if made.get("fit") == "face" else Strength()
        return data

    def build_dataset(self, img_path: str, mode: str = "train", batch: Any = None) -> Photos:
        """The photos of one folder of class folders."""
        index = {name: i for i, name in self.data["names"].items()}
        files = sorted(path for path in Path(img_path).glob("*/*.jpg") if path.parent.name in index)
        return Photos(files, [index[path.parent.name] for path in files], self.args.imgsz)

    def preprocess_batch(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Move a training batch to the device, augment it, and smooth its targets."""
        with torch.autocast(self.device.type, enabled=False):  # the warp's grid needs more than bf16's eight bits
            images = augment(batch["img"].to(self.device, non_blocking=True), self.strength)
        images = images.contiguous(memory_format=layout(self.device))
        classes = functional.one_hot(batch["cls"].to(self.device), self.data["nc"]).float()
        # As cross-entropy takes probabilities as targets, smoothing needs no loss of our own in the checkpoint.
        return {"img": images, "cls": classes * (1 - LABEL_SMOOTHING) + LABEL_SMOOTHING / self.data["nc"]}

    def validate(self) -> tuple[dict[str, float], float]:
        """Top-1 and cross-entropy on the validation photos."""
        model = self.ema.ema.eval()
        loss, right, count = 0.0, 0, 0
        with torch.no_grad():
            for batch in self.test_loader:
                classes = batch["cls"].to(self.device)
                _, logits = model(batch["img"].to(self.device).float().div_(255))
                loss += float(functional.cross_entropy(logits.float(), classes, reduction="sum"))
                right += int((logits.argmax(dim=1) == classes).sum())
                count += len(classes)
        return self.chosen(right / count, loss / count)
