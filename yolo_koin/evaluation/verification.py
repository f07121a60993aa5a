"""1:1 verification: whether a covered face and a bare one are of one person, who is a stranger to the model that compares them.

Columns of ``pairs.csv`` (:data:`COLUMNS`), a row for each pair of a normal and a hard test photo of a fold's strangers: ``fold``;
``bare, covered``, image ids; ``bare_label, covered_label``; ``cosine`` of the features that the model's last layer sees.

TAR, the true-accept rate, is the share of pairs of one person that are above a threshold; FAR, the false-accept rate, that of pairs of
two (ISO/IEC 19795-1). Thresholds are within a fold, set by its own pairs of two people: what no choice of a threshold comes above.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from yolo_koin.evaluation.open_set import LIMITS, Probes, smallest_claim, tpir_at
from yolo_koin.evaluation.predictions import REMEDY, PredictionsError
from yolo_koin.evaluation.scores import row
from yolo_koin.evaluation.statistics import NO_INTERVAL, draws
from yolo_koin.evaluation.strangers import METRIC_COLUMNS
from yolo_koin.splits import HARD
from yolo_koin.tables import Rule, Table

COLUMNS = ("fold", "bare", "covered", "bare_label", "covered_label", "cosine")
FARS = (0.01, 0.001)
COSINE = "cosine"
RESAMPLES = 1999


def verified(pairs: pd.DataFrame, run: str, resamples: int = RESAMPLES, seed: int = 0) -> pd.DataFrame:
    """``tar_at_1`` and ``tar_at_0.1`` (FAR in percent), as far as there are pairs of two people enough for such a FAR, and ``claim``.

    Intervals are percentiles over resampled people: a pair counts as often as both of its people were drawn, and thresholds are set anew.

    Args:
        pairs: rows of ``pairs.csv``.
        run: name of the run.
        resamples: how many; 0 leaves intervals empty.
        seed: of the resampling.

    Returns:
        Rows of the run's ``metrics.csv``; ``n`` counts pairs of one person, that of ``claim`` those of two. None where a fold lacks either.
    """
    same = (pairs["bare_label"] == pairs["covered_label"]).to_numpy()
    kinds = pd.Series(same).groupby(pairs["fold"].to_numpy()).nunique()
    if kinds.empty or (kinds < 2).any():
        return pd.DataFrame(columns=list(METRIC_COLUMNS))
    codes, people = pd.factorize(pd.concat([pairs["bare_label"], pairs["covered_label"]]), sort=True)
    bare, covered, n = codes[: len(pairs)], codes[len(pairs) :], len(people)
    probes = Probes(pairs["fold"].to_numpy(dtype=np.intp), np.arange(len(pairs)), pairs["cosine"].to_numpy(dtype=np.float64), same)
    claim = smallest_claim(int((~same).sum()))
    fars = np.array([far for far in FARS if far >= claim])
    rows = [row("claim", claim, NO_INTERVAL, int((~same).sum()))]
    if len(fars):
        resampled = (drawn.T for drawn in draws(np.random.default_rng(seed), n, resamples, len(pairs)))
        value, *found = (
            tpir_at(probes[same], probes[~same], fars, *[times[:, bare] * np.where(same, 1, times[:, covered])] * 2)
            for times in chain([np.ones((1, n))], resampled)
        )
        limits = np.nanpercentile(np.concatenate(found), LIMITS, axis=0) if found else np.full((2, len(fars)), np.nan)
        rows += [
            row(f"tar_at_{100 * far:g}", float(tar), (low, high), int(same.sum()))
            for far, tar, low, high in zip(fars, value[0], *limits.tolist(), strict=True)
        ]
    return pd.DataFrame([{"run": run, "split": str(HARD), "score": COSINE, **one} for one in rows], columns=list(METRIC_COLUMNS))


def beside(metrics: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """The metrics of a run with strangers, and those of verification below them, where there are any."""
    found = verified(pairs, str(metrics["run"].iloc[0]))
    return pd.concat([metrics, found], ignore_index=True) if len(found) else metrics


def write(path: Path, pairs: pd.DataFrame) -> None:
    """Check a table of pairs and write it whole or not at all.

    Raises:
        PredictionsError: it is malformed.
        RunError: the file cannot be written.
    """
    _TABLE.write(path, pairs)


def read(path: Path) -> pd.DataFrame:
    """Read and check a ``pairs.csv``.

    Raises:
        PredictionsError: the file is missing or malformed; the message has column and row (the column names are row 1).
    """
    return _TABLE.read(path)


def _rules(frame: pd.DataFrame) -> Iterator[Rule]:
    yield "covered", frame.duplicated(["fold", "bare", "covered"]), "a fold has each pair once"
    yield "cosine", ~frame["cosine"].between(-1.001, 1.001), "a cosine is from -1 to 1"


_TABLE = Table("pairs", COLUMNS, ("bare", "covered", "bare_label", "covered_label"), _rules, PredictionsError, REMEDY)
