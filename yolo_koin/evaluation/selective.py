"""Selective classification: what a model gets right where it may leave out the photos that it is least sure of.

Photos come in the order of confidence, the top-1 score, the surest first. An unreadable photo comes last, and is wrong, so that at full
coverage the risk is 1 - top-1. Photos of one confidence have no order among them: each figure is its mean over all their orders.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yolo_koin.evaluation.predictions import labelled
from yolo_koin.evaluation.statistics import Drawn, Statistic, membership

COVERAGE = 0.8  # of the photos, at which selective accuracy is told


@dataclass(frozen=True)
class _Ranking:
    """Of n labelled photos.

    Attributes:
        level: the place of each one's confidence among the levels, the highest first. A level is one confidence, or several beside each
            other with all answers right or all wrong: their order makes no difference, and fewer levels are faster.
        wrong: whether top-1 is wrong, as 0 or 1.
        rate: the share of wrong ones of each level.
    """

    level: NDArray[np.intp]
    wrong: NDArray[np.float64]
    rate: NDArray[np.float64]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> _Ranking:
        photos = labelled(frame)
        confidence = photos["score_1"].fillna(-1).to_numpy(dtype=np.float64)
        wrong = (photos["true_rank"] != 1).to_numpy().astype(np.float64)
        _, place, times = np.unique(-confidence, return_inverse=True, return_counts=True)
        rate = np.bincount(place, weights=wrong) / times
        begins = np.r_[True, (rate[1:] != rate[:-1]) | _mixed(rate[1:])]
        return cls((begins.cumsum() - 1)[place], wrong, rate[begins])

    def errors(self) -> NDArray[np.float64]:
        """How many of the k surest photos are wrong, for k from 0 to n; along a level the expected number grows evenly."""
        photos, wrong = (np.bincount(self.level, weights, len(self.rate)) for weights in (None, self.wrong))
        found: NDArray[np.float64] = np.interp(np.arange(len(self.level) + 1), np.r_[0, photos.cumsum()], np.r_[0, wrong.cumsum()])
        return found

    def statistic(self) -> Statistic:
        """The means of errors(k) / k over k from 1 to n of m resamples: a wrong photo at place i adds 1 / i + … + 1 / n to the sum."""
        levels = len(self.rate)
        of_level = membership(self.level, levels)
        wrong = membership(self.level, levels, self.wrong) if _mixed(self.rate).any() else None

        def areas(drawn: Drawn) -> NDArray[np.float64]:
            photos = of_level @ drawn
            up_to = np.vstack([np.zeros(photos.shape[1]), photos.cumsum(axis=0)])
            size = round(float(up_to[-1, 0]))
            to_place = np.r_[0, np.cumsum(1 / np.arange(size, 0, -1.0))[::-1].cumsum()]
            rate = self.rate[:, None] if wrong is None else (wrong @ drawn) / np.maximum(photos, 1)
            result: NDArray[np.float64] = (np.diff(to_place[up_to.astype(np.intp)], axis=0) * rate).sum(axis=0) / size
            return result

        return areas


def _mixed(rate: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (rate > 0) & (rate < 1)


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
    return float(aurc_of(frame)(np.ones((len(labelled(frame)), 1)))[0])


def aurc_of(frame: pd.DataFrame) -> Statistic:
    """:func:`aurc` of labelled photos, to be resampled."""
    return _Ranking.of(frame).statistic()


def right_at(frame: pd.DataFrame, coverage: float = COVERAGE) -> tuple[float, int]:
    """Selective accuracy, as a fraction not worked out: how many of the surest photos are right, and how many those are.

    As many as are needed to answer at least this share of all. Which they are, no label decides, so that Wilson's interval holds.
    """
    errors = _Ranking.of(frame).errors()
    kept = math.ceil(round(coverage * (len(errors) - 1), 9))  # 0.07 * 100 is a hair more than 7
    return float(kept - errors[kept]), kept
