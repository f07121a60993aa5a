"""What all our trainers change in the Ultralytics loop: who is called back, what is seeded, and how files are written.

A mix-in before a stock trainer. All settings come from Ultralytics' own arguments and the constants of the trainers, so that a resumed
run sees the same.
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
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from ultralytics.utils import RANK
from ultralytics.utils.torch_utils import strip_optimizer

from yolo_koin.environment import cores
from yolo_koin.errors import RunError
from yolo_koin.files import atomic_path, write_text
from yolo_koin.models.checkpoints import layout

if TYPE_CHECKING:
    from ultralytics.engine.trainer import BaseTrainer
else:
    BaseTrainer = object  # the stock trainer that this is mixed into

TIE = 1e-6  # weight of the loss in the fitness: far below what one photo adds to the metric


class NoValidator:
    """Stands where the stock loop expects a validator; the trainer's own ``validate`` does the work."""

    class metrics:  # noqa: N801  # the stock loop reads validator.metrics.keys
        """Names of the validation figures."""

        keys: ClassVar[list[str]] = []

    dataloader = None


class Loop(BaseTrainer):  # type: ignore[misc]
    """Mix-in: ``class OurTrainer(Loop, StockTrainer)``."""

    # What the caller wants to hear after each epoch, and what goes into the finished checkpoints. On the class, since the stock
    # constructor runs callbacks before ours could set them.
    on_epoch: Callable[[Any], None] | None = None
    note: Mapping[str, Any] = MappingProxyType({})
    metric: ClassVar[str]  # the validation figure that chooses the best epoch; larger is better
    # Set by the stock class, which is not typed.
    model: Any
    best_fitness: float | None
    last: Path
    best: Path

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        torch.set_num_threads(cores())  # choosing the device set it to one fewer

    @classmethod
    def columns(cls) -> tuple[str, ...]:
        """Columns of ``results.csv``."""
        return ("epoch", "time", "train_loss", "val_loss", f"val_{cls.metric}", "lr")

    def run_callbacks(self, event: str) -> None:
        """Tell the caller of each epoch, and nobody else: the stock callbacks are trackers, a platform and telemetry."""
        if event == "on_fit_epoch_end" and self.on_epoch:
            self.on_epoch(self)

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

    def get_dataloader(self, dataset_path: str, batch_size: int = 16, rank: int = 0, mode: str = "train") -> DataLoader[dict[str, Tensor]]:
        """Batches of uint8 tensors, as the trainer's ``build_dataset`` fetches them; shuffled in training."""
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

    # -------------------------------------------------------------------------------------------------------- validation
    def get_validator(self) -> NoValidator:
        """Nothing: the trainers validate by themselves."""
        return NoValidator()

    def chosen(self, value: float, loss: float) -> tuple[dict[str, float], float]:
        """The validation figures of an epoch and its fitness, which chooses ``best.pt``: the metric, ties by the lower loss."""
        # A loss that is not finite is handed on as it is: the stock loop then goes back to the last good checkpoint.
        fitness = value - TIE * min(loss, 9.0) if math.isfinite(loss) else math.nan
        if math.isfinite(fitness) and (self.best_fitness is None or fitness > self.best_fitness):
            self.best_fitness = fitness
        return {f"val_{self.metric}": value, "val_loss": loss}, fitness

    # ------------------------------------------------------------------------------------------------------------- files
    def save_metrics(self, metrics: dict[str, float]) -> None:
        """Rewrite ``results.csv`` with this epoch's line; a resumed run drops lines of epochs that it does again."""
        rows = [row for row in _read_rows(self.csv) if int(row["epoch"]) <= self.epoch]
        values = (
            self.epoch + 1,
            time.time() - self.train_time_start,
            sum(v for k, v in metrics.items() if k.startswith("train/")),
            metrics["val_loss"],
            metrics[f"val_{self.metric}"],
            metrics["lr/pg0"],
        )
        rows.append({name: f"{value:.6g}" for name, value in zip(self.columns(), values, strict=True)})
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns(), lineterminator="\n")
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
        return {name: [float(row[name]) for row in rows] for name in self.columns()} if rows else {}

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


def _already_a_batch(batch: Any) -> Any:
    return batch


def _read_rows(path: Path) -> Iterable[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
