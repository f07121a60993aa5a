"""Checkpoint files of Ultralytics: found, loaded without running their code, and refused in one line when they are not what is needed."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ultralytics.nn.tasks import ClassificationModel, DetectionModel, PoseModel, torch_safe_load
from ultralytics.utils import LOGGER
from ultralytics.utils.downloads import attempt_download_asset

from yolo_koin.errors import WeightsError

NOTE = "yolo_koin"  # our key in a checkpoint; stock Ultralytics keeps and ignores it


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
        with _hushed():
            checkpoint, _ = torch_safe_load(str(weights.resolve()), safe_only=not trust)
    except TypeError as error:
        if "references types outside" in str(error) and _is_pickle(weights):
            raise WeightsError(
                "safe loading refuses this checkpoint: it would run code of its own",
                weights,
                "If you know its author, evaluate and predict take it with --trust-weights.",
            ) from error
        raise no_checkpoint(weights) from error
    except Exception as error:  # a pickle can fail in any way at all
        raise no_checkpoint(weights) from error
    model = network_of(checkpoint) if isinstance(checkpoint, dict) else None
    found = _task(model)
    if found == "" or task not in {"", found}:
        wanted, example = _WANTED[task]
        raise WeightsError(f"not {wanted} ({type(model).__name__ if model is not None else 'none'})", weights, f"Take {example}.")
    return dict(checkpoint)


def task_of(checkpoint: dict[str, Any]) -> str:
    """What a checkpoint's model does: ``classify``, ``detect`` or ``pose``."""
    return _task(network_of(checkpoint))


def network_of(checkpoint: dict[str, Any]) -> Any:
    """The network in a checkpoint: the averaged one where there are two."""
    averaged = checkpoint.get("ema")
    return checkpoint.get("model") if averaged is None else averaged


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


def pretrained(model: str, folder: Path) -> Path:
    """The official weights of a model (ImageNet, or COCO to detect): from ``folder``, else by Ultralytics' own download into it.

    Raises:
        WeightsError: they are not there and cannot be downloaded.
    """
    path = folder / f"{model}.pt"
    if not path.is_file():
        logging.getLogger(__name__).warning("downloading %s from github.com/ultralytics/assets to %s", path.name, path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with _hushed(), tempfile.TemporaryDirectory(dir=path.parent.resolve()) as inbox:
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


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """Keep Ultralytics from printing what we say in our own words."""
    before, LOGGER.disabled = LOGGER.disabled, True
    try:
        yield
    finally:
        LOGGER.disabled = before


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


def no_checkpoint(weights: Path) -> WeightsError:
    """The error for a file that is none, or whose network fails."""
    return WeightsError("not a YOLO checkpoint, or a damaged one", weights, "Take a .pt file that Ultralytics or yolo_koin train wrote.")
