"""Runs that were scored, read back from their folders."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from yolo_koin.errors import RunError
from yolo_koin.evaluation import face_predictions, predictions, scores, truth
from yolo_koin.runs import MANIFEST, RUNS, read_manifest

CELLS = "cells"
WHOLE = "whole"
MODELS = {"classify": "-cls", "detect": ""}  # of a model's name


@dataclass(frozen=True)
class Scored:
    """A run that was scored.

    Attributes:
        name: of its folder.
        model: size and training set: ``YOLOv8n-cls, normal``.
        seed: of its training.
        settings: of its training but for the seed, with the photos' hash; empty when unknown.
        title: what figures call it: the model, and the seed unless it is 0.
        predictions, metrics: its tables.
        curve: ``results.csv`` of its training, when there is one.
        data: root of the raw dataset, when it is known and still there.
        synthetic: splits whose photos are synthetic.
        val: what its checkpoint was chosen by (top-1, or mAP@0.5), on the validation photos; NaN when unknown.
        way: what was named: the ``whole`` photo, ``faces`` that a face detector found, or faces that the ``detector`` found itself.
        truth: the boxes that it was scored on, where faces were named.
        agreement: split → face detector, where boxes that are taken for true come from one.
    """

    name: str
    model: str
    seed: int
    settings: str
    title: str
    predictions: pd.DataFrame
    metrics: pd.DataFrame
    curve: pd.DataFrame | None
    data: Path | None
    synthetic: frozenset[str]
    val: float
    way: str = WHOLE
    truth: pd.DataFrame | None = None
    agreement: dict[str, str] = field(default_factory=dict)


def find_run(run: str) -> Path:
    """The folder of a run, given as a path or as a name under ``runs/evaluate`` or ``runs/benchmark``."""
    for folder in (Path(run), RUNS / "evaluate" / run, RUNS / "benchmark" / run):
        if (folder / MANIFEST).is_file():
            return folder
    raise RunError("no such scored run", run, "Name a folder of runs/evaluate or runs/benchmark; yolo_koin evaluate makes one.")


def load_runs(folder: Path) -> list[Scored]:
    """The scored run in a folder, or each scored cell of a benchmark."""
    if (folder / CELLS).is_dir():
        return [_load(cell) for cell in sorted((folder / CELLS).iterdir()) if (cell / "metrics.csv").is_file()]
    if not (folder / "metrics.csv").is_file():
        raise RunError("not a scored run (no metrics.csv)", folder, "Run yolo_koin evaluate on its weights first.")
    return [_load(folder)]


def told_apart(found: Sequence[tuple[Path, Scored]]) -> list[Scored]:
    """The runs, with the folder's name joined to names and titles that several of them have."""
    names, titles = Counter(run.name for _, run in found), Counter((run.way, run.title) for _, run in found)
    runs = []
    for folder, run in found:
        name = run.name if names[run.name] == 1 else f"{folder.parent.name}/{folder.name}/{run.name}"
        title = run.title if titles[run.way, run.title] == 1 else f"{run.title} ({name})"
        runs.append(replace(run, name=name, title=title, metrics=run.metrics.assign(run=name)))
    return runs


def _load(folder: Path) -> Scored:
    manifest = read_manifest(folder) or {}
    trained = folder if (folder / "results.csv").is_file() else Path(str(manifest.get("spec", {}).get("weights", ""))).parent.parent
    training = (read_manifest(trained) or {}) if (trained / "results.csv").is_file() else {}
    spec = training.get("spec", {})
    kind = MODELS.get(spec.get("task", "classify"), "")
    cut = " faces" if spec.get("fit") == "face" else ""
    model, seed = (f"YOLOv8{spec['size']}{kind}, {spec['train_on']}{cut}", int(spec["seed"])) if spec else (folder.name, 0)
    converted = (read_manifest(Path(manifest["converted"])) or {}) if manifest.get("converted") else {}
    told = {**converted, **manifest}  # a run that named faces has looked at the raw dataset itself
    data, way = told.get("data"), str(manifest.get("way", WHOLE))
    table = folder / "predictions.csv"
    return Scored(
        name=folder.name,
        model=model,
        seed=seed,
        settings=_settings(training, way),
        title=f"{model}, seed {seed}" if seed else model,
        predictions=predictions.read(table) if way == WHOLE else face_predictions.read(table),
        metrics=scores.read(folder / "metrics.csv"),
        curve=pd.read_csv(trained / "results.csv") if training else None,
        data=Path(data) if data and Path(data).is_dir() else None,
        synthetic=frozenset(told.get("synthetic", ())),
        val=float(training.get("val_top1", training.get("val_map50", float("nan")))),
        way=way,
        truth=None if way == WHOLE else truth.read(folder / "truth.csv"),
        agreement=dict(manifest.get("agreement", {})),
    )


def _settings(training: Mapping[str, Any], way: str) -> str:
    if "index_sha256" not in training:
        return ""
    spec = {key: value for key, value in training["spec"].items() if key not in {"seed", "name", "device"}}
    return json.dumps([way, spec, training["index_sha256"], training.get("start_sha256")], sort_keys=True)
