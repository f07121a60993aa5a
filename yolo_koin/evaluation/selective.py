"""Selective classification: what a model gets right where it may leave out the photos that it is least sure of.

Photos come in the order of confidence, the top-1 score, the surest first. An unreadable photo comes last, and is wrong, so that at full
coverage the risk is 1 - top-1. Photos of one confidence have no order among them: each figure is its mean over all their orders.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yolo_koin.evaluation.predictions import labelled
from yolo_koin.evaluation.statistics import RESAMPLES, Interval, bootstrap

COVERAGE = 0.8  # of the photos, at which selective accuracy is told


@dataclass(frozen=True)
class _Ranking:
    """Of n labelled photos.

    Attributes:
        level: the place of each one's confidence among the distinct ones, the highest first.
        wrong: whether top-1 is wrong, as 0 or 1.
        levels: how many distinct confidences there are.
    """

    level: NDArray[np.intp]
    wrong: NDArray[np.float64]
    levels: int

    @classmethod
    def of(cls, frame: pd.DataFrame) -> _Ranking:
        photos = labelled(frame)
        confidence = photos["score_1"].fillna(-1).to_numpy(dtype=np.float64)
        distinct, level = np.unique(-confidence, return_inverse=True)
        return cls(level, (photos["true_rank"] != 1).to_numpy().astype(np.float64), len(distinct))

    def answered(self, numbers: NDArray[np.intp]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Photos at each level, and wrong ones, both m × levels, of m resamples: an m × n array of photo numbers."""
        m = len(numbers)
        apart = (self.level[numbers] + self.levels * np.arange(m)[:, None]).ravel()
        photos = np.bincount(apart, minlength=self.levels * m)
        wrong = np.bincount(apart, weights=self.wrong[numbers].ravel(), minlength=self.levels * m)
        return photos.reshape(m, -1), wrong.reshape(m, -1)

    def errors(self) -> NDArray[np.float64]:
        """How many of the k surest photos are wrong, for k from 0 to n."""
        photos, wrong = (np.r_[0, counts[0].cumsum()] for counts in self.answered(np.arange(len(self.level))[None, :]))
        # Along a level the expected number grows evenly.
        found: NDArray[np.float64] = np.interp(np.arange(len(self.level) + 1), photos, wrong)
        return found

    def aurc(self, numbers: NDArray[np.intp]) -> NDArray[np.float64]:
        """The mean over k of errors(k) / k, of m resamples, level by level: Σ (e + (k - c) r) / k with e wrong of c photos before it."""
        photos, wrong = self.answered(numbers)
        before, wrong_before = photos.cumsum(axis=1) - photos, wrong.cumsum(axis=1) - wrong
        rate = wrong / np.maximum(photos, 1)
        harmonic = np.r_[0, np.cumsum(1 / np.arange(1, numbers.shape[1] + 1))]
        areas = wrong + (wrong_before - before * rate) * (harmonic[before + photos] - harmonic[before])
        means: NDArray[np.float64] = areas.sum(axis=1) / numbers.shape[1]
        return means


def risk_coverage(frame: pd.DataFrame) -> pd.DataFrame:
    """The risk–coverage curve: columns ``coverage,risk``, a row for each number of photos answered, from 1 to all.

    Risk is the share of wrong answers among the ``coverage`` of photos that the model is surest of.
    El-Yaniv and Wiener, JMLR 11 (2010) 1605.
    """
    errors = _Ranking.of(frame).errors()[1:]
    k = np.arange(1, len(errors) + 1)
    return pd.DataFrame({"coverage": k / len(errors), "risk": errors / k})


def aurc(frame: pd.DataFrame) -> float:
    """Area under the risk–coverage curve: its mean risk, 0 at best (Geifman, Uziel and El-Yaniv, ICLR 2019, section 2)."""
    ranking = _Ranking.of(frame)
    return float(ranking.aurc(np.arange(len(ranking.level))[None, :])[0])


def aurc_interval(frame: pd.DataFrame, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """BCa bootstrap interval of :func:`aurc`."""
    ranking = _Ranking.of(frame)
    return bootstrap(ranking.aurc, len(ranking.level), resamples, seed)


def right_at(frame: pd.DataFrame, coverage: float = COVERAGE) -> tuple[float, int]:
    """Selective accuracy, as a fraction not worked out: how many of the surest photos are right, and how many those are.

    As many as are needed to answer at least this share of all. Which they are, no label decides, so that Wilson's interval holds.
    """
    errors = _Ranking.of(frame).errors()
    kept = math.ceil(round(coverage * (len(errors) - 1), 9))  # 0.07 * 100 is a hair more than 7
    return float(kept - errors[kept]), kept
