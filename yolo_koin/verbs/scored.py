"""Runs that were scored, read back from their folders."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from yolo_koin.errors import KoinError, RunError
from yolo_koin.evaluation import face_predictions, predictions, scores, truth
from yolo_koin.models.cost import Cost
from yolo_koin.models.registry import family_of, known_models
from yolo_koin.runs import CELLS, CellRun, ScoredRun, TrainRun
from yolo_koin.specs import EvaluateSpec, Method, TrainSpec
from yolo_koin.splits import TRAINING_SETS, in_order, of_part
from yolo_koin.verbs.drawing import dataset_name
from yolo_koin.words import METHODS, count

WHOLE, DRAWN = "whole", " with hard cases drawn"
CURVE = ("epoch", "train_loss", "val_loss")  # and what the best epoch was chosen by
NO_CURVE = "Move it elsewhere; the report then has no curve of this training."


@dataclass(frozen=True)
class Learnt:
    """How a model came about, in the words of a table.

    Attributes:
        network: YOLOv8n-cls.
        method: what learnt: ``fine-tuned``, ``from scratch``, ``probe``, ``nearest mean``.
        training_set: and whether faces were cut out.
        shots: training photos of each person; None for all that there are.
    """

    network: str
    method: str
    training_set: str
    shots: int | None = None


@dataclass(frozen=True)
class Scored:
    """A run that was scored.

    Attributes:
        name: of its folder.
        model: and training set: ``YOLOv8n-cls, normal``.
        seed: of its training.
        settings: of its training but for the seed, with the photos' hash; empty when unknown.
        title: what figures call it: the model, and the seed unless it is 0.
        predictions, metrics: its tables.
        curve: ``results.csv`` of its training, when there is one.
        data: root of the raw dataset, when it is known; it may be gone.
        synthetic: splits whose photos are synthetic.
        val: what its checkpoint was chosen by (top-1, or mAP@0.5), on the validation photos; NaN when unknown.
        way: what was named: the ``whole`` photo, ``faces`` that a face detector found, or faces that the ``detector`` found itself.
        truth: the boxes that it was scored on, where faces were named.
        agreement: split → face detector, where boxes that are taken for true come from one.
        classes: of the model; 0 when unknown.
        trained_on: name of the dataset that it learnt from; empty when unknown.
        shots: training photos of each person, their mean where all were taken; NaN when unknown.
        learnt: how the model came about; None when unknown.
        source: the run itself; training: that of its model; None when unknown.
        cost: of its model, where that was measured.
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
    classes: int = 0
    trained_on: str = ""
    shots: float = float("nan")
    learnt: Learnt | None = None
    source: ScoredRun | None = None
    training: TrainRun | None = None
    cost: Cost | None = None

    @property
    def asked(self) -> EvaluateSpec | None:
        """What was asked of a model of ours that names whole photos, which are those whose cost is measured."""
        spec = self.source.spec if self.source and self.way == WHOLE else None
        return spec if isinstance(spec, EvaluateSpec) else None


def load_runs(folder: Path) -> list[Scored]:
    """The scored run in a folder, or each scored cell of a benchmark.

    Raises:
        RunError: nothing was scored there.
        KoinError: one of its files is malformed.
    """
    if (folder / CELLS).is_dir():
        return [load_cell(*pair) for pair in finished_cells(folder)]
    run = ScoredRun.read(folder)
    if run is None or not (folder / "metrics.csv").is_file():
        raise RunError("not a scored run (no metrics.csv)", folder, "Run yolo_koin evaluate on its weights first.")
    return [_load(run, _training(run))]


def finished_cells(benchmark: Path) -> list[tuple[CellRun, TrainRun]]:
    """The cells of a benchmark that were run to their end, with their trainings.

    Models are as the registry lists them, then methods, then training sets, then shots, then seeds.

    Raises:
        RunError: a cell has lost the record of its training.
    """
    found = (CellRun.read(cell) for cell in sorted((benchmark / CELLS).iterdir()) if cell.is_dir())
    pairs = [(run, _of_cell(run)) for run in found if run is not None]
    return sorted(pairs, key=lambda pair: _order(pair[1].spec))


def _of_cell(cell: CellRun) -> TrainRun:
    found = TrainRun.read(cell.folder)
    if found is None:
        raise RunError("this cell has lost the record of its training", cell.folder, "Remove it; the benchmark then runs it again.")
    return found


def _order(spec: TrainSpec) -> tuple[int, int, int, float, int]:
    models = known_models()
    place = models.index(spec.model_name) if spec.model_name in models else len(models)
    return place, get_args(Method).index(spec.method), list(TRAINING_SETS).index(spec.train_on), spec.shots or math.inf, spec.seed


