"""What a checkpoint says of itself, checked: a file of somebody else may say anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yolo_koin.dataset.images import FITS
from yolo_koin.dataset.koin import nfc
from yolo_koin.errors import WeightsError
from yolo_koin.models.checkpoints import NOTE, network_of
from yolo_koin.models.protocol import Preparation, Task
from yolo_koin.models.zoo import full_name
from yolo_koin.splits import TRAINING_SETS

USUAL_INPUT = {"classify": 224, "detect": 640, "pose": 640}  # px, of a checkpoint that does not tell its own
USUAL_SIDE: dict[Task, int] = {"classify": 256, "detect": 640}  # px, of prepared photos
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


def facts_of(checkpoint: Mapping[str, Any], task: Task, weights: Path) -> Facts:
    """What a checkpoint says, in full; what it leaves open is as usual.

    Raises:
        WeightsError: its class names do not fit its outputs, or what we wrote into it was changed into something else.
    """
    network = network_of(dict(checkpoint))
    names = names_of(network, outputs_of(network, task), weights)
    note = checkpoint.get(NOTE)
    known = _checked({} if note is None else note, weights)
    preparation = Preparation(fit=known.get("fit", "pad"), side=known.get("side", USUAL_SIDE[task]))
    model = known.get("model") or model_of(network)
    return Facts(names, input_side(checkpoint, task), model, preparation, known.get("train_on", ""))


def names_of(network: Any, outputs: int, weights: Path) -> tuple[str, ...]:
    """The class names of a network, one for each output.

    Raises:
        WeightsError: they are not that.
    """
    given = getattr(network, "names", None)
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


def outputs_of(network: Any, task: str) -> int:
    """How many classes a network scores."""
    head = network.model[-1]
    return int(head.linear.out_features if task == "classify" else head.nc)


def input_side(checkpoint: Mapping[str, Any], task: str) -> int:
    """The side of a network's input in pixels: what it was trained at, or the usual when that is not told or makes no sense."""
    arguments = checkpoint.get("train_args")
    told = arguments.get("imgsz") if isinstance(arguments, Mapping) else None
    sizes = told if isinstance(told, list | tuple) else [told]
    usable = [int(size) for size in sizes if isinstance(size, int | float) and not isinstance(size, bool) and LEAST <= size <= MOST]
    return max(usable) if usable and len(usable) == len(sizes) else USUAL_INPUT[task]


def model_of(network: Any) -> str:
    """The name of the plan that a network was built from; empty when it does not say."""
    plan = getattr(network, "yaml", None)
    if not isinstance(plan, Mapping):
        return ""
    file, scale = plan.get("yaml_file"), plan.get("scale")
    return full_name(file, scale if isinstance(scale, str) else "") if isinstance(file, str) else ""


def scale_of(network: Any) -> str:
    """The size letter of a network; empty when it does not say."""
    plan = getattr(network, "yaml", None)
    scale = plan.get("scale") if isinstance(plan, Mapping) else None
    return scale if isinstance(scale, str) else ""


def _checked(note: Any, weights: Path) -> dict[str, Any]:
    """What we write into checkpoints, as far as it is there; of older versions some is not."""
    fits: dict[str, Any] = {
        "fit": lambda value: value in FITS,
        "side": lambda value: isinstance(value, int) and not isinstance(value, bool) and LEAST <= value <= MOST,
        "train_on": lambda value: isinstance(value, str) and value in TRAINING_SETS,
        "model": lambda value: isinstance(value, str),
    }
    if not isinstance(note, Mapping):
        raise WeightsError("what yolo_koin wrote into this checkpoint was changed", weights, "Train it again.")
    for key, allowed in fits.items():
        if key in note and not allowed(note[key]):
            raise WeightsError(f"this checkpoint was prepared for {key} {note[key]!r:.40}", weights, "Train it again.")
    return {key: note[key] for key in fits if key in note}
