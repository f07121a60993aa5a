"""Our Ultralytics trainer: the stock loop, checkpoints and command line, with what is poor for faces replaced.

Replaced are the photos' way to the network (decoded once, augmented in batches), the targets (smoothed), the selection of the best epoch
(validation top-1, ties by loss, instead of the mean of top-1 and top-5), and how files are written (whole or not at all). All settings
come from Ultralytics' own arguments and the constants below, so that a resumed run and each process of a multi-GPU run see the same.
"""

from __future__ import annotations

import csv
import io
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, DistributedSampler
from ultralytics.models.yolo.classify import ClassificationTrainer
from ultralytics.utils import DEFAULT_CFG, RANK
from ultralytics.utils.torch_utils import strip_optimizer

from yolo_koin.environment import cores
from yolo_koin.models.augment import augment
from yolo_koin.models.photos import Photos
from yolo_koin.runs import atomic_path, write_text

LABEL_SMOOTHING = 0.1
TIE = 1e-6  # weight of the loss in the fitness: far below one photo's share of top-1
CURVE_COLUMNS = ("epoch", "time", "train_loss", "val_loss", "val_top1", "lr")


class NoValidator:
    """Stands where the stock loop expects a validator; :meth:`FaceTrainer.validate` does the work."""

    class metrics:  # noqa: N801  # the stock loop reads validator.metrics.keys
        """Names of the validation figures."""

        keys: ClassVar = ["val_top1", "val_loss"]

    dataloader = None


