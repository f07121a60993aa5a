"""The table of predictions: one row per photo, by name. It is the one source of every number that is reported.

Columns of ``predictions.csv`` (:data:`COLUMNS`), a table as :mod:`yolo_koin.evaluation.tables` keeps them:

- ``split``: a case and a part (``hard_cases/test``), empty for photos outside of a dataset; ``image``: image id.
- ``true_label``: empty where nobody knows it.
- ``pred_1, score_1 … pred_5, score_5``: the best classes and their softmax probabilities; fewer if the model has fewer classes.
- ``true_rank``: 1 + number of classes that rank before the true one, among all classes of the model. Equal scores rank by class
  index, in ``pred_k`` as here, so ``true_rank`` is k exactly when ``pred_k`` is the true label. ``true_score``: probability of
  the true label. Both are empty where the true label is unknown, or is no class of the model.
- ``sum_sq_score``: squared probabilities summed over all classes, which the Brier score needs.
- ``max_logit, logit_norm``: largest logit, and Euclidean norm of all: what telling strangers apart needs, and softmax has lost. Empty
  for models that have none, and in older files, which may lack the two columns.
- ``error``: why the photo could not be read; everything from ``pred_1`` to ``logit_norm`` is then empty.

Predictions of other programs (:mod:`yolo_koin.evaluation.submissions`) may be poorer, those of all photos alike: ``pred_1`` alone, with or
without its score. ``sum_sq_score`` is then empty, and so is the rank of a label that is not predicted.

A frame that was written and read is the same frame, so a metric never depends on which of the two it was computed from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yolo_koin.errors import KoinError
from yolo_koin.tables import Rule, Table, empty, nine_digits

TOP = 5
PREDICTED = tuple(f"pred_{k}" for k in range(1, TOP + 1))
SCORES = tuple(f"score_{k}" for k in range(1, TOP + 1))
RANKED = tuple(column for pair in zip(PREDICTED, SCORES, strict=True) for column in pair)
LOGITS = ("max_logit", "logit_norm")
COLUMNS = ("split", "image", "true_label", *RANKED, "true_rank", "true_score", "sum_sq_score", *LOGITS, "error")
TEXTS = ("split", "image", "true_label", *PREDICTED, "error")
REMEDY = "Write it anew with yolo_koin evaluate or predict."


class PredictionsError(KoinError):
    """A table of predictions is malformed, or does not hold what a metric needs."""


# -------------------------------------------------------------------------------------------------------------- building
def rows(
    split: str | Sequence[str],
    images: Sequence[str],
    true_labels: Sequence[str | None],
    probabilities: NDArray[Any],
    names: Sequence[str],
    *,
    probabilities_sum_to_one: bool = True,
    logits: NDArray[Any] | None = None,
) -> pd.DataFrame:
    """Rows of photos that a model has seen.

    Args:
        split: split of all photos, or of each.
        images: n image ids.
        true_labels: n labels; None or empty where unknown. A label that is not in ``names`` is kept, with an empty rank.
        probabilities: n × c softmax probabilities.
        names: the c labels of the model, in the order of its outputs.
        probabilities_sum_to_one: False for a model that answers for each class by itself (sigmoids); ``sum_sq_score`` is then
            empty, since Brier's score is of probabilities that exclude each other.
        logits: n × c, what the probabilities are the softmax of, where there are such.

    Raises:
        PredictionsError: a probability is not a number, as a model gives whose training diverged.
        ValueError: the shapes do not agree, a name is there twice, or the values are no probabilities.
    """
    p = _checked(probabilities, len(images), names, probabilities_sum_to_one)
    index = {name: i for i, name in enumerate(names)}
    true = np.array([index.get(label or "", -1) for label in true_labels], dtype=np.intp)
    known = true >= 0
    true_score = p[np.arange(len(p)), true]  # of an unknown label: of the last class, and not used
    before = (p > true_score[:, None]) | ((p == true_score[:, None]) & (np.arange(p.shape[1]) < true[:, None]))
    frame = _blank(split, images, true_labels)
    best = np.argsort(-p, axis=1, kind="stable")[:, :TOP]
    for place, column in enumerate(best.T):
        frame[PREDICTED[place]] = np.array(names, dtype=object)[column]
        frame[SCORES[place]] = nine_digits(p[np.arange(len(p)), column])
    frame["true_rank"] = np.where(known, 1.0 + before.sum(axis=1), np.nan)
    frame["true_score"] = np.where(known, nine_digits(true_score), np.nan)
    if probabilities_sum_to_one:
        frame["sum_sq_score"] = nine_digits(np.square(p).sum(axis=1).clip(max=1))
    if logits is not None:
        raw = np.asarray(logits, dtype=np.float64).reshape(p.shape)
        frame["max_logit"], frame["logit_norm"] = nine_digits(raw.max(axis=1)), nine_digits(np.linalg.norm(raw, axis=1))
    return _TABLE.typed(frame)


def top1_rows(
    split: Sequence[str], images: Sequence[str], true_labels: Sequence[str], best: Sequence[str], scores: NDArray[np.float64] | None = None
) -> pd.DataFrame:
    """Rows of photos of which the best class alone is known, with or without its probability. A wrong one leaves the rank open."""
    frame = _blank(split, images, true_labels)
    frame["pred_1"] = list(best)
    right = frame["pred_1"] == frame["true_label"]
    frame["true_rank"] = np.where(right, 1.0, np.nan)
    if scores is not None:
        frame["score_1"] = nine_digits(scores)
        frame["true_score"] = frame["score_1"].where(right)
    return _TABLE.typed(frame)


def error_rows(split: str | Sequence[str], images: Sequence[str], true_labels: Sequence[str | None], errors: Sequence[str]) -> pd.DataFrame:
    """Rows of photos that could not be read, with a short reason each."""
    frame = _blank(split, images, true_labels)
    frame["error"] = [" ".join(error.split()) or "unreadable" for error in errors]
    return _TABLE.typed(frame)


def labelled(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that can be scored: those with a true label, unreadable photos among them.

    Raises:
        PredictionsError: there is none.
    """
    found = frame[frame["true_label"] != ""]
    if found.empty:
        raise PredictionsError("no photo with a known label", "", "Scores need photos in class folders of a split.")
    return found


