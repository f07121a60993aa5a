"""Which weights a command takes when nothing is said, and what is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from yolo_koin.errors import DatasetError
from yolo_koin.runs import RUNS, newest_finished, read_manifest


def newest_weights(task: str = "", of_faces: bool = False) -> Path:
    """The best checkpoint of the newest finished training run of a task, or of any; a benchmark's cells are among them.

    Args:
        task: ``classify`` or ``detect``; empty for any.
        of_faces: prefer a run that learnt from faces that were cut out.

    Raises:
        DatasetError: there is none.
    """

    def wanted(manifest: Mapping[str, Any], fit: str) -> bool:
        spec = manifest["spec"]
        return task in {"", spec.get("task", "classify")} and fit in {"", spec.get("fit")}

    for fit in ("face", "") if of_faces else ("",):
        runs = [run for kind in ("train", "benchmark/*/cells") if (run := newest_finished(kind, accept=partial(wanted, fit=fit)))]
        if runs:
            return max(runs, key=lambda run: str((read_manifest(run) or {}).get("updated", ""))) / "weights" / "best.pt"
    again = "yolo_koin train --task detect" if task == "detect" else "yolo_koin train"
    raise DatasetError("no finished training run", RUNS / "train", f"Run {again}, or name a checkpoint with --weights.")


def raw_data(weights: Path) -> str:
    """The raw dataset that a checkpoint was trained on; the usual place when that is not known or gone."""
    converted = (read_manifest(weights.resolve().parent.parent) or {}).get("converted")
    trained_on = (read_manifest(Path(converted)) or {}).get("data") if converted else None
    return str(trained_on) if trained_on and Path(trained_on).is_dir() else "data/KoIn"


def run_name(weights: Path) -> str:
    """The name of the run that a checkpoint belongs to, or of the file when it lies alone."""
    run = weights.resolve().parent.parent
    return run.name if weights.parent.name == "weights" and read_manifest(run) else weights.stem
