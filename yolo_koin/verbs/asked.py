"""What ``stress`` and ``control`` ask: a classifier of whole photos, a dataset's test photos, and where the faces in them lie."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from yolo_koin.dataset.koin import Dataset, Sample
from yolo_koin.errors import WeightsError
from yolo_koin.evaluation import predictions
from yolo_koin.faces import Found
from yolo_koin.faces.finder import FaceFinder
from yolo_koin.files import sha256
from yolo_koin.models import engine
from yolo_koin.models.protocol import Classifier
from yolo_koin.naming import Reader
from yolo_koin.naming.protocol import table_of
from yolo_koin.naming.reader import Transform
from yolo_koin.naming.whole import WholePhoto
from yolo_koin.parallel import Progress
from yolo_koin.specs import ControlSpec, StressSpec
from yolo_koin.verbs.resolve import face_finder, open_dataset, raw_data, weights_file
from yolo_koin.words import count
from yolo_koin.workspace import Workspace, training_of


@dataclass(frozen=True)
class Asked:
    """What is asked, with nothing left open.

    Attributes:
        model: names photos.
        weights: its checkpoint.
        dataset: whose test photos it names.
        finder: finds the faces in them.
    """

    model: Classifier
    weights: Path
    dataset: Dataset
    finder: FaceFinder

    @property
    def facts(self) -> dict[str, Any]:
        """What a run's manifest keeps of it."""
        trained, synthetic = training_of(self.weights), tuple(sorted(map(str, self.dataset.synthetic)))
        told = {"weights": self.weights, "weights_sha256": sha256(self.weights), "trained": trained.folder if trained else None}
        return {**told, "data": self.dataset.root, "classes": len(self.model.names), "synthetic": synthetic}

    def found(self, samples: Sequence[Sample], progress: Progress) -> Iterator[tuple[Sample, Found]]:
        """The faces of each photo, looked for once and then kept."""
        return zip(samples, self.finder.look_at_all([sample.path for sample in samples], progress=progress), strict=True)

    def named(self, samples: Sequence[Sample], transform: Transform, progress: Progress) -> pd.DataFrame:
        """Predictions of photos that are changed before the model sees them."""
        frame = table_of(WholePhoto(self.model, Reader(transform=transform), self.finder), samples, progress)
        return frame.sort_values(["split", "image"], kind="stable", ignore_index=True)

    def written(self, folder: Path, samples: Sequence[Sample], transform: Transform, progress: Progress) -> pd.DataFrame:
        """The same, written as ``predictions.csv``."""
        frame = self.named(samples, transform, progress)
        predictions.write(folder / "predictions.csv", frame)
        return frame


@contextlib.contextmanager
def asked(spec: StressSpec | ControlSpec, workspace: Workspace) -> Iterator[Asked]:
    """What a spec asks. What the face detector finds is kept when the block ends.

    Raises:
        DatasetError, WeightsError: what the user can mend.
    """
    weights = weights_file(spec.weights, workspace, "classify")
    model = engine.load(weights, spec.device, spec.trust_weights, spec.engine, workspace.engines)
    if model.task == "detect":
        raise WeightsError("these weights find and name faces by themselves", weights, "Name a classifier's.")
    dataset = open_dataset(raw_data(spec.data, weights, workspace), workspace)
    with face_finder(spec.detector, spec.device, spec.trust_weights, workspace) as finder:
        yield Asked(model, weights, dataset, finder)


def reasons(left_out: dict[str, str]) -> tuple[str, ...]:
    """A line on each reason why photos have no usable face.

    Args:
        left_out: image id → why.
    """
    of = Counter(left_out.values()).items()
    return tuple(f"{count(n, 'photo')} without a usable face ({why}): left out where one is needed" for why, n in of)
