"""Which faces of a photo were found, and whether they got the right names: for rows of faces of one split.

A true box is *found* by a face that overlaps it by half or more (IoU ≥ 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yolo_koin.evaluation.face_predictions import BOX
from yolo_koin.evaluation.overlaps import best_of_each_place, one_to_one, pairs
from yolo_koin.evaluation.predictions import labelled
from yolo_koin.evaluation.statistics import Ratio

HALF = 0.5


def found_faces(frame: pd.DataFrame, least_score: float) -> pd.DataFrame:
    """The rows that are faces: with a face_score of ``least_score`` or more, and of those at one place the best."""
    faces = frame[(frame["error"] == "") & (frame["face_score"] >= least_score)]
    photo, _ = pd.factorize(faces["image"])
    return faces[best_of_each_place(photo, faces[list(BOX)].to_numpy(), faces["face_score"].to_numpy())]


def person_hits(frame: pd.DataFrame, faces: pd.DataFrame, k: int = 1) -> NDArray[np.bool_]:
    """Whether the person that the photo is of is among the k first names of a face, one value per labelled photo.

    A photo that could not be read, or without a face, is wrong.

    Args:
        frame: all rows of the split.
        faces: those that are faces (:func:`found_faces`).
        k: how many names of each face count.

    Raises:
        PredictionsError: no photo has a label.
    """
    photos = labelled(frame)["image"].drop_duplicates()
    return photos.isin(faces.loc[faces["true_rank"] <= k, "image"]).to_numpy(dtype=np.bool_)


def faces_found(faces: pd.DataFrame, truth: pd.DataFrame) -> Ratio:
    """Share of the true boxes that are found."""
    count = _Counter.of(truth)
    found = truth.iloc[pairs(truth, faces, HALF)["one"].unique()]
    return Ratio(count(found), count(truth))


def top1_found(faces: pd.DataFrame, truth: pd.DataFrame) -> Ratio:
    """Of the labelled true boxes that are found, the share whose face of the highest face_score has the right first name."""
    known, count = truth[truth["label"] != ""], _Counter.of(truth)
    both = pairs(known, faces, HALF)
    both["score"] = faces["face_score"].to_numpy()[both["other"]]
    both = both.sort_values("score", ascending=False, kind="stable").drop_duplicates("one")
    found = known.iloc[both["one"]]
    right = found["label"].to_numpy() == faces["pred_1"].to_numpy()[both["other"]]
    return Ratio(count(found[right]), count(found))


def names(faces: pd.DataFrame, truth: pd.DataFrame) -> tuple[Ratio, Ratio]:
    """Precision and recall of first names, on photos of which every face is known.

    Faces and true boxes are matched one to one, those that overlap most first: where a face is says whose it is, how sure the model
    is does not. A name is right when the matched box has that label. Precision is the share of faces that have the right name;
    one on nobody, or on somebody without a label, is wrong. Recall is the share of labelled boxes that got theirs.

    Args:
        faces: those on other photos are left out.
        truth: all true boxes of the photos.
    """
    faces, count = faces[faces["image"].isin(truth["image"])], _Counter.of(truth)
    both = one_to_one(pairs(truth, faces, HALF))
    matched = truth.iloc[both["one"]]
    right = count(matched[matched["label"].to_numpy() == faces["pred_1"].to_numpy()[both["other"]]])
    return Ratio(right, count(faces)), Ratio(right, count(truth[truth["label"] != ""]))


@dataclass(frozen=True)
class _Counter:
    """Counts the rows of each of some photos."""

    photos: pd.Index[Any]

    @classmethod
    def of(cls, truth: pd.DataFrame) -> _Counter:
        return cls(pd.Index(truth["image"].unique()))

    def __call__(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        number = self.photos.get_indexer(pd.Index(rows["image"]))
        return np.bincount(number, minlength=len(self.photos)).astype(np.float64)
