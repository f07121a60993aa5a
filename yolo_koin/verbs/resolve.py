"""From the words of a user to values: which dataset, which weights. Below this room nobody guesses a default or looks for a folder."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

from yolo_koin.dataset.koin import Dataset, scan
from yolo_koin.errors import RunError, WeightsError
from yolo_koin.faces.finder import FaceFinder
from yolo_koin.models.registry import endings
from yolo_koin.runs import PreparedDataset, TrainRun, prepared_at
from yolo_koin.specs import SAMPLE
from yolo_koin.verbs.detector import open_detector
from yolo_koin.verbs.sample import built_in
from yolo_koin.workspace import Workspace, training_of

USUAL_DATA = "data/KoIn"


def open_dataset(data: str, workspace: Workspace) -> Dataset:
    """Read a dataset; the name ``sample`` builds the built-in faces on first use, and a prepared dataset means the raw one it is of.

    Boxes that people drew and that are kept with the workspace come after the dataset's own.

    Raises:
        DatasetError: there is none.
    """
    dataset = scan(_root(data, workspace))
    kept = kept_boxes(dataset, workspace)
    return replace(dataset, boxes=(*dataset.boxes, kept)) if kept.exists() else dataset


def _root(data: str, workspace: Workspace) -> Path:
    if data == SAMPLE:
        return built_in(workspace.data / SAMPLE).root
    folder = workspace.find(data)
    made = prepared_at(folder) if folder.is_dir() else None
    return made.data if made else folder


def kept_boxes(dataset: Dataset, workspace: Workspace) -> Path:
    """Where the boxes that people drew on a dataset are kept.

    Two datasets of one name have two files: a hash of where the dataset lies, seen from the workspace, is part of the file's name, so
    that both can be moved together.
    """
    place = os.path.relpath(dataset.root.resolve(), workspace.root.resolve())
    mark = hashlib.sha256(Path(place).as_posix().encode()).hexdigest()[:8]
    return workspace.data / f"{dataset_name(dataset)}-boxes-{mark}.csv"


def dataset_name(dataset: Dataset) -> str:
    """What a dataset is called: its folder, or the one around it, in lower case."""
    root = dataset.root.resolve()
    return (root.parent.name if root.name.lower() == "dataset" else root.name).lower()


def prepared(data: str | Path, task: str, workspace: Workspace) -> PreparedDataset | None:
    """The prepared dataset that a user names, where it is one for this task; a raw dataset is none."""
    if data == SAMPLE:
        return None
    made = prepared_at(workspace.find(data))
    return made if made and made.kind == task else None


def weights_file(weights: str | Path | None, workspace: Workspace, task: str = "", of_faces: bool = False) -> Path:
    """The checkpoint that a user means: a file, a training run by its name, or the newest training's.

    Args:
        weights: what they say.
        workspace: where runs are looked for.
        task: of the newest training: ``classify`` or ``detect``; empty for any.
        of_faces: prefer a training that learnt from faces that were cut out.

    Raises:
        RunError: nothing was said, and there is no finished training.
        WeightsError: there is neither such a file nor such a run, or the run's checkpoint is gone.
    """
    if weights is None:
        return checkpoint_of(workspace.newest_training(task, of_faces))
    file = workspace.find(weights)
    if file.is_file():
        return file
    try:
        run = workspace.training(str(weights))
    except RunError:
        run = None
    if run is not None:
        return checkpoint_of(run)
    if file.is_dir():
        raise WeightsError("a folder, not a weights file", weights, f"Name the {endings()} file in it, or a training run.")
    raise WeightsError("no such weights file or training run", weights, "Train one with yolo_koin train, or correct the path.")


def checkpoint_of(run: TrainRun) -> Path:
    """The best checkpoint of a training.

    Raises:
        WeightsError: it is gone, or the training has not made one yet.
    """
    if not run.weights.is_file():
        remedy = "Go on with it: yolo_koin train --resume." if run.status != "finished" else "Put it back, or train again."
        raise WeightsError(f"the checkpoint of the run {run.name} is not there", run.weights, remedy)
    return run.weights


def name_of(weights: Path) -> str:
    """The name of the run that a checkpoint belongs to, or of the file when it lies alone."""
    run = training_of(weights)
    return run.name if run else weights.stem


def learnt_from(weights: Path) -> PreparedDataset | None:
    """The prepared dataset that a checkpoint was trained on, where that is known and still there."""
    run = training_of(weights)
    return prepared_at(run.converted) if run else None


def raw_data(data: str | None, weights: Path, workspace: Workspace) -> str:
    """The raw dataset to look at: the one that is named, what the model was trained on, or the usual place."""
    made = learnt_from(weights)
    return data or (str(made.data) if made and made.data.is_dir() else USUAL_DATA)


def face_finder(detector: Path | None, device: str, trust: bool, workspace: Workspace) -> FaceFinder:
    """The face detector that a user names, with what it found before; all verbs share one file of that.

    Raises:
        WeightsError: there is no such file, or it is no face detector.
    """
    return FaceFinder(open_detector(detector, device, trust), workspace.faces)
