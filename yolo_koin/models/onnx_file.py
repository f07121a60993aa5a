"""Writing a network as ONNX: photos of 8 bits in, logits and features out, with all that a photo needs before the first layer inside."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

OPSET = 17


def write_onnx(network: nn.Module, side: int, device: torch.device, path: Path) -> None:
    """Write a network; see :class:`yolo_koin.models.engine.Exportable`.

    Args:
        network: gives logits, n × classes, and features, n × d, of n × side × side × 3 photos of 8 bits.
        side: of its input, in pixels.
        device: where it is.
        path: the file.
    """
    photos = torch.zeros((2, side, side, 3), dtype=torch.uint8, device=device)
    ends: dict[str, Any] = {"input_names": ["photos"], "output_names": ["logits", "features"]}
    ends["dynamic_axes"] = {name: {0: "n"} for names in list(ends.values()) for name in names}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would rather use its newer exporter, which is slower and needs one package more
        torch.onnx.export(network.eval(), (photos,), path, dynamo=False, opset_version=OPSET, **ends)
