"""From predictions to ``metrics.csv``, the tidy table of all numbers of a run, and to the short table that people read.

Columns of ``metrics.csv`` (:data:`COLUMNS`): ``run, split, metric, value, low, high, n``. Shares are from 0 to 1. ``low`` and
``high`` are 95 % limits, empty where there are none; ``n`` is the number of photos behind the value. Metrics:

- ``top1, top3, top5`` (only where k is smaller than the number of classes): Wilson's interval.
- ``macro_recall, macro_f1, ece, aurc``: BCa bootstrap over photos. ``nll, brier``: Student's t interval of the mean.
- ``worst_class, class_p10``: recall of the worst class, and the 10th percentile of classes; Wilson's limits for all classes together.
- ``aurc, top1_at_80``: area under the risk–coverage curve, and top-1 on the 80 % of photos that the model is surest of, with Wilson's
  interval; ``n`` is the number of those.
- ``errors``: how many labelled photos could not be read. ``unknown_class``: how many readable ones show a class that the model
  never learnt.
- ``top1_gap`` on a test split of another case or a variant: top-1 on ``normal_cases/test`` minus top-1 here, so positive is lost, over
  the classes that both splits have, with Newcombe's interval for independent photos; ``n`` is the number of photos here of those
  classes. ``shared_classes``: how many classes those are.
- ``leaked, top1_leak_free, leak_gain`` on a test split that shares photos with training: see :mod:`yolo_koin.evaluation.leaks`.

What predictions do not give is left out: of a table without probabilities of all classes (``sum_sq_score``) there is no ``nll``, ``brier``
and ``unknown_class``; without any scores no ``ece``, ``aurc`` and ``top1_at_80``; and top-k only as far as ``pred_k`` goes.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yolo_koin.errors import KoinError
from yolo_koin.evaluation import leaks, metrics, predictions, selective
from yolo_koin.evaluation.statistics import NO_INTERVAL, RESAMPLES, Interval, bootstraps, mean_interval, newcombe, wilson
from yolo_koin.files import write_csv
from yolo_koin.splits import NORMAL, Split
from yolo_koin.splits import in_order as in_reading_order

COLUMNS = ("run", "split", "metric", "value", "low", "high", "n")
TOP_K = (1, 3, 5)
REFERENCE = str(NORMAL)
OF_FACES = (  # told in yolo_koin.evaluation.face_scores
    *("person_top1", "person_top3", "names_precision", "names_recall"),
    *("face_ap50", "faces_found", "map50", "map50_95", "top1_found"),
)
OF_SWEEPS = ("scene_top1", "covered")  # told in yolo_koin.evaluation.robustness
PERCENTS = frozenset(
    {"top1", "top3", "top5", "macro_recall", "macro_f1", "worst_class", "class_p10", "top1_at_80", "top1_leak_free", *OF_FACES, *OF_SWEEPS}
)
POINTS = frozenset({"top1_gap", "leak_gain"})
COUNTS = frozenset({"errors", "unknown_class", "unboxed", "shared_classes", "leaked"})
METRICS = (
    *("top1", "top3", "top5", "macro_recall", "macro_f1", "worst_class", "class_p10"),
    *("nll", "brier", "ece", "aurc", "top1_at_80", "top1_gap"),
    *(*OF_FACES, "errors", "unknown_class", "unboxed", "shared_classes"),
    *("leaked", "top1_leak_free", "leak_gain"),
)

Row = dict[str, Any]


class MetricsError(KoinError):
    """A table of metrics is missing or malformed."""


def score(
    frame: pd.DataFrame, run: str, classes: int, resamples: int = RESAMPLES, seed: int = 0, leaked: Collection[str] = ()
) -> pd.DataFrame:
    """All metrics of a run, split by split; a split is never mixed with another.

    Args:
        frame: predictions of one or more splits; splits without a labelled photo are passed over.
        run: name of the run.
        classes: number of classes of the model.
        resamples: of the bootstrap; 0 leaves its intervals empty.
        seed: of the bootstrap.
        leaked: image ids of photos that have a near-duplicate in training.

    Returns:
        Rows of ``metrics.csv``, splits in the order of the dataset, then others by name.

    Raises:
        PredictionsError: the frame is malformed, or no photo has a label.
        ValueError: a true label ranks beyond ``classes``.
    """
    frame = predictions.validate(frame)
    known = predictions.labelled(frame)
    if (known["true_rank"] > classes).any():
        raise ValueError(f"a true label ranks beyond the {classes} classes of the model")
    by_split = in_order(known)
    rows: list[Row] = []
    for split, photos in by_split.items():
        rows += [{"split": split, **of_metric} for of_metric in _of_split(photos, classes, resamples, seed)]
        if classes > 1 and Split.parse(split).is_test and split != REFERENCE and REFERENCE in by_split:
            rows += [{"split": split, **of_metric} for of_metric in _gap(by_split[REFERENCE], photos)]
        if classes > 1 and Split.parse(split).is_test:
            rows += [{"split": split, **of_metric} for of_metric in _leak_free(photos, leaked)]
    return pd.DataFrame([{"run": run, **of_metric} for of_metric in rows], columns=list(COLUMNS))


def in_order(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of each split of a frame: splits in the order of the dataset, then others by name."""
    by_split = {str(split): rows for split, rows in frame.groupby("split")}
    return {split: by_split[split] for split in in_reading_order(by_split)}


