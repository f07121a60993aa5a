"""The one door to Ultralytics: find, load, train and run YOLOv8 classifiers."""

from __future__ import annotations

import logging
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from ultralytics.nn.tasks import ClassificationModel, torch_safe_load
from ultralytics.utils.downloads import attempt_download_asset

from yolo_koin.dataset.koin import nfc
from yolo_koin.environment import cores
from yolo_koin.errors import UsageError, WeightsError
from yolo_koin.models.trainer import FaceTrainer, finish, layout

SIZES = ("n", "s", "m", "l", "x")
WEIGHTS = Path("weights")
NOTE = "yolo_koin"  # our key in a checkpoint; stock Ultralytics keeps and ignores it


@dataclass(frozen=True)
class Epoch:
    """What is known after an epoch: for the progress bar."""

    number: int
    of: int
    train_loss: float
    val_loss: float
    val_top1: float


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
        checkpoint = load_checkpoint(weights, trust)
        self.weights = weights
        self.note: dict[str, Any] = dict(checkpoint.get(NOTE) or {})
        self.device = choose_device(device)
        model = checkpoint.get("ema") or checkpoint["model"]
        self.names: tuple[str, ...] = tuple(nfc(str(name)) for _, name in sorted(dict(model.names).items()))
        if len(set(self.names)) < len(self.names):
            raise WeightsError("two classes of this model have one name", weights, "Predictions are matched by name: train it again.")
        self.side = int((checkpoint.get("train_args") or {}).get("imgsz", 224))
        torch.set_num_threads(cores())
        # Fusing batch normalisation into the convolutions gives the same function for fewer operations; stock prediction does so too.
        self._model = model.float().fuse(verbose=False).eval().to(self.device, memory_format=layout(self.device))

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


def load_checkpoint(weights: Path, trust: bool = False) -> dict[str, Any]:
    """Read a checkpoint with Ultralytics' safe loading.

    Raises:
        WeightsError: no such file, no classification checkpoint, or refused.
    """
    check_file(weights)
    try:
        checkpoint, _ = torch_safe_load(str(weights), safe_only=not trust)
    except TypeError as error:
        if "references types outside" in str(error) and _is_pickle(weights):
            raise WeightsError(
                "safe loading refuses this checkpoint: it would run code of its own",
                weights,
                "If you know its author, evaluate and predict take it with --trust-weights.",
            ) from error
        raise _no_checkpoint(weights) from error
    except Exception as error:  # a pickle can fail in any way at all
        raise _no_checkpoint(weights) from error
    model = checkpoint.get("ema") or checkpoint.get("model") if isinstance(checkpoint, dict) else None
    if not isinstance(model, ClassificationModel):
        kind = type(model).__name__ if model is not None else "none"
        raise WeightsError(f"not a classification model ({kind})", weights, "Take a yolov8*-cls.pt, or a best.pt of yolo_koin train.")
    return dict(checkpoint)


def size_of(weights: Path) -> str:
    """The size of a YOLOv8 checkpoint, n to x; empty when it does not say.

    Raises:
        WeightsError: it is no YOLOv8 classifier: a table would call it one.
    """
    checkpoint = load_checkpoint(weights)
    made_from = dict((checkpoint.get("ema") or checkpoint["model"]).yaml)
    name = Path(str(made_from.get("yaml_file", ""))).name
    if name and not name.startswith("yolov8"):
        raise WeightsError(f"not a YOLOv8 classifier ({name})", weights, "Take a yolov8*-cls.pt.")
    return str(made_from.get("scale", ""))


def check_file(weights: Path) -> None:
    """Make sure that a weights path is a local file, so that Ultralytics does not go looking for it on the network."""
    if weights.is_dir():
        raise WeightsError("a folder, not a weights file", weights, "Name the .pt file in it.")
    if not weights.is_file():
        raise WeightsError("no such weights file", weights, "Train one with yolo_koin train, or correct the path.")
    if weights.suffix != ".pt":
        raise WeightsError("a weights file has to end in .pt", weights, "Rename it.")
    check_path(weights)


def check_path(path: Path) -> None:
    """Refuse a path that Ultralytics would change: it drops quotes, would not find the file, and would ask the network for it."""
    if "'" in str(path.resolve()):
        raise WeightsError("Ultralytics cannot read a path with an apostrophe", path.resolve(), "Rename the folder.")


