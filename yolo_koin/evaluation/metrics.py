"""Metrics as pure functions of the validated predictions of one split (see :mod:`yolo_koin.evaluation.predictions`).

Which photos count:

- A photo without a true label counts nowhere. Where none has one, every function raises PredictionsError.
- An unreadable photo is a wrong answer in accuracy, recall and F1. The probability scores (NLL, Brier, ECE) leave it out, since
  the model said nothing about it; their own number of photos tells (:func:`nlls`, :func:`briers`, :func:`reliability`).
- A class that the model never learnt is a wrong answer everywhere, and its photos stay in ECE and Brier; only the NLL, which
  would be infinite, leaves them out.
- Averages over classes ("macro") go over the classes that occur as true labels in the split: scikit-learn's ``average="macro",
  zero_division=0`` with ``labels=`` those classes. A class that is only predicted lowers the scores of others, and adds no zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from yolo_koin.evaluation.predictions import labelled
from yolo_koin.evaluation.statistics import Drawn, Interval, Statistic, membership, wilson

BINS = 15
LEAST_SCORE = 1e-12  # a probability that underflowed to 0 costs 27.6 nats, not infinitely many


# -------------------------------------------------------------------------------------------------------------- accuracy
def hits(frame: pd.DataFrame, k: int = 1) -> NDArray[np.bool_]:
    """Whether the true label is among the k best, one value per labelled photo."""
    return (labelled(frame)["true_rank"] <= k).to_numpy(dtype=np.bool_)  # an empty rank is NaN, which is not <= k


def top_k(frame: pd.DataFrame, k: int = 1) -> float:
    """Share of photos whose true label is among the k best."""
    return float(hits(frame, k).mean())


def per_class(frame: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """Recall of each true class, sorted by label: columns ``label,n,correct,recall,low,high``, with Wilson's interval."""
    right = (labelled(frame)["true_rank"] == 1).groupby(frame["true_label"]).agg(["size", "sum"])
    n, correct = right["size"].to_numpy(dtype=np.int64), right["sum"].to_numpy(dtype=np.int64)
    low, high = wilson(correct, n, confidence)
    columns = {"label": list(right.index), "n": n, "correct": correct, "recall": correct / n, "low": low, "high": high}
    return pd.DataFrame(columns)


def recall_quantile(frame: pd.DataFrame, share: float) -> float:
    """The recall that this share of the true classes does not exceed: 0 for the worst class, 0.1 for the 10th percentile of classes.

    The figures of WILDS (Koh et al., ICML 2021), with NumPy's linear interpolation between classes as there.
    """
    return float(np.quantile(per_class(frame)["recall"], share))


def recall_quantile_interval(frame: pd.DataFrame, share: float) -> Interval:
    """Interval of :func:`recall_quantile`: the same quantile of the lower and of the upper limits of all classes.

    The limits are Wilson's at 95 % for all classes together (Šidák, J. Am. Stat. Assoc. 62 (1967) 626: 0.95 to the power of 1 / classes
    for each). Where they all hold, so do quantiles of them. The worst class is the worst by chance too: its own interval would be too high.
    """
    classes = per_class(frame, 0.95 ** (1 / labelled(frame)["true_label"].nunique()))
    return float(np.quantile(classes["low"], share)), float(np.quantile(classes["high"], share))


def confused_pairs(frame: pd.DataFrame, top: int = 10) -> pd.DataFrame:
    """The most frequent mistakes: columns ``true,predicted,count,share``, ordered by count, then by share, then by label.

    ``share`` is of all photos of the true class. Unreadable photos are nobody's confusion and do not appear.
    """
    photos = labelled(frame)
    wrong = photos[(photos["pred_1"] != photos["true_label"]) & (photos["error"] == "")]
    counts = wrong.groupby(["true_label", "pred_1"]).size()
    pairs = pd.DataFrame(
        {"true": counts.index.get_level_values(0), "predicted": counts.index.get_level_values(1), "count": counts.to_numpy()}
    )
    pairs["share"] = pairs["count"] / pairs["true"].map(photos["true_label"].value_counts()).astype(np.float64)
    order = ["count", "share", "true", "predicted"]
    return pairs.sort_values(order, ascending=[False, False, True, True], ignore_index=True).head(top)


# ------------------------------------------------------------------------------------------------- averages over classes
@dataclass(frozen=True)
class _Confusion:
    """The distinct pairs (true, predicted) of some photos: the cells of their confusion matrix that are not empty.

    Attributes:
        cells: sparse cells × photos, 1 where a photo is of a cell.
        totals: sparse 3c × cells; times the photos of each cell gives, for each of c true classes, the photos that are right, the
            photos of that class, and the photos taken for it.
    """

    cells: sparse.csr_array
    totals: sparse.csr_array

    @classmethod
    def of(cls, frame: pd.DataFrame) -> _Confusion:
        photos = labelled(frame)
        true, classes = pd.factorize(photos["true_label"], sort=True)
        predicted = pd.Index(classes).get_indexer(pd.Index(photos["pred_1"]))  # -1: not a true class here, or unreadable
        c = len(classes)
        codes, cell = np.unique(true * (c + 1) + predicted + 1, return_inverse=True)
        t, p = codes // (c + 1), codes % (c + 1) - 1
        cells = np.arange(len(codes))
        right, taken = t == p, p >= 0
        at = np.concatenate([t[right], c + t, 2 * c + p[taken]]), np.concatenate([cells[right], cells, cells[taken]])
        totals = sparse.coo_array((np.ones(len(at[0])), at), shape=(3 * c, len(codes))).tocsr()
        return cls(membership(cell, len(codes)), totals)

    def macro(self, drawn: Drawn) -> NDArray[np.float64]:
        """Recall and F1 of m resamples, 2 × m."""
        right, true, predicted = np.split(self.totals @ (self.cells @ drawn), 3)
        present = true > 0
        of_classes = right / np.maximum(true, 1), 2 * right / np.maximum(true + predicted, 1)
        return np.stack([np.where(present, values, 0).sum(axis=0) / present.sum(axis=0) for values in of_classes])


