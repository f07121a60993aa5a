"""Checkpoints of ours that are no pickles: ``.safetensors``, with what they say of themselves as JSON in the header."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from yolo_koin.errors import WeightsError
from yolo_koin.files import atomic_path
from yolo_koin.models.facts import Facts, checked_names, checked_note, is_side
from yolo_koin.models.protocol import Preparation, TrainJob

NOTE = "yolo_koin"  # our key in the header
KEYS = ("model", "names", "input", "train_on", "fit", "side", "mean", "std", "interpolation")


def note_of_job(job: TrainJob) -> dict[str, Any]:
    """What a checkpoint says of itself after a training."""
    return {"model": job.model, "names": job.names, "input": job.imgsz, "train_on": job.train_on, **asdict(job.preparation)}


def write_tensors(path: Path, tensors: Mapping[str, Tensor], note: Mapping[str, Any] | None = None) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        path: the file.
        tensors: on any device, in any layout.
        note: what it says of itself; nothing of official weights.
    """
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(plain, {NOTE: json.dumps(note, ensure_ascii=False)} if note else None))  # save_file makes it private


def note_of(weights: Path) -> dict[str, Any] | None:
    """What a checkpoint says of itself; None when it is not of ours.

    Raises:
        WeightsError: no such file, or no ``.safetensors``.
    """
    return _read(weights, tensors=False)[0]


def read_tensors(weights: Path) -> dict[str, Tensor]:
    """The tensors of a file, by name; errors as of :func:`note_of`."""
    return _read(weights, tensors=True)[1]


def facts_of(note: Mapping[str, Any], weights: Path) -> Facts:
    """What the note of a checkpoint says, checked.

    Raises:
        WeightsError: a part is missing, or makes no sense.
    """
    if lacking := [key for key in KEYS if key not in note]:
        raise WeightsError(f"this checkpoint does not tell its {', '.join(lacking)}", weights, "Train it again.")
    known, names = checked_note(note, weights), note["names"]
    triples = [isinstance(note[key], list) and len(note[key]) == 3 and all(map(_is_number, note[key])) for key in ("mean", "std")]
    scaled = note["interpolation"]
    if not (is_side(note["input"]) and all(triples) and min(note["std"]) > 0 and isinstance(scaled, str)):
        raise WeightsError("this checkpoint shows photos in a way that makes no sense", weights, "Train it again.")
    if scaled.upper() not in Image.Resampling.__members__:
        raise WeightsError(f"no such interpolation: {scaled:.40}", weights, "Train it again.")
    shown = Preparation(fit=known["fit"], side=known["side"], mean=tuple(note["mean"]), std=tuple(note["std"]), interpolation=scaled)
    outputs = len(names) if isinstance(names, list) else 0
    return Facts(checked_names(names, outputs, weights), note["input"], known["model"], shown, known["train_on"])


def _read(weights: Path, tensors: bool) -> tuple[dict[str, Any] | None, dict[str, Tensor]]:
    if not weights.is_file():
        raise WeightsError("no such weights file", weights, "Train one with yolo_koin train, or correct the path.")
    if weights.suffix != ".safetensors":
        raise WeightsError("a weights file has to end in .safetensors", weights, "Take one that the hub or yolo_koin train wrote.")
    try:
        with safe_open(weights, framework="pt") as file:
            told = (file.metadata() or {}).get(NOTE)
            held = {name: file.get_tensor(name) for name in file.keys()} if tensors else {}  # noqa: SIM118  # no mapping
        note = None if told is None else json.loads(told)
        if note is not None and not isinstance(note, dict):
            raise TypeError("not an object")
    except (SafetensorError, OSError, ValueError, TypeError, RecursionError) as error:
        raise WeightsError("not a .safetensors file, or a damaged one", weights, "Remove it, and get or train it again.") from error
    return note, held


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))
