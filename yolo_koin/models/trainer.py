"""Our Ultralytics trainer: the stock loop, checkpoints and command line, with what is poor for faces replaced.

Replaced are the photos' way to the network (decoded once, augmented in batches), the targets (smoothed), the selection of the best epoch
(validation top-1, ties by loss, instead of the mean of top-1 and top-5), and how files are written (whole or not at all). All settings
come from Ultralytics' own arguments and the constants below, so that a resumed run sees the same.
"""

from __future__ import annotations

import csv
import io
import math
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader
from ultralytics.models.yolo.classify import ClassificationTrainer
from ultralytics.utils import DEFAULT_CFG, RANK
from ultralytics.utils.torch_utils import strip_optimizer

from yolo_koin.environment import cores
from yolo_koin.errors import DatasetError, RunError
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

    # What the caller wants to hear after each epoch, and what goes into the finished checkpoints. On the class, since the stock
    # constructor runs callbacks before ours could set them.
    on_epoch: Callable[[FaceTrainer], None] | None = None
    note: Mapping[str, Any] = MappingProxyType({})
    # Set by the stock class, which is not typed.
    model: Any
    best_fitness: float | None
    last: Path
    best: Path

    def __init__(self, cfg: Any = DEFAULT_CFG, overrides: dict[str, Any] | None = None, _callbacks: Any = None) -> None:
        super().__init__(cfg, overrides, _callbacks)
        torch.set_num_threads(cores())  # choosing the device set it to one fewer

    def run_callbacks(self, event: str) -> None:
        """Tell the caller of each epoch, and nobody else: the stock callbacks are trackers, a platform and telemetry."""
        if event == "on_fit_epoch_end" and self.on_epoch:
            self.on_epoch(self)

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
        return data

    def build_dataset(self, img_path: str, mode: str = "train", batch: Any = None) -> Photos:
        """The photos of one folder of class folders."""
        index = {name: i for i, name in self.data["names"].items()}
        files = sorted(path for path in Path(img_path).glob("*/*.jpg") if path.parent.name in index)
        return Photos(files, [index[path.parent.name] for path in files], self.args.imgsz)

    def get_dataloader(self, dataset_path: str, batch_size: int = 16, rank: int = 0, mode: str = "train") -> DataLoader[dict[str, Tensor]]:
        """Batches of uint8 tensors, shuffled in training."""
        dataset = self.build_dataset(dataset_path, mode)
        # Decoded photos are gathered faster than another process can send them.
        workers = 0 if dataset.cache is not None else self.args.workers
        return DataLoader(
            dataset,
            batch_size=min(batch_size, len(dataset)),
            shuffle=mode == "train",
            drop_last=mode == "train" and len(dataset) % batch_size == 1 < len(dataset),  # batch normalisation needs two photos
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=self.device.type == "cuda",
            collate_fn=_already_a_batch,
        )

    def preprocess_batch(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Move a training batch to the device, augment it, and smooth its targets."""
        with torch.autocast(self.device.type, enabled=False):  # the warp's grid needs more than bf16's eight bits
            images = augment(batch["img"].to(self.device, non_blocking=True))
        images = images.contiguous(memory_format=layout(self.device))
        classes = functional.one_hot(batch["cls"].to(self.device), self.data["nc"]).float()
        # As cross-entropy takes probabilities as targets, smoothing needs no loss of our own in the checkpoint.
        return {"img": images, "cls": classes * (1 - LABEL_SMOOTHING) + LABEL_SMOOTHING / self.data["nc"]}

    def _model_train(self) -> None:
        super()._model_train()
        # Each epoch draws from its own seed, so a resumed run sees what an uninterrupted one would have.
        torch.manual_seed((self.args.seed + 1) * 100_003 + self.epoch * 101 + RANK + 1)

    def setup_model(self) -> Any:
        """Build or load the network, in the memory layout that is fast on this device."""
        checkpoint = super().setup_model()
        self.model = self.model.to(memory_format=layout(self.device))
        return checkpoint

    def build_optimizer(self, *args: Any, **kwargs: Any) -> torch.optim.Optimizer:
        """The stock optimizer, with the fused kernel on processors as well as on CUDA."""
        optimizer: torch.optim.Optimizer = super().build_optimizer(*args, **kwargs)
        for group in optimizer.param_groups:
            group["fused"] = group.get("fused") or self.device.type == "cpu"
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
        # A loss that is not finite is handed on as it is: the stock loop then goes back to the last good checkpoint.
        fitness = top1 - TIE * min(loss, 9.0) if math.isfinite(loss) else math.nan
        if math.isfinite(fitness) and (self.best_fitness is None or fitness > self.best_fitness):
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
        """Write ``best.pt``, after the best epoch so far, and ``last.pt``: each whole or not at all.

        In this order: a run that is killed between the two does its last epoch again, and then has both.
        """
        last, best = self.last, self.best
        try:
            with atomic_path(last) as temporary:
                self.last = self.best = temporary  # the stock method writes the same bytes to both
                super().save_model()
                if self.best_fitness == self.fitness:
                    with atomic_path(best) as chosen:
                        shutil.copyfile(temporary, chosen)
        finally:
            self.last, self.best = last, best
        return True

    def read_results_csv(self) -> dict[str, list[float]]:
        """The training curve so far, which stock checkpoints carry along."""
        rows = _read_rows(self.csv)
        return {name: [float(row[name]) for row in rows] for name in CURVE_COLUMNS} if rows else {}

    def final_eval(self) -> None:
        """Finish the checkpoints. They were scored when they were chosen."""
        finish(self.wdir, self.note)


def finish(weights: Path, note: Mapping[str, Any]) -> None:
    """Take the optimizer out of ``best.pt`` and ``last.pt`` and put our note in; doing it twice does no harm.

    Raises:
        RunError: one of them is missing or cannot be read; both stay as they are.
    """
    for path in (weights / "best.pt", weights / "last.pt"):
        if not path.is_file():
            raise RunError("training never had a finite validation loss", path, "Start again with other photos or a smaller --batch.")
        with atomic_path(path) as temporary:
            if not strip_optimizer(path, temporary, updates=dict(note)):
                raise RunError("cannot read this checkpoint", path, "Start the training again.")


def layout(device: torch.device) -> torch.memory_format:
    """Channels last where that is faster: on CUDA, and by a fifth to a quarter on processors. Apple's gives wrong numbers with it."""
    return torch.channels_last if device.type in {"cpu", "cuda"} else torch.contiguous_format


def _already_a_batch(batch: Any) -> Any:
    return batch


def _read_rows(path: Path) -> Iterable[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
