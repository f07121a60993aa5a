from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from yolo_koin.evaluation import across_runs, predictions
from yolo_koin.evaluation.predictions import PredictionsError
from yolo_koin.evaluation.statistics import mcnemar_exact, wilson

HARD, GROUP = "hard_cases/test", "group_cases/test"


def answers(right: str, split: str = HARD) -> pd.DataFrame:
    """One photo per letter: r is right, w is wrong, e is unreadable, u has no label."""
    images = [f"{i}.jpg" for i in range(len(right))]
    labels = ["" if letter == "u" else "a" for letter in right]
    said = predictions.top1_rows([split] * len(right), images, labels, ["b" if letter == "w" else "a" for letter in right])
    lost = predictions.error_rows([split] * len(right), images, labels, ["truncated"] * len(right))
    return said.where(pd.Series([letter != "e" for letter in right]), lost)


# ------------------------------------------------------------------------------------------------------- which is better
def test_paired_counts_what_only_one_gets_right() -> None:
    frames = {
        "n": pd.concat([answers("rrrrrrrrwweu"), answers("wwww", GROUP)]),  # another split is not looked at
        "s": answers("wwwwwwwrwreu"),
        "m": answers("rrrrrrrrwweu").iloc[::-1],  # the order of the rows does not matter
    }
    table, untested = across_runs.paired(frames, [HARD])
    assert not untested
    assert tuple(table.columns) == across_runs.PAIRED_COLUMNS
    assert table[["split", "a", "b", "only_a", "only_b", "n"]].to_numpy().tolist() == [
        [HARD, "n", "s", 7, 1, 11],
        [HARD, "n", "m", 0, 0, 11],
        [HARD, "s", "m", 1, 7, 11],
    ]
    p = 2 * (1 + 8) / 2**8
    assert table["p"].tolist() == pytest.approx([p, 1, p])
    assert table["p_holm"].tolist() == pytest.approx([3 * p, 1, 3 * p])


def test_a_run_is_called_better_only_where_the_test_says_so_of_all_pairs_and_splits() -> None:
    frames = {
        "n": pd.concat([answers("r" * 7 + "w" * 3), answers("r" * 10, GROUP)]),
        "s": pd.concat([answers("w" * 10), answers("w" * 10, GROUP)]),
    }
    (alone, _), (both, _) = across_runs.paired(frames, [HARD]), across_runs.paired(frames, [HARD, GROUP])
    assert alone["p_holm"].tolist() == pytest.approx([2 / 2**7])
    assert both["p_holm"].tolist() == pytest.approx([2 / 2**7, 2 * 2 / 2**10]), "every split is a test more"
    assert both["better"].tolist() == ["n", "n"]
    many = frames | {f"x{i}": frames["s"] for i in range(20)}
    table, _ = across_runs.paired(many, [HARD])
    assert len(table) == 22 * 21 / 2
    assert set(table["better"]) == {""}, "of so many pairs a p-value of 1.6 % is nothing"


def test_not_the_best_is_what_some_other_beats_at_a_level_for_all_comparisons_with_the_best() -> None:
    frames = {"good": answers("r" * 10), "same": answers("r" * 9 + "w"), "bad": answers("w" * 8 + "rr")}
    table, _ = across_runs.paired(frames, [HARD])
    assert table["p"].tolist() == pytest.approx([1, 2 / 2**8, 2 * (1 + 9) / 2**9])
    assert across_runs.not_best(table) == {HARD: {"bad"}}, "p is doubled, since the best of three is compared with two"
    four, _ = across_runs.paired({**{name: answers("r" * 6 + "w" * 4) for name in "abc"}, "d": answers("w" * 10)}, [HARD])
    assert across_runs.not_best(four) == {HARD: set()}, "p = 0.031 is nothing among three"


def test_the_best_of_equals_is_hardly_ever_shown_not_to_be() -> None:
    """Of 200 draws of six models that are all as good, in at most 5 % is a given one excluded."""
    rng, excluded = np.random.default_rng(0), 0
    for _ in range(200):
        right, rows = rng.random((6, 30)) < 0.5, []
        for a, b in combinations(range(6), 2):
            only_a, only_b = int((right[a] & ~right[b]).sum()), int((right[b] & ~right[a]).sum())
            rows.append({"split": HARD, "a": f"m{a}", "b": f"m{b}", "only_a": only_a, "only_b": only_b, "p": mcnemar_exact(only_a, only_b)})
        excluded += "m0" in across_runs.not_best(pd.DataFrame(rows))[HARD]
    assert excluded <= 10


def test_paired_of_one_run_is_empty() -> None:
    table, _ = across_runs.paired({"n": answers("rw")}, [HARD])
    assert table.empty
    assert tuple(table.columns) == across_runs.PAIRED_COLUMNS


