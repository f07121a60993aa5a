from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from tests.evaluation.conftest import make_faces
from yolo_koin.evaluation import face_predictions, matching
from yolo_koin.evaluation.face_predictions import BOX, NO_FACE
from yolo_koin.evaluation.predictions import PredictionsError
from yolo_koin.geometry import iou

NAMES = list("abcd")


def face(image: str, label: str, x: float, named: str, score: float = 0.9) -> pd.DataFrame:
    """A face of 10 × 10 pixels at (x, 0); its names are ``named`` and then the others by alphabet."""
    p = np.array([[0.7 if name == named else 0.15 - 0.01 * i for i, name in enumerate(NAMES)]])
    box, scores = np.array([[x, 0, 10, 10]]), np.array([score])
    return face_predictions.face_rows("group_cases/test", image, label, box, scores, p, NAMES, probabilities_sum_to_one=False)


def true(*boxes: tuple[str, str, float]) -> pd.DataFrame:
    return pd.DataFrame([(image, label, x, 0.0, 10.0, 10.0) for image, label, x in boxes], columns=["image", "label", *BOX])


# ---------------------------------------------------------------------------------------------------------------- by hand
def test_found_faces_are_sure_and_the_best_of_their_place() -> None:
    frame = pd.concat(
        [
            face("1", "a", 0, "b", 0.8),
            face("1", "a", 1, "a", 0.9),  # overlaps the first by 0.82
            face("1", "a", 5, "c", 0.7),  # overlaps it by 0.43
            face("1", "a", 50, "d", 0.2),
            face("2", "b", 0, "b", 0.25),  # as sure as it has to be
            face_predictions.error_rows("group_cases/test", ["3"], ["a"], [NO_FACE]),
        ],
        ignore_index=True,
    )
    assert matching.found_faces(frame, 0.25)[["image", "x"]].to_numpy().tolist() == [["1", 1.0], ["1", 5.0], ["2", 0.0]]
    assert len(matching.found_faces(frame, 0.0)) == 4


def test_a_person_is_hit_by_any_face_of_the_photo() -> None:
    frame = pd.concat(
        [
            face("1", "a", 0, "b"),
            face("1", "a", 50, "a"),
            face("2", "b", 0, "a"),  # b is second
            face("3", "d", 0, "a"),  # d is last of four
            face("4", "stranger", 0, "a"),
            face_predictions.error_rows("group_cases/test", ["5", "6"], ["a", ""], [NO_FACE] * 2),
        ],
        ignore_index=True,
    )
    assert matching.person_hits(frame, frame).tolist() == [True, False, False, False, False]  # the last has no label
    assert matching.person_hits(frame, frame, 3).tolist() == [True, True, False, False, False]
    assert not matching.person_hits(frame, frame.head(0)).any()
    with pytest.raises(PredictionsError, match="no photo with a known label"):
        matching.person_hits(frame.tail(1), frame)


def test_boxes_that_are_found_and_named_by_hand() -> None:
    faces = pd.concat(
        [
            face("1", "a", 1, "a", 0.8),  # on a, but another face on a is surer
            face("1", "a", 3, "b", 0.9),
            face("1", "a", 54, "c"),  # overlaps b's box by 0.43
            face("2", "c", 2, "c"),
            face("4", "d", 0, "d"),  # no box of the photo is known
        ],
        ignore_index=True,
    )
    truth = true(("1", "a", 0), ("1", "b", 50), ("1", "", 2), ("2", "c", 0), ("3", "d", 0))
    found = matching.faces_found(faces, truth)
    assert (found.part.tolist(), found.whole.tolist()) == ([2, 1, 0], [3, 1, 1])  # by photo; 3 has no face
    named = matching.top1_found(faces, truth)
    assert (named.part.tolist(), named.whole.tolist()) == ([0, 1, 0], [1, 1, 0])


def test_names_by_hand() -> None:
    faces = pd.concat(
        [
            face("1", "a", 2, "a", 0.9),  # overlaps both boxes, the second more
            face("1", "a", 1, "b", 0.5),  # overlaps the first most
            face("1", "a", 80, "c"),  # on nobody
            face("2", "b", 0, "b"),
            face("2", "b", 50, "a"),  # on somebody who is not in the dataset
            face("9", "d", 0, "d"),  # not a photo of which all is known
        ],
        ignore_index=True,
    )
    truth = true(("1", "b", 0), ("1", "a", 3), ("2", "b", 0), ("2", "", 50), ("3", "c", 0))
    precision, recall = matching.names(faces, truth)
    assert (precision.part.tolist(), precision.whole.tolist()) == ([2, 1, 0], [3, 2, 0])
    assert (recall.part.tolist(), recall.whole.tolist()) == ([2, 1, 0], [2, 1, 1])


def test_a_box_is_one_faces_only() -> None:
    faces = pd.concat([face("1", "a", 0, "a"), face("1", "a", 3, "a")], ignore_index=True)
    precision, recall = matching.names(faces, true(("1", "a", 0)))
    assert (precision.value, recall.value) == (0.5, 1)


def test_without_faces_nothing_is_found_and_precision_is_unknown() -> None:
    faces, truth = face("1", "a", 0, "a").head(0), true(("1", "a", 0))
    precision, recall = matching.names(faces, truth)
    assert np.isnan(precision.value)
    assert recall.value == matching.faces_found(faces, truth).value == 0
    assert np.isnan(matching.top1_found(faces, truth).value)


# ----------------------------------------------------------------------------------------------------------- brute force
def overlap_table(faces: pd.DataFrame, truth: pd.DataFrame) -> NDArray[np.float64]:
    """True boxes × faces."""
    a, b = (np.repeat(truth[list(BOX)].to_numpy(), len(faces), 0), np.tile(faces[list(BOX)].to_numpy(), (len(truth), 1)))
    same_photo = truth["image"].to_numpy()[:, None] == faces["image"].to_numpy()[None, :]
    return np.where(same_photo, iou(a, b).reshape(same_photo.shape), 0)


@pytest.mark.parametrize("seed", range(3))
def test_shares_are_those_of_counting_one_by_one(seed: int) -> None:
    frame, truth = make_faces(photos=12, faces=3, found=4, classes=4, strangers=0.2, seed=seed)
    faces = matching.found_faces(frame, 0.0)
    table = overlap_table(faces, truth)
    found, right, best_right = 0, 0, 0
    for row, label in zip(table, truth["label"], strict=True):
        on_it = faces[row >= 0.5]
        found += len(on_it) > 0
        right += len(on_it) > 0 and label != ""
        best_right += len(on_it) > 0 and label != "" and on_it.loc[on_it["face_score"].idxmax(), "pred_1"] == label
    assert matching.faces_found(faces, truth).value == pytest.approx(found / len(truth))
    assert matching.top1_found(faces, truth).value == pytest.approx(best_right / right)

    named = 0
    while table.max() >= 0.5:
        i, j = np.unravel_index(table.argmax(), table.shape)
        named += truth["label"].iloc[int(i)] == faces["pred_1"].iloc[int(j)]
        table[i], table[:, j] = 0, 0
    precision, recall = matching.names(faces, truth)
    known = faces["image"].isin(truth["image"])
    assert (precision.value, recall.value) == pytest.approx((named / known.sum(), named / (truth["label"] != "").sum()))
