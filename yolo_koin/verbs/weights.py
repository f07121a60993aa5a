"""Which weights a command takes when nothing is said, and what is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from yolo_koin.errors import DatasetError
from yolo_koin.runs import RUNS, newest_finished, read_manifest


def newest_weights(task: str = "") -> Path:
    """The best checkpoint of the newest finished training run of a task, or of any; a benchmark's cells are among them.

    Raises:
        DatasetError: there is none.
    """

    def trained_for(manifest: Mapping[str, Any]) -> bool:
        return task in {"", manifest["spec"].get("task", "classify")}

    runs = [run for kind in ("train", "benchmark/*/cells") if (run := newest_finished(kind, accept=trained_for))]
    newest = max(runs, key=lambda run: str((read_manifest(run) or {}).get("updated", "")), default=None)
    if newest is None:
        again = "yolo_koin train --task detect" if task == "detect" else "yolo_koin train"
        raise DatasetError("no finished training run", RUNS / "train", f"Run {again}, or name a checkpoint with --weights.")
    return newest / "weights" / "best.pt"


def raw_data(weights: Path) -> str:
    """The raw dataset that a checkpoint was trained on; the usual place when that is not known or gone."""
    converted = (read_manifest(weights.resolve().parent.parent) or {}).get("converted")
    trained_on = (read_manifest(Path(converted)) or {}).get("data") if converted else None
    return str(trained_on) if trained_on and Path(trained_on).is_dir() else "data/KoIn"


def run_name(weights: Path) -> str:
    """The name of the run that a checkpoint belongs to, or of the file when it lies alone."""
    run = weights.resolve().parent.parent
    return run.name if weights.parent.name == "weights" and read_manifest(run) else weights.stem
