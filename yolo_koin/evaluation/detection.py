"""From rows of faces and true boxes to average precision: of faces, whoever they are, and of persons."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yolo_koin.evaluation.average_precision import AveragePrecision, Boxes
from yolo_koin.evaluation.face_predictions import BOX
from yolo_koin.evaluation.overlaps import best_of_each_place
from yolo_koin.evaluation.predictions import PREDICTED, SCORES


def of_faces(rows: pd.DataFrame, truth: pd.DataFrame) -> AveragePrecision:
    """AP of faces, whoever they are.

    Args:
        rows: faces of one split, without errors; of boxes at one place only the best is taken, since a detector reports a face
            again under other names.
        truth: true boxes of that split, at least one. Faces on other photos are left out: nobody knows what is there.
    """
    photos, true = _photos(truth)
    faces = _boxes(rows, photos.get_indexer(pd.Index(rows["image"])), np.zeros(len(rows), np.intp), rows["face_score"])
    return AveragePrecision.of(true, _best(faces), len(photos))


def of_persons(rows: pd.DataFrame, truth: pd.DataFrame, *, times_face_score: bool) -> AveragePrecision:
    """AP of persons. A face is a detection of each of its up to five names.

    Args:
        rows: faces of one split, without errors.
        truth: true boxes of that split, at least one with a label. Those without are somebody who has no right name.
        times_face_score: whether the confidence in a name is face_score × score_k, as of a classifier that was shown a face which
            a detector believes in; else it is score_k, which holds both.
    """
    photos, true = _photos(truth)
    labels = pd.Index(sorted(set(truth["label"]) - {""}))
    true = Boxes(true.photo, labels.get_indexer(pd.Index(truth["label"])), true.box, true.score)
    photo = photos.get_indexer(pd.Index(rows["image"]))
    scores = rows[list(SCORES)].to_numpy(dtype=np.float64) * (rows[["face_score"]].to_numpy() if times_face_score else 1)
    names = np.stack([labels.get_indexer(pd.Index(rows[column])) for column in PREDICTED], axis=1)
    each = np.repeat(np.arange(len(rows)), len(PREDICTED))
    found = _boxes(rows.iloc[each], photo[each], names.ravel(), scores.ravel())
    return AveragePrecision.of(true[true.label >= 0], _best(found), len(photos))


def _photos(truth: pd.DataFrame) -> tuple[pd.Index[Any], Boxes]:
    """The photos whose faces are known, and those faces."""
    number, photos = pd.factorize(truth["image"])
    return pd.Index(photos), _boxes(truth, number, np.zeros(len(truth), np.intp), np.ones(len(truth)))


def _boxes(frame: pd.DataFrame, photo: NDArray[np.intp], label: NDArray[np.intp], score: Any) -> Boxes:
    return Boxes(photo, label, frame[list(BOX)].to_numpy(dtype=np.float64), np.asarray(score, dtype=np.float64))


def _best(found: Boxes) -> Boxes:
    """The boxes on known photos and of known classes that hold for anything; of those of one class at one place the best."""
    found = found[(found.photo >= 0) & (found.label >= 0) & (found.score > 0)]
    group = found.photo * (found.label.max(initial=0) + 1) + found.label
    return found[best_of_each_place(group, found.box, found.score)]
