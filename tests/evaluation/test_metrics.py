from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
from numpy.typing import NDArray
from scipy import stats

from tests.evaluation.resampling import times_drawn
from yolo_koin.evaluation import metrics, predictions
from yolo_koin.evaluation.predictions import PredictionsError
from yolo_koin.evaluation.statistics import bootstrap, bootstraps

Make = Callable[..., pd.DataFrame]
NAMES = ["a", "b", "c", "d"]

CASES = [
    pytest.param({}, id="plain"),
    pytest.param({"photos": 20, "classes": 30}, id="classes that are only predicted"),
    pytest.param({"unknown": 30, "errors": 17, "unlabelled": 9}, id="strangers, unreadable and unlabelled photos"),
    pytest.param({"skill": 20.0}, id="all right"),
    pytest.param({"photos": 1}, id="one photo"),
]


@pytest.fixture
def by_hand() -> pd.DataFrame:
    """Labelled: a right, a as b, a right by a tie, c as a (rank 2), a stranger as d, an unreadable b. And one without a label."""
    p = np.array(
        [
            [0.70, 0.10, 0.10, 0.10],
            [0.30, 0.40, 0.20, 0.10],
            [0.25, 0.25, 0.25, 0.25],  # a tie, which the first class wins
            [0.50, 0.10, 0.30, 0.10],
            [0.10, 0.10, 0.20, 0.60],
            [0.90, 0.10, 0.00, 0.00],
        ]
    )
    labels = ["a", "a", "a", "c", "stranger", None]
    seen = predictions.rows("hard_cases/test", [f"{i}.jpg" for i in range(6)], labels, p, NAMES)
    lost = predictions.error_rows("hard_cases/test", ["6.jpg"], ["b"], ["truncated"])
    return pd.concat([seen, lost], ignore_index=True)


def test_accuracy_by_hand(by_hand: pd.DataFrame) -> None:
    assert metrics.hits(by_hand).tolist() == [True, False, True, False, False, False]
    assert metrics.top_k(by_hand) == 2 / 6
    assert metrics.top_k(by_hand, 2) == 4 / 6
    assert metrics.top_k(by_hand, 4) == 4 / 6  # a stranger and an unreadable photo stay wrong at any k


def test_averages_over_classes_by_hand(by_hand: pd.DataFrame) -> None:
    # True classes a (2 of 3), b (0 of 1, unreadable), c (0 of 1), stranger (0 of 1); taken for a: 3, for b: 1.
    assert metrics.macro_recall(by_hand) == pytest.approx((2 / 3) / 4)
    assert metrics.macro_f1(by_hand) == pytest.approx((2 * 2 / (3 + 3)) / 4)


def test_per_class_by_hand(by_hand: pd.DataFrame) -> None:
    table = metrics.per_class(by_hand)
    assert table.columns.tolist() == ["label", "n", "correct", "recall", "low", "high"]
    expected = [["a", 3, 2], ["b", 1, 0], ["c", 1, 0], ["stranger", 1, 0]]
    assert table[["label", "n", "correct"]].to_numpy().tolist() == expected
    assert table["recall"].tolist() == [2 / 3, 0, 0, 0]
    assert table[["low", "high"]].iloc[0].tolist() == pytest.approx([0.20766, 0.93851], abs=1e-5)


def test_confused_pairs_by_hand(by_hand: pd.DataFrame) -> None:
    pairs = metrics.confused_pairs(by_hand)
    assert pairs.columns.tolist() == ["true", "predicted", "count", "share"]
    # Once each: c and stranger all their photos, a one of three. The unreadable photo is confused with nobody.
    assert pairs.to_numpy().tolist() == [["c", "a", 1, 1.0], ["stranger", "d", 1, 1.0], ["a", "b", 1, 1 / 3]]
    assert len(metrics.confused_pairs(by_hand, top=2)) == 2


