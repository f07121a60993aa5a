"""Statistics of several runs on the same photos: which of two is better, what other seeds would give, how hard photos go with normal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yolo_koin.evaluation import predictions
from yolo_koin.evaluation.predictions import PredictionsError
from yolo_koin.evaluation.statistics import RESAMPLES, Interval, draws, holm, mcnemar_exact, standard_error, t_quantile, wilson
from yolo_koin.splits import HARD, NORMAL

PAIRED_COLUMNS = ("split", "a", "b", "only_a", "only_b", "n", "p", "p_holm", "better")
ROBUSTNESS_COLUMNS = ("run", "normal", "hard", "expected", "value", "low", "high")
LEVEL = 0.05  # of significance, of all tests together
FEWEST_MODELS = 8  # that a line from normal to hard accuracy is fitted to
LIMITS = (2.5, 97.5)

Frames = Mapping[str, pd.DataFrame]  # predictions by run
Counts = tuple[str, str, str, int, int, int]  # the first columns of :data:`PAIRED_COLUMNS`


def top1_right(frames: Frames, split: str) -> pd.DataFrame:
    """Whether top-1 is right: photos × runs, by image and true label, in sorted order.

    Raises:
        PredictionsError: the split has no labelled photo in a run, or two runs do not have the same photos under the same labels.
    """
    found: dict[str, pd.Series[bool]] = {}
    for run, frame in frames.items():
        chosen = predictions.labelled(frame[frame["split"] == split])
        found[run] = (chosen.set_index(["image", "true_label"])["true_rank"] == 1).sort_index()
        first = next(iter(found))
        if not found[run].index.equals(found[first].index):
            raise PredictionsError(f"not the same photos of {split}", f"{first} and {run}", "Evaluate both runs on the same dataset.")
    return pd.DataFrame(found)


# ------------------------------------------------------------------------------------------------------- which is better
def paired(frames: Frames, splits: Sequence[str]) -> tuple[pd.DataFrame, dict[str, str]]:
    """McNemar's exact test of top-1 between every two runs on each split, with Holm's correction over all of these tests together.

    Args:
        frames: predictions by run.
        splits: the splits; photos without a true label are left out.

    Returns:
        A row per split and pair, columns :data:`PAIRED_COLUMNS`: ``only_a`` and ``only_b`` are photos that only that run gets right;
        ``better`` is the run that gets more right where the corrected p-value is below :data:`LEVEL`, else empty. And of each split
        on which the runs cannot be compared (:func:`top1_right`), those that do not go together.
    """
    rows: list[Counts] = []
    untested: dict[str, str] = {}
    for split in splits:
        try:
            right = top1_right(frames, split)
        except PredictionsError as error:
            untested[split] = error.where or ", ".join(frames)
            continue
        for a, b in combinations(right, 2):
            only_a, only_b = int((right[a] & ~right[b]).sum()), int((right[b] & ~right[a]).sum())
            rows.append((split, str(a), str(b), only_a, only_b, len(right)))
    return tested(rows), untested


def tested(rows: Sequence[Counts]) -> pd.DataFrame:
    """The tests of :func:`paired`, from how many photos only one or only the other of two has right."""
    table = pd.DataFrame(rows, columns=list(PAIRED_COLUMNS[:6]))
    table["p"] = [mcnemar_exact(a, b) for a, b in zip(table["only_a"], table["only_b"], strict=True)]
    table["p_holm"] = holm(table["p"].to_numpy(dtype=np.float64))
    more = table["a"].where(table["only_a"] > table["only_b"], table["b"])
    table["better"] = more.where(table["p_holm"] < LEVEL, "")
    return table


def not_best(table: pd.DataFrame) -> dict[str, set[str]]:
    """The runs of each split that are shown not to be its best: some other is better by McNemar's test.

    With 95 % probability none of the truly best runs of all splits is among them: Hsu's multiple comparisons with the best (Ann. Stat. 12
    (1984) 1136), for which p-values are multiplied by the k - 1 runs that the best of k is compared with (Bonferroni), and by the splits.

    Args:
        table: of :func:`paired`.
    """
    shown: dict[str, set[str]] = {}
    for split, tests in table.groupby("split"):
        others = len(set(tests["a"]) | set(tests["b"])) - 1
        found = tests[tests["p"] * others * table["split"].nunique() < LEVEL]
        shown[str(split)] = set(found["b"].where(found["only_a"] > found["only_b"], found["a"]))
    return shown


# ------------------------------------------------------------------------------------------------------------ over seeds
def seeds_interval(frames: Frames, split: str) -> Interval:
    """Interval of the mean top-1 over trainings that differ in the seed alone: of other seeds and other photos.

    Two distances added in squares, as in Newcombe's interval (Zou and Donner, Stat. Med. 27 (2008) 1693): that of Wilson's interval of the
    mean over these photos, and Student's of the mean over these seeds. Two or three seeds say little of others, and the interval then is
    wide. Between seeds the chance of single photos is counted once more, so it errs to the wide side: of 3 seeds with a standard deviation
    of 3 points, 95 % intervals held the truth in 97 % of trials with 5,000 photos and in all with 80. A bootstrap of seeds and photos,
    which cannot draw seeds that it has not got, held it in 82 % of the former.

    Args:
        frames: predictions by seed.
        split: the split.

    Raises:
        PredictionsError: the seeds do not have the same photos.
    """
    return of_seeds(top1_right(frames, split).to_numpy(dtype=np.float64).T)


def of_seeds(right: NDArray[np.float64]) -> Interval:
    """The same of seeds × photos, 1 where a photo is right."""
    (seeds, photos), value = right.shape, right.mean()
    low, high = wilson(value * photos, photos)
    if seeds == 1:
        return float(low), float(high)
    between = t_quantile(LIMITS[1] / 100, seeds - 1) * standard_error(right.mean(axis=1))
    return max(0.0, float(value - np.hypot(value - low, between))), min(1.0, float(value + np.hypot(high - value, between)))


# ------------------------------------------------------------------------------------------------------- hard and normal
def effective_robustness(frames: Frames, resamples: int = RESAMPLES, seed: int = 0) -> pd.DataFrame:
    """How many more of the hard photos each model gets right than are expected of its accuracy on normal photos.

    ρ = hard - σ(a·logit(normal) + b): Taori et al., NeurIPS 2020, section 2, with the logit axes of Miller et al., ICML 2021. The line is
    fitted to all models by least squares, each accuracy taken as (right + ½) / (n + 1) for its logit to be finite. Intervals are
    percentiles over resampled photos, normal and hard, the same for all models, with the line fitted to each resample anew.

    Args:
        frames: predictions by model, one run of each.
        resamples: how many.
        seed: of the resampling.

    Returns:
        A row per model, columns :data:`ROBUSTNESS_COLUMNS`, all shares. Empty for fewer than :data:`FEWEST_MODELS` models, for models that
        are all as good on normal photos, and where they do not have the same photos.
    """
    nothing = pd.DataFrame(columns=list(ROBUSTNESS_COLUMNS))
    if len(frames) < FEWEST_MODELS:
        return nothing
    try:
        right = [top1_right(frames, str(split)).to_numpy(dtype=np.float64) for split in (NORMAL, HARD)]
    except PredictionsError:
        return nothing
    if np.ptp(right[0].mean(axis=0)) == 0:
        return nothing
    of = [len(one) for one in right]
    both = (draws(rng, n, resamples, sum(of)) for rng, n in zip(np.random.default_rng(seed).spawn(2), of, strict=True))
    drawn = [_above_line(*(times.T @ one for times, one in zip(pair, right, strict=True)), *of) for pair in zip(*both, strict=True)]
    value = _above_line(*(one.sum(axis=0, keepdims=True) for one in right), *of)[0]
    low, high = np.percentile(np.concatenate(drawn), LIMITS, axis=0)
    normal, hard = (one.mean(axis=0) for one in right)
    columns = (list(frames), normal, hard, hard - value, value, low, high)
    return pd.DataFrame(dict(zip(ROBUSTNESS_COLUMNS, columns, strict=True)))


def _above_line(normal: NDArray[np.float64], hard: NDArray[np.float64], of_normal: int, of_hard: int) -> NDArray[np.float64]:
    """Accuracy on hard photos above the fitted line, from how many photos are right, each m × models."""
    x, y = (np.log((right + 0.5) / (n - right + 0.5)) for right, n in ((normal, of_normal), (hard, of_hard)))
    off = x - x.mean(axis=1, keepdims=True)
    spread = np.square(off).sum(axis=1, keepdims=True)
    slope = (off * y).sum(axis=1, keepdims=True) / np.where(spread > 0, spread, 1)
    above: NDArray[np.float64] = hard / of_hard - 1 / (1 + np.exp(-(y.mean(axis=1, keepdims=True) + slope * off)))
    return above