def _checked(probabilities: NDArray[Any], n: int, names: Sequence[str], sum_to_one: bool) -> NDArray[np.float64]:
    p = np.asarray(probabilities, dtype=np.float64)
    if p.shape != (n, len(names)) or not names:
        raise ValueError(f"probabilities are {p.shape}, not {n} rows × {len(names)} classes")
    if len(set(names)) < len(names) or "" in names:
        raise ValueError("the model's class names are not distinct, or one is empty")
    if not np.isfinite(p).all():
        raise PredictionsError("the model's scores are not numbers", "", "Its training diverged: take other weights.")
    # 16-bit softmax sums to one within a percent; anything else is logits.
    if n and (p.min() < -1e-6 or p.max() > 1.02):
        raise ValueError("not probabilities: they have to be from 0 to 1")
    if n and sum_to_one and np.abs(p.sum(axis=1) - 1).max() > 0.02:
        raise ValueError("not probabilities: each row's have to sum to one")
    return p.clip(0, 1)


def _blank(split: str | Sequence[str], images: Sequence[str], true_labels: Sequence[str | None]) -> pd.DataFrame:
    splits = [split] * len(images) if isinstance(split, str) else list(split)
    frame = pd.DataFrame({"split": splits, "image": list(images), "true_label": [label or "" for label in true_labels]})
    for column in COLUMNS[3:]:
        frame[column] = "" if column in TEXTS else np.nan
    return frame


# ------------------------------------------------------------------------------------------------------- file and checks
def write(path: Path, frame: pd.DataFrame, more: Sequence[str] = ()) -> None:
    """Check a frame and write it whole or not at all, with ``more`` of its columns at the end.

    Raises:
        PredictionsError: the frame is malformed.
        RunError: the file cannot be written.
    """
    _TABLE.write(path, frame, more)


def read(path: Path) -> pd.DataFrame:
    """Read and check a ``predictions.csv``.

    Raises:
        PredictionsError: the file is missing or malformed; the message has column and row (the column names are row 1).
    """
    return _TABLE.read(path)


def validate(frame: pd.DataFrame, where: object = "") -> pd.DataFrame:
    """Check a frame and return its :data:`COLUMNS`, numbered from 0.

    Args:
        frame: predictions of any number of splits.
        where: the file it came from, for the message.

    Raises:
        PredictionsError: something in it cannot be; the message has column and row (the first photo is row 2, as in the file).
    """
    return _TABLE.validate(frame, where)


def _rules(frame: pd.DataFrame) -> Iterator[Rule]:
    yield "image", frame.duplicated(["split", "image"]), "a split has each photo once"
    yield from rules_of_answers(frame)
    for column in ("score_1", "sum_sq_score"):
        yield column, (frame["error"] == "") & empty(frame[column]) & bool(frame[column].notna().any()), "other photos have one"


def rules_of_answers(frame: pd.DataFrame) -> Iterator[Rule]:
    """The rules that hold for each row by itself, be it of a photo or of a face."""
    failed, true, rank = frame["error"] != "", frame["true_label"], frame["true_rank"]
    scored = bool(frame["score_1"].notna().any())
    yield "image", frame["image"] == "", "every row needs its photo"
    for column in (*SCORES, "true_score", "sum_sq_score"):
        yield column, frame[column].notna() & ~frame[column].between(0, 1), "a probability is from 0 to 1"
    yield "true_rank", rank.notna() & ~((rank >= 1) & (rank % 1 == 0)), "ranks are whole and begin at 1"
    yield "logit_norm", ~(empty(frame["logit_norm"]) | (frame["logit_norm"] >= frame["max_logit"].abs() * (1 - 1e-6))), "no norm is less"
    yield "pred_1", ~failed & empty(frame["pred_1"]), "a photo without an error has a prediction"
    for column in COLUMNS[3:-1]:
        yield column, failed & ~empty(frame[column]), "a photo with an error has no prediction"
    for place, (label, score) in enumerate(zip(PREDICTED, SCORES, strict=True)):
        yield score, scored & (empty(frame[score]) != empty(frame[label])), f"it goes with {label}"
        if place:
            better = frame[SCORES[place - 1]]
            yield score, frame[score].notna() & ~(frame[score] <= better), f"it follows {SCORES[place - 1]}, which is no smaller"
        ranked = (frame[label] == true) & (true != "")
        yield "true_rank", ranked != (rank == place + 1), f"{label} and true_label say otherwise"
    yield "true_rank", rank.notna() & (true == ""), "no true_label is given"
    yield "true_score", scored & (frame["true_score"].isna() != rank.isna()), "it goes with true_rank"


_TABLE = Table("predictions", COLUMNS, TEXTS, _rules, PredictionsError, REMEDY, newer=LOGITS)
