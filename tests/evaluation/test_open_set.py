"""Open-set metrics against plain loops, scikit-learn, and the loops in which OSCR is published."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from yolo_koin.evaluation.open_set import Pairs, Probes, accepted, dir_curve, smallest_claim, threshold_at, with_interval

Array = NDArray[Any]


def probes(n: int, people: int, folds: int, shift: float, seed: int, skill: float = 0.8, digits: int = 9) -> Probes:
    rng = np.random.default_rng(seed)
    fold, person = np.arange(n) % folds, np.append(np.arange(people), rng.integers(people, size=n - people))
    score = (rng.normal(shift, 1, n) + 5 * fold).round(digits)  # another scale in each fold: comparing folds would show
    return Probes(fold, person, score, rng.random(n) < skill)


@pytest.fixture(scope="module")
def known() -> Probes:
    return probes(120, 12, 3, shift=1.5, seed=0)


@pytest.fixture(scope="module")
def strangers() -> Probes:
    found = probes(60, 9, 3, shift=0, seed=1)
    return Probes(found.fold, found.person, found.score, np.zeros(60, dtype=bool))


def in_words(known: Probes, strangers: Probes, fpir: float) -> tuple[float, float]:
    """TPIR and FPIR as the standard words them: in each fold the lowest threshold that few enough strangers are above."""
    named = false = 0
    for fold in range(3):
        others = sorted(strangers.score[strangers.fold == fold])
        threshold = next(t for t in [-np.inf, *others] if sum(score > t for score in others) <= fpir * len(others))
        false += sum(score > threshold for score in others)
        for at, score, right in zip(known.fold, known.score, known.right, strict=True):
            named += at == fold and right and score > threshold
    return named / len(known), false / len(strangers)


@pytest.mark.parametrize("fpir", [0.0, 0.05, 0.1, 0.3, 0.5, 0.95])
def test_rates_are_those_of_a_plain_loop(known: Probes, strangers: Probes, fpir: float) -> None:
    thresholds = {fold: threshold_at(strangers.of(fold).score, fpir) for fold in range(3)}
    tpir, fpir_seen = in_words(known, strangers, fpir)
    assert known.by_person(accepted(known, thresholds) & known.right).value == pytest.approx(tpir)
    assert strangers.by_person(accepted(strangers, thresholds)).value == pytest.approx(fpir_seen)
    assert fpir_seen <= fpir
    assert dir_curve(known, strangers, [fpir], resamples=0)["tpir"][0] == pytest.approx(tpir)


def test_at_an_fpir_of_one_everybody_is_accepted(known: Probes, strangers: Probes) -> None:
    assert dir_curve(known, strangers, [1.0], resamples=0)["tpir"][0] == pytest.approx(known.right.mean())


@pytest.mark.parametrize("digits", [9, 0], ids=["no ties", "ties"])
def test_auroc_is_scikit_learns(digits: int) -> None:
    known, strangers = probes(90, 7, 1, 1, 0, digits=digits), probes(50, 5, 1, 0, 1, digits=digits)
    truth = np.repeat([1, 0], [90, 50])
    wanted = roc_auc_score(truth, np.concatenate([known.score, strangers.score]))
    assert Pairs.of(known, strangers).auroc(0)[0] == pytest.approx(wanted)


def test_auroc_of_folds_is_the_mean_of_theirs(known: Probes, strangers: Probes) -> None:
    each = [Pairs.of(known.of(fold), strangers.of(fold)).auroc(0)[0] for fold in range(3)]
    assert Pairs.of(known, strangers).auroc(0)[0] == pytest.approx(np.mean(each))
    assert max(each) < 0.95, "scores of other folds would make it nearly 1"


def published_oscr(known: Array, strangers: Array, right: Array) -> float:
    """The area as ARPL and OpenOOD compute it: a cutoff at each probe, and trapezia. Ours counts pairs."""
    scores = np.concatenate([known, strangers])
    order = scores.argsort()
    is_right = np.concatenate([right, np.zeros(len(strangers))])[order]
    is_stranger = np.repeat([0, 1], [len(known), len(strangers)])[order]
    points = [(0.0, 0.0), (1.0, float(right.mean()))]
    points += [(is_stranger[k:].sum() / len(strangers), is_right[k:].sum() / len(known)) for k in range(len(scores))]
    points.sort()
    return sum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in pairwise(points))


def test_oscr_is_the_published_area() -> None:
    known, strangers = probes(80, 7, 1, 1, 2), probes(40, 5, 1, 0, 3)
    found = Pairs.of(known, strangers)
    assert found.oscr(0)[0] == pytest.approx(published_oscr(known.score, strangers.score, known.right))
    everybody = Probes(known.fold, known.person, known.score, np.ones(80, dtype=bool))
    assert Pairs.of(everybody, strangers).oscr(0)[0] == found.auroc(0)[0]


def test_intervals_resample_people_and_not_photos() -> None:
    """Forty copies of each photo tell no more than one."""
    few, others = probes(20, 20, 1, 1, 4), probes(15, 15, 1, 0, 5)
    many, alike = (one[np.repeat(np.arange(len(one)), 40)] for one in (few, others))
    (value, limits), (of_few, limits_of_few) = (Pairs.of(*both).auroc(999) for both in ((many, alike), (few, others)))
    assert (value, *limits) == pytest.approx((of_few, *limits_of_few))
    (value, limits), (of_few, limits_of_few) = (with_interval(one.by_person(one.right), 999) for one in (many, few))
    assert (value, *limits) == pytest.approx((of_few, *limits_of_few))
    levels = [0.1, 0.4]
    assert dir_curve(many, alike, levels, 199).to_numpy() == pytest.approx(dir_curve(few, others, levels, 199).to_numpy())


def test_a_resample_of_people_is_the_metric_of_the_photos_that_it_draws(known: Probes, strangers: Probes) -> None:
    """The matrix of pairs, and sums of weights, against probes that are really drawn again."""
    from yolo_koin.evaluation.open_set import _drawn, tpir_at

    def again(probes: Probes, times: Array) -> Probes:
        return probes[np.repeat(np.arange(len(probes)), times[probes.person].astype(int))]

    pairs, levels = Pairs.of(known, strangers), np.array([0.1, 0.4])
    for times, others in zip(*next(_drawn(known.people, strangers.people, 5, 0)), strict=True):
        a, b = again(known, times), again(strangers, others)
        assert (times @ pairs.right @ others) / (times @ pairs.all @ others) == pytest.approx(Pairs.of(a, b).oscr(0)[0])
        drawn = tpir_at(known, strangers, levels, times[None], others[None])[0]
        assert drawn == pytest.approx(dir_curve(a, b, levels, resamples=0)["tpir"])


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Of people who differ: AUROC of endless people by numbers, covered by the intervals of samples of 30 and 20."""

    def sample(people: int, shift: float, rng: np.random.Generator) -> Probes:
        person = np.repeat(np.arange(people), 4)
        score = shift + rng.normal(0, 1, people)[person] + rng.normal(0, 0.5, len(person))
        return Probes(np.zeros(len(person), dtype=int), person, score, np.ones(len(person), dtype=bool))

    rng = np.random.default_rng(0)
    truth = float((sample(20_000, 1, rng).score[::4] > sample(20_000, 0, rng).score[::4]).mean())
    inside = 0
    for seed in range(200):
        low, high = Pairs.of(sample(30, 1, rng), sample(20, 0, rng)).auroc(499, seed)[1]
        inside += low <= truth <= high
    assert 0.88 <= inside / 200 <= 0.99


def test_what_few_strangers_can_show() -> None:
    assert smallest_claim(300) == 0.01
    assert smallest_claim(0) == np.inf
    none = probes(60, 10, 1, 0, 0)
    assert with_interval(none.by_person(np.zeros(60, dtype=bool))) == (0.0, (0.0, 0.3)), "ten people, whatever their photos"
    assert with_interval(none.by_person(np.ones(60, dtype=bool))) == (1.0, (0.7, 1.0))
    far = probes(60, 15, 1, 99, 0)
    assert Pairs.of(far, none).auroc() == (1.0, (0.7, 1.0)), "of the two groups the smaller"


def test_photos_that_cannot_be_read_are_never_accepted(strangers: Probes) -> None:
    lost = Probes(np.zeros(2, dtype=int), np.arange(2), np.array([-np.inf, 99.0]), np.ones(2, dtype=bool))
    others = strangers.of(0)
    assert dir_curve(lost, others, [0.1, 1.0], resamples=0)["tpir"].tolist() == [0.5, 0.5]
