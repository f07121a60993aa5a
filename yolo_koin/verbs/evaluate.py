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
from yolo_koin.errors import DatasetError
from yolo_koin.evaluation import predictions, scores
from yolo_koin.models.photos import load_square
from yolo_koin.models.yolo import Classifier
from yolo_koin.runs import create_run, newest_finished, read_manifest, sha256, write_manifest
from yolo_koin.verbs.convert import ConvertSpec, convert, converted_root, open_dataset

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
        metrics: rows of ``metrics.csv``.
        synthetic: test splits whose photos are synthetic.
        unknown: classes of the test splits that the model never learnt; their photos count as wrong.
    """

    run: Path
    weights: Path
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
    root = _converted(spec.data, weights, model)
    index = read_index(root)
    tests = index[index["split"].str.endswith("/test")]
    if tests.empty:
        raise DatasetError("no test split", root, "Photos to test on go into normal_cases/test/<class>/ and so on.")
    frame = predict_index(model, root, tests, progress)
    run = folder or create_run("evaluate", spec.name, run_name(weights))
    table = scores.score(frame, run.name, classes=len(model.names))
    predictions.write(run / "predictions.csv", frame)
    scores.write(run / "metrics.csv", table)
    if folder is None:
        facts = {
            "weights_sha256": sha256(weights),
            "index_sha256": sha256(root / INDEX),
            "data": read_data(root),
            "classes": len(model.names),
        }
        write_manifest(run, "finished", {**asdict(spec), "weights": str(weights)}, converted=str(root), **facts)
    unknown = tuple(sorted(set(tests["label"]) - set(model.names)))
    return EvaluateResult(run, weights, table, unknown, tuple((read_manifest(root) or {}).get("synthetic", ())))


def newest_weights() -> Path:
    """The best checkpoint of the newest finished training run.

    Raises:
        DatasetError: there is none.
    """
    run = newest_finished("train")
    if run is None:
        raise DatasetError("no finished training run", "runs/train", "Run yolo_koin train first, or give --weights.")
    return run / "weights" / "best.pt"


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


def read_data(root: Path) -> str | None:
    """The raw dataset that a converted one was made of."""
    data = (read_manifest(root) or {}).get("data")
    return str(data) if data else None


def _rows(rows: pd.DataFrame, scores_: Sequence[Any], names: tuple[str, ...]) -> pd.DataFrame:
    return predictions.rows(list(rows["split"]), list(rows["source"]), list(rows["label"]), np.stack(scores_), list(names))


def _converted(data: str | None, weights: Path, model: Classifier) -> Path:
    """The converted dataset to evaluate on; what the weights were trained on when nothing is said."""
    if data is None:
        trained = (read_manifest(weights.resolve().parent.parent) or {}).get("converted")
        if trained and (Path(trained) / INDEX).is_file():
            return Path(trained)
        data = "data/KoIn"
    if (Path(data) / INDEX).is_file():
        return Path(data)
    # Photos are prepared as the model saw them in training; a model of unknown origin gets our defaults.
    note = {key: model.note[key] for key in ("fit", "side", "train_on") if key in model.note}
    spec = ConvertSpec(data=data, **note)
    dataset = open_dataset(data)
    wanted = {"hard_cases/train"} if spec.train_on == "hard" else set()
    if not wanted <= set(dataset.splits):
        spec = ConvertSpec(data=data, fit=spec.fit, side=spec.side, out=converted_root(dataset, spec.train_on))
    return convert(spec).root
