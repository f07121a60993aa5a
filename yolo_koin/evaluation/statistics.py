"""Intervals and tests: how far a number measured on these photos may be from the truth, and whether two models differ.

Intervals are two-sided and 95 % unless told otherwise, as ``(low, high)``; NaN means that none can be given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse, special  # scipy.stats takes half a second to load

from yolo_koin.parallel import in_threads

RESAMPLES = 9_999
BATCH_CELLS = 1 << 18  # photos × resamples that are drawn at a time: 2 MB, which a processor's cache holds
LEAST_AT_ONCE = 8  # resamples: beyond that many photos
LARGE = 20_000
NO_INTERVAL = (float("nan"), float("nan"))
NORMAL = NormalDist()

Interval = tuple[float, float]
Drawn = NDArray[np.float64]  # photos × m: how often each photo is in each of m resamples
Statistic = Callable[[Drawn], NDArray[np.float64]]  # to m values


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
    half = t_quantile(0.5 + confidence / 2, len(values) - 1) * standard_error(values)
    return float(values.mean() - half), float(values.mean() + half)


def t_quantile(share: float, freedom: int) -> float:
    """The value that this share of Student's t distribution with so many degrees of freedom is below."""
    return float(special.stdtrit(freedom, share))


def standard_error(values: NDArray[np.float64]) -> float:
    """That of the mean of two values or more."""
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def bootstrap(statistic: Statistic, photos: int, resamples: int = RESAMPLES, seed: int = 0, confidence: float = 0.95) -> Interval:
    """The interval of one statistic; see :func:`bootstraps`."""
    return bootstraps([statistic], photos, resamples, seed, confidence)[0]


def bootstraps(
    statistics: Sequence[Statistic], photos: int, resamples: int = RESAMPLES, seed: int = 0, confidence: float = 0.95
) -> list[Interval]:
    """BCa bootstrap intervals (Efron, J. Am. Stat. Assoc. 82 (1987) 171) of statistics of photos drawn with replacement.

    BCa rather than percentiles, because chance adds to the calibration error of a resample once more: of a calibrated model on 80
    photos with an ECE of 0.125, percentiles give 0.106 to 0.239, BCa 0.074 to 0.145. An interval that would still miss the
    measured value is widened up to it. Beyond :data:`LARGE` photos, where BCa would take photos² steps, percentiles. Memory is
    bounded. All statistics are of the same resamples, since drawing takes longer than most of them.

    Args:
        statistics: each from a photos × m array that says how often each photo is drawn in each of m resamples, to m values, or to
            k × m, then they are k statistics.
        photos: how many photos there are.
        resamples: how many resamples; 9,999 makes the percentiles exact.
        seed: of the resampling.
        confidence: 0.95 for 95 %.

    Returns:
        Low and high of each; NaN where resampling cannot tell: fewer than two photos, or all resamples alike (every answer is right).
    """
    values = _each(statistics, [np.ones((photos, 1))])[:, 0]
    if photos < 2 or resamples < 1:
        return [NO_INTERVAL] * len(values)
    drawn = _each(statistics, draws(np.random.default_rng(seed), photos, resamples))
    left_out = _each(statistics, _leave_one_out(photos)) if photos <= LARGE else [None] * len(values)
    return [_limits(*one, confidence) for one in zip(drawn, values.tolist(), left_out, strict=True)]


def draws(rng: np.random.Generator, photos: int, resamples: int, cells: int = 0) -> Iterator[Drawn]:
    """How often each photo is in each resample: photos × m arrays, of as many resamples at a time as memory allows.

    Args:
        rng: where the draws come from; how many at a time changes none.
        photos: how many there are.
        resamples: of all arrays together.
        cells: how many numbers the caller keeps of one resample, where that is more than photos.
    """
    most = max(LEAST_AT_ONCE, BATCH_CELLS // max(photos, cells))
    for start in range(0, resamples, most):
        m = min(most, resamples - start)
        drawn = np.empty((photos, m))
        for resample in range(m):
            drawn[:, resample] = np.bincount(rng.integers(photos, size=photos), minlength=photos)
        yield drawn


def _leave_one_out(photos: int) -> Iterator[Drawn]:
    """The samples of the jackknife: every photo once, but for one of them."""
    at_once = max(LEAST_AT_ONCE, BATCH_CELLS // photos)
    for start in range(0, photos, at_once):
        left_out = np.arange(start, min(start + at_once, photos))
        drawn = np.ones((photos, len(left_out)))
        drawn[left_out, left_out - start] = 0
        yield drawn


def _each(statistics: Sequence[Statistic], samples: Iterable[Drawn]) -> NDArray[np.float64]:
    """The values of all statistics, a row each, of all samples; the next ones are drawn meanwhile."""

    def of_each(drawn: Drawn) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):  # of a resample in which there is nothing to measure
            return np.vstack([statistic(drawn) for statistic in statistics])

    return np.hstack(list(in_threads(of_each, samples, ahead=1)))


def _limits(drawn: NDArray[np.float64], value: float, left_out: NDArray[np.float64] | None, confidence: float) -> Interval:
    """Of one statistic: its limits by its values in resamples, and in those of the jackknife where there are some."""
    if not np.ptp(drawn) > 0:  # nor is it of NaN
        return NO_INTERVAL
    shares = [0.5 - confidence / 2, 0.5 + confidence / 2]
    if left_out is not None:
        below = float((drawn < value).mean() + (drawn <= value).mean()) / 2
        influence = left_out.mean() - left_out
        spread = float(np.square(influence).sum()) ** 1.5
        if not (0 < below < 1 and spread > 0):
            return NO_INTERVAL
        acceleration, bias = float((influence**3).sum()) / (6 * spread), NORMAL.inv_cdf(below)
        moved = [bias + NORMAL.inv_cdf(share) for share in shares]
        shares = [NORMAL.cdf(bias + z / (1 - acceleration * z)) for z in moved]
    low, high = np.percentile(drawn, [100 * share for share in shares]).tolist()
    return min(low, value), max(high, value)


def membership(group: NDArray[np.intp], groups: int, weight: ArrayLike = 1.0) -> sparse.csr_array:
    """What sums over the photos of each group, as groups × photos: times how often photos are drawn, the sums of resamples."""
    photos = len(group)
    return sparse.coo_array((np.broadcast_to(weight, photos), (group, np.arange(photos))), shape=(groups, photos)).tocsr()


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
        return bootstrap(lambda drawn: (self.part @ drawn) / (self.whole @ drawn), len(self.whole), resamples, seed)


def mcnemar_exact(b: int, c: int) -> float:
    """Two-sided exact p-value that two models err alike, from the photos that only one (b) or only the other (c) gets right.

    McNemar, Psychometrika 12 (1947) 153, with the binomial distribution in place of chi-squared. 1 where they never disagree.
    """
    return min(1.0, 2 * float(special.bdtr(min(b, c), b + c, 0.5)))


def holm(p_values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """P-values corrected for their number, in their order. Holm, Scand. J. Stat. 6 (1979) 65: the step-down method."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)).clip(max=1)
    return corrected


def _z(confidence: float) -> float:
    return NORMAL.inv_cdf(0.5 + confidence / 2)