def load_cell(run: CellRun, training: TrainRun) -> Scored:
    """A scored cell."""
    return _load(run, training)


def told_apart(found: Sequence[tuple[Path, Scored]]) -> list[Scored]:
    """The runs, with the folder's name joined to names and titles that several of them have."""
    names, titles = Counter(run.name for _, run in found), Counter((run.way, run.title) for _, run in found)
    runs = []
    for folder, run in found:
        name = run.name if names[run.name] == 1 else f"{folder.parent.name}/{folder.name}/{run.name}"
        title = run.title if titles[run.way, run.title] == 1 else f"{run.title} (run {name})"
        runs.append(replace(run, name=name, title=title, metrics=run.metrics.assign(run=name)))
    return runs


def _training(run: ScoredRun) -> TrainRun | None:
    """The training of a run, where its folder is still there and whole."""
    try:
        return TrainRun.read(run.trained) if run.trained else None
    except RunError:
        return None


def _load(run: ScoredRun, training: TrainRun | None) -> Scored:
    model, seed = (title_of(training), training.spec.seed) if training else (f"run {run.name}", 0)
    table, whole = run.folder / "predictions.csv", run.way == WHOLE
    frame = predictions.read(table) if whole else face_predictions.read(table)
    cost = Cost.read(run.folder)
    first = "person_top1" if not whole else "top1" if run.classes != 1 else "macro_recall"  # of one class there is no top-1
    return Scored(
        name=run.name,
        model=model,
        seed=seed,
        settings=json.dumps([run.way, training.settings], sort_keys=True) if training and training.index_sha256 else "",
        title=f"{model}, seed {seed}" if seed else model,
        predictions=frame,
        metrics=_metrics(run.folder / "metrics.csv", first, frame),
        curve=_curve(training.curve) if training and training.curve.is_file() else None,
        data=run.data,
        synthetic=frozenset(run.synthetic),
        val=training.val if training else float("nan"),
        way=run.way,
        truth=None if whole else truth.read(run.folder / "truth.csv"),
        agreement=dict(run.agreement),
        classes=run.classes,
        trained_on=dataset_name(Path(training.spec.data)) if training else "",
        shots=training.photos / run.classes if training and training.photos and run.classes else float("nan"),
        learnt=_learnt(training) if training else None,
        source=run,
        training=training,
        cost=cost if cost and cost.weights_sha256 == run.weights_sha256 else None,  # of other weights it tells nothing
    )


def _metrics(path: Path, first: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The metrics, among them the first one of each test split that has predictions with a known true label.

    Raises:
        KoinError: the file is malformed, or of other predictions.
    """
    table = scores.read(path)
    scored = set(of_part(frame[frame["true_label"] != ""], "test")["split"])
    if lacking := in_order(scored - set(table.loc[table["metric"] == first, "split"])):
        raise RunError(f"no {first} of {', '.join(lacking)}, of which there are predictions", path, "Run yolo_koin evaluate again.")
    return table


def _curve(path: Path) -> pd.DataFrame:
    """The epochs of a training, all columns numbers.

    Raises:
        RunError: the file is damaged.
    """
    try:
        frame = pd.read_csv(path).astype(float)
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise RunError("damaged", path, NO_CURVE) from error
    if missing := [column for column in CURVE if column not in frame]:
        raise RunError(f"no column {', '.join(missing)}", path, NO_CURVE)
    if not np.isfinite(frame.to_numpy()).all():
        raise RunError("a cell that is no number", path, NO_CURVE)
    return frame


def title_of(training: TrainRun) -> str:
    """Model and training set, for people."""
    title = " ".join(filter(None, (_network(training), METHODS.get(training.spec.method))))
    title += f", {_training_set(training)}"
    return f"{title}, {count(training.spec.shots, 'shot')}" if training.spec.shots else title


def _learnt(training: TrainRun) -> Learnt:
    method = METHODS.get(training.spec.method) or ("fine-tuned" if training.start else "from scratch")
    return Learnt(_network(training), method, _training_set(training), training.spec.shots)


def _network(training: TrainRun) -> str:
    name = training.spec.model_name
    try:
        return family_of(name).title(name)
    except KoinError:  # a family that is not installed any more
        return name


def _training_set(training: TrainRun) -> str:
    return f"{training.spec.train_on}{' faces' if training.spec.fit == 'face' else ''}{DRAWN if training.spec.hardcases else ''}"
