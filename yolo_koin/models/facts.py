"""What checkpoints say of their models, checked whatever their format: a file of somebody else may say anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yolo_koin.dataset.images import FITS
from yolo_koin.dataset.koin import nfc
from yolo_koin.errors import WeightsError
from yolo_koin.models.protocol import Preparation
from yolo_koin.splits import TRAINING_SETS

LEAST, MOST = 32, 4096  # px: inputs that a network can have
REMEDY = "Predictions are matched by name: train it again, or mend the file."


@dataclass(frozen=True, slots=True)
class Facts:
    """What a checkpoint says of its model.

    Attributes:
        names: classes, in the order of its outputs.
        side: of the network's input, in pixels.
        model: name in the registry, as far as it can be told; else empty.
        preparation: how photos are prepared for it.
        train_on: what it learnt from; empty when it does not say.
    """

    names: tuple[str, ...]
    side: int
    model: str
    preparation: Preparation
    train_on: str


def checked_names(given: object, outputs: int, weights: Path) -> tuple[str, ...]:
    """Class names, one for each output: a list, or a mapping of numbers.

    Raises:
        WeightsError: they are not that.
    """
    if isinstance(given, list | tuple):
        given = dict(enumerate(given))
    if not isinstance(given, Mapping) or not given:
        raise WeightsError("this model does not name its classes", weights, REMEDY)
    try:
        # Through JSON the numbers become texts, and "10" would come before "2".
        numbered = {int(number): nfc(str(name)) for number, name in given.items()}
    except (TypeError, ValueError) as error:
        raise WeightsError("the classes of this model are not numbered", weights, REMEDY) from error
    if len(given) != outputs or sorted(numbered) != list(range(outputs)):
        raise WeightsError(f"{len(given)} class names for {outputs} outputs, or not numbered from 0", weights, REMEDY)
    names = tuple(numbered[number] for number in range(outputs))
    if len(set(names)) < len(names):
        raise WeightsError("two classes of this model have one name", weights, REMEDY)
    if not all(name.strip() for name in names):
        raise WeightsError("a class of this model has no name", weights, REMEDY)
    return names


def checked_note(note: object, weights: Path) -> dict[str, Any]:
    """What we write into checkpoints of its training, as far as it is there; of older versions some is not.

    Raises:
        WeightsError: somebody changed it into something else.
    """
    fits: dict[str, Any] = {
        "fit": lambda value: value in FITS,
        "side": is_side,
        "train_on": lambda value: isinstance(value, str) and value in TRAINING_SETS,
        "model": lambda value: isinstance(value, str),
    }
    if not isinstance(note, Mapping):
        raise WeightsError("what yolo_koin wrote into this checkpoint was changed", weights, "Train it again.")
    for key, allowed in fits.items():
        if key in note and not allowed(note[key]):
            raise WeightsError(f"this checkpoint was prepared for {key} {note[key]!r:.40}", weights, "Train it again.")
    return {key: note[key] for key in fits if key in note}


def is_side(value: object) -> bool:
    """Whether a value is a side of photos, in pixels."""
    return isinstance(value, int) and not isinstance(value, bool) and LEAST <= value <= MOST
