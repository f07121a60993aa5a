"""Checkpoint files and devices: found, loaded without running their code, and refused in one line when they are not what is needed."""

from __future__ import annotations

import logging
import tempfile
import zipfile
from pathlib import Path
from typing import Any, ClassVar

import torch
from ultralytics.nn.tasks import ClassificationModel, DetectionModel, PoseModel, torch_safe_load
from ultralytics.utils.downloads import attempt_download_asset

from yolo_koin.dataset.koin import nfc
from yolo_koin.environment import cores
from yolo_koin.errors import UsageError, WeightsError

WEIGHTS = Path("weights")
NOTE = "yolo_koin"  # our key in a checkpoint; stock Ultralytics keeps and ignores it
TASKS = ("classify", "detect")
SUFFIX = {"classify": "-cls", "detect": ""}  # of the official weights' names


def load_checkpoint(weights: Path, task: str, trust: bool = False) -> dict[str, Any]:
    """Read a checkpoint with Ultralytics' safe loading.

    Args:
        weights: the file.
        task: what its model has to do: ``classify``, ``detect`` or ``pose``; empty takes any of them.
        trust: run the checkpoint's pickle although safe loading refuses it.

    Raises:
        WeightsError: no such file, no checkpoint of this task, or refused.
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
    found = _task(model)
    if found == "" or task not in {"", found}:
        wanted, example = _WANTED[task]
        raise WeightsError(f"not {wanted} ({type(model).__name__ if model is not None else 'none'})", weights, f"Take {example}.")
    return dict(checkpoint)


class Trained:
    """A trained network, ready to look at photos: what classifiers and detectors share.

    Attributes:
        weights: where it came from.
        names: class names, in the order of its outputs.
        side: network input size, in pixels.
        note: what we wrote into the checkpoint when we trained it (``fit``, ``side`` of the prepared photos, …); empty for others' models.
        device: where it runs.
    """

    task: ClassVar[str]
    usual_side: ClassVar[int]  # input size of a checkpoint that does not tell its own

    def __init__(self, weights: Path, device: str = "", trust: bool = False) -> None:
        """Load a checkpoint.

        Args:
            weights: the file.
            device: as :func:`choose_device`.
            trust: run the checkpoint's pickle although safe loading refuses it.

        Raises:
            WeightsError: no such file, no checkpoint of this task, refused, or two of its classes have one name.
        """
        checkpoint = load_checkpoint(weights, self.task, trust)
        model = checkpoint.get("ema") or checkpoint["model"]
        self.weights, self.device = weights, choose_device(device)
        self.note: dict[str, Any] = dict(checkpoint.get(NOTE) or {})
        self.names: tuple[str, ...] = tuple(nfc(str(name)) for _, name in sorted(dict(model.names).items()))
        if len(set(self.names)) < len(self.names):
            raise WeightsError("two classes of this model have one name", weights, "Predictions are matched by name: train it again.")
        self.side = int((checkpoint.get("train_args") or {}).get("imgsz", self.usual_side))
        torch.set_num_threads(cores())
        # Fusing batch normalisation into the convolutions gives the same function for fewer operations; stock prediction does so too.
        self._model = model.float().fuse(verbose=False).eval().to(self.device, memory_format=layout(self.device))


def layout(device: torch.device) -> torch.memory_format:
    """Channels last where that is faster: on CUDA, and by a fifth to a quarter on processors. Apple's gives wrong numbers with it."""
    return torch.channels_last if device.type in {"cpu", "cuda"} else torch.contiguous_format


def task_of(checkpoint: dict[str, Any]) -> str:
    """What a checkpoint's model does: ``classify``, ``detect`` or ``pose``."""
    return _task(checkpoint.get("ema") or checkpoint["model"])


def size_of(weights: Path, task: str = "classify") -> str:
    """The size of a YOLOv8 checkpoint, n to x; empty when it does not say.

    Raises:
        WeightsError: it is no YOLOv8 model of this task: a table would call it one.
    """
    checkpoint = load_checkpoint(weights, task)
    made_from = dict((checkpoint.get("ema") or checkpoint["model"]).yaml)
    name = Path(str(made_from.get("yaml_file", ""))).name
    if name and not name.startswith("yolov8"):
        raise WeightsError(f"not a YOLOv8 model ({name})", weights, f"Take a yolov8*{SUFFIX[task]}.pt.")
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


def pretrained(size: str, task: str = "classify", folder: Path | None = None) -> Path:
    """The official weights of a size (ImageNet, or COCO to detect): from ``weights/``, else by Ultralytics' own download into it.

    Raises:
        WeightsError: they are not there and cannot be downloaded.
    """
    path = (folder or WEIGHTS) / f"yolov8{size}{SUFFIX[task]}.pt"
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


def _task(model: object) -> str:
    # By exact type: models that segment or turn their boxes are detection models to Python, and give other outputs.
    return {ClassificationModel: "classify", PoseModel: "pose", DetectionModel: "detect"}.get(type(model), "")


_WANTED = {
    "": ("a model that classifies, detects or poses", "a checkpoint of yolo_koin train, or an Ultralytics face model"),
    "classify": ("a classification model", "a yolov8*-cls.pt, or a best.pt of yolo_koin train"),
    "detect": ("a detection model", "a yolov8*.pt, or a best.pt of yolo_koin train --task detect"),
    "pose": ("a pose model", "a yolov8*-pose.pt"),
}


def _is_pickle(weights: Path) -> bool:
    """Whether a file is of the kind that torch writes: a zip archive with a pickle in it, or, before torch 1.6, a pickle."""
    with weights.open("rb") as stream:
        return stream.read(1) == b"\x80" or zipfile.is_zipfile(weights)


def _no_checkpoint(weights: Path) -> WeightsError:
    return WeightsError("not a YOLO checkpoint, or a damaged one", weights, "Take a .pt file that Ultralytics or yolo_koin train wrote.")
