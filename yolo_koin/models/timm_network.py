"""Networks of timm: built, with the weights of a file or without, and ready to look at photos."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from yolo_koin.environment import cores
from yolo_koin.errors import KoinError, UsageError, WeightsError
from yolo_koin.models.activation import activation_maps
from yolo_koin.models.devices import choose_device, layout
from yolo_koin.models.onnx_file import write_onnx
from yolo_koin.models.protocol import Preparation
from yolo_koin.models.tensors import facts_of, note_of, read_tensors
from yolo_koin.models.timm_zoo import PREFIX, config, gives_embeddings, title


def create(model: str, side: int, **asked: Any) -> Any:
    """A network of timm for photos of ``side`` × ``side`` pixels; ``asked`` as of ``timm.create_model``.

    Raises:
        UsageError: it takes no photos of this size.
    """
    about = config(model)
    if about.fixed_input_size and side != about.input_size[-1]:
        asked["img_size"] = side
    network = timm.create_model(model.removeprefix(PREFIX), **asked).eval()
    try:
        with torch.inference_mode():
            network(torch.zeros(1, 3, side, side))
    except (AssertionError, RuntimeError, ValueError) as error:
        raise UsageError(f"{model} takes no photos of this size", f"imgsz={side}", f"Its own is {about.input_size[-1]}.") from error
    return network


def from_file(model: str, weights: Path, side: int) -> Any:
    """A network with the weights of a file, official ones or a checkpoint of ours, and with the classifier that they are of.

    Raises:
        WeightsError: no such file, or it is no checkpoint of this model.
        UsageError: a checkpoint of another model.
    """
    note = note_of(weights)
    if note is not None and "method" in note:
        raise WeightsError("a head on frozen features, no network", weights, f"Take official weights of {model}, or a run that tuned one.")
    facts = facts_of(note, weights) if note is not None else None
    if facts and facts.model != model:
        raise UsageError(f"these weights are of {facts.model}, not of {model}", weights, f"Say model={facts.model}.")
    try:
        if facts is None:  # timm knows how to read its own files, and is strict while the classifier stays theirs
            return create(model, side, pretrained=True, pretrained_cfg_overlay={"file": str(weights)})
        network = create(model, side, num_classes=len(facts.names))
        network.load_state_dict(read_tensors(weights))
    except KoinError:
        raise
    except Exception as error:  # a foreign file can fail in any way at all
        raise WeightsError(f"not weights of {model}, or damaged ones", weights, "Remove the file, and get or train it again.") from error
    return network


class Frozen:
    """A network that is only looked through; a :class:`yolo_koin.models.protocol.Backbone`.

    Args:
        network: a torch module with its weights.
        preparation: how photos are shown to it.
        device: where it runs, as the command line says it.
        embeds: whether what its head gives are the features; else it is what its head sees.
    """

    def __init__(self, network: Any, preparation: Preparation, device: str, embeds: bool = False) -> None:
        self.device, self.embeds = choose_device(device), embeds
        torch.set_num_threads(cores())
        self._network = network.eval().requires_grad_(False).to(self.device, memory_format=layout(self.device))
        self._mean, self._std = (torch.tensor(v, device=self.device).view(1, 3, 1, 1) for v in (preparation.mean, preparation.std))

    def features(self, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the last linear layer sees, n × d, of n × side × side × 3 photos, RGB; of CLIP its embedding."""
        with torch.inference_mode():
            shown = self._shown(photos)
            if self.embeds:
                return _array(self._network(shown))
            return _array(self._network.forward_head(self._network.forward_features(shown), pre_logits=True))

    def places(self, photos: NDArray[np.uint8]) -> Tensor:
        """See :class:`yolo_koin.models.activation.Placed`."""
        with torch.no_grad():
            seen: Tensor = self._network.forward_features(self._shown(photos))
        return seen

    def pooled(self, places: Tensor) -> Tensor:
        """See :class:`yolo_koin.models.activation.Placed`."""
        features: Tensor = self._network.forward_head(places, pre_logits=not self.embeds)
        return features

    def _shown(self, photos: NDArray[np.uint8]) -> Tensor:
        batch = torch.from_numpy(np.ascontiguousarray(photos)).permute(0, 3, 1, 2).to(self.device)
        return ((batch.float().div_(255) - self._mean) / self._std).contiguous(memory_format=layout(self.device))


class TimmClassifier(Frozen):
    """Says who a photo shows; a :class:`yolo_koin.models.protocol.Classifier`.

    Args:
        weights: a checkpoint of ours.
        device: where it runs, as the command line says it.

    Raises:
        WeightsError: no such file, none of ours, or what it says of itself makes no sense.
    """

    task: ClassVar[Literal["classify"]] = "classify"

    def __init__(self, weights: Path, device: str) -> None:
        note = note_of(weights)
        if note is None:
            what = "these weights do not tell their model and classes"
            raise WeightsError(what, weights, "Train with them: yolo_koin train --weights FILE --model timm:NAME.")
        facts = facts_of(note, weights)
        self.weights, self.names, self.side, self.train_on = weights, facts.names, facts.side, facts.train_on
        self.preparation, self.title = facts.preparation, title(facts.model)
        super().__init__(from_file(facts.model, weights, facts.side), facts.preparation, device)
        if not np.isfinite(self.logits(np.zeros((1, self.side, self.side, 3), dtype=np.uint8))).all():
            raise WeightsError("a network whose answers are no numbers", weights, "Train it again.")

    def logits(self, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Scores before the softmax, n × classes, of n × side × side × 3 photos, RGB."""
        with torch.inference_mode():
            return _array(self._network(self._shown(photos)))

    def maps(self, photos: NDArray[np.uint8], classes: NDArray[np.intp]) -> NDArray[np.float32]:
        """See :class:`yolo_koin.models.protocol.Explaining`."""
        return activation_maps(self.places(photos), self._network.forward_head, classes)

    def export(self, path: Path) -> None:
        """See :class:`yolo_koin.models.engine.Exportable`."""
        write_onnx(_Exported(self._network, self._mean, self._std), self.side, self.device, path)


class _Exported(nn.Module):
    """A classifier as it is exported."""

    def __init__(self, network: Any, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.network, self.mean, self.std = network, mean, std

    def forward(self, photos: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and features of n × side × side × 3 photos of 8 bits."""
        seen = self.network.forward_features((photos.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.std)
        return self.network.forward_head(seen), self.network.forward_head(seen, pre_logits=True)


def backbone(model: str, weights: Path, side: int, preparation: Preparation, device: str) -> Frozen:
    """A network whose features are wanted, of official weights or of a checkpoint of ours; errors as of :func:`from_file`."""
    official = note_of(weights) is None
    return Frozen(from_file(model, weights, side), preparation, device, embeds=official and gives_embeddings(model))


def _array(values: Tensor) -> NDArray[np.float32]:
    result: NDArray[np.float32] = values.float().cpu().numpy()
    return result