def pretrained(size: str, folder: Path | None = None) -> Path:
    """The ImageNet weights of a size: from ``weights/``, else by Ultralytics' own download into it.

    Raises:
        WeightsError: they are not there and cannot be downloaded.
    """
    path = (folder or WEIGHTS) / f"yolov8{size}-cls.pt"
    if not path.is_file():
        logging.getLogger(__name__).warning("downloading %s from github.com/ultralytics/assets to %s", path.name, path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent) as inbox:
                attempt_download_asset(Path(inbox) / path.name, retry=1, progress=False)
                (Path(inbox) / path.name).replace(path)
        except PermissionError as error:
            raise WeightsError("cannot write the weights", path, "Make the folder writable, or train with --weights scratch.") from error
        except (OSError, RuntimeError) as error:
            raise WeightsError(
                f"no {path.name} and no connection to download it from github.com/ultralytics/assets",
                path,
                "Put it there by hand, or train from nothing with --weights scratch.",
            ) from error
    return path


def choose_device(device: str) -> torch.device:
    """The torch device for ``cpu``, ``mps``, a GPU number, or the best there is when empty.

    Raises:
        UsageError: there is no such device.
    """
    if device == "":
        return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    if device == "cpu" or (device == "mps" and torch.backends.mps.is_available()):
        return torch.device(device)
    if device.isdecimal() and torch.cuda.is_available() and int(device) < torch.cuda.device_count():
        return torch.device("cuda", int(device))
    if "," in device:
        raise UsageError("one device at a time", f"--device {device}", "Start one run on each GPU.")
    raise UsageError("no such device", f"--device {device}", f"This machine has cpu and {torch.cuda.device_count()} GPUs.")


def train(
    *,
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
    """Train a YOLOv8 classifier on a converted dataset; writes ``weights/`` and ``results.csv`` into ``folder``.

    Args:
        data: converted dataset with ``train/`` and ``val/``.
        size: n, s, m, l or x.
        weights: checkpoint to start from; None starts from nothing.
        folder: of the run; exists already.
        epochs, imgsz, batch, seed, freeze: as Ultralytics' arguments of these names.
        device: as :func:`choose_device`.
        lr: peak learning rate of AdamW.
        note: written into the finished checkpoints, for prediction to prepare photos the same way.
        on_epoch: called after each epoch.

    Raises:
        WeightsError: ``weights`` is no classification checkpoint.
    """
    overrides: dict[str, Any] = {
        "model": f"yolov8{size}-cls.yaml" if weights is None else str(weights.resolve()),
        "pretrained": weights is not None,
        "data": str(data.resolve()),
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
        load_checkpoint(weights)
    check_path(folder)
    _run(overrides, note, on_epoch)


def resume(folder: Path, data: Path, device: str, note: Mapping[str, Any], on_epoch: Callable[[Epoch], None] | None = None) -> None:
    """Go on with an interrupted run from its ``last.pt``.

    Raises:
        WeightsError: there is none, or it is damaged.
    """
    last = folder / "weights" / "last.pt"
    checkpoint = load_checkpoint(last)
    done = checkpoint.get("epoch", -1) + 1
    if done in {0, checkpoint["train_args"]["epochs"]}:  # stopped after the last epoch, maybe amid finishing its files
        load_checkpoint(folder / "weights" / "best.pt")
        finish(folder / "weights", {NOTE: dict(note)})
        return
    places = {"resume": last, "model": last, "data": data, "save_dir": folder}
    overrides = {key: str(path.resolve()) for key, path in places.items()}
    _run({**overrides, "device": _device_argument(device)}, note, on_epoch)


def _run(overrides: dict[str, Any], note: Mapping[str, Any], on_epoch: Callable[[Epoch], None] | None) -> None:
    trainer = FaceTrainer(overrides=overrides)
    trainer.note = {NOTE: dict(note)}
    if on_epoch:
        trainer.on_epoch = lambda stock: on_epoch(_epoch(stock))
    trainer.train()


def _epoch(trainer: FaceTrainer) -> Epoch:
    (train_loss,) = trainer.tloss.values()
    return Epoch(trainer.epoch + 1, trainer.epochs, float(train_loss), trainer.metrics["val_loss"], trainer.metrics["val_top1"])


def _device_argument(device: str) -> str:
    chosen = choose_device(device)
    return str(chosen.index) if chosen.type == "cuda" else chosen.type


def _bf16(device: str) -> bool:
    chosen = choose_device(device)
    return chosen.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def _is_pickle(weights: Path) -> bool:
    """Whether a file is of the kind that torch writes: a zip archive with a pickle in it, or, before torch 1.6, a pickle."""
    with weights.open("rb") as stream:
        return stream.read(1) == b"\x80" or zipfile.is_zipfile(weights)


def _no_checkpoint(weights: Path) -> WeightsError:
    return WeightsError("not a YOLO checkpoint, or a damaged one", weights, "Take a .pt file that Ultralytics or yolo_koin train wrote.")
