"""``yolo_koin evaluate``: name every test photo, or every face in it, and score each test split by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from yolo_koin.dataset.classify import INDEX, read_index
from yolo_koin.dataset.images import load_square
from yolo_koin.errors import DatasetError, UsageError
from yolo_koin.evaluation import face_predictions, predictions, scores, truth
from yolo_koin.evaluation.face_scores import score_faces
from yolo_koin.faces.cache import FaceCache
from yolo_koin.files import sha256
from yolo_koin.models.protocol import Classifier, each_logits, probabilities
from yolo_koin.models.yolo import YoloClassifier
from yolo_koin.parallel import Progress, Step, in_threads, silent
from yolo_koin.runs import create_run, read_manifest, write_manifest
from yolo_koin.splits import TRAINING_SETS, of_part
from yolo_koin.verbs.convert import ConvertSpec, convert, one_of, open_dataset, refresh, spec_of
from yolo_koin.verbs.convert_detect import CACHE
from yolo_koin.verbs.detector import open_detector
from yolo_koin.verbs.evaluate_faces import FaceTest, test_of_classifier, test_of_detector
from yolo_koin.verbs.naming import hints
from yolo_koin.verbs.tasks import TASKS
from yolo_koin.verbs.weights import newest_weights, run_name

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
        task: ``classify``, or ``detect`` for a detector that was trained to tell people apart.
        faces: find every face of a photo and let the classifier name each, in place of the photo as a whole.
        detector: the face detector's file for ``faces``; CenterFace when None.
        boxes: boxes that people drew, beside those of the dataset's own ``boxes.csv``; for ``faces``.
    """

    weights: Path | None = None
    data: str | None = None
    device: str = ""
    name: str | None = None
    trust_weights: bool = False
    task: str = "classify"
    faces: bool = False
    detector: Path | None = None
    boxes: Path | None = None

    def __post_init__(self) -> None:
        one_of("--task", self.task, tuple(TASKS))
        if self.faces and self.task == "detect":
            raise UsageError("a detector finds and names faces by itself", "--task detect --faces", "Drop one of the two.")
        if not self.faces and (self.detector or self.boxes):
            option = "--detector" if self.detector else "--boxes"
            raise UsageError(f"{option} is about faces", option, "Add --faces; for --task detect give it to convert detect.")


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
        agreement: test split → face detector, where boxes come from one, so that scores of boxes tell how well two detectors agree.
        notes: what the user should know: boxes that could not be used, a classifier that did not learn from faces.
    """

    run: Path
    weights: Path
    data: Path
    metrics: pd.DataFrame
    unknown: tuple[str, ...]
    synthetic: tuple[str, ...]
    agreement: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def evaluate(spec: EvaluateSpec, progress: Progress = silent, folder: Path | None = None) -> EvaluateResult:
    """Write ``predictions.csv`` and ``metrics.csv`` of every test split.

    Args:
        spec: what to evaluate.
        progress: is told of each photo.
        folder: of the run, in place of ``runs/evaluate/<name>``: a cell of a benchmark.

    Raises:
        DatasetError, WeightsError, RunError: what the user can mend.
    """
    weights = spec.weights or newest_weights(spec.task, of_faces=spec.faces)
    if spec.task == "detect":
        return _score_faces(spec, test_of_detector(weights, spec.data, spec.device, spec.trust_weights, progress), weights, progress)
    model = YoloClassifier(weights, spec.device, spec.trust_weights)
    if spec.faces:
        finder = open_detector(spec.detector, spec.device, spec.trust_weights)
        with FaceCache(CACHE) as cache:
            return _score_faces(spec, test_of_classifier(model, finder, cache, spec.data, spec.boxes), weights, progress)
    root = _converted(spec.data, weights, model, progress)
    index = read_index(root)
    tests = of_part(index, "test")
    if tests.empty:
        raise _no_test(root)
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


def _score_faces(spec: EvaluateSpec, test: FaceTest, weights: Path, progress: Progress) -> EvaluateResult:
    """Name every face of the test photos; ``truth.csv`` keeps what they are scored against."""
    tests = test.dataset.tests
    if not tests:
        raise _no_test(test.dataset.root)
    run = create_run("evaluate", spec.name, f"{run_name(weights)}-faces" if spec.faces else run_name(weights))
    parts: list[pd.DataFrame] = []
    done = 0
    for chunk, rows in test.namer.rows(tests):
        parts.append(rows)
        done += len(chunk)
        progress(Step("naming", done, len(tests)))
    frame = pd.concat(parts, ignore_index=True)
    boxed = set(test.truth["image"])
    unboxed = Counter(str(s.split) for s in tests if s.image not in boxed)
    table = score_faces(frame, test.truth, run.name, way=test.way, unboxed=unboxed)
    face_predictions.write(run / "predictions.csv", frame)
    truth.write(run / "truth.csv", test.truth)
    scores.write(run / "metrics.csv", table)
    synthetic = tuple(sorted(map(str, test.dataset.synthetic)))
    facts = {"way": test.way, "agreement": test.agreement, "synthetic": synthetic, "data": str(test.dataset.root.resolve())}
    asked = {**asdict(spec), "weights": str(weights.resolve())}
    write_manifest(run, "finished", asked, weights_sha256=sha256(weights), classes=len(test.namer.names), **facts)
    unknown = tuple(sorted({s.label for s in tests} - test.learnt))
    return EvaluateResult(run, weights, test.dataset.root, table, unknown, synthetic, test.agreement, (*test.problems, *hints(test.namer)))


def _no_test(where: Path) -> DatasetError:
    return DatasetError("no test split", where, "Photos to test on go into normal_cases/test/<class>/ and so on.")


def predict_index(model: Classifier, root: Path, index: pd.DataFrame, progress: Progress = silent) -> pd.DataFrame:
    """Predictions for rows of an index; photos that could not be prepared become rows with their error.

    Args:
        model: what names them.
        root: the converted dataset.
        index: rows of its ``index.csv``.
        progress: is told of each photo.
    """
    usable, bad = index[index["status"] == "ok"], index[index["status"] != "ok"]
    photos = in_threads(partial(load_square, side=model.side), [root / image for image in usable["image"]])
    # A batch of scores becomes a batch of rows at once: for 100 classes that is a tenth of the numbers.
    parts: list[pd.DataFrame] = []
    waiting: list[Any] = []
    for done, score in enumerate(each_logits(model, photos, BATCH), 1):
        waiting.append(score)
        if len(waiting) == BATCH or done == len(usable):
            parts.append(_rows(usable.iloc[done - len(waiting) : done], waiting, model.names))
            waiting.clear()
            progress(Step("naming", done, len(usable)))
    parts.append(predictions.error_rows(list(bad["split"]), list(bad["source"]), list(bad["label"]), list(bad["status"])))
    frame = pd.concat([part for part in parts if len(part)], ignore_index=True)
    return frame.sort_values(["split", "image"], kind="stable", ignore_index=True)


def _rows(rows: pd.DataFrame, scores_: Sequence[Any], names: tuple[str, ...]) -> pd.DataFrame:
    return predictions.rows(list(rows["split"]), list(rows["source"]), list(rows["label"]), probabilities(np.stack(scores_)), list(names))


def _converted(data: str | None, weights: Path, model: Classifier, progress: Progress) -> Path:
    """The converted dataset to evaluate on, up to date with its raw one and prepared as the model saw photos in training.

    What the weights were trained on when nothing is said; a model of unknown origin gets our usual preparation.
    """
    wanted: dict[str, Any] = {"fit": model.preparation.fit, "side": model.preparation.side}
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
    train_on = model.train_on or "normal"
    possible = set(TRAINING_SETS[train_on]) <= set(splits)
    return convert(ConvertSpec(data=data, train_on=train_on if possible else "normal", **wanted), progress).root
