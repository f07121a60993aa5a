"""A family of one small model of plain torch, with checkpoints of its own: arrays and a JSON text in one ``.npz``, and no pickle."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from yolo_koin.errors import WeightsError
from yolo_koin.files import atomic_path
from yolo_koin.models.family import Usual
from yolo_koin.models.protocol import Preparation, Task, Trained, TrainJob
from yolo_koin.parallel import Progress

GRID = 16  # cells per side that pixels are averaged over
MEAN, STD = (0.45, 0.45, 0.45), (0.25, 0.25, 0.25)  # its own, which the verbs know nothing of


class Tiny:
    """A :class:`yolo_koin.models.family.Family`."""

    ending = ".npz"
    learns_from_little = True
    tunes = True

    def models(self) -> tuple[str, ...]:
        return ("tiny:linear",)

    def knows(self, model: str) -> bool:
        return model in self.models()

    def usual(self, model: str, new: bool) -> Usual:
        return Usual(epochs=8, lr=0.02, multiple=GRID)

    def title(self, model: str) -> str:
        return "Tiny (linear)"

    def task(self, model: str) -> Task:
        return "classify"

    def layers(self, model: str) -> int:
        return 0

    def preparation(self, model: str, fit: str, side: int) -> Preparation:
        return Preparation(fit=fit, side=side, mean=MEAN, std=STD)

    def frozen(self, model: str, weights: Path, side: int, device: str = "", trust: bool = False) -> TinyModel:
        return TinyModel(weights)

    def pretrained(self, model: str, folder: Path) -> Path:
        raise WeightsError("nobody has trained this model", folder, "Train it with --weights scratch.")

    def check(self, model: str, weights: Path) -> bool:
        read(weights)
        return True

    def train(self, job: TrainJob, progress: Progress) -> Trained:
        from yolo_koin.models.fit.loop import clear

        clear(job.folder, self.ending)
        return self._fit(job, progress)

    def resume(self, job: TrainJob, progress: Progress) -> Trained:
        from yolo_koin.models.fit.loop import finished

        return finished(job, "top1", self.ending) or self._fit(job, progress)

    def owns(self, weights: Path) -> bool:
        return weights.suffix == self.ending

    def load(self, weights: Path, device: str = "", trust: bool = False) -> TinyModel:
        return TinyModel(weights)

    def _fit(self, job: TrainJob, progress: Progress) -> Trained:
        import torch
        from torch import nn

        from yolo_koin.models.fit.classify import ClassLesson
        from yolo_koin.models.fit.loop import Fit

        torch.manual_seed(job.seed)
        network = nn.Sequential(nn.AdaptiveAvgPool2d(GRID), nn.Flatten(), nn.Linear(3 * GRID * GRID, len(job.names)))
        if job.start is not None:
            known = read(job.start)
            network[2].load_state_dict({name: torch.from_numpy(known[name]) for name in ("weight", "bias")})

        def write(path: Path, trained: Any, curve: Sequence[Any]) -> None:
            about = {"names": job.names, "side": job.imgsz, "train_on": job.train_on, "preparation": asdict(job.preparation)}
            arrays = {name: value.numpy() for name, value in trained[2].state_dict().items()}
            with atomic_path(path) as temporary:
                np.savez(temporary, about=json.dumps(about), **arrays)

        lesson = ClassLesson(job, torch.device("cpu"))
        return Fit(job, network, lesson, write, lambda name: False, progress, self.ending).run()


class TinyModel:
    """A :class:`yolo_koin.models.protocol.Classifier` that needs no torch to look at photos."""

    task: ClassVar[Literal["classify"]] = "classify"
    title = "Tiny (linear)"

    def __init__(self, weights: Path) -> None:
        held = read(weights)
        about = json.loads(str(held["about"]))
        told: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in about["preparation"].items()}
        self.weights, self.names = weights, tuple(about["names"])
        self.side, self.train_on, self.preparation = about["side"], about["train_on"], Preparation(**told)
        self._weight, self._bias = held["weight"], held["bias"]

    def logits(self, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        result: NDArray[np.float32] = self.features(photos) @ self._weight.T + self._bias
        return result

    def features(self, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        n, side, size = len(photos), self.side, self.side // GRID
        wanted = self.preparation
        mean, std = (np.array(values, dtype=np.float32) for values in (wanted.mean, wanted.std))
        shown = (photos.astype(np.float32) / 255 - mean) / std
        assert shown.shape == (n, side, side, 3)
        averaged = shown.reshape(n, GRID, size, GRID, size, 3).mean(axis=(2, 4))
        result: NDArray[np.float32] = averaged.transpose(0, 3, 1, 2).reshape(n, -1)
        return result


def read(weights: Path) -> dict[str, NDArray[Any]]:
    """What a checkpoint holds."""
    try:
        with np.load(weights, allow_pickle=False) as held:
            return {name: held[name] for name in ("about", "weight", "bias")}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise WeightsError("not a checkpoint of a tiny model", weights, "Take a best.npz of yolo_koin train.") from error