def macro_recall(frame: pd.DataFrame) -> float:
    """Mean over true classes of the share of their photos that are right."""
    return float(macro_of(frame)(_every(labelled(frame)))[0, 0])


def macro_f1(frame: pd.DataFrame) -> float:
    """Mean over true classes of F1 = 2 right / (photos of the class + photos taken for it)."""
    return float(macro_of(frame)(_every(labelled(frame)))[1, 0])


def macro_of(frame: pd.DataFrame) -> Statistic:
    """Macro recall and macro-F1 of labelled photos, to be resampled; a class that a resample misses is not in that resample's means."""
    return _Confusion.of(frame).macro


def _every(photos: pd.DataFrame) -> Drawn:
    """Each photo once."""
    return np.ones((len(photos), 1))


# --------------------------------------------------------------------------------------------------- probability scores
def nlls(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Negative log-likelihood, -ln(true_score), in nats, of each readable photo whose class the model knows.

    Scores below 1e-12 count as 1e-12.
    """
    scores = labelled(frame)["true_score"].dropna().to_numpy(dtype=np.float64)
    losses: NDArray[np.float64] = -np.log(np.maximum(scores, LEAST_SCORE))
    return losses


def nll(frame: pd.DataFrame) -> float:
    """Mean of :func:`nlls`; NaN where no photo has one."""
    return _mean(nlls(frame))


def briers(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Brier's score of each readable photo: squared distance of the probabilities to the true class, from 0 to 2.

    In the form for many classes (Brier, Mon. Weather Rev. 78 (1950) 1), which for two classes is twice the form for one. A class
    that the model never learnt has the probability 0, and all others are off: 1 + sum of squares.
    """
    photos = _readable(frame)
    scores: pd.Series[float] = photos["sum_sq_score"] - 2 * photos["true_score"].fillna(0) + 1
    return scores.to_numpy(dtype=np.float64).clip(min=0)  # rounding may give -1e-9


def brier(frame: pd.DataFrame) -> float:
    """Mean of :func:`briers`; NaN where no photo is readable."""
    return _mean(briers(frame))


@dataclass(frozen=True)
class _Calibration:
    """Of n labelled photos: the bin of their confidence, the confidence (top-1 score), and whether top-1 is right; of readable ones.

    Attributes:
        bins: how many.
        readable: whether a photo is, n.
        bin, confidence, right: of the readable ones.
    """

    bins: int
    readable: NDArray[np.bool_]
    bin: NDArray[np.intp]
    confidence: NDArray[np.float64]
    right: NDArray[np.float64]

    @classmethod
    def of(cls, frame: pd.DataFrame, bins: int) -> _Calibration:
        photos = _readable(frame)
        confidence = photos["score_1"].to_numpy(dtype=np.float64)
        edges = np.linspace(0, 1, bins + 1)
        at = np.searchsorted(edges, confidence, side="left") - 1  # a bin includes its upper edge
        right = (photos["true_rank"] == 1).to_numpy().astype(np.float64)
        return cls(bins, (labelled(frame)["error"] == "").to_numpy(), at.clip(min=0), confidence, right)

    def statistic(self) -> Statistic:
        """The calibration errors of m resamples of the labelled photos."""
        excess = membership(self.bin, self.bins, self.confidence - self.right)
        whole = self.readable.all()

        def errors(drawn: Drawn) -> NDArray[np.float64]:
            drawn = drawn if whole else drawn[self.readable]
            result: NDArray[np.float64] = np.abs(excess @ drawn).sum(axis=0) / drawn.sum(axis=0)
            return result

        return errors


def reliability(frame: pd.DataFrame, bins: int = BINS) -> pd.DataFrame:
    """The reliability diagram of readable photos: a row per bin that has a photo.

    Columns ``low,high,n,confidence,accuracy``, and ``accuracy_low,accuracy_high``, Wilson's interval. Confidence is the top-1 score; bins
    are of equal width, open below and closed above (Guo et al., ICML 2017, section 2).
    """
    found = _Calibration.of(frame, bins)
    values = pd.DataFrame({"confidence": found.confidence, "accuracy": found.right})
    groups = values.groupby(found.bin)
    table = groups.mean()
    at, edges = table.index.to_numpy(dtype=np.intp), np.linspace(0, 1, bins + 1)
    table.insert(0, "n", groups.size())
    table.insert(0, "high", edges[at + 1])
    table.insert(0, "low", edges[at])
    right = groups["accuracy"].sum()
    table["accuracy_low"], table["accuracy_high"] = wilson(right, table["n"])
    return table.reset_index(drop=True)


def ece(frame: pd.DataFrame, bins: int = BINS) -> float:
    """Expected calibration error: mean over readable photos of |accuracy - confidence| in their bin; NaN where there is none."""
    return float(ece_of(frame, bins)(_every(labelled(frame)))[0]) if len(_readable(frame)) else float("nan")


def ece_of(frame: pd.DataFrame, bins: int = BINS) -> Statistic:
    """:func:`ece` of labelled photos, to be resampled. Of few it is too high, as in a bin of few chance makes a difference."""
    return _Calibration.of(frame, bins).statistic()


def _readable(frame: pd.DataFrame) -> pd.DataFrame:
    photos = labelled(frame)
    return photos[photos["error"] == ""]


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else float("nan")
