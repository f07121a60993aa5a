"""``yolo_koin export``: a trained classifier for other programs, and whether it still answers as it did."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yolo_koin import models
from yolo_koin.dataset.classify import read_index
from yolo_koin.dataset.images import PAD_COLOUR, load_square
from yolo_koin.errors import UsageError
from yolo_koin.files import sha256, write_csv, write_json
from yolo_koin.models import exporting, registry
from yolo_koin.models.engine import Exportable
from yolo_koin.models.exporting import Runner
from yolo_koin.models.protocol import probabilities
from yolo_koin.parallel import Progress, Step
from yolo_koin.runs import ExportRun
from yolo_koin.specs import ExportSpec
from yolo_koin.splits import of_part
from yolo_koin.verbs.resolve import learnt_from, name_of, weights_file
from yolo_koin.verbs.verb import verb
from yolo_koin.words import count
from yolo_koin.workspace import Workspace

SCRIPT = "use.py"
ASKED = 64  # photos that both are asked about
ROUNDS = 10  # of timing, after one that warms up


@dataclass(frozen=True)
class ExportResult:
    """A model for other programs.

    Attributes:
        run: the folder: ``model.onnx``, ``model.json`` with names and preparation, ``use.py``, ``agreement.csv``.
        weights: the checkpoint.
        table: what runs it, milliseconds for one photo, photos a second in batches, and how far it agrees with the checkpoint.
        notes: what it was compared on, and what a user of it has to do by themselves.
    """

    run: Path
    weights: Path
    table: pd.DataFrame
    notes: tuple[str, ...] = ()


@verb(ExportSpec)
def export(spec: ExportSpec, progress: Progress) -> ExportResult:
    """Write a classifier as ONNX or for OpenVINO, and compare it with itself on validation photos.

    Raises:
        UsageError: a model that cannot be exported, or a package is missing.
        RunError, WeightsError: what the user can mend.
    """
    workspace = Workspace.of(spec)
    weights = weights_file(spec.weights, workspace, "classify")
    exporting.check(spec.format)
    model = registry.load(weights, "cpu", spec.trust_weights)
    if not isinstance(model, Exportable):
        raise UsageError(f"a model that cannot be exported ({model.title})", weights, "Export a tuned classifier of YOLO or timm.")
    photos, notes = _photos(weights, model)
    with workspace.begun("export", spec.name, f"{name_of(weights)}-{spec.format}", spec) as folder:
        run = ExportRun(folder=folder, spec=spec, weights=weights, weights_sha256=sha256(weights))
        with run.written().failing():
            progress(Step("exporting", 1, 2))
            runner = exporting.write(model, spec.format, folder)
            write_json(folder / "model.json", {**_about(model), "weights_sha256": run.weights_sha256})
            shutil.copyfile(Path(models.__path__[0]) / "standalone.py", folder / SCRIPT)
            progress(Step("comparing", 2, 2))
            table = _compared({"torch": model.logits, spec.format: runner}, photos)
            write_csv(folder / "agreement.csv", table)
            run.written(status="finished")
    if model.preparation.fit == "face":
        notes += (f"this model learnt from faces that were cut out: show {SCRIPT} such cuts, not whole photos",)
    return ExportResult(folder, weights, table, notes)


def _about(model: Exportable) -> dict[str, Any]:
    """What a program has to know: the classes, and how a photo is made ready."""
    how = model.preparation
    fit = "pad" if how.fit == "face" else how.fit
    about = {"title": model.title, "names": list(model.names), "fit": fit, "learnt_from_faces": how.fit == "face", "grey": PAD_COLOUR}
    return {**about, "prepared_side": how.side, "input_side": model.side, "interpolation": how.interpolation}


def _photos(weights: Path, model: Exportable) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Validation photos, spread evenly, as the network sees them; noise where they are not there. No test photo is looked at."""
    made = learnt_from(weights)
    index = read_index(made.folder) if made else None
    known = list(of_part(index, "val")["image"]) if index is not None else []
    if made is None or not known:
        noise = np.random.default_rng(0).integers(0, 256, (ASKED, model.side, model.side, 3), dtype=np.uint8)
        return noise, ("compared on noise, since its validation photos are not here",)
    chosen = [known[i] for i in np.unique(np.linspace(0, len(known) - 1, ASKED).round().astype(int))]
    shown = np.stack([load_square(made.folder / image, model.side, model.preparation.interpolation) for image in chosen])
    return shown, (f"compared on {count(len(shown), 'validation photo')}",)


def _compared(runners: dict[str, Runner], photos: NDArray[np.uint8]) -> pd.DataFrame:
    """The first runner is what the others have to agree with."""
    wanted = probabilities(next(iter(runners.values()))(photos))
    rows: Sequence[dict[str, Any]] = [
        {
            "runs by": name,
            "one photo (ms)": round(1000 * _median_seconds(runner, photos[:1]), 1),
            "photos a second": round(len(photos) / _median_seconds(runner, photos)),
            "same name": f"{(answered.argmax(axis=1) == wanted.argmax(axis=1)).sum()} of {len(photos)}",
            "largest difference of a probability": float(f"{np.abs(answered - wanted).max():.1e}"),
        }
        for name, runner in runners.items()
        for answered in [probabilities(runner(photos))]
    ]
    return pd.DataFrame(rows)


def _median_seconds(runner: Runner, photos: NDArray[np.uint8]) -> float:
    runner(photos)
    took = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        runner(photos)
        took.append(time.perf_counter() - begun)
    return float(np.median(took))