@pytest.mark.parametrize("other", ["rrr", "ru"], ids=["more photos", "one is not labelled"])
def test_runs_on_other_photos_are_not_compared_and_the_other_splits_are(other: str) -> None:
    frames = {"n": pd.concat([answers("rw"), answers("rr", GROUP)]), "s": pd.concat([answers(other), answers("ww", GROUP)])}
    table, untested = across_runs.paired(frames, [HARD, GROUP, "normal_cases/test"])
    assert table["split"].tolist() == [GROUP]
    assert untested == {HARD: "n and s", "normal_cases/test": "n, s"}


# ------------------------------------------------------------------------------------------------------------ over seeds
def test_of_one_seed_the_interval_is_the_binomial_one() -> None:
    """Photos drawn with replacement from 70 right ones of 100: as many right as a binomial distribution gives."""
    expected = [float(stats.binom.ppf(q, 100, 0.7)) / 100 for q in (0.025, 0.975)]
    assert across_runs.seeds_interval({"0": answers("r" * 70 + "w" * 30)}, HARD) == pytest.approx((expected[0], expected[1]), abs=0.011)


def test_the_spread_of_seeds_is_in_it() -> None:
    """Seeds that agree leave Wilson's interval of the photos; of two that do not, next to nothing is known of a third."""
    assert across_runs.seeds_interval({"0": answers("rrrw"), "1": answers("rrrw")}, HARD) == pytest.approx(
        [float(limit) for limit in wilson(3, 4)]
    )
    assert across_runs.seeds_interval({"0": answers("rrrr"), "1": answers("wwww")}, HARD) == (0, 1)


def test_the_interval_over_seeds_is_worked_out_by_hand() -> None:
    """Three seeds with 60, 70 and 80 of 100 photos right: t is 4.3027 for 2 degrees of freedom, SD 0.1."""
    frames = {str(i): answers("r" * n + "w" * (100 - n)) for i, n in enumerate((60, 70, 80))}
    low, high = (float(limit) for limit in wilson(70, 100))
    of_seeds = 4.302653 * 0.1 / math.sqrt(3)
    expected = 0.7 - math.hypot(0.7 - low, of_seeds), 0.7 + math.hypot(high - 0.7, of_seeds)
    assert across_runs.seeds_interval(frames, HARD) == pytest.approx(expected)


def test_the_interval_over_seeds_holds_the_truth() -> None:
    """Of 3 seeds, in 95 % of trials or more: photos differ in how hard they are, seeds by 3 points."""
    draw, held = np.random.default_rng(1), 0
    for _ in range(200):
        chance = draw.beta(7, 3, 600) + draw.normal(0, 0.03, (3, 1))
        low, high = across_runs.of_seeds((draw.random((3, 600)) < chance).astype(np.float64))
        held += low <= 0.7 <= high
    assert held >= 190


def test_seeds_on_other_photos_have_no_interval() -> None:
    with pytest.raises(PredictionsError, match="not the same photos"):
        across_runs.seeds_interval({"0": answers("rw"), "1": answers("r")}, HARD)


# ------------------------------------------------------------------------------------------------------- hard and normal
def models(count: int, photos: int = 40) -> dict[str, pd.DataFrame]:
    draw, found = np.random.default_rng(3), {}
    for i in range(count):
        normal, hard = ("".join(draw.choice(["r", "w"], photos, p=[p, 1 - p])) for p in (0.5 + i / 20, 0.1 + i / 20))
        found[f"m{i}"] = pd.concat([answers(normal, "normal_cases/test"), answers(hard)])
    return found


def test_effective_robustness_is_the_distance_to_numpys_line() -> None:
    frames = models(9)
    table = across_runs.effective_robustness(frames, resamples=300)
    assert tuple(table.columns) == across_runs.ROBUSTNESS_COLUMNS
    normal, hard = (np.array([(f[f["split"] == s]["true_rank"] == 1).sum() for f in frames.values()]) for s in ("normal_cases/test", HARD))
    x, y = (special.logit((right + 0.5) / 41) for right in (normal, hard))
    line = special.expit(np.polynomial.Polynomial.fit(x, y, 1)(x))
    assert table["value"].tolist() == pytest.approx(hard / 40 - line)
    assert table["expected"].tolist() == pytest.approx(line)
    assert table["run"].tolist() == list(frames)
    assert (table["low"] < table["value"]).all()
    assert (table["value"] < table["high"]).all()


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(models(7), id="seven models are no line"),
        pytest.param({f"m{i}": pd.concat([answers("rw", "normal_cases/test"), answers("rw")]) for i in range(8)}, id="all as good"),
        pytest.param({f"m{i}": answers("rw") for i in range(8)}, id="no normal photos"),
        pytest.param(models(8) | {"other": models(1, photos=3)["m0"]}, id="other photos"),
    ],
)
def test_effective_robustness_is_not_told(frames: dict[str, pd.DataFrame]) -> None:
    assert across_runs.effective_robustness(frames, resamples=1).empty
