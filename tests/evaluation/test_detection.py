from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from torchvision.ops import batched_nms

from tests.evaluation.conftest import make_faces
from tests.evaluation.test_average_precision import by_pycocotools
from yolo_koin.evaluation import detection
from yolo_koin.evaluation.average_precision import Boxes
from yolo_koin.evaluation.face_predictions import BOX, face_rows
from yolo_koin.evaluation.predictions import PREDICTED, SCORES

CASES = [
    pytest.param({}, id="one face a photo"),
    pytest.param({"faces": 3, "found": 8, "strangers": 0.3}, id="groups with strangers"),
    pytest.param({"errors": 10}, id="photos without a row"),
    pytest.param({"classes": 3}, id="fewer than five names"),
    pytest.param({"way": "detector", "found": 30, "faces": 2}, id="a detector's many rows"),
]


def suppressed(boxes: Boxes) -> Boxes:
    corners = np.column_stack([boxes.box[:, :2], boxes.box[:, :2] + boxes.box[:, 2:]])
    group = boxes.photo * 1000 + boxes.label
    kept = batched_nms(torch.from_numpy(corners), torch.from_numpy(boxes.score), torch.from_numpy(group), 0.7).numpy()
    return boxes[np.sort(kept)]


def numbered(frame: pd.DataFrame, truth: pd.DataFrame) -> NDArray[np.intp]:
    numbers: NDArray[np.intp] = pd.Index(truth["image"].unique()).get_indexer(pd.Index(frame["image"]))
    return numbers


def as_boxes(frame: pd.DataFrame, photo: NDArray[np.intp], label: NDArray[np.intp], score: NDArray[np.float64]) -> Boxes:
    return Boxes(photo, label, frame[list(BOX)].to_numpy(), score.copy())  # torch wants arrays that it could write to


@pytest.mark.parametrize("case", CASES)
def test_ap_of_faces_is_pycocotools_of_one_class(case: dict[str, Any]) -> None:
    frame, truth = make_faces(**case)
    rows, photos = frame[frame["error"] == ""], truth["image"].nunique()
    true = as_boxes(truth, numbered(truth, truth), np.zeros(len(truth), np.intp), np.ones(len(truth)))
    found = as_boxes(rows, numbered(rows, truth), np.zeros(len(rows), np.intp), rows["face_score"].to_numpy())
    expected = by_pycocotools(true, suppressed(found), photos)
    ap = detection.of_faces(rows, truth)
    assert 0.2 < ap.value < 1
    assert ap.photos == photos
    assert ap.values == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("times_face_score", [True, False])
def test_ap_of_persons_is_pycocotools_of_each_name(case: dict[str, Any], times_face_score: bool) -> None:
    frame, truth = make_faces(**case)
    rows, known = frame[frame["error"] == ""], truth[truth["label"] != ""]
    labels = pd.Index(sorted(set(rows["pred_1"]) | set(rows["pred_2"]) | set(known["label"])))
    true = as_boxes(known, numbered(known, truth), labels.get_indexer(pd.Index(known["label"])), np.ones(len(known)))
    detections = []
    for name, score in zip(PREDICTED, SCORES, strict=True):
        named = rows[rows[name] != ""]
        confidence = named[score] * (named["face_score"] if times_face_score else 1)
        detections.append(as_boxes(named, numbered(named, truth), labels.get_indexer(pd.Index(named[name])), confidence.to_numpy()))
    every = Boxes(*(np.concatenate([getattr(part, field) for part in detections]) for field in ("photo", "label", "box", "score")))
    expected = by_pycocotools(true, suppressed(every[every.label >= 0]), truth["image"].nunique())
    ap = detection.of_persons(rows, truth, times_face_score=times_face_score)
    assert 0.1 < ap.value < 1
    assert ap.values == pytest.approx(expected, abs=1e-9)


def test_a_class_that_the_model_never_learnt_is_0_and_a_stranger_is_none() -> None:
    frame, truth = make_faces(skill=50.0, found=1, jitter=1.0)
    before = detection.of_persons(frame, truth, times_face_score=True)
    assert before.values[0] == pytest.approx(np.ones(6))  # at an overlap of 0.5
    of_first = truth["label"] == "0000"
    unknown = detection.of_persons(frame, truth.assign(label=truth["label"].where(~of_first, "a stranger")), times_face_score=True)
    assert unknown.values[0] == pytest.approx([*np.ones(5), 0])
    nobody = detection.of_persons(frame, truth.assign(label=truth["label"].where(~of_first, "")), times_face_score=True)
    assert nobody.values[0] == pytest.approx(np.ones(5))


def test_a_name_for_somebody_without_a_label_is_wrong() -> None:
    frame, truth = make_faces(photos=2, found=1, classes=1, jitter=1.0)
    stranger = truth.assign(label=["0000", ""])
    surer = frame.assign(face_score=[0.5, 0.6])
    assert detection.of_persons(surer, stranger, times_face_score=True).at(0.5).value == pytest.approx(0.5)
    assert detection.of_faces(surer, stranger).at(0.5).value == 1


def test_faces_on_photos_without_a_true_box_are_left_out() -> None:
    frame, truth = make_faces(photos=30)
    half = truth[truth["image"].isin(truth["image"].unique()[:15])]
    within = frame[frame["image"].isin(half["image"])]
    assert np.array_equal(detection.of_faces(frame, half).values, detection.of_faces(within, half).values)
    both = [detection.of_persons(rows, half, times_face_score=True) for rows in (frame, within)]
    assert np.array_equal(both[0].values, both[1].values)
    assert both[0].photos == 15


def test_a_face_that_a_detector_reports_again_is_no_false_one() -> None:
    """An anchor says 0 before 1, its neighbour 1 before 0: each class has one detection there, the better."""
    box, names = np.array([[0.0, 0, 50, 50], [1, 0, 50, 50]]), ["0", "1"]
    p = np.array([[0.8, 0.3], [0.4, 0.6]])
    frame = pd.concat(
        [
            face_rows("s", "a", "0", box, p.max(axis=1), p, names, probabilities_sum_to_one=False),
            face_rows("s", "b", "0", box[:1], np.array([0.35]), np.array([[0.35, 0.1]]), names, probabilities_sum_to_one=False),
        ],
        ignore_index=True,
    )
    truth = pd.DataFrame(
        [("s", image, "0", 0.0, 0.0, 50.0, 50.0, "drawn") for image in "ab"], columns=["split", "image", "label", *BOX, "by"]
    )
    assert detection.of_persons(frame, truth, times_face_score=False).at(0.5).value == 1  # else 0 at 0.4 were wrong before 0.35
    assert detection.of_faces(frame, truth).at(0.5).value == 1


def test_without_rows_all_is_0() -> None:
    frame, truth = make_faces()
    assert detection.of_faces(frame.head(0), truth).value == 0
    assert detection.of_persons(frame.head(0), truth, times_face_score=True).value == 0