def test_probability_scores_by_hand(by_hand: pd.DataFrame) -> None:
    assert metrics.nlls(by_hand) == pytest.approx(-np.log([0.7, 0.3, 0.25, 0.3]))  # strangers have none
    squares = [0.3**2 + 3 * 0.1**2, 0.7**2 + 0.4**2 + 0.2**2 + 0.1**2, 0.75**2 + 3 * 0.25**2, 0.5**2 + 0.1**2 + 0.7**2 + 0.1**2]
    stranger = 1 + 0.1**2 + 0.1**2 + 0.2**2 + 0.6**2
    assert metrics.briers(by_hand) == pytest.approx([*squares, stranger])
    assert metrics.brier(by_hand) == pytest.approx(np.mean([*squares, stranger]))
    # Each confidence (.7 .4 .25 .5 .6) is in a bin of its own among 15, so the errors do not cancel.
    assert metrics.ece(by_hand) == pytest.approx((0.3 + 0.4 + 0.75 + 0.5 + 0.6) / 5)
    # In two bins: up to .5 there are .4 .25 .5 with one right; above .7 .6 with one right.
    assert metrics.ece(by_hand, bins=2) == pytest.approx((abs(1.15 - 1) + abs(1.3 - 1)) / 5)


def test_reliability_by_hand(by_hand: pd.DataFrame) -> None:
    table = metrics.reliability(by_hand, bins=2)
    assert table.columns.tolist() == ["low", "high", "n", "confidence", "accuracy", "accuracy_low", "accuracy_high"]
    assert table.iloc[:, :5].to_numpy() == pytest.approx(np.array([[0, 0.5, 3, 1.15 / 3, 1 / 3], [0.5, 1, 2, 0.65, 0.5]]))
    limits = [stats.binomtest(right, n).proportion_ci(method="wilson") for right, n in ((1, 3), (1, 2))]
    assert table.iloc[:, 5:].to_numpy() == pytest.approx(np.array(limits))
    assert metrics.reliability(by_hand)["n"].sum() == 5


@pytest.mark.parametrize("case", CASES)
def test_accuracy_and_averages_are_scikit_learns(make_split: Make, case: dict[str, int]) -> None:
    frame = make_split(**case)
    photos = frame[frame["true_label"] != ""]
    true, predicted, classes = photos["true_label"], photos["pred_1"], sorted(set(photos["true_label"]))
    over_classes = {"labels": classes, "average": "macro", "zero_division": 0}
    assert metrics.top_k(frame) == pytest.approx(sklearn.metrics.accuracy_score(true, predicted))
    assert metrics.macro_recall(frame) == pytest.approx(sklearn.metrics.recall_score(true, predicted, **over_classes))
    assert metrics.macro_f1(frame) == pytest.approx(sklearn.metrics.f1_score(true, predicted, **over_classes))
    recalls = sklearn.metrics.recall_score(true, predicted, labels=classes, average=None, zero_division=0)
    assert metrics.per_class(frame)["recall"].to_numpy() == pytest.approx(recalls)


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_quantiles_of_classes_are_numpys_of_scikit_learns_recalls(make_split: Make, share: float) -> None:
    frame = make_split(photos=300, classes=7, skill=1.0)
    true = frame["true_label"].to_numpy()
    recalls = sklearn.metrics.recall_score(true, frame["pred_1"], average=None)
    assert metrics.recall_quantile(frame, share) == pytest.approx(np.percentile(recalls, 100 * share))
    each = 0.95 ** (1 / 7)
    limits = [
        stats.binomtest(int(frame.loc[true == label, "true_rank"].eq(1).sum()), int((true == label).sum())).proportion_ci(each, "wilson")
        for label in sorted(set(true))
    ]
    expected = tuple(np.percentile(np.array(limits), 100 * share, axis=0))
    assert metrics.recall_quantile_interval(frame, share) == pytest.approx(expected)


