"""The one door to Ultralytics: find, load, train and run YOLOv8 classifiers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from yolo_koin.environment import cores
from yolo_koin.models.checkpoints import NOTE, SUFFIX, check_path, choose_device, layout, load_checkpoint, open_network
from yolo_koin.models.detection_trainer import IdentityTrainer
from yolo_koin.models.loop import Loop, finish
from yolo_koin.models.trainer import FaceTrainer

SIZES = ("n", "s", "m", "l", "x")
TRAINERS: dict[str, type[Loop]] = {"classify": FaceTrainer, "detect": IdentityTrainer}
DATA = {"classify": "", "detect": "data.yaml"}  # what Ultralytics is given of a converted dataset


@dataclass(frozen=True)
class Epoch:
    """What is known after an epoch: for the progress bar.

    Attributes:
        number, of: which epoch, from 1, and how many there are.
        train_loss, val_loss: mean losses.
        metric: what chooses the best epoch: ``top1`` or ``map50``.
        value: it, on the validation photos, 0 to 1.
    """

    number: int
    of: int
    train_loss: float
    val_loss: float
    metric: str
    value: float


class Classifier:
    """A trained network, ready to name photos.

    Attributes:
        names: class names, in the order of its outputs.
        side: network input size, in pixels.
        note: what we wrote into the checkpoint when we trained it (``fit``, ``side`` of the prepared photos, …); empty for others' models.
        weights: where it came from.
    """

    def __init__(self, weights: Path, device: str = "", trust: bool = False) -> None:
        """Load a checkpoint.

        Args:
            weights: a YOLO classification checkpoint.
            device: ``cpu``, ``0``, ``mps``; empty takes the first GPU there is, else the processor.
            trust: run the checkpoint's pickle although safe loading refuses it.

        Raises:
            WeightsError: there is no such file, it is no classification checkpoint, or safe loading refuses it.
        """
        network = open_network(weights, "classify", device, trust, usual_side=224)
        self.weights, self.device, self._model = weights, network.device, network.model
        self.names, self.side, self.note = network.names, network.side, network.note

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
    on_epoch: Callable[[Epoch], None] | None = None,
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
        on_epoch: called after each epoch.

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
    _run(task, overrides, note, on_epoch)


def resume(
    task: str, folder: Path, data: Path, device: str, note: Mapping[str, Any], on_epoch: Callable[[Epoch], None] | None = None
) -> None:
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
    _run(task, {**overrides, "device": _device_argument(device)}, note, on_epoch)


def _run(task: str, overrides: dict[str, Any], note: Mapping[str, Any], on_epoch: Callable[[Epoch], None] | None) -> None:
    trainer = TRAINERS[task](overrides=overrides)
    trainer.note = {NOTE: dict(note)}
    if on_epoch:
        trainer.on_epoch = lambda stock: on_epoch(_epoch(stock))
    trainer.train()


def _epoch(trainer: Loop) -> Epoch:
    loss = float(sum(trainer.tloss.values()))
    value = trainer.metrics[f"val_{trainer.metric}"]
    return Epoch(trainer.epoch + 1, trainer.epochs, loss, trainer.metrics["val_loss"], trainer.metric, value)


def _device_argument(device: str) -> str:
    chosen = choose_device(device)
    return str(chosen.index) if chosen.type == "cuda" else chosen.type


def _bf16(device: str) -> bool:
    chosen = choose_device(device)
    return chosen.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
