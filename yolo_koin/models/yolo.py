"""Trained classifiers of Ultralytics, and what they share with detectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from yolo_koin.environment import cores
from yolo_koin.errors import KoinError
from yolo_koin.models.activation import activation_maps
from yolo_koin.models.checkpoints import load_checkpoint, network_of, no_checkpoint
from yolo_koin.models.devices import at_once, choose_device, layout
from yolo_koin.models.metadata import facts_of
from yolo_koin.models.onnx_file import write_onnx
from yolo_koin.models.protocol import Task
from yolo_koin.models.zoo import title

TRIED_AT = 64  # px: a loaded network is shown nothing of this size, to see whether it answers


class Network(ABC):
    """A trained network, ready to look at photos; attributes as of :class:`yolo_koin.models.protocol.Named`, and the device it runs on."""

    task: ClassVar[Task]

    def __init__(self, weights: Path, device: str = "", trust: bool = False, checkpoint: dict[str, Any] | None = None) -> None:
        """Load a checkpoint, unless it is loaded already; arguments and errors as of :meth:`yolo_koin.models.family.Family.load`."""
        checkpoint = checkpoint or load_checkpoint(weights, self.task, trust)
        self.weights, self.device = weights, choose_device(device)
        torch.set_num_threads(cores())
        try:
            facts = facts_of(checkpoint, self.task, weights)
            self._model = ready(network_of(checkpoint), self.device)
            with torch.inference_mode():
                self._check(self._model(torch.zeros((1, 3, TRIED_AT, TRIED_AT), device=self.device)), len(facts.names))
        except KoinError:
            raise
        except Exception as error:  # a network out of a foreign pickle can fail in any way at all
            raise no_checkpoint(weights) from error
        self.names, self.side, self.model = facts.names, facts.side, facts.model
        self.preparation, self.train_on = facts.preparation, facts.train_on
        self.title = title(facts.model) or weights.stem

    @abstractmethod
    def _check(self, answer: Any, classes: int) -> None:
        """Raise a ValueError unless a network's answer to one photo is what :attr:`task` wants."""

    def _shown(self, photos: NDArray[np.uint8]) -> Tensor:
        """Photos of n × height × width × 3 as the network takes them."""
        # The channels come last already, so this moves nothing in memory.
        batch = torch.from_numpy(np.ascontiguousarray(photos)).permute(0, 3, 1, 2).to(self.device)
        return batch.float().div_(255).contiguous(memory_format=layout(self.device))


class YoloClassifier(Network):
    """Says who a photo shows; a :class:`yolo_koin.models.protocol.Classifier`."""

    task: ClassVar[Literal["classify"]] = "classify"

    def logits(self, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Scores before the softmax, n × classes, of n × side × side × 3 photos, RGB."""
        with torch.inference_mode():
            shown = torch.split(self._shown(photos), at_once(self.device))
            return _array(torch.cat([self._model(some)[1] for some in shown]))

    def features(self, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the last linear layer sees, n × d, of n × side × side × 3 photos, RGB."""
        with torch.inference_mode():
            return _array(_answers(self._model, self._shown(photos))[1])

    def places(self, photos: NDArray[np.uint8]) -> Tensor:
        """See :class:`yolo_koin.models.activation.Placed`: what the convolution of its head makes of a photo, which is averaged then."""
        head, seen = self._model.model[-1], list[Tensor]()
        hook = head.conv.register_forward_hook(lambda *told: seen.append(told[-1]))
        try:
            with torch.no_grad():
                self._model(self._shown(photos))
        finally:
            hook.remove()
        return seen[0]

    def pooled(self, places: Tensor) -> Tensor:
        """See :class:`yolo_koin.models.activation.Placed`."""
        return places.mean(dim=(2, 3))

    def maps(self, photos: NDArray[np.uint8], classes: NDArray[np.intp]) -> NDArray[np.float32]:
        """See :class:`yolo_koin.models.protocol.Explaining`."""
        return activation_maps(self.places(photos), lambda places: self._model.model[-1].linear(self.pooled(places)), classes)

    def export(self, path: Path) -> None:
        """See :class:`yolo_koin.models.engine.Exportable`."""
        write_onnx(_Exported(self._model), self.side, self.device, path)

    def _check(self, answer: Any, classes: int) -> None:
        if tuple(answer[1].shape) != (1, classes) or not bool(answer[1].isfinite().all()):
            raise ValueError("a classifier gives a number for each class")


class _Exported(nn.Module):
    """A classifier as it is exported."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, photos: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and features of n × side × side × 3 photos of 8 bits."""
        return _answers(self.network, photos.permute(0, 3, 1, 2).float() / 255)


def _answers(network: Any, shown: Tensor) -> tuple[Tensor, Tensor]:
    """Logits, and what the last linear layer sees, of photos as the network takes them."""
    seen: list[Tensor] = []
    hook = network.model[-1].linear.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        return network(shown)[1], seen[0]
    finally:
        hook.remove()


def ready(network: Any, device: torch.device) -> Any:
    """A network for looking only: batch normalisation fused into the convolutions, the same function for fewer operations."""
    return network.float().fuse(verbose=False).eval().to(device, memory_format=layout(device))


def _array(values: Tensor) -> NDArray[np.float32]:
    result: NDArray[np.float32] = values.float().cpu().numpy()
    return result