def test_the_interval_of_the_worst_class_covers() -> None:
    """Ten classes that are all right in 70 % of cases: the worst one seen is far below, the worst one there is is not."""
    covered, below = 0, 0
    for seed in range(200):
        right = np.random.default_rng(seed).random(200) < 0.7
        labels = [f"{i % 10}" for i in range(200)]
        said = ["x" if not one else label for one, label in zip(right, labels, strict=True)]
        frame = predictions.top1_rows([""] * 200, [str(i) for i in range(200)], labels, said)
        low, high = metrics.recall_quantile_interval(frame, 0)
        covered += low <= 0.7 <= high
        below += metrics.recall_quantile(frame, 0) < 0.6
    assert 0.92 <= covered / 200 <= 0.99
    assert below > 100


@pytest.mark.parametrize("k", [1, 3, 5])
def test_probability_scores_and_top_k_are_scikit_learns(k: int) -> None:
    rng = np.random.default_rng(k)
    names, true = [f"{i:02d}" for i in range(20)], np.arange(300) % 20
    p = rng.dirichlet(np.full(20, 0.2), 300)
    frame = predictions.rows("", [str(i) for i in range(300)], [names[i] for i in true], p, names)
    assert metrics.top_k(frame, k) == sklearn.metrics.top_k_accuracy_score(true, p, k=k)
    assert metrics.brier(frame) == pytest.approx(((p - np.eye(20)[true]) ** 2).sum(axis=1).mean(), abs=1e-8)
    floored = p.clip(min=1e-12)
    assert metrics.nll(frame) == pytest.approx(-np.log(floored[np.arange(300), true]).mean(), abs=1e-8)
    mild = 0.9 * p + 0.1 / 20  # nothing near 0, where scikit-learn and we cut differently
    frame = predictions.rows("", [str(i) for i in range(300)], [names[i] for i in true], mild, names)
    assert metrics.nll(frame) == pytest.approx(sklearn.metrics.log_loss(true, mild, labels=np.arange(20)), abs=1e-8)


def test_a_probability_of_0_costs_no_infinity() -> None:
    frame = predictions.rows("", ["1"], ["b"], np.array([[1.0, 0.0]]), ["a", "b"])
    assert metrics.nll(frame) == pytest.approx(-np.log(1e-12))
    assert metrics.brier(frame) == 2


def test_two_classes_brier_is_twice_scikit_learns() -> None:
    p = np.random.default_rng(0).uniform(size=50)
    true = np.arange(50) % 2
    frame = predictions.rows("", [str(i) for i in range(50)], ["ab"[i] for i in true], np.column_stack([1 - p, p]), ["a", "b"])
    assert metrics.brier(frame) == pytest.approx(2 * sklearn.metrics.brier_score_loss(true, p))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("bins", [1, 15])
def test_ece_is_its_definition(make_split: Make, case: dict[str, int], bins: int) -> None:
    frame = make_split(**case)
    seen = frame[(frame["true_label"] != "") & (frame["error"] == "")]
    expected = 0.0
    for i in range(bins):
        inside = seen[(seen["score_1"] > i / bins) & (seen["score_1"] <= (i + 1) / bins)]
        if len(inside):
            accuracy = (inside["pred_1"] == inside["true_label"]).mean()
            expected += len(inside) / len(seen) * abs(accuracy - inside["score_1"].mean())
    assert metrics.ece(frame, bins) == pytest.approx(expected)
    table = metrics.reliability(frame, bins)
    assert (table["n"] * (table["accuracy"] - table["confidence"]).abs()).sum() / table["n"].sum() == pytest.approx(expected)


# ------------------------------------------------------------------------------------------------------------ resampling
def resampled(frame: pd.DataFrame, numbers: NDArray[np.intp]) -> pd.DataFrame:
    again = frame.iloc[numbers].reset_index(drop=True)
    return again.assign(image=[str(i) for i in range(len(again))])


