"""Models by name: which family builds, trains and loads each. Imports no family before one is asked for, and never torch itself."""

from __future__ import annotations

import difflib
import importlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from yolo_koin.errors import UsageError, WeightsError
from yolo_koin.models.family import Family, Trainer
from yolo_koin.models.peers import check_installed
from yolo_koin.models.protocol import Model
from yolo_koin.specs import Method

# A family's name → "module:Class". A new family is one line here.
FAMILIES: dict[str, str] = {
    "ultralytics": "yolo_koin.models.yolo_family:Ultralytics",
    "timm": "yolo_koin.models.timm_family:Timm",
    "faces": "yolo_koin.models.recognisers:Recognisers",
}


HEADS = "yolo_koin.models.heads:Heads"  # what is fitted on the frozen networks of all families


def register(name: str, place: str) -> None:
    """Add a family, or replace one.

    Args:
        name: of the family.
        place: ``module:Class``; the class takes no arguments.
    """
    FAMILIES[name] = place


def families() -> tuple[Family, ...]:
    """All families, in the order of the table."""
    return tuple(_family(place) for place in FAMILIES.values())


def known_models() -> tuple[str, ...]:
    """The names of all models."""
    return tuple(model for family in families() for model in family.models())


def family_of(model: str) -> Family:
    """The family that builds a model.

    Raises:
        UsageError: nobody knows the name; the nearest ones are told.
    """
    for family in families():
        if family.knows(model):
            return family
    known = known_models()
    near = difflib.get_close_matches(model, known, n=3, cutoff=0.6) or known[:3]
    raise UsageError("no such model", model, f"Near names are {', '.join(near)}.")


def trainer_of(model: str, method: Method) -> Trainer:
    """What trains a model by a method.

    Raises:
        UsageError: nobody knows the model, it cannot be trained so, or a package is not installed.
    """
    family = family_of(model)
    if method == "finetune":
        if not family.tunes:
            raise UsageError(f"{family.title(model)} stays as it is", f"model={model} method=finetune", "Say method=probe or method=ncm.")
        return family
    check_installed(f"method={method}", "scikit-learn", "safetensors")
    heads: Trainer = _family(HEADS)
    return heads


def trainer_of_weights(weights: Path) -> Trainer:
    """What wrote a file.

    Raises:
        WeightsError: there is no such file, or nobody's files look like this.
    """
    if weights.is_dir():
        raise WeightsError("a folder, not a weights file", weights, f"Name the {endings()} file in it.")
    if not weights.is_file():
        raise WeightsError("no such weights file", weights, "Train one with yolo_koin train, or correct the path.")
    for trainer in _trainers():
        if trainer.owns(weights):
            return trainer
    raise WeightsError(f"a weights file has to end in {endings()}", weights, "Rename it.")


def endings() -> str:
    """What weights files end in, for people: ``.pt or .safetensors``."""
    return " or ".join(dict.fromkeys("." + family.ending.rpartition(".")[2] for family in families()))


def load(weights: Path, device: str = "", trust: bool = False) -> Model:
    """A trained model; arguments and errors as of :meth:`yolo_koin.models.family.Family.load`."""
    return trainer_of_weights(weights).load(weights, device, trust)


def _trainers() -> tuple[Trainer, ...]:
    """Heads come first: their files end as others do, and say more before that."""
    return (_family(HEADS), *families())


@lru_cache
def _family(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)()
