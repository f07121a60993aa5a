"""The table of predictions with boxes: one row per face, by name.

Columns (:data:`COLUMNS`): those of :mod:`yolo_koin.evaluation.predictions`, then the face's box ``x, y, width, height`` in pixels of
the upright full-size photo and ``face_score``, from 0 to 1. Two ways lead to such rows:

- *faces*: a face detector finds, a classifier names. ``score_k`` are softmax probabilities, ``face_score`` is the face detector's.
- *detector*: one detector finds and names. ``score_k`` are its confidences in each class by itself, so they need not sum to one and
  ``sum_sq_score`` is empty; ``face_score`` is the highest of them. It reports many boxes of low confidence, as average precision
  wants them; a box that holds for more than five people comes again, with the others alone.

``true_label`` is of the photo, not of the face: whom the photo is of. A photo without a face, or one that cannot be read, is a
single row with an ``error`` and no box.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yolo_koin.evaluation import predictions
from yolo_koin.evaluation.predictions import REMEDY, PredictionsError, rules_of_answers
from yolo_koin.tables import Rule, Table, empty, nine_digits

BOX = ("x", "y", "width", "height")
COLUMNS = (*predictions.COLUMNS, *BOX, "face_score")
NO_FACE = "no face found"


def face_rows(
    split: str | Sequence[str],
    image: str | Sequence[str],
    true_label: str | Sequence[str | None] | None,
    boxes: NDArray[Any],
    face_scores: NDArray[Any],
    probabilities: NDArray[Any],
    names: Sequence[str],
    *,
    probabilities_sum_to_one: bool,
    logits: NDArray[Any] | None = None,
) -> pd.DataFrame:
    """Rows of faces that were found and named, of one photo or of many at once.

    Args:
        split: split of all faces, or of each.
        image: image id of all faces, or of each.
        true_label: label of the photo of all faces, or of each; None or empty where unknown.
        boxes: n × 4: x, y, width, height.
        face_scores: n scores.
        probabilities: n × c scores of the classes; see :func:`yolo_koin.evaluation.predictions.rows`.
        names: the c labels of the model, in the order of its outputs.
        probabilities_sum_to_one: True for a classifier's softmax, False for a detector's confidences.
        logits: n × c, a classifier's.

    Raises:
        PredictionsError: a score is not a number, as a model gives whose training diverged.
        ValueError: the shapes do not agree, or the scores are none.
    """
    n = len(face_scores)
    if np.shape(boxes) != (n, 4) or np.shape(face_scores) != (n,):
        raise ValueError(f"boxes are {np.shape(boxes)} and face scores {np.shape(face_scores)}, not n × 4 and n")
    images = [image] * n if isinstance(image, str) else image
    labels = [true_label] * n if true_label is None or isinstance(true_label, str) else true_label
    frame = predictions.rows(split, images, labels, probabilities, names, probabilities_sum_to_one=probabilities_sum_to_one, logits=logits)
    frame[list(BOX)] = nine_digits(boxes)
    frame["face_score"] = nine_digits(face_scores)
    return frame


def error_rows(split: str | Sequence[str], images: Sequence[str], true_labels: Sequence[str | None], errors: Sequence[str]) -> pd.DataFrame:
    """Rows of photos that have no face or could not be read, with a short reason each (:data:`NO_FACE`)."""
    return _TABLE.typed(predictions.error_rows(split, images, true_labels, errors).reindex(columns=list(COLUMNS)))


def write(path: Path, frame: pd.DataFrame, more: Sequence[str] = ()) -> None:
    """Check a frame and write it whole or not at all, with ``more`` of its columns at the end.

    Raises:
        PredictionsError: the frame is malformed.
        RunError: the file cannot be written.
    """
    _TABLE.write(path, frame, more)


def read(path: Path) -> pd.DataFrame:
    """Read and check a ``predictions.csv`` with boxes.

    Raises:
        PredictionsError: the file is missing or malformed; the message has column and row (the column names are row 1).
    """
    return _TABLE.read(path)


def validate(frame: pd.DataFrame, where: object = "") -> pd.DataFrame:
    """Check a frame and return its :data:`COLUMNS`, numbered from 0.

    Args:
        frame: faces of any number of photos and splits.
        where: the file it came from, for the message.

    Raises:
        PredictionsError: something in it cannot be; the message has column and row (the first face is row 2, as in the file).
    """
    return _TABLE.validate(frame, where)


def _rules(frame: pd.DataFrame) -> Iterator[Rule]:
    yield from rules_of_answers(frame)
    failed, photo = frame["error"] != "", ["split", "image"]
    yield "score_1", ~failed & empty(frame["score_1"]), "a face has a prediction with its score"
    yield "error", failed & frame.duplicated(photo, keep=False), "a photo with an error has no other row"
    first = frame.groupby(photo)["true_label"].transform("first")
    yield "true_label", frame["true_label"] != first, "an earlier row of the photo has another"
    for column in (*BOX, "face_score"):
        yield column, failed & ~empty(frame[column]), "a photo with an error has no face"
    yield from rules_of_boxes(frame, ~failed)
    yield "face_score", ~failed & ~frame["face_score"].between(0, 1), "a face's score is from 0 to 1"


def rules_of_boxes(frame: pd.DataFrame, boxed: pd.Series[bool]) -> Iterator[Rule]:
    """The rules for the boxes of those rows that have one."""
    for column in BOX:
        yield column, boxed & ~np.isfinite(frame[column]), "a box has four numbers"
    for column in ("width", "height"):
        yield column, boxed & (frame[column] <= 0), "a box has a size"


_TABLE = Table("predictions", COLUMNS, predictions.TEXTS, _rules, PredictionsError, REMEDY, newer=predictions.LOGITS)
