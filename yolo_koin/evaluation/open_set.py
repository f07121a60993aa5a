"""Open-set identification: people of the training set are to be named, everybody else is to be called unknown.

A *probe* is a photo that is asked about. Its score is the best one over all people that the model knows, and that alone is held against a
threshold: a probe whose score is above it is *accepted* and gets the first name, any other is *rejected* (ISO/IEC 19795-1:2021, where a
probe may return several candidates; here it is rank 1). Two rates follow, of one threshold:

- TPIR, the true-positive identification rate: the share of known people's probes that are accepted and named rightly. Phillips, Grother
  and Micheals (Handbook of Face Recognition, 2005, ch. 14) call it the detection and identification rate.
- FPIR, the false-positive identification rate: the share of strangers' probes that are accepted.

Folds are models of one recipe that know different people. Scores of two models are never compared: thresholds, and pairs of a known
person and a stranger, are within a fold, and counts are summed over folds. Intervals resample people, known ones and strangers apart,
since photos of one person are alike; the folds stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yolo_koin.evaluation.statistics import NO_INTERVAL, RESAMPLES, Interval, Ratio, draws

RULE_OF_THREE = 3.0
LIMITS = (2.5, 97.5)
ROUNDING = 1e-9  # of a share of n, which has to be a whole number

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Probes:
    """n photos that a model of each fold was asked about.

    Attributes:
        fold: n numbers of folds.
        person: n numbers of people, from 0; one who is in several folds has one number.
        score: n; minus infinity for a photo that could not be read.
        right: n, whether the first name is right; of strangers none is.
    """

    fold: NDArray[np.intp]
    person: NDArray[np.intp]
    score: Floats
    right: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.score)

    @property
    def people(self) -> int:
        """How many people there are."""
        return int(self.person.max(initial=-1)) + 1

    def __getitem__(self, chosen: NDArray[Any]) -> Probes:
        """Some of them; people keep their numbers."""
        return Probes(self.fold[chosen], self.person[chosen], self.score[chosen], self.right[chosen])

    def of(self, fold: int) -> Probes:
        """Those of one fold."""
        return self[self.fold == fold]

    def by_person(self, counted: NDArray[np.bool_]) -> Ratio:
        """The share of probes that count, to be resampled by people."""
        n = self.people
        return Ratio(np.bincount(self.person, counted, n).astype(np.float64), np.bincount(self.person, minlength=n).astype(np.float64))


# ---------------------------------------------------------------------------------------------------------- at a threshold
def smallest_claim(strangers: int) -> float:
    """The smallest FPIR that so many probes of strangers can show: where none of n was accepted, it may still be 3/n, at 95 %.

    The rule of three (Hanley and Lippman-Hand, JAMA 249 (1983) 1743), which takes probes for independent.
    """
    return RULE_OF_THREE / strangers if strangers else np.inf


def threshold_at(strangers: Floats, fpir: float) -> float:
    """The lowest of the strangers' scores above which there is no more than this share of them.

    Args:
        strangers: their scores, one at least.
        fpir: the share, below 1.
    """
    return float(np.sort(strangers)[::-1][int(fpir * len(strangers) + ROUNDING)])


def accepted(probes: Probes, thresholds: Mapping[int, float]) -> NDArray[np.bool_]:
    """Which probes have a score above the threshold of their fold."""
    result: NDArray[np.bool_] = probes.score > np.array([thresholds[fold] for fold in probes.fold.tolist()])
    return result


def with_interval(share: Ratio, resamples: int = RESAMPLES, seed: int = 0) -> tuple[float, Interval]:
    """A share of probes, and its BCa interval over people."""
    value = share.value
    return value, _of_none_or_all(value, share.photos) or share.interval(resamples, seed)


def _of_none_or_all(value: float, people: int) -> Interval | None:
    """The interval of a share that is none or all, which no resample changes: the rule of three, as if all photos of a person were one."""
    reach = min(smallest_claim(people), 1.0)
    return (max(value - reach, 0.0), min(value + reach, 1.0)) if value in {0.0, 1.0} else None


# ------------------------------------------------------------------------------------------------------ over all thresholds
@dataclass(frozen=True)
class Pairs:
    """Pairs of a known person's probe and a stranger's, of one fold, counted by person and stranger.

    Attributes:
        higher: people × strangers: pairs in which the known one's score is the higher; a tie is half a pair.
        right: the same, of those probes whose first name is right.
        all: the same, of all pairs.
    """

    higher: Floats
    right: Floats
    all: Floats

    @classmethod
    def of(cls, known: Probes, strangers: Probes) -> Pairs:
        """Count them."""
        shape = known.people, strangers.people
        higher, right, every = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        for fold in np.unique(strangers.fold).tolist():
            mine, others = known.of(fold), strangers.of(fold)
            times = np.bincount(mine.person, minlength=shape[0])
            for person in np.unique(others.person).tolist():
                scores = np.sort(others.score[others.person == person])
                below = (np.searchsorted(scores, mine.score, "left") + np.searchsorted(scores, mine.score, "right")) / 2
                higher[:, person] += np.bincount(mine.person, below, shape[0])
                right[:, person] += np.bincount(mine.person, below * mine.right, shape[0])
                every[:, person] += times * len(scores)
        return cls(higher, right, every)

    def auroc(self, resamples: int = RESAMPLES, seed: int = 0) -> tuple[float, Interval]:
        """Area under the ROC curve of telling known people from strangers, whoever they are taken for: the share of ``higher``."""
        return self._share(self.higher, resamples, seed)

    def oscr(self, resamples: int = RESAMPLES, seed: int = 0) -> tuple[float, Interval]:
        """Area under the curve of correct classification over false positives (Dhamija, Günther and Boult, NeurIPS 2018): of ``right``.

        The area under a curve that steps up by one known probe and to the right by one stranger is the share of pairs in which the known
        one comes first; here a probe with a wrong name steps nowhere.
        """
        return self._share(self.right, resamples, seed)

    def _share(self, counted: Floats, resamples: int, seed: int) -> tuple[float, Interval]:
        if not self.all.any():
            return float("nan"), NO_INTERVAL
        value, (people, others), found = float(counted.sum() / self.all.sum()), self.all.shape, []
        for known, strangers in _drawn(people, others, resamples, seed):
            named, every = (((known @ pairs) * strangers).sum(axis=1) for pairs in (counted, self.all))
            found.append(named[every > 0] / every[every > 0])  # few people may be drawn so that no two are of one fold
        return value, _of_none_or_all(value, min(people, others)) or _limits(found)


def dir_curve(known: Probes, strangers: Probes, fpirs: Sequence[float] | Floats, resamples: int = RESAMPLES, seed: int = 0) -> pd.DataFrame:
    """TPIR over FPIR, with thresholds that the strangers themselves set: what no choice of a threshold comes above.

    Args:
        known, strangers: probes of the same folds, both with one at least in each.
        fpirs: values of FPIR, from 0 to 1.
        resamples: how many; people are resampled, and thresholds set anew. 0 leaves the limits empty.
        seed: of the resampling.

    Returns:
        A row for each of ``fpirs``, columns ``fpir,tpir,low,high``: percentiles, pointwise.
    """
    levels = np.asarray(fpirs, dtype=np.float64)
    value = tpir_at(known, strangers, levels, np.ones((1, known.people)), np.ones((1, strangers.people)))[0]
    batches = _drawn(known.people, strangers.people, resamples, seed, cells=len(known) + len(strangers))
    found = [tpir_at(known, strangers, levels, *drawn) for drawn in batches]
    low, high = np.nanpercentile(np.concatenate(found), LIMITS, axis=0) if found else np.full((2, len(levels)), np.nan)
    return pd.DataFrame({"fpir": levels, "tpir": value, "low": low, "high": high})


def tpir_at(known: Probes, strangers: Probes, levels: Floats, times_known: Floats, times_strangers: Floats) -> Floats:
    """TPIR at each FPIR, m × levels, of m resamples: how often each known person, m × people, and each stranger was drawn."""
    named, asked = np.zeros((len(times_known), len(levels))), np.zeros((len(times_known), 1))
    for fold in np.unique(known.fold).tolist():
        mine, others = known.of(fold), strangers.of(fold)
        down, up = np.argsort(-others.score, kind="stable"), np.argsort(mine.score, kind="stable")
        taken = times_strangers[:, others.person[down]].cumsum(axis=1)  # strangers up to each, the highest score first
        most = levels * taken[:, -1:] + ROUNDING
        first_out = np.stack([(taken <= most[:, [i]]).sum(axis=1) for i in range(len(levels))], axis=1)
        begin = np.searchsorted(mine.score[up], np.append(others.score[down], -np.inf), "right")  # where probes above it begin
        weights = times_known[:, mine.person[up]]
        above = np.zeros((len(weights), len(mine) + 1))
        above[:, :-1] = (weights * mine.right[up])[:, ::-1].cumsum(axis=1)[:, ::-1]
        named += np.take_along_axis(above, begin[first_out], axis=1)
        asked += weights.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):  # of a resample that drew nobody of whom there are photos
        result: Floats = named / asked
    return result


def _drawn(people: int, strangers: int, resamples: int, seed: int, cells: int = 0) -> Iterator[tuple[Floats, Floats]]:
    """How often each person and each stranger is in each of some resamples, m × people and m × strangers; memory is bounded."""
    both = zip(np.random.default_rng(seed).spawn(2), (people, strangers), strict=True)
    for known, others in zip(*(draws(rng, n, resamples, max(people + strangers, cells)) for rng, n in both), strict=True):
        yield known.T, others.T


def _limits(found: Sequence[Floats]) -> Interval:
    if not found:
        return NO_INTERVAL
    low, high = np.percentile(np.concatenate(found), LIMITS)
    return float(low), float(high)
