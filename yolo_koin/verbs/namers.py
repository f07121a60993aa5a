"""What ``predict`` and ``demo`` name photos with: a model that writes down nothing, a way to name, and the names of its people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from yolo_koin.dataset.koin import Dataset
from yolo_koin.errors import WeightsError
from yolo_koin.faces.finder import FaceFinder
from yolo_koin.models import engine
from yolo_koin.models.heads import HeadClassifier
from yolo_koin.models.protocol import Model
from yolo_koin.naming import Namer, Reader
from yolo_koin.naming.detector import Detected
from yolo_koin.naming.faces import EachFace
from yolo_koin.naming.whole import WholePhoto
from yolo_koin.specs import Answers
from yolo_koin.verbs.resolve import USUAL_DATA, learnt_from, open_dataset
from yolo_koin.verbs.scoring import NOT_OF_FACES
from yolo_koin.workspace import Workspace


def loaded(spec: Answers, weights: Path, workspace: Workspace) -> Model:
    """A model that writes down nothing of what it is shown."""
    model = engine.load(weights, spec.device, spec.trust_weights, spec.engine, workspace.engines)
    if isinstance(model, HeadClassifier):
        model.keep_nothing()
    return model


def namer_of(model: Model, faces: bool, reader: Reader, finder: Callable[[], FaceFinder]) -> tuple[Namer[Any], tuple[str, ...]]:
    """What names the photos, by the kind of the weights and by whether faces are asked for; and what the user should know of it.

    Args:
        model: of the weights.
        faces: whether every face is to be named.
        reader: where the pixels come from.
        finder: finds faces; is made where one is needed.
    """
    if model.task == "detect":
        if faces:
            raise WeightsError("these weights find and name faces by themselves", model.weights, "Drop --faces.")
        return Detected(model, reader, doubtful=False), ()
    of_faces = model.preparation.fit == "face"
    if faces:
        return EachFace(model, finder(), reader), () if of_faces else (NOT_OF_FACES,)
    return WholePhoto(model, reader, finder() if of_faces else None), ()


def dataset_of(data: str | None, weights: Path, workspace: Workspace) -> Dataset | None:
    """The dataset for names and labels; without one, photos are still named."""
    if data is not None:
        return open_dataset(data, workspace)
    made = learnt_from(weights)
    for candidate in ([made.data] if made else []) + [workspace.find(USUAL_DATA)]:
        if candidate.is_dir():
            return open_dataset(str(candidate), workspace)
    return None
