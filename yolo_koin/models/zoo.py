"""The models that the installed Ultralytics has plans of, read from its files without importing it."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from yolo_koin.models.protocol import Task

USUAL = ("yolov8", "yolo11")  # first in the list
SIZES = "nsmlx"
DETECT = "yolov8.yaml"
BACKBONE = 9  # first layers that a classifier and a detector of one size share
PATTERN = re.compile(r"(?P<base>yolov?\d+)(?P<size>[nsmlx]?)(?P<rest>-[a-z0-9-]+)?")


@dataclass(frozen=True, slots=True)
class Plan:
    """A model that can be built.

    Attributes:
        name: such as ``yolov8n-cls``.
        task: what it does.
        scale: size letter.
        path: the YAML file of its layers.
    """

    name: str
    task: Task
    scale: str
    path: Path

    @property
    def title(self) -> str:
        """For people: ``YOLOv8n-cls``."""
        return title(self.name)

    def layers(self) -> dict[str, Any]:
        """What Ultralytics builds a network from; with the name as its own loader would note it."""
        return {**yaml.safe_load(self.path.read_text(encoding="utf-8")), "scale": self.scale, "yaml_file": f"{self.name}.yaml"}


def title(name: str) -> str:
    """A model's name for people."""
    return name.replace("yolo", "YOLO", 1)


@lru_cache
def plans() -> dict[str, Plan]:
    """Every classifier with sizes, and the detectors of YOLOv8; by name."""
    folder = _folder()
    if folder is None:
        return {}
    classify = [plan for path in sorted(folder.rglob("yolo*-cls.yaml"), key=_order) for plan in _of_file(path, "classify")]
    detect = [plan for path in folder.rglob(DETECT) for plan in _of_file(path, "detect")]
    return {plan.name: plan for plan in (*classify, *detect)}


def full_name(file: str, scale: str) -> str:
    """The name of a model from what its checkpoint says of its plan: ``yolov8-cls.yaml`` and ``n`` are ``yolov8n-cls``; or empty.

    Args:
        file: path or name of the YAML file, with or without the size letter.
        scale: size letter, or empty.
    """
    stem = re.split(r"[/\\]", file)[-1].removesuffix(".yaml")
    match = PATTERN.fullmatch(stem)
    if not match:
        return stem
    return f"{match['base']}{match['size'] or scale}{match['rest'] or ''}"


def _of_file(path: Path, task: Task) -> list[Plan]:
    scales = yaml.safe_load(path.read_text(encoding="utf-8")).get("scales") or {}
    return [Plan(full_name(path.name, size), task, size, path) for size in SIZES if size in scales]


def _order(path: Path) -> tuple[int, str]:
    base = path.name.removesuffix("-cls.yaml")
    return (USUAL.index(base) if base in USUAL else len(USUAL)), base


def _folder() -> Path | None:
    spec = importlib.util.find_spec("ultralytics")
    return Path(spec.origin).resolve().parent / "cfg" / "models" if spec and spec.origin else None