class FaceTrainer(ClassificationTrainer):  # type: ignore[misc]
    """YOLOv8-cls on a converted dataset."""

    # Set by the stock class, which is not typed.
    model: Any
    best_fitness: float | None
    last: Path
    best: Path

    def __init__(self, cfg: Any = DEFAULT_CFG, overrides: dict[str, Any] | None = None, _callbacks: Any = None) -> None:
        super().__init__(cfg, overrides, _callbacks)
        self.note: dict[str, Any] = {}  # goes into the finished checkpoints
        torch.set_num_threads(cores())  # choosing the device set it to one fewer

    # ------------------------------------------------------------------------------------------------------------ photos
    def build_dataset(self, img_path: str, mode: str = "train", batch: Any = None) -> Photos:
        """The photos of one folder of class folders."""
        index = {name: i for i, name in self.data["names"].items()}
        files = sorted(path for path in Path(img_path).glob("*/*.jpg") if path.parent.name in index)
        return Photos(files, [index[path.parent.name] for path in files], self.args.imgsz)

    def get_dataloader(self, dataset_path: str, batch_size: int = 16, rank: int = 0, mode: str = "train") -> DataLoader[dict[str, Tensor]]:
        """Batches of uint8 tensors; shuffled, and shared out between the processes of a multi-GPU run, in training."""
        dataset = self.build_dataset(dataset_path, mode)
        distributed: DistributedSampler[dict[str, Tensor]] | None = DistributedSampler(dataset) if rank != -1 and mode == "train" else None
        return DataLoader(
            dataset,
            batch_size=min(batch_size, len(dataset)),
            shuffle=mode == "train" and distributed is None,
            sampler=distributed,
            # Decoded photos are gathered faster than another process can send them.
            num_workers=0 if dataset.cache is not None else self.args.workers,
            pin_memory=self.device.type == "cuda",
            collate_fn=_already_a_batch,
        )

    def preprocess_batch(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Move a training batch to the device, augment it, and smooth its targets."""
        images = augment(batch["img"].to(self.device, non_blocking=True)).contiguous(memory_format=torch.channels_last)
        classes = functional.one_hot(batch["cls"].to(self.device), self.data["nc"]).float()
        # As cross-entropy takes probabilities as targets, smoothing needs no loss of our own in the checkpoint.
        return {"img": images, "cls": classes * (1 - LABEL_SMOOTHING) + LABEL_SMOOTHING / self.data["nc"]}

    def _model_train(self) -> None:
        super()._model_train()
        # Each epoch draws from its own seed, so a resumed run sees what an uninterrupted one would have.
        torch.manual_seed((self.args.seed + 1) * 100_003 + self.epoch * 101 + RANK + 1)

    def setup_model(self) -> Any:
        """Build or load the network; channels last, which is a fifth to a quarter faster on processors too."""
        checkpoint = super().setup_model()
        self.model = self.model.to(memory_format=torch.channels_last)
        return checkpoint

    def build_optimizer(self, *args: Any, **kwargs: Any) -> torch.optim.Optimizer:
        """The stock optimizer, with the fused kernel on processors as well."""
        optimizer: torch.optim.Optimizer = super().build_optimizer(*args, **kwargs)
        for group in optimizer.param_groups:
            group["fused"] = True
        return optimizer

    # -------------------------------------------------------------------------------------------------------- validation
    def get_validator(self) -> NoValidator:
        """Nothing: see :meth:`validate`."""
        return NoValidator()

    def validate(self) -> tuple[dict[str, float], float]:
        """Top-1 and cross-entropy on the validation photos; the fitness that chooses ``best.pt``."""
        model = self.ema.ema.eval()
        loss, right, count = 0.0, 0, 0
        with torch.no_grad():
            for batch in self.test_loader:
                classes = batch["cls"].to(self.device)
                _, logits = model(batch["img"].to(self.device).float().div_(255))
                loss += float(functional.cross_entropy(logits.float(), classes, reduction="sum"))
                right += int((logits.argmax(dim=1) == classes).sum())
                count += len(classes)
        top1, loss = right / count, loss / count
        fitness = top1 - TIE * min(loss, 9.0)
        if self.best_fitness is None or fitness > self.best_fitness:
            self.best_fitness = fitness
        return {"val_top1": top1, "val_loss": loss}, fitness

    # ------------------------------------------------------------------------------------------------------------- files
    def save_metrics(self, metrics: dict[str, float]) -> None:
        """Rewrite ``results.csv`` with this epoch's line; a resumed run drops lines of epochs that it does again."""
        rows = [row for row in _read_rows(self.csv) if int(row["epoch"]) <= self.epoch]
        (train_loss,) = (v for k, v in metrics.items() if k.startswith("train/"))
        values = (
            self.epoch + 1,
            time.time() - self.train_time_start,
            train_loss,
            metrics["val_loss"],
            metrics["val_top1"],
            metrics["lr/pg0"],
        )
        rows.append({name: f"{value:.6g}" for name, value in zip(CURVE_COLUMNS, values, strict=True)})
        text = io.StringIO()
        writer = csv.DictWriter(text, CURVE_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self.csv, text.getvalue())

    def save_model(self) -> bool:
        """Write ``last.pt`` and, after the best epoch so far, ``best.pt``: each whole or not at all."""
        last, best = self.last, self.best
        try:
            with atomic_path(last) as temporary:
                self.last = self.best = temporary  # the stock method writes the same bytes to both
                super().save_model()
        finally:
            self.last, self.best = last, best
        if self.best_fitness == self.fitness:
            with atomic_path(best) as temporary:
                shutil.copyfile(last, temporary)
        return True

    def read_results_csv(self) -> dict[str, list[float]]:
        """The training curve so far, which stock checkpoints carry along."""
        rows = _read_rows(self.csv)
        return {name: [float(row[name]) for row in rows] for name in CURVE_COLUMNS} if rows else {}

    def final_eval(self) -> None:
        """Finish the checkpoints. They were scored when they were chosen."""
        finish(self.wdir, self.note)


def finish(weights: Path, note: dict[str, Any]) -> None:
    """Take the optimizer out of ``best.pt`` and ``last.pt`` and put our note in; doing it twice does no harm."""
    for path in (weights / "best.pt", weights / "last.pt"):
        with atomic_path(path) as temporary:
            strip_optimizer(path, temporary, updates=note)


def _already_a_batch(batch: Any) -> Any:
    return batch


def _read_rows(path: Path) -> Iterable[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
