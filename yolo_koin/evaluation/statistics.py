"""Intervals and tests: how far a number measured on these photos may be from the truth, and whether two models differ.

Intervals are two-sided and 95 % unless told otherwise, as ``(low, high)``; NaN means that none can be given.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 9_999
BATCH_CELLS = 1 << 18  # photos × resamples that are drawn at a time: 2 MB of indices, which a processor's cache holds
LARGE = 20_000
NO_INTERVAL = (float("nan"), float("nan"))

Interval = tuple[float, float]
Statistic = Callable[[NDArray[np.intp]], NDArray[np.float64]]  # m × n photo numbers, a resample a row → m values


def wilson(successes: ArrayLike, n: ArrayLike, confidence: float = 0.95) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wilson's score interval of a proportion, for numbers or arrays of one shape. Nothing is known of n = 0: 0 to 1.

    Wilson, J. Am. Stat. Assoc. 22 (1927) 209. Without a continuity correction.
    """
    s, count = np.asarray(successes, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if np.any((s < 0) | (s > count)):
        raise ValueError("successes have to be from 0 to n")
    z2 = _z(confidence) ** 2
    centre = (s + z2 / 2) / (count + z2)
    half = np.sqrt(z2) / (count + z2) * np.sqrt(s * (count - s) / np.maximum(count, 1) + z2 / 4)
    # Rounding would else give 1e-17 for 0, and 1 - 1e-16 for 1.
    return np.where(s == 0, 0.0, centre - half), np.where(s == count, 1.0, centre + half)


def newcombe(s1: int, n1: int, s2: int, n2: int, confidence: float = 0.95) -> Interval:
    """Interval of the difference s1/n1 - s2/n2 of two independent proportions: the hybrid score method.

    Method 10 of Newcombe, Stat. Med. 17 (1998) 873: the distances to Wilson's limits, added in squares.

    Raises:
        ValueError: n1 or n2 is 0.
    """
    if n1 < 1 or n2 < 1:
        raise ValueError("both proportions need a photo")
    p1, p2 = s1 / n1, s2 / n2
    low, high = wilson([s1, s2], [n1, n2], confidence)
    below = np.hypot(p1 - low[0], high[1] - p2)
    above = np.hypot(high[0] - p1, p2 - low[1])
    return float(p1 - p2 - below), float(p1 - p2 + above)


def mean_interval(values: NDArray[np.float64], confidence: float = 0.95) -> Interval:
    """Student's t interval of a mean; none for fewer than two values or values that are all the same."""
    if len(values) < 2 or np.ptp(values) == 0:
        return NO_INTERVAL
    from scipy import stats

    low, high = stats.t.interval(confidence, len(values) - 1, loc=values.mean(), scale=stats.sem(values))
    return float(low), float(high)


def bootstrap(statistic: Statistic, photos: int, resamples: int = RESAMPLES, seed: int = 0, confidence: float = 0.95) -> Interval:
    """BCa bootstrap interval (Efron, J. Am. Stat. Assoc. 82 (1987) 171) of a statistic of photos drawn with replacement.

    BCa rather than percentiles, because chance adds to the calibration error of a resample once more: of a calibrated model on 80
    photos with an ECE of 0.125, percentiles give 0.106 to 0.239, BCa 0.074 to 0.145. An interval that would still miss the
    measured value is widened up to it. Beyond :data:`LARGE` photos, where BCa would take photos² steps, percentiles. Memory is
    bounded.

    Args:
        statistic: from an m × n array of photo numbers, each row one resample, to m values. It has to accept any m and n.
        photos: how many photos there are, numbered from 0.
        resamples: how many resamples; 9,999 makes the percentiles exact.
        seed: of the resampling.
        confidence: 0.95 for 95 %.

    Returns:
        Low and high; NaN where resampling cannot tell: fewer than two photos, or all resamples alike (every answer is right).
    """
    if photos < 2 or resamples < 1:
        return NO_INTERVAL
    with np.errstate(all="ignore"):
        low, high = (_percentiles if photos > LARGE else _bca)(statistic, photos, resamples, seed, confidence)
    if not np.isfinite([low, high]).all():
        return NO_INTERVAL
    value = statistic(np.arange(photos)[None, :])[0]
    return float(min(low, value)), float(max(high, value))


def batches(resamples: int, photos: int) -> Iterator[int]:
    """How many resamples to draw at a time, so that memory is bounded."""
    most = max(1, BATCH_CELLS // photos)
    return (min(most, resamples - start) for start in range(0, resamples, most))


def _percentiles(statistic: Statistic, photos: int, resamples: int, seed: int, confidence: float) -> Interval:
    """Scipy's percentiles would draw and copy twice as long."""
    rng = np.random.default_rng(seed)
    values = np.concatenate([statistic(rng.integers(photos, size=(m, photos))) for m in batches(resamples, photos)])
    low, high = np.percentile(values, [50 - 50 * confidence, 50 + 50 * confidence])
    return (float(low), float(high)) if high > low else NO_INTERVAL


def _bca(statistic: Statistic, photos: int, resamples: int, seed: int, confidence: float) -> Interval:
    from scipy import stats  # here, since it takes half a second to load, and most commands compute no bootstrap

    def along_last_axis(numbers: NDArray[np.intp], axis: int = -1) -> NDArray[np.float64]:
        assert axis == -1
        return statistic(numbers.reshape(-1, numbers.shape[-1])).reshape(numbers.shape[:-1])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where all resamples are alike, which the NaN tells
        interval = stats.bootstrap(
            (np.arange(photos),),
            along_last_axis,
            n_resamples=resamples,
            batch=max(1, BATCH_CELLS // photos),
            confidence_level=confidence,
            vectorized=True,
            axis=-1,
            method="BCa",
            rng=np.random.default_rng(seed),
        ).confidence_interval
    return float(interval.low), float(interval.high)


def times_drawn(numbers: NDArray[np.intp], photos: int) -> NDArray[np.float64]:
    """How often each of the photos is in each resample: photos × m, for an m × n array of photo numbers."""
    m = len(numbers)
    counts = np.bincount((numbers * m + np.arange(m)[:, None]).ravel(), minlength=photos * m)
    return counts.reshape(photos, m).astype(np.float64)


@dataclass(frozen=True)
class Ratio:
    """A share of things that photos hold any number of: the photos differ, so they, not the things, are resampled.

    Attributes:
        part: how many of the things count, by photo.
        whole: how many things there are, by photo.
    """

    part: NDArray[np.float64]
    whole: NDArray[np.float64]

    @property
    def value(self) -> float:
        """The share; NaN where there is nothing."""
        return float(self.part.sum() / self.whole.sum()) if self.whole.any() else float("nan")

    @property
    def photos(self) -> int:
        """How many photos hold something."""
        return int(np.count_nonzero(self.whole))

    def interval(self, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
        """BCa bootstrap interval over photos; none where a resample may well hold nothing."""
        return bootstrap(lambda numbers: self.part[numbers].sum(axis=1) / self.whole[numbers].sum(axis=1), len(self.whole), resamples, seed)


def mcnemar_exact(b: int, c: int) -> float:
    """Two-sided exact p-value that two models err alike, from the photos that only one (b) or only the other (c) gets right.

    McNemar, Psychometrika 12 (1947) 153, with the binomial distribution in place of chi-squared. 1 where they never disagree.
    """
    from scipy import stats

    return float(stats.binomtest(b, b + c, 0.5).pvalue) if b + c else 1.0


def holm(p_values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """P-values corrected for their number, in their order. Holm, Scand. J. Stat. 6 (1979) 65: the step-down method."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)).clip(max=1)
    return corrected


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)
