"""Where networks run, and in what memory layout."""

from __future__ import annotations

import torch

from yolo_koin.errors import UsageError
from yolo_koin.specs import Precision


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
    gpus = [str(number) for number in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    has = f"Choose from cpu, {', '.join(gpus)}." if gpus else "PyTorch finds no GPU here: say --device cpu, or leave it out."
    raise UsageError("no such device", f"--device {device}", has)


def layout(device: torch.device) -> torch.memory_format:
    """Channels last where that is faster: on CUDA, and by a fifth to a quarter on processors. Apple's gives wrong numbers with it."""
    return torch.channels_last if device.type in {"cpu", "cuda"} else torch.contiguous_format


def at_once(device: torch.device) -> int:
    """Photos that a classifier looks at at once. Processors name 16 of 224 pixels a third faster than 32, which no cache holds."""
    return 16 if device.type == "cpu" else 256


def bits_for(device: torch.device, precision: Precision) -> int:
    """Of the numbers that a training on a device computes in: 16 of bfloat16, or 32."""
    return 16 if precision == "auto" and has_bf16(device) else 32


def has_bf16(device: torch.device) -> bool:
    """Whether a device computes in bfloat16 by itself; of processors, those of Intel and AMD that do."""
    if device.type == "cpu":
        told: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # older builds of torch do not tell
        return bool(told.get("avx512_bf16") or told.get("amx_bf16"))
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