@pytest.mark.parametrize("case", CASES[1:3])
def test_the_fast_statistics_of_resamples_are_the_metrics_of_the_resampled_tables(make_split: Make, case: dict[str, int]) -> None:
    frame = make_split(**case)
    photos = predictions.labelled(frame)
    numbers = np.random.default_rng(5).integers(0, len(photos), (8, len(photos) - 3))
    tables, drawn = [resampled(photos, row) for row in numbers], times_drawn(numbers, len(photos))
    recall, f1 = metrics.macro_of(frame)(drawn)
    assert f1 == pytest.approx([metrics.macro_f1(table) for table in tables])
    assert recall == pytest.approx([metrics.macro_recall(table) for table in tables])
    assert metrics.ece_of(frame)(drawn) == pytest.approx([metrics.ece(table) for table in tables])


def test_intervals_hold_the_value_and_shrink_with_more_photos(make_split: Make) -> None:
    widths = []
    for photos in (100, 1600):
        frame = make_split(photos=photos)
        intervals = bootstraps([metrics.macro_of(frame), metrics.ece_of(frame)], photos, 999)
        for value, (low, high) in zip((metrics.macro_recall(frame), metrics.macro_f1(frame), metrics.ece(frame)), intervals, strict=True):
            assert 0 <= low < value < high <= 1
        low, high = intervals[1]
        widths.append(high - low)
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.3)  # 16 times the photos


def test_an_interval_never_misses_the_value() -> None:
    # Chance makes all of a calibrated model's ECE, and adds to it once more in every resample.
    names = [f"{i:02d}" for i in range(20)]
    touching = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        p = rng.dirichlet(np.full(20, 0.05), 80)
        labels = [names[rng.choice(20, p=row / row.sum())] for row in p]
        frame = predictions.rows("", [str(i) for i in range(80)], labels, p, names)
        low, high = bootstrap(metrics.ece_of(frame), 80, 199)
        assert low <= metrics.ece(frame) <= high
        touching += metrics.ece(frame) in (low, high)
    assert touching > 0  # the widening was needed


def test_where_all_is_right_resampling_tells_nothing(make_split: Make) -> None:
    frame = make_split(skill=20.0)
    assert metrics.macro_f1(frame) == 1
    assert np.isnan(bootstraps([metrics.macro_of(frame)], len(frame), 99)).all()


# ----------------------------------------------------------------------------------------------------------- nothing left
EVERY_METRIC = [
    *(metrics.hits, metrics.top_k, metrics.macro_recall, metrics.macro_f1, metrics.per_class, metrics.confused_pairs),
    *(metrics.nll, metrics.brier, metrics.ece, metrics.reliability, metrics.macro_of, metrics.ece_of),
]


@pytest.mark.parametrize("metric", EVERY_METRIC)
def test_without_a_label_there_is_nothing_to_score(metric: Callable[[pd.DataFrame], object], make_split: Make) -> None:
    with pytest.raises(PredictionsError, match="no photo with a known label"):
        metric(make_split(photos=5, unlabelled=5))


def test_all_unreadable_is_all_wrong() -> None:
    frame = predictions.error_rows("", ["1", "2", "3"], ["a", "a", "b"], ["empty file"] * 3)
    assert metrics.top_k(frame, 5) == metrics.macro_recall(frame) == metrics.macro_f1(frame) == 0
    assert np.isnan([metrics.nll(frame), metrics.brier(frame), metrics.ece(frame), *bootstrap(metrics.ece_of(frame), 3, 99)]).all()
    assert metrics.confused_pairs(frame).empty
    assert metrics.reliability(frame).empty


def test_all_strangers_have_no_likelihood_but_a_brier_score(make_split: Make) -> None:
    frame = make_split(photos=10, unknown=10)
    assert metrics.top_k(frame, 5) == 0
    assert np.isnan(metrics.nll(frame))
    assert metrics.briers(frame) == pytest.approx(1 + frame["sum_sq_score"].to_numpy())
