"""Linear classifiers on the features of frozen networks: what they compute, their checkpoints, and how a run trains one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from yolo_koin.errors import WeightsError
from yolo_koin.manifests import placed
from yolo_koin.models.peers import check_installed
from yolo_koin.models.protocol import Model, NoMapError, Trained, TrainJob
from yolo_koin.parallel import Progress
from yolo_koin.words import METHODS

ENDING = ".head.safetensors"


class Heads:
    """A :class:`yolo_koin.models.family.Trainer` of heads on any family's networks."""

    ending = ENDING

    def train(self, job: TrainJob, progress: Progress) -> Trained:
        """See :class:`yolo_koin.models.family.Trainer`."""
        from yolo_koin.models.fit.head import fit

        return fit(job, progress)

    def resume(self, job: TrainJob, progress: Progress) -> Trained:
        """See :class:`yolo_koin.models.family.Trainer`. The features that were computed are kept already."""
        return self.train(job, progress)

    def owns(self, weights: Path) -> bool:
        """See :class:`yolo_koin.models.family.Trainer`."""
        return weights.name.endswith(ENDING)

    def load(self, weights: Path, device: str = "", trust: bool = False) -> Model:
        """See :class:`yolo_koin.models.family.Trainer`."""
        check_installed(weights, "safetensors")
        return HeadClassifier(weights, device, trust)


class HeadClassifier:
    """Says who a photo shows, by the features of a network that was never trained on these people.

    A :class:`yolo_koin.models.protocol.Classifier`. The network is loaded when it is shown a photo whose features are not known yet.

    Args:
        weights: a checkpoint of a probe or of nearest class means.
        device, trust: as of :meth:`yolo_koin.models.family.Trainer.load`; they are the network's.

    Raises:
        WeightsError: no such file, none of ours, or its network is gone or another one.
    """

    task: ClassVar[Literal["classify"]] = "classify"

    def __init__(self, weights: Path, device: str = "", trust: bool = False) -> None:
        from yolo_koin.models.frozen import features_of
        from yolo_koin.models.registry import family_of
        from yolo_koin.models.tensors import facts_of, note_of, read_tensors

        note = note_of(weights) or {}
        facts = facts_of(note, weights)
        self.weights, self.names, self.side, self.train_on = weights, facts.names, facts.side, facts.train_on
        self.preparation, self.method = facts.preparation, note.get("method")
        if self.method not in METHODS:
            raise WeightsError("no head on frozen features", weights, "Train one with yolo_koin train --method probe.")
        self.title = f"{family_of(facts.model).title(facts.model)} {METHODS[self.method]}"
        self.network = _network(note, weights)
        held = {name: value.numpy() for name, value in read_tensors(weights).items()}
        self._weight, self._bias = _checked(held, len(self.names), weights)
        self.scale = float(np.linalg.norm(self._weight[0])) if self.method == "ncm" else 1.0
        self._features = features_of(facts.model, self.network, self.side, weights.parent, device, trust)

    def features(self, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the frozen network makes of n × side × side × 3 photos, RGB: n × d.

        Raises:
            WeightsError: of the network: these are not the features that this head is for.
        """
        found, wanted = self._features.of(photos), self._weight.shape[1]
        if found.shape[1] != wanted:
            what = f"this network gives {found.shape[1]} features, and {self.weights} wants {wanted}"
            raise WeightsError(what, self.network, "Train again.")
        return found

    def maps(self, photos: NDArray[np.uint8], classes: NDArray[np.intp]) -> NDArray[np.float32]:
        """See :class:`yolo_koin.models.protocol.Explaining`."""
        import torch

        from yolo_koin.models.activation import Placed, activation_maps

        network = self._features.network
        if not isinstance(network, Placed):
            raise NoMapError
        seen = network.places(photos)
        weight, bias = (torch.from_numpy(held).to(seen.device) for held in (self._weight, self._bias))

        def answer(places: torch.Tensor) -> torch.Tensor:
            features = network.pooled(places)
            return (torch.nn.functional.normalize(features) if self.method == "ncm" else features) @ weight.T + bias

        return activation_maps(seen, answer, classes)

    def keep_nothing(self) -> None:
        """Write down no features of the photos that are shown from now on: an embedding of a face tells who it is of."""
        self._features.keeps = False

    def logits(self, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Scores before the softmax, n × classes, of n × side × side × 3 photos, RGB."""
        return linear(self.features(photos), self._weight, self._bias, cosine=self.method == "ncm")


def linear(
    features: NDArray[np.float32], weight: NDArray[np.float32], bias: NDArray[np.float32], cosine: bool = False
) -> NDArray[np.float32]:
    """Logits, n × classes.

    Args:
        features: n × d.
        weight: classes × d.
        bias: of each class.
        cosine: whether features count by their direction only.
    """
    shown = directions(features) if cosine else features
    result: NDArray[np.float32] = (shown @ weight.T + bias).astype(np.float32)
    return result


def directions(vectors: NDArray[Any]) -> NDArray[Any]:
    """Vectors, n × d, scaled to length 1; that of length 0 stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: NDArray[Any] = vectors / np.where(lengths > 0, lengths, 1)
    return scaled


def _network(note: Mapping[str, Any], weights: Path) -> Path:
    """The file of the frozen network that a head is on.

    Raises:
        WeightsError: it is gone, or another one.
    """
    from yolo_koin.files import sha256

    told, digest = note.get("network"), note.get("network_sha256")
    if not isinstance(told, str) or not isinstance(digest, str):
        raise WeightsError("this head does not tell what network it is on", weights, "Train it again.")
    path = placed(told, weights.parent)
    if not path.is_file():
        raise WeightsError(f"the network that {weights} is on is gone", path, "Put it back, or train again.")
    if sha256(path) != digest:
        raise WeightsError(f"another network than {weights} was trained on", path, "Put that one back, or train again.")
    return path


def _checked(held: Mapping[str, NDArray[Any]], classes: int, weights: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weight and bias of a head."""
    none = np.zeros(0, dtype=np.float32)
    weight, bias = held.get("weight", none), held.get("bias", none)
    fits = weight.ndim == 2 and len(weight) == classes and bias.shape == (classes,)
    if not fits or not all(value.dtype == np.float32 and np.isfinite(value).all() for value in (weight, bias)):
        raise WeightsError("a head that does not fit its classes, or is damaged", weights, "Train it again.")
    return weight, bias
