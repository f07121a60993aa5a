"""What face predictions are scored on: the photos, the boxes that are taken for true, and who says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from yolo_koin.dataset.boxes import DRAWN, BoxError, LabelledBox, clip
from yolo_koin.dataset.detect import TRUTH, read_boxes_table, truth
from yolo_koin.dataset.images import PhotoError, open_photo
from yolo_koin.dataset.koin import Dataset, Sample
from yolo_koin.errors import DatasetError
from yolo_koin.evaluation.face_scores import Way
from yolo_koin.faces import FaceDetector
from yolo_koin.faces.cache import FaceCache
from yolo_koin.models.protocol import Classifier
from yolo_koin.models.yolo_detect import YoloDetector
from yolo_koin.parallel import Progress, in_threads
from yolo_koin.runs import read_manifest
from yolo_koin.splits import of_part
from yolo_koin.verbs import convert_detect
from yolo_koin.verbs.convert import open_dataset
from yolo_koin.verbs.detector import CALLED
from yolo_koin.verbs.naming import Namer, OneStage, TwoStage
from yolo_koin.verbs.tasks import is_converted
from yolo_koin.verbs.weights import raw_data


@dataclass(frozen=True)
class FaceTest:
    """A test of naming faces.

    Attributes:
        namer, way: what is tested; see :func:`yolo_koin.evaluation.face_scores.score_faces`.
        dataset: the raw photos.
        truth: boxes of test photos, see :func:`yolo_koin.dataset.detect.truth`.
        learnt: labels that training had a face of.
        problems: boxes of people that could not be used, a line each.
    """

    namer: Namer
    dataset: Dataset
    truth: pd.DataFrame
    way: Way
    learnt: frozenset[str]
    problems: tuple[str, ...] = ()

    @property
    def agreement(self) -> dict[str, str]:
        """Test split → face detector, of splits where some box comes from one."""
        found = self.truth[self.truth["provenance"] != DRAWN]
        called = found["provenance"].map(lambda name: CALLED.get(name, name))
        return {str(split): ", ".join(sorted(set(names))) for split, names in called.groupby(found["split"])}


def test_of_classifier(model: Classifier, finder: FaceDetector, cache: FaceCache, data: str | None, boxes: Path | None) -> FaceTest:
    """A classifier that names the faces that a face detector finds, against the boxes that people drew.

    Boxes of that same detector would say nothing, so none are taken.
    """
    dataset = open_dataset(data or raw_data(model.weights))
    drawn, unread = convert_detect.drawn_boxes(dataset, boxes)
    truth, outside = _as_truth(drawn, dataset)
    problems = (*(f"{problem.where}: {problem.reason}" for problem in unread), *outside)
    return FaceTest(TwoStage(model, finder, cache), dataset, truth, "faces", frozenset(model.names), problems)


def test_of_detector(weights: Path, data: str | None, device: str, trust: bool, progress: Progress) -> FaceTest:
    """An identity detector, against the boxes of a converted dataset: what it was trained on when nothing is said."""
    model = YoloDetector(weights, device, trust)
    trained = (read_manifest(weights.resolve().parent.parent) or {}).get("converted")
    given = data or trained
    if given and is_converted(given, "detect"):
        if convert_detect.spec_of(Path(given)) is None:
            raise DatasetError("the raw dataset that this was made of is gone", given, "Give --data the raw dataset.")
        root = convert_detect.refresh(Path(given), progress)
    else:
        root = convert_detect.prepared_for(convert_detect.ConvertDetectSpec(data=data or raw_data(weights)), progress)
    dataset = open_dataset(str((read_manifest(root) or {})["data"]))
    table = read_boxes_table(root)
    learnt = of_part(table[table["status"] == "ok"], "train")["label"]
    return FaceTest(OneStage(model, doubtful=True), dataset, truth(table), "detector", frozenset(learnt))


def _as_truth(drawn: Mapping[str, Sequence[LabelledBox]], dataset: Dataset) -> tuple[pd.DataFrame, list[str]]:
    """The boxes that people drew on test photos, clipped to them as ``convert detect`` does; and a line on each that cannot be."""
    tests = [s for s in dataset.tests if s.image in drawn]
    rows, problems = [], []
    for sample, size in zip(tests, in_threads(_size, tests), strict=True):
        for box in drawn[sample.image]:
            if box.provenance != DRAWN or size is None:  # an unreadable photo is told of in predictions.csv
                continue
            try:
                rows.append((str(sample.split), sample.image, box.label, *clip(box.box, *size), DRAWN))
            except BoxError as error:
                problems.append(f"{sample.image}: {error}")
    return pd.DataFrame(rows, columns=list(TRUTH)), problems


def _size(sample: Sample) -> tuple[int, int] | None:
    """Width and height of the upright photo."""
    try:
        return open_photo(sample.path, longest=1)[1]
    except PhotoError:
        return None
