from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from yolo_koin.evaluation import statistics


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.8, 0.95, 0.999]))
def test_wilson_is_scipys(counts: tuple[int, int], confidence: float) -> None:
    s, n = counts
    expected = stats.binomtest(s, n).proportion_ci(confidence, method="wilson")
    assert np.allclose(statistics.wilson(s, n, confidence), expected, atol=1e-12)
    low, high = statistics.wilson(s, n, confidence)
    assert 0 <= low <= s / n <= high <= 1


def test_wilson_by_hand_and_of_arrays() -> None:
    low, high = statistics.wilson([78, 0, 40, 0], [80, 40, 40, 0])
    assert np.round(low, 4).tolist() == [0.9134, 0, 0.9124, 0]
    assert np.round(high, 4).tolist() == [0.9931, 0.0876, 1, 1]  # nothing is known of 0 photos
    with pytest.raises(ValueError, match="from 0 to n"):
        statistics.wilson(3, 2)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        pytest.param((56, 70, 48, 80), (0.0524, 0.3339), id="a: plain"),
        pytest.param((9, 10, 3, 10), (0.1705, 0.8090), id="b: few"),
        pytest.param((6, 7, 2, 7), (0.0582, 0.8062), id="c: fewer"),
        pytest.param((5, 56, 0, 29), (-0.0381, 0.1926), id="d: one is 0"),
        pytest.param((0, 10, 0, 20), (-0.1611, 0.2775), id="e: both are 0"),
        pytest.param((0, 10, 0, 10), (-0.2775, 0.2775), id="f: both are 0, of as many"),
        pytest.param((10, 10, 0, 20), (0.6791, 1.0), id="g: all against none"),
        pytest.param((10, 10, 0, 10), (0.6075, 1.0), id="h: all against none, of as many"),
    ],
)
def test_newcombe_gives_the_published_intervals(counts: tuple[int, int, int, int], expected: tuple[float, float]) -> None:
    # Newcombe, Stat. Med. 17 (1998) 873, table II, method 10.
    assert np.round(statistics.newcombe(*counts), 4).tolist() == list(expected)
    s1, n1, s2, n2 = counts
    assert np.allclose(statistics.newcombe(s2, n2, s1, n1), (-expected[1], -expected[0]), atol=5e-5)  # turned round


def test_newcombe_needs_photos() -> None:
    with pytest.raises(ValueError, match="need a photo"):
        statistics.newcombe(0, 0, 1, 2)


def test_mcnemar_by_hand() -> None:
    assert statistics.mcnemar_exact(10, 2) == pytest.approx(2 * (1 + 12 + 66) / 2**12)
    assert statistics.mcnemar_exact(2, 10) == statistics.mcnemar_exact(10, 2)
    assert statistics.mcnemar_exact(4, 4) == 1
    assert statistics.mcnemar_exact(0, 0) == 1


def test_holm_by_hand() -> None:
    # Sorted .005 .01 .03 .04 times 4 3 2 1 is .02 .03 .06 .04, and none may be smaller than the one before.
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([0.9, 0.8]).tolist() == [1, 1]
    assert statistics.holm([]).tolist() == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_rejects_what_its_definition_rejects(p: list[float]) -> None:
    level, rejected = 0.05, set[int]()
    for step, i in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        if p[i] * (len(p) - step) > level:
            break
        rejected.add(i)
    assert set(np.flatnonzero(statistics.holm(p) <= level)) == rejected


def test_mean_interval_by_hand() -> None:
    # Mean 3, standard error sqrt(2.5 / 5), t(4, 0.975) = 2.7764451
    assert statistics.mean_interval(np.arange(1.0, 6.0)) == pytest.approx((3 - 2.7764451 * 0.5**0.5, 3 + 2.7764451 * 0.5**0.5))
    assert np.isnan(statistics.mean_interval(np.array([1.0]))).all()
    assert np.isnan(statistics.mean_interval(np.ones(9))).all()


VALUES = np.random.default_rng(1).exponential(size=60)  # skewed, so that BCa differs from percentiles


