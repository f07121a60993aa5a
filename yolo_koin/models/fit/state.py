"""What an interrupted training goes on from, and its curve: ``weights/state.pt`` and ``results.csv``, each whole or not at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch

from yolo_koin.errors import RunError
from yolo_koin.files import atomic_path, write_text
from yolo_koin.models.protocol import TrainJob

VERSION = 1  # of the file
SETTINGS = (  # that a resumed training has to share
    *("model", "names", "epochs", "imgsz", "batch", "seed", "freeze", "lr", "train_on"),
    *("augment", "label_smoothing", "patience", "hardcases", "hardcase_kinds", "hardcase_severities", "bits"),
)


@dataclass(frozen=True, slots=True)
class Epoch:
    """A row of ``results.csv``.

    Attributes:
        epoch: from 1.
        time: seconds since the training began, pauses left out.
        train_loss, val_loss: means over photos.
        value: what chooses the best epoch.
        lr: learning rate at the end.
    """

    epoch: int
    time: float
    train_loss: float
    val_loss: float
    value: float
    lr: float


@dataclass(frozen=True, slots=True)
class State:
    """A training between two epochs, in full precision: going on from it gives the weights that no interruption would have given.

    Attributes:
        network, average, optimizer: their state dictionaries.
        updates: of the average.
        curve: the epochs that are done.
        best: number of the best epoch so far; 0 when there is none.
        fitness: of that epoch.
    """

    network: dict[str, Any]
    average: dict[str, Any]
    optimizer: dict[str, Any]
    updates: int
    curve: tuple[Epoch, ...]
    best: int
    fitness: float


def save_state(path: Path, state: State, job: TrainJob) -> None:
    """Write a state."""
    held = {field.name: getattr(state, field.name) for field in fields(State)}
    with atomic_path(path) as temporary:
        torch.save({**held, "curve": [asdict(epoch) for epoch in state.curve], "job": _settings(job), "version": VERSION}, temporary)


def load_state(path: Path, job: TrainJob, device: torch.device) -> State:
    """Read a state, without running any code in it.

    Raises:
        RunError: it is damaged, of another version, or of a training with other settings.
    """
    try:
        held = torch.load(path, map_location=device, weights_only=True)
        version, settings = held.pop("version"), held.pop("job")
        state = State(**{**held, "curve": tuple(Epoch(**epoch) for epoch in held["curve"])})
    except Exception as error:  # a damaged file can fail in any way at all
        raise RunError("cannot read the state of this training", path, "Start the training again.") from error
    if version != VERSION:
        raise RunError("the state of this training is of another version of yolo_koin", path, "Start the training again.")
    now = _settings(job)
    if changed := [name for name in now if settings.get(name, now[name]) != now[name]]:  # older states had the usual of what they lack
        raise RunError(f"this training was begun with other {', '.join(changed)}", path, "Start the training again.")
    return state


def write_curve(path: Path, curve: Sequence[Epoch], metric: str) -> None:
    """Rewrite ``results.csv``, floats with six significant digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*(field.name for field in fields(Epoch) if field.name not in {"value", "lr"}), f"val_{metric}", "lr"])
    for row in curve:
        writer.writerow([row.epoch, *(f"{value:.6g}" for value in (row.time, row.train_loss, row.val_loss, row.value, row.lr))])
    write_text(path, text.getvalue())


def read_curve(path: Path) -> tuple[Epoch, ...]:
    """The epochs of ``results.csv``.

    Raises:
        RunError: it is missing or damaged.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))[1:]
        return tuple(Epoch(int(epoch), *(float(value) for value in values)) for epoch, *values in rows)
    except (OSError, ValueError, TypeError) as error:
        raise RunError("cannot read the curve of this training", path, "Start the training again.") from error


def _settings(job: TrainJob) -> dict[str, Any]:
    """What decides the outcome, in values of plain types; of the photos their number only, as their folder may have moved."""
    told = {name: getattr(job, name) for name in SETTINGS}
    return {
        **told,
        "names": list(job.names),
        "photos": [len(job.train), len(job.val)],
        "prepared": [job.preparation.fit, job.preparation.side],
    }