def _of_split(photos: pd.DataFrame, classes: int, resamples: int, seed: int) -> list[Row]:
    n, readable = len(photos), photos["error"] == ""
    known = photos[readable]  # what predictions give of one photo, they give of all
    has_probabilities, has_scores = (known[column].notna().all() for column in ("sum_sq_score", "score_1"))
    statistics = [metrics.macro_of(photos), *((metrics.ece_of(photos), selective.aurc_of(photos)) if has_scores else ())]
    recall, f1, *of_confidence = bootstraps(statistics, n, resamples, seed)
    worst, tenth = (
        row(name, metrics.recall_quantile(photos, part), metrics.recall_quantile_interval(photos, part), n)
        for name, part in (("worst_class", 0.0), ("class_p10", 0.1))
    )
    return [
        *(share(f"top{k}", metrics.hits(photos, k)) for k in TOP_K if k < classes and (known[f"pred_{k}"] != "").all()),
        row("macro_recall", metrics.macro_recall(photos), recall, n),
        row("macro_f1", metrics.macro_f1(photos), f1, n),
        *(worst, tenth),
        *(_of_probabilities(photos, len(known)) if has_probabilities else ()),
        *(_of_confidence(photos, len(known), *of_confidence) if has_scores else ()),
        row("errors", float(n - len(known)), NO_INTERVAL, n),
        *([row("unknown_class", float(known["true_rank"].isna().sum()), NO_INTERVAL, n)] if has_probabilities else []),
    ]


def _of_probabilities(photos: pd.DataFrame, readable: int) -> list[Row]:
    return [
        row("nll", metrics.nll(photos), _not_below_0(mean_interval(metrics.nlls(photos))), len(metrics.nlls(photos))),
        row("brier", metrics.brier(photos), _not_below_0(mean_interval(metrics.briers(photos))), readable),
    ]


def _of_confidence(photos: pd.DataFrame, readable: int, ece: Interval, aurc: Interval) -> list[Row]:
    right, kept = selective.right_at(photos)
    low, high = wilson(right, kept)
    return [
        row("ece", metrics.ece(photos), ece, readable),
        row("aurc", selective.aurc(photos), aurc, len(photos)),
        row("top1_at_80", right / kept, (float(low), float(high)), kept),
    ]


def share(metric: str, right: NDArray[np.bool_]) -> Row:
    """The row of a share of photos, with Wilson's interval."""
    low, high = wilson(right.sum(), len(right))
    return row(metric, float(right.mean()), (float(low), float(high)), len(right))


def _gap(normal: pd.DataFrame, here: pd.DataFrame) -> list[Row]:
    """The loss over the classes of both: a class that one of them lacks would be counted as lost, or as gained."""
    shared = sorted(set(normal["true_label"]) & set(here["true_label"]))
    count = row("shared_classes", float(len(shared)), NO_INTERVAL, len(here))
    if not shared:
        return [count]
    a, b = (metrics.hits(photos[photos["true_label"].isin(shared)]) for photos in (normal, here))
    interval = newcombe(int(a.sum()), len(a), int(b.sum()), len(b))
    return [row("top1_gap", float(a.mean() - b.mean()), interval, len(b)), count]