def mean(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    assert drawn.size <= statistics.BATCH_CELLS  # memory is bounded
    means: NDArray[np.float64] = VALUES @ drawn / drawn.sum(axis=0)
    return means


def median(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """The upper median: one that jumps, and has ties."""
    order = np.argsort(VALUES)
    up_to = drawn[order].cumsum(axis=0)
    medians: NDArray[np.float64] = VALUES[order][(up_to <= up_to[-1] // 2).sum(axis=0)]
    return medians


def plain_median(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    middle: NDArray[np.float64] = np.sort(values, axis)[..., values.shape[axis] // 2]
    return middle


@pytest.mark.parametrize(
    ("ours", "plain"), [(mean, np.mean), (median, lambda values, axis: np.sort(values, axis)[..., values.shape[axis] // 2])]
)
def test_bootstrap_is_scipys_to_the_last_digits(ours: statistics.Statistic, plain: Callable[..., NDArray[np.float64]]) -> None:
    expected = stats.bootstrap((VALUES,), plain, n_resamples=9999, rng=np.random.default_rng(3)).confidence_interval
    assert statistics.bootstrap(ours, 60, 9999, seed=3) == pytest.approx(tuple(expected), rel=1e-12)
    assert statistics.bootstrap(ours, 60, 500, seed=3) != statistics.bootstrap(ours, 60, 500, seed=4)


def test_statistics_of_the_same_resamples_have_the_intervals_that_each_has_alone() -> None:
    def both(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack([mean(drawn), median(drawn)])

    alone = [statistics.bootstrap(one, 60, 500) for one in (mean, median)]
    assert statistics.bootstraps([both, mean], 60, 500) == [*alone, alone[0]]


@pytest.mark.parametrize(("photos", "resamples"), [(1, 99), (0, 99), (20, 0), (20, 99)], ids=["one", "none", "not asked", "alike"])
def test_bootstrap_gives_no_interval_where_it_knows_none(photos: int, resamples: int) -> None:
    def constant(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.ones(drawn.shape[1])

    assert np.isnan(statistics.bootstrap(constant, photos, resamples)).all()


def test_bootstrap_of_very_many_photos_takes_percentiles(monkeypatch: pytest.MonkeyPatch) -> None:
    bca = statistics.bootstrap(mean, 60, 999)
    monkeypatch.setattr(statistics, "LARGE", 59)
    expected = stats.bootstrap((VALUES,), np.mean, n_resamples=999, rng=np.random.default_rng(0), method="percentile")
    assert statistics.bootstrap(mean, 60, 999) == pytest.approx(tuple(expected.confidence_interval), rel=1e-12)
    assert statistics.bootstrap(mean, 60, 999) != bca


def test_how_many_resamples_are_drawn_at_a_time_changes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = np.hstack(list(statistics.draws(np.random.default_rng(0), 30, 100)))
    monkeypatch.setattr(statistics, "BATCH_CELLS", 1)
    parts = list(statistics.draws(np.random.default_rng(0), 30, 100))
    assert len(parts) > 1
    assert np.array_equal(np.hstack(parts), at_once)
    assert (at_once.sum(axis=0) == 30).all()


def test_a_ratio_resamples_photos_not_things() -> None:
    rng = np.random.default_rng(0)
    whole = np.repeat([1.0, 30.0], 40)
    part = np.where(rng.random(80) < 0.5, whole, 0)  # of a photo all things or none
    ratio = statistics.Ratio(part, whole)
    assert ratio.value == part.sum() / whole.sum()
    expected = stats.bootstrap((part, whole), lambda a, b, axis: a.sum(axis) / b.sum(axis), paired=True, rng=np.random.default_rng(0))
    assert ratio.interval() == pytest.approx(tuple(expected.confidence_interval), abs=0.01)
    low, high = statistics.wilson(part.sum(), whole.sum())
    assert ratio.interval()[1] - ratio.interval()[0] > 3 * (high - low)  # the things would know too much


def test_a_ratio_of_nothing_or_almost_nothing() -> None:
    nothing = statistics.Ratio(np.zeros(9), np.zeros(9))
    assert np.isnan([nothing.value, *nothing.interval(99)]).all()
    assert nothing.photos == 0
    rare = statistics.Ratio(np.eye(9)[0], np.eye(9)[0])  # a third of the resamples have none
    assert (rare.value, rare.photos) == (1, 1)
    assert np.isnan(rare.interval(99)).all()


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_the_interval_of_a_ratio_covers(share: float) -> None:
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        whole = rng.integers(0, 5, 60)
        low, high = statistics.Ratio(rng.binomial(whole, share).astype(np.float64), whole.astype(np.float64)).interval(399)
        covered += low <= share <= high
    assert 0.9 <= covered / 200 <= 0.99
