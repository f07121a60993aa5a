"""What a checkpoint of Ultralytics says of its model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from yolo_koin.models.checkpoints import NOTE, network_of
from yolo_koin.models.facts import LEAST, MOST, Facts, checked_names, checked_note
from yolo_koin.models.protocol import Preparation, Task
from yolo_koin.models.zoo import full_name

USUAL_INPUT = {"classify": 224, "detect": 640, "pose": 640}  # px, of a checkpoint that does not tell its own
USUAL_SIDE: dict[Task, int] = {"classify": 256, "detect": 640}  # px, of prepared photos


def facts_of(checkpoint: Mapping[str, Any], task: Task, weights: Path) -> Facts:
    """What a checkpoint says, in full; what it leaves open is as usual.

    Raises:
        WeightsError: its class names do not fit its outputs, or what we wrote into it was changed into something else.
    """
    network = network_of(dict(checkpoint))
    names = names_of(network, outputs_of(network, task), weights)
    note = checkpoint.get(NOTE)
    known = checked_note({} if note is None else note, weights)
    preparation = Preparation(fit=known.get("fit", "pad"), side=known.get("side", USUAL_SIDE[task]))
    model = known.get("model") or model_of(network)
    return Facts(names, input_side(checkpoint, task), model, preparation, known.get("train_on", ""))


def names_of(network: Any, outputs: int, weights: Path) -> tuple[str, ...]:
    """The class names of a network, one for each output; errors as of :func:`yolo_koin.models.facts.checked_names`."""
    return checked_names(getattr(network, "names", None), outputs, weights)


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
