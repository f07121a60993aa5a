"""``yolo_koin evaluate``: name every test photo, and score each test split by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from yolo_koin.dataset.classify import INDEX, Progress, in_threads, read_index
from yolo_koin.dataset.koin import TRAINING_SETS
from yolo_koin.errors import DatasetError
from yolo_koin.evaluation import predictions, scores
from yolo_koin.models.photos import load_square
from yolo_koin.models.yolo import Classifier
from yolo_koin.runs import MANIFEST, RUNS, create_run, newest_finished, read_manifest, sha256, write_manifest
from yolo_koin.verbs.convert import ConvertSpec, convert, open_dataset, refresh, spec_of

BATCH = 32


@dataclass(frozen=True)
class EvaluateSpec:
    """What to evaluate.

    Attributes:
        weights: checkpoint; that of the newest finished training run when None.
        data: dataset root, ``sample``, or a converted dataset; what the run was trained on when None.
        device: as for training.
        name: of the run; that of the training run when None.
        trust_weights: run a pickle that safe loading refuses.
    """

    weights: Path | None = None
    data: str | None = None
    device: str = ""
    name: str | None = None
    trust_weights: bool = False


@dataclass(frozen=True)
class EvaluateResult:
    """A finished evaluation.

    Attributes:
        run: its folder, with ``predictions.csv`` and ``metrics.csv``.
        weights: the checkpoint.
        data: the dataset that was scored.
        metrics: rows of ``metrics.csv``.
        synthetic: test splits whose photos are synthetic.
        unknown: classes of the test splits that the model never learnt; their photos count as wrong.
    """

    run: Path
    weights: Path
    data: Path
    metrics: pd.DataFrame
    unknown: tuple[str, ...]
    synthetic: tuple[str, ...]


def evaluate(spec: EvaluateSpec, progress: Progress | None = None, folder: Path | None = None) -> EvaluateResult:
    """Write ``predictions.csv`` and ``metrics.csv`` of every test split.

    Args:
        spec: what to evaluate.
        progress: called with photos done and photos in all.
        folder: of the run, in place of ``runs/evaluate/<name>``: a cell of a benchmark.

    Raises:
        DatasetError, WeightsError, RunError: what the user can mend.
    """
    weights = spec.weights or newest_weights()
    model = Classifier(weights, spec.device, spec.trust_weights)
    root = _converted(spec.data, weights, model, progress)
    index = read_index(root)
    tests = index[index["split"].str.endswith("/test")]
    if tests.empty:
        raise DatasetError("no test split", root, "Photos to test on go into normal_cases/test/<class>/ and so on.")
    run = folder or create_run("evaluate", spec.name, run_name(weights))
    frame = predict_index(model, root, tests, progress)
    table = scores.score(frame, run.name, classes=len(model.names))
    predictions.write(run / "predictions.csv", frame)
    scores.write(run / "metrics.csv", table)
    made = read_manifest(root) or {}
    if folder is None:
        facts = {
            "weights_sha256": sha256(weights),
            "index_sha256": sha256(root / INDEX),
            "data": made.get("data"),
            "classes": len(model.names),
        }
        asked = {**asdict(spec), "weights": str(weights.resolve())}
        write_manifest(run, "finished", asked, converted=str(root.resolve()), **facts)
    unknown = tuple(sorted(set(tests["label"]) - set(model.names)))
    return EvaluateResult(run, weights, Path(made.get("data", root)), table, unknown, tuple(made.get("synthetic", ())))


def newest_weights() -> Path:
    """The best checkpoint of the newest finished training run, a benchmark's cells among them.

    Raises:
        DatasetError: there is none.
    """
    found = [run for kind in ("train", "benchmark/*/cells") if (run := newest_finished(kind))]
    if not found:
        raise DatasetError("no finished training run", RUNS / "train", "Run yolo_koin train first, or give --weights.")
    newest = max(found, key=lambda run: (run / MANIFEST).stat().st_mtime_ns)
    return newest / "weights" / "best.pt"


def run_name(weights: Path) -> str:
    """The name of the run that a checkpoint belongs to, or of the file when it lies alone."""
    run = weights.resolve().parent.parent
    return run.name if weights.parent.name == "weights" and read_manifest(run) else weights.stem


def predict_index(model: Classifier, root: Path, index: pd.DataFrame, progress: Progress | None = None) -> pd.DataFrame:
    """Predictions for rows of an index; photos that could not be prepared become rows with their error.

    Args:
        model: what names them.
        root: the converted dataset.
        index: rows of its ``index.csv``.
        progress: called with photos done and photos in all.
    """
    usable, bad = index[index["status"] == "ok"], index[index["status"] != "ok"]
    photos = in_threads(partial(load_square, side=model.side), [root / image for image in usable["image"]])
    # A batch of scores becomes a batch of rows at once: for 100 classes that is a tenth of the numbers.
    parts: list[pd.DataFrame] = []
    waiting: list[Any] = []
    for done, score in enumerate(model.run(photos, BATCH), 1):
        waiting.append(score)
        if len(waiting) == BATCH or done == len(usable):
            parts.append(_rows(usable.iloc[done - len(waiting) : done], waiting, model.names))
            waiting.clear()
            if progress:
                progress(done, len(usable))
    parts.append(predictions.error_rows(list(bad["split"]), list(bad["source"]), list(bad["label"]), list(bad["status"])))
    frame = pd.concat([part for part in parts if len(part)], ignore_index=True)
    return frame.sort_values(["split", "image"], kind="stable", ignore_index=True)


def _rows(rows: pd.DataFrame, scores_: Sequence[Any], names: tuple[str, ...]) -> pd.DataFrame:
    return predictions.rows(list(rows["split"]), list(rows["source"]), list(rows["label"]), np.stack(scores_), list(names))


def _converted(data: str | None, weights: Path, model: Classifier, progress: Progress | None) -> Path:
    """The converted dataset to evaluate on, up to date with its raw one and prepared as the model saw photos in training.

    What the weights were trained on when nothing is said; a model of unknown origin gets our usual preparation.
    """
    wanted = {"fit": model.note.get("fit", ConvertSpec().fit), "side": model.note.get("side", ConvertSpec().side)}
    if data is None:
        trained = (read_manifest(weights.resolve().parent.parent) or {}).get("converted")
        data = trained if trained and (Path(trained) / INDEX).is_file() else "data/KoIn"
    if (Path(data) / INDEX).is_file():
        root = refresh(Path(data), progress)
        made = read_manifest(root) or {}
        if all(made.get(key) == value for key, value in wanted.items()):
            return root
        if spec_of(root) is None:
            raise DatasetError(f"prepared otherwise than this model was trained on ({wanted})", root, "Give --data the raw dataset.")
        data = str(made["data"])
    splits = open_dataset(data).splits
    train_on = model.note.get("train_on", "normal")
    possible = all(f"{case}/train" in splits for case in TRAINING_SETS[train_on])
    return convert(ConvertSpec(data=data, train_on=train_on if possible else "normal", **wanted), progress).root
