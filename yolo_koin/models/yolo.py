"""The one door to Ultralytics: find, load, train and run YOLOv8 classifiers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from yolo_koin.environment import cores
from yolo_koin.models.checkpoints import NOTE, SUFFIX, Trained, check_path, choose_device, layout, load_checkpoint
from yolo_koin.models.detection_trainer import IdentityTrainer
from yolo_koin.models.loop import Loop, finish
from yolo_koin.models.trainer import FaceTrainer
from yolo_koin.parallel import Progress, Step, silent

CALLED = {"top1": "top-1", "map50": "mAP@0.5"}  # what chooses the best epoch, for people
SIZES = ("n", "s", "m", "l", "x")
TRAINERS: dict[str, type[Loop]] = {"classify": FaceTrainer, "detect": IdentityTrainer}
DATA = {"classify": "", "detect": "data.yaml"}  # what Ultralytics is given of a converted dataset


class Classifier(Trained):
    """A trained network, ready to name photos."""

    task = "classify"
    usual_side = 224

    def probabilities(self, photos: Tensor) -> NDArray[np.float32]:
        """Softmax scores.

        Args:
            photos: n × 3 × side × side, uint8.

        Returns:
            n × classes, each row summing to one.
        """
        with torch.inference_mode():
            images = photos.to(self.device).float().div_(255).contiguous(memory_format=layout(self.device))
            scores = self._model(images)
            scores = scores[0] if isinstance(scores, tuple | list) else scores
            result: NDArray[np.float32] = scores.float().cpu().numpy()
            return result

    def run(self, photos: Iterable[Tensor], batch: int = 32) -> Iterator[NDArray[np.float32]]:
        """Scores of photos of 3 × side × side, one by one out of batches; no more than a batch is in memory."""
        waiting: list[Tensor] = []
        for photo in photos:
            waiting.append(photo)
            if len(waiting) == batch:
                yield from self.probabilities(torch.stack(waiting))
                waiting.clear()
        if waiting:
            yield from self.probabilities(torch.stack(waiting))


def train(
    *,
    task: str,
    data: Path,
    size: str,
    weights: Path | None,
    folder: Path,
    epochs: int,
    imgsz: int,
    batch: int,
    device: str,
    seed: int,
    freeze: int,
    lr: float,
    note: Mapping[str, Any],
    progress: Progress = silent,
) -> None:
    """Train a YOLOv8 classifier or identity detector on a converted dataset; writes ``weights/`` and ``results.csv`` into ``folder``.

    Args:
        task: ``classify`` or ``detect``.
        data: dataset converted for this task.
        size: n, s, m, l or x.
        weights: checkpoint to start from; None starts from nothing.
        folder: of the run; exists already.
        epochs, imgsz, batch, seed, freeze: as Ultralytics' arguments of these names.
        device: as :func:`choose_device`.
        lr: peak learning rate of AdamW.
        note: written into the finished checkpoints, for prediction to prepare photos the same way.
        progress: is told of each epoch.

    Raises:
        WeightsError: ``weights`` is no checkpoint of this task.
    """
    overrides: dict[str, Any] = {
        "model": f"yolov8{size}{SUFFIX[task]}.yaml" if weights is None else str(weights.resolve()),
        "pretrained": weights is not None,
        "data": str(data.resolve() / DATA[task]),
        "project": str(folder.resolve().parent),
        "name": folder.name,
        "exist_ok": True,
        "epochs": epochs,
        "imgsz": imgsz,
        "batch": batch,
        "nbs": batch,  # gradients are not gathered over batches
        "device": _device_argument(device),
        "workers": min(8, cores()),
        "seed": seed,
        "freeze": freeze or None,
        # Warm-up, then a cosine to nearly zero.
        "optimizer": "AdamW",
        "lr0": lr,
        "lrf": 0.01,
        "cos_lr": True,
        "momentum": 0.9,
        "weight_decay": 0.05,
        "warmup_epochs": 0.1 * epochs,
        "warmup_bias_lr": 0.0,
        # bf16 needs no loss scaling, and spares the stock AMP check, which downloads a model.
        "amp": "bf16" if _bf16(device) else False,
        "plots": False,
        "patience": 0,
        "close_mosaic": 0,
    }
    if weights is not None:
        load_checkpoint(weights, task)
    check_path(folder)
    _run(task, overrides, note, progress)


def resume(task: str, folder: Path, data: Path, device: str, note: Mapping[str, Any], progress: Progress = silent) -> None:
    """Go on with an interrupted run from its ``last.pt``.

    Raises:
        WeightsError: there is none, or it is damaged.
    """
    last = folder / "weights" / "last.pt"
    checkpoint = load_checkpoint(last, task)
    done = checkpoint.get("epoch", -1) + 1
    if done in {0, checkpoint["train_args"]["epochs"]}:  # stopped after the last epoch, maybe amid finishing its files
        load_checkpoint(folder / "weights" / "best.pt", task)
        finish(folder / "weights", {NOTE: dict(note)})
        return
    places = {"resume": last, "model": last, "data": data / DATA[task], "save_dir": folder}
    overrides = {key: str(path.resolve()) for key, path in places.items()}
    _run(task, {**overrides, "device": _device_argument(device)}, note, progress)


def _run(task: str, overrides: dict[str, Any], note: Mapping[str, Any], progress: Progress) -> None:
    trainer = TRAINERS[task](overrides=overrides)
    trainer.note = {NOTE: dict(note)}
    trainer.on_epoch = lambda stock: progress(_step(stock))
    trainer.train()


def _step(trainer: Loop) -> Step:
    loss, value = float(sum(trainer.tloss.values())), trainer.metrics[f"val_{trainer.metric}"]
    return Step("epoch", trainer.epoch + 1, trainer.epochs, f"loss {loss:.3f}  val {CALLED[trainer.metric]} {100 * value:.1f} %")


def _device_argument(device: str) -> str:
    chosen = choose_device(device)
    return str(chosen.index) if chosen.type == "cuda" else chosen.type


def _bf16(device: str) -> bool:
    chosen = choose_device(device)
    return chosen.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