def _leak_free(photos: pd.DataFrame, leaked: Collection[str]) -> list[Row]:
    """Nothing where nothing leaked; only how many, where everything did."""
    free, shown = leaks.without(photos, leaked)
    if not len(shown):
        return []
    number = row("leaked", float(len(shown)), NO_INTERVAL, len(photos))
    return [number, share("top1_leak_free", free), row("leak_gain", *leaks.gain(free, shown), len(photos))] if len(free) else [number]


def row(metric: str, value: float, interval: Interval, n: int) -> Row:
    """The row of a metric, but for its run and split."""
    return {"metric": metric, "value": value, "low": interval[0], "high": interval[1], "n": n}


def _not_below_0(interval: Interval) -> Interval:
    low, high = np.maximum(interval, 0)  # NaN stays NaN
    return float(low), float(high)


# ------------------------------------------------------------------------------------------------------------------ files
def write(path: Path, table: pd.DataFrame) -> None:
    """Write a ``metrics.csv``, with six significant digits."""
    write_csv(path, table[list(COLUMNS)])


def read(path: Path) -> pd.DataFrame:
    """Read a ``metrics.csv``; names of runs stay texts.

    Raises:
        MetricsError: the file is missing or malformed.
    """
    remedy = "Write it anew with yolo_koin evaluate."
    types = {"run": str, "split": str, "metric": str, "value": np.float64, "low": np.float64, "high": np.float64, "n": np.int64}
    empty = {column: [""] for column in ("value", "low", "high")}  # a run may be called nan
    try:
        table = pd.read_csv(path, dtype=types, keep_default_na=False, na_values=empty, encoding="utf-8-sig")
    except OSError as error:
        raise MetricsError(f"cannot read the metrics ({error.strerror})", path, remedy) from error
    except ValueError as error:  # pandas' parser errors are among them
        raise MetricsError("not a table of metrics", path, remedy) from error
    if missing := [column for column in COLUMNS if column not in table.columns]:
        raise MetricsError(f"no column {', '.join(missing)}", path, remedy)
    if table.empty:
        raise MetricsError("no metrics in it", path, remedy)
    return table[list(COLUMNS)]


# ------------------------------------------------------------------------------------------------------------- for people
def summary(table: pd.DataFrame) -> pd.DataFrame:
    """A short table for people: one row per run and split, in the order that they come, each metric a text with its interval.

    Args:
        table: rows of ``metrics.csv``, of one or more runs.

    Returns:
        Columns ``run, split, n`` and those of :data:`METRICS` that occur; ``n`` counts all labelled photos of the split.
    """
    texts = [text(*row) for row in table[["metric", "value", "low", "high"]].itertuples(index=False)]
    wide = table.assign(text=texts).pivot_table("text", ["run", "split"], "metric", aggfunc="last", sort=False, fill_value="")
    columns = [metric for metric in METRICS if metric in wide.columns]
    wide = wide[columns]
    wide.insert(0, "n", table.groupby(["run", "split"], sort=False)["n"].max())
    return wide.rename_axis(columns=None).reset_index()


def text(metric: str, value: float, low: float = float("nan"), high: float = float("nan")) -> str:
    """A value as people read it: ``97.5 % [91.3, 99.3]``, ``12.5 pp [3.1, 21.9]``, ``0.113 [0.094, 0.132]``, or a count.

    ``pp`` are percentage points. Empty where the value is NaN; without the brackets where there is no interval.
    """
    if np.isnan(value):
        return ""
    if metric in COUNTS:
        return f"{value:.0f}"
    factor, digits, unit = (100, 1, " pp" if metric in POINTS else " %") if metric in PERCENTS | POINTS else (1, 3, "")
    # What is half way between two texts is told alike by every processor, whatever its last bit; + 0: no -0.0.
    shown, *limits = (f"{round(round(factor * number, 9), digits) + 0:.{digits}f}" for number in (value, low, high))
    return f"{shown}{unit}" if np.isnan(low) or np.isnan(high) else f"{shown}{unit} [{', '.join(limits)}]"
