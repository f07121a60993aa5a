"""What a family of models has to offer: names, weights, training, checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from yolo_koin.models.protocol import Backbone, Model, Preparation, Task, Trained, TrainJob
from yolo_koin.parallel import Progress


@dataclass(frozen=True, kw_only=True)
class Usual:
    """What a model is trained with where nothing is said.

    Attributes:
        epochs: how often all photos are seen.
        lr: peak learning rate.
        batch: photos per step.
        imgsz: of the network's input, in pixels; None goes by the size of the photos.
        multiple: the input has to be a multiple of this.
    """

    epochs: int
    lr: float
    batch: int = 32
    imgsz: int | None = None
    multiple: int = 1


class Trainer(Protocol):
    """A way to train, and the checkpoints that come of it. Its module imports no heavy library before a method needs it.

    Attributes:
        ending: of its checkpoints: a training writes ``weights/best`` with it.
    """

    @property
    def ending(self) -> str: ...  # noqa: D102

    def train(self, job: TrainJob, progress: Progress) -> Trained:
        """Train from the beginning; what an earlier training left in the folder is replaced.

        Raises:
            DatasetError: there are no photos to learn from, or none to choose the best epoch by.
            WeightsError: ``start`` cannot be read.
            RunError: the folder cannot be written, or the loss was never finite.
        """
        ...

    def resume(self, job: TrainJob, progress: Progress) -> Trained:
        """Go on with an interrupted training of the same job; it starts again when nothing was kept yet. Raises as :meth:`train`."""
        ...

    def owns(self, weights: Path) -> bool:
        """Whether a file is of this family, by its ending or what lies beside it; it is not opened."""
        ...

    def load(self, weights: Path, device: str = "", trust: bool = False) -> Model:
        """A trained model, ready to look at photos.

        Args:
            weights: the file.
            device: ``cpu``, ``0``, ``mps``; the best there is when empty.
            trust: run the code of a pickle that safe loading refuses.

        Raises:
            WeightsError: no such file, no checkpoint, refused, or what it says of itself makes no sense.
            UsageError: there is no such device.
        """
        ...


class Family(Trainer, Protocol):
    """Models that are built, trained and loaded in one way.

    Attributes:
        learns_from_little: whether its models learn the built-in faces from nothing, as they then do unless told otherwise: offline.
        tunes: whether its networks can be trained; else only heads on their features are.
    """

    @property
    def learns_from_little(self) -> bool: ...  # noqa: D102
    @property
    def tunes(self) -> bool: ...  # noqa: D102

    def models(self) -> tuple[str, ...]:
        """Names that are offered, smallest first."""
        ...

    def knows(self, model: str) -> bool:
        """Whether it can build a model, offered or not.

        Raises:
            UsageError: the name is of its kind, but it cannot.
        """
        ...

    def usual(self, model: str, new: bool) -> Usual:
        """What a model is trained with where nothing is said.

        Args:
            model: its name.
            new: whether the task is new to its weights: from scratch, or a detector from a classifier.
        """
        ...

    def title(self, model: str) -> str:
        """A model's name for people."""
        ...

    def task(self, model: str) -> Task:
        """What a model does."""
        ...

    def layers(self, model: str) -> int:
        """How many first layers of a model can stay as they are while it is trained."""
        ...

    def pretrained(self, model: str, folder: Path) -> Path:
        """The official weights: found in ``folder``, else downloaded into it.

        Raises:
            WeightsError: they are not there and cannot be downloaded.
        """
        ...

    def check(self, model: str, weights: Path) -> bool:
        """Make sure that a training of a model can start from these weights.

        Returns:
            Whether they know the task already; a detector that starts from a classifier has most of its layers still to learn.

        Raises:
            WeightsError: no such file, or no checkpoint of this family and task.
            UsageError: a checkpoint of another model.
        """
        ...

    def preparation(self, model: str, fit: str, side: int) -> Preparation:
        """How photos that were prepared with this fit and side are shown to a model: its own normalisation and interpolation."""
        ...

    def frozen(self, model: str, weights: Path, side: int, device: str = "", trust: bool = False) -> Backbone:
        """A model that is to stay as it is, for the sake of its features.

        Args:
            model: its name.
            weights: official ones, or a checkpoint of a training.
            side: of its input, in pixels.
            device, trust: as of :meth:`load`.

        Raises:
            WeightsError, UsageError: as of :meth:`check`.
        """
        ...
