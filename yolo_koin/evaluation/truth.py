"""The table of true boxes (``truth.csv`` of a run): one row per face, what predictions with boxes are scored against.

Columns (:data:`COLUMNS`): ``split, image`` as in the predictions; ``label``: who it is, empty for somebody who is not in the dataset;
``x, y, width, height`` in pixels of the upright full-size photo; ``provenance``: :data:`DRAWN` where a person drew the boxes of the
photo, all of them; else the name of the face detector that found the box, and scores tell how far one agrees with that detector.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from yolo_koin.errors import KoinError
from yolo_koin.evaluation.face_predictions import BOX, rules_of_boxes
from yolo_koin.tables import Rule, Table, nine_digits

COLUMNS = ("split", "image", "label", *BOX, "provenance")
TEXTS = ("split", "image", "label", "provenance")
DRAWN = "drawn"
REMEDY = "Write it anew with yolo_koin evaluate."


class TruthError(KoinError):
    """A table of true boxes is malformed."""


def write(path: Path, frame: pd.DataFrame) -> None:
    """Check a frame and write it whole or not at all.

    Raises:
        TruthError: the frame is malformed.
        RunError: the file cannot be written.
    """
    _TABLE.write(path, validate(frame))


def read(path: Path) -> pd.DataFrame:
    """Read and check a ``truth.csv``.

    Raises:
        TruthError: the file is missing or malformed; the message has column and row (the column names are row 1).
    """
    return _TABLE.read(path)


def validate(frame: pd.DataFrame, where: object = "") -> pd.DataFrame:
    """Check a frame and return its :data:`COLUMNS`, numbered from 0, its numbers as the file will have them.

    Raises:
        TruthError: something in it cannot be; the message has column and row (the first box is row 2, as in the file).
    """
    frame = _TABLE.validate(frame, where)
    frame[list(BOX)] = nine_digits(frame[list(BOX)].to_numpy())
    return frame


def drawn(frame: pd.DataFrame) -> pd.DataFrame:
    """The boxes of photos of which a person drew all."""
    by_hand = (frame["provenance"] == DRAWN).groupby([frame["split"], frame["image"]]).transform("all")
    return frame[by_hand]


def _rules(frame: pd.DataFrame) -> Iterator[Rule]:
    for column in ("image", "provenance"):
        yield column, frame[column] == "", "every box has one"
    yield from rules_of_boxes(frame, frame["image"] != "")


_TABLE = Table("true boxes", COLUMNS, TEXTS, _rules, TruthError, REMEDY)
