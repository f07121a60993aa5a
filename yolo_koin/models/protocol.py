"""What a model is to the rest of the program: how it is asked, and how it is trained.

Photos are numpy arrays here, of height × width × 3, 8-bit RGB; a family turns them into what its library takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from yolo_koin.dataset.images import RGB
from yolo_koin.faces import Face
from yolo_koin.specs import Log, Method
from yolo_koin.words import CALLED as CALLED

Task = Literal["classify", "detect"]


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """How photos are prepared for a model.

    Attributes:
        fit: ``crop``, ``pad`` or ``face``; see :func:`yolo_koin.dataset.images.prepare`. A detector sees whole photos, whatever this is.
        side: of the prepared square, in pixels; the longer side of a photo for a detector.
        mean, std: of each colour channel, 0 to 1: what is subtracted, and what is divided by then.
        interpolation: how the square is scaled to the network's input, in Pillow's words.
    """

    fit: str = "pad"
    side: int = 256
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    interpolation: str = "bilinear"


class Named(Protocol):
    """What all trained models tell of themselves.

    Attributes:
        weights: the file that it came from.
        names: classes, in the order of its outputs.
        side: of the network's input, in pixels.
        title: for people, such as ``YOLOv8n-cls``.
        preparation: how photos are prepared for it.
        train_on: what it learnt from: ``normal``, ``hard`` or ``both``; empty when it does not say.
    """

    @property
    def weights(self) -> Path: ...  # noqa: D102
    @property
    def names(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def side(self) -> int: ...  # noqa: D102
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def preparation(self) -> Preparation: ...  # noqa: D102
    @property
    def train_on(self) -> str: ...  # noqa: D102


class Backbone(Protocol):
    """A network whose features are looked at by something else."""

    def features(self, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the last linear layer sees, n × d, of n × side × side × 3 photos, RGB."""
        ...


class Classifier(Named, Backbone, Protocol):
    """Says who a photo shows."""

    task: ClassVar[Literal["classify"]]

    def logits(self, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Scores before the softmax, n × classes, of n × side × side × 3 photos, RGB."""
        ...


class NoMapError(Exception):
    """What the head of a network sees has no places in it, as that of a transformer or of a face recogniser."""


class Explaining(Protocol):
    """A classifier that shows where it looks."""

    def maps(self, photos: NDArray[np.uint8], classes: NDArray[np.intp]) -> NDArray[np.float32]:
        """What speaks for a class of each of n × side × side × 3 photos, RGB: n × height × width, over the whole square, none negative.

        Raises:
            NoMapError: this network has no map.
        """
        ...


@dataclass(frozen=True, slots=True)
class NamedFaces:
    """The faces of one photo, best first.

    Attributes:
        boxes: k × 4, x, y, width, height in the photo's pixels.
        scores: k × classes, the detector's confidences; they need not sum to one.
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float32]


class IdentityDetector(Named, Protocol):
    """Finds faces and says whose they are at once."""

    task: ClassVar[Literal["detect"]]

    def run(self, photos: Iterable[RGB], doubtful: bool, batch: int = 16) -> Iterator[NamedFaces]:
        """Faces of photos, one by one; no more than a batch is in memory.

        Args:
            photos: height × width × 3, 8-bit RGB, of any size.
            doubtful: give every box that holds for some identity, as scoring wants; else one for each face that the network is sure of.
            batch: photos that are looked at at once.
        """
        ...


Model = Classifier | IdentityDetector


def scale_of(model: Model) -> float:
    """What the logits of a model are multiples of: of nearest class means the factor on the cosine, which each training chooses; else 1."""
    return float(getattr(model, "scale", 1.0))


def engine_of(model: object) -> str:
    """What runs a model: torch, unless it says otherwise."""
    return str(getattr(model, "engine", "torch"))


def probabilities(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Softmax over the classes, the last axis; the largest is subtracted first, so that nothing overflows."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True), dtype=np.float32)
    result: NDArray[np.float32] = powers / powers.sum(axis=-1, keepdims=True)
    return result


def each_logits(model: Classifier, photos: Iterable[NDArray[np.uint8]], batch: int = 32) -> Iterator[NDArray[np.float32]]:
    """The logits of photos of side × side × 3, one by one out of batches; no more than a batch is in memory."""
    waiting: list[NDArray[np.uint8]] = []
    for photo in photos:
        waiting.append(photo)
        if len(waiting) == batch:
            yield from model.logits(np.stack(waiting))
            waiting.clear()
    if waiting:
        yield from model.logits(np.stack(waiting))


# ------------------------------------------------------------------------------------------------------------- training
LabelledShare = tuple[str, float, float, float, float]  # label, centre x and y, width, height; lengths are shares of the photo


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """A prepared photo to learn from.

    Attributes:
        path: of the prepared file.
        label: its class.
        boxes: the faces in it, for detection.
        face: the face that it is about, in shares of its sides, where hard cases are to be drawn on it.
    """

    path: Path
    label: str
    boxes: tuple[LabelledShare, ...] = ()
    face: Face | None = None


@dataclass(frozen=True, kw_only=True)
class TrainJob:
    """A training with nothing left open. What is not written here does not change its outcome.

    Attributes:
        model: name in the registry.
        train, val: photos to learn from, and to choose the best epoch by.
        names: classes, in the order of the network's outputs.
        folder: of the run; ``weights/`` and ``results.csv`` go there.
        start: checkpoint to start from; None starts from nothing.
        preparation: how the photos were prepared; written into the checkpoint.
        train_on: what the photos are: ``normal``, ``hard`` or ``both``; written into the checkpoint.
        epochs: how often all photos are seen.
        imgsz: of the network's input, in pixels.
        batch: photos per step.
        device: ``cpu``, ``0``, ``mps``; the best there is when empty.
        seed: of weights, order and augmentation.
        freeze: how many first layers stay as they are.
        lr: peak learning rate.
        method: ``finetune``, or what is fitted on frozen features: ``probe`` or ``ncm``.
        C: of a probe's logistic regression, as scikit-learn calls it; 0 chooses it on the validation photos.
        augment: strength of augmentation: 0 none, 1 the usual.
        hardcases: share of the photos of a batch on which a synthetic hard case is drawn, of these kinds and severities.
        label_smoothing: share of a target that is spread over all classes; a detector has none.
        patience: epochs without a better one after which training ends; None trains all.
        log: what the curve is written for beside ``results.csv``.
        bits: of the numbers that most layers compute in: 16 of bfloat16, or 32. Weights, and validation, have 32.
    """

    model: str
    train: tuple[LabelledPhoto, ...] = field(repr=False)
    val: tuple[LabelledPhoto, ...] = field(repr=False)
    names: tuple[str, ...]
    folder: Path
    start: Path | None
    preparation: Preparation
    train_on: str
    epochs: int
    imgsz: int
    batch: int
    device: str
    seed: int
    freeze: int
    lr: float
    method: Method = "finetune"
    C: float = 0.0
    augment: float = 1.0
    hardcases: float = 0.0
    hardcase_kinds: tuple[str, ...] = ()
    hardcase_severities: tuple[int, ...] = ()
    label_smoothing: float = 0.1
    patience: int | None = None
    log: Log | None = None
    bits: int = 32


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A finished training.

    Attributes:
        weights: the best checkpoint.
        metric: what it was chosen by: ``top1``, or ``map50`` of a detector.
        best_epoch: its epoch, from 1.
        value: the metric then, on the validation photos, 0 to 1.
        epochs: how many were trained.
    """

    weights: Path
    metric: str
    best_epoch: int
    value: float
    epochs: int
