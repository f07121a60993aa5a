"""The packages of the extra ``[peers]``: without them, models beside YOLO are one line, and YOLO goes on."""

from __future__ import annotations

import importlib.util

from yolo_koin.errors import UsageError

MODULES = {"timm": "timm", "scikit-learn": "sklearn", "safetensors": "safetensors", "cleanlab": "cleanlab"}


def check_installed(where: object, *packages: str) -> None:
    """Raise a UsageError about ``where`` unless these packages are installed; they are not imported."""
    for package in packages:
        if importlib.util.find_spec(MODULES[package]) is None:
            raise UsageError(f"{package} is not installed, which this needs", where, 'Install it: pip install "yolo_koin[peers]".')
