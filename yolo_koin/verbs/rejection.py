"""Answering ``unknown``: which score rejects a photo, at which threshold, and what is then answered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from yolo_koin.errors import RunError, UsageError
from yolo_koin.evaluation import strangers
from yolo_koin.evaluation.open_set import smallest_claim
from yolo_koin.evaluation.predictions import PREDICTED
from yolo_koin.evaluation.predictions import SCORES as PROBABILITIES
from yolo_koin.files import sha256
from yolo_koin.runs import ScoredRun
from yolo_koin.specs import Answers
from yolo_koin.verbs.resolve import name_of
from yolo_koin.words import count
from yolo_koin.workspace import Workspace, training_of

UNKNOWN = "unknown"
ANSWER = "answer"  # the column of predictions.csv


@dataclass(frozen=True)
class Rejection:
    """What is answered with :data:`UNKNOWN`: whatever has a score that is not above a threshold.

    Attributes:
        score: one of :data:`yolo_koin.evaluation.strangers.SCORES`.
        threshold: of that score.
        source: where the threshold comes from, for people.
    """

    score: str
    threshold: float
    source: str

    def answered(self, frame: pd.DataFrame, scale: float, classes: int) -> pd.DataFrame:
        """Predictions with a column of answers: the first name, or ``unknown``; empty where a photo could not be read.

        Args:
            frame: predictions of one model.
            scale: of its logits (:func:`yolo_koin.models.protocol.scale_of`).
            classes: how many people it knows.
        """
        below = ~(strangers.SCORES[self.score](frame.assign(scale=scale, classes=classes)) > self.threshold) & (frame["error"] == "")
        return frame.assign(**{ANSWER: frame["pred_1"].mask(below, UNKNOWN)})

    def note(self, frame: pd.DataFrame) -> str:
        """How many are called unknown, by what."""
        many = f"{int((frame[ANSWER] == UNKNOWN).sum()):,} of {count(int((frame['error'] == '').sum()), 'answer')}"
        return f"{many} unknown: a {strangers.CALLED[self.score]} of {self.threshold:.6g} or less, {self.source}"


def as_shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Answered predictions as they are drawn and counted: ``unknown`` is the one name of what was rejected, without a probability.

    It is the right one of somebody whom the model never learnt.
    """
    if ANSWER not in frame:
        return frame
    rejected = frame[ANSWER] == UNKNOWN
    names = {column: frame[column].mask(rejected, "") for column in PREDICTED} | {"pred_1": frame[ANSWER]}
    numbers = {column: frame[column].mask(rejected) for column in PROBABILITIES}
    strange = rejected & (frame["true_label"] != "") & frame["true_rank"].isna()
    rank = pd.Series(np.where(rejected, np.where(strange, 1.0, np.nan), frame["true_rank"]), index=frame.index)
    return frame.assign(**names, **numbers, true_rank=rank, true_label=frame["true_label"].mask(strange, UNKNOWN))


def resolved(spec: Answers, weights: Path, workspace: Workspace) -> Rejection | None:
    """What a spec asks to reject; None where nothing is to be.

    A share of strangers' photos (an FPIR) becomes the median of the thresholds that the folds of the newest open-set run of these weights
    have for it.

    Raises:
        RunError: there is no such run.
        UsageError: it has too few photos of strangers for that share, or the weights are a detector's.
    """
    if spec.reject is None:
        return None
    if (training := training_of(weights)) and training.spec.task == "detect":
        raise UsageError("a detector rejects nobody", f"reject={spec.reject}", "Drop it, or take a classifier's weights.")
    digest = sha256(weights)
    runs = [
        run
        for run in workspace.all_runs(ScoredRun.KIND)
        if isinstance(run, ScoredRun) and run.score and run.status == "finished" and run.weights_sha256 == digest
    ]
    if not runs:
        remedy = f"Run yolo_koin evaluate --strangers 0.2 --weights {name_of(weights)} first."
        raise RunError("how this model tells strangers was not measured yet", weights, remedy)
    run = max(runs, key=lambda one: one.updated)
    value, is_fpir = spec.rejection
    if not is_fpir:
        return Rejection(run.score, value, "as asked")
    frame = strangers.read(run.folder / "predictions.csv")
    if value < (least := smallest_claim(n := strangers.photos_of_strangers(frame))):
        what = f"by {count(n, 'photo')} of strangers no FPIR below {100 * least:.2g} % can be claimed"
        raise UsageError(what, f"reject={spec.reject}", "Say a larger one.")
    of_folds = strangers.thresholds(frame, run.score, value)
    source = f"the median of {count(len(of_folds), 'fold')} of {run.name} at an FPIR of {100 * value:g} %"
    return Rejection(run.score, median(of_folds.values()), source)
