"""From the predictions of folds, each of which held other people out, to how well strangers are told from people of the training set.

``predictions.csv`` of such a run (:data:`COLUMNS`) has the columns of every other; then of the fold's model ``scale``, what its logits are
multiples of (of nearest class means the factor on the cosine, which each training chooses for itself; else 1), and ``classes``, how many
people it knows: with both a score means the same to another model; ``fold``, from 1; and ``group``: what the person in the photo is to
the model of the fold.

- ``known``: somebody whom it learnt; test photos, and the validation photos that its best epoch was chosen on.
- ``threshold``: a stranger by whom thresholds are chosen; photos of the training split, so that no test photo chooses anything.
- ``stranger``: a stranger to test on; test photos.

``metrics.csv`` (:data:`METRIC_COLUMNS`): ``run,split,score,metric,value,low,high,n``. ``score`` is one of :data:`SCORES`, by which a
photo is accepted or rejected. Metrics (see :mod:`yolo_koin.evaluation.open_set`), each with the number of photos behind it:

- ``rank1``: share of known people's photos whose first name is right, if nothing is rejected.
- ``tpir_at_10, fpir_at_10``: at thresholds above which a tenth of each fold's threshold photos are; ``…_at_1``: a hundredth. What is
  accepted of the test photos is more or less than that, and ``fpir`` tells. There are none where the photos of strangers are too few to
  show such an FPIR; ``claim`` is the smallest that they can.
- ``auroc, oscr``: over all thresholds.

The rows of ``val`` compare known people's validation photos with the threshold photos: they choose the score that a run goes by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yolo_koin.evaluation import predictions
from yolo_koin.evaluation.open_set import Pairs, Probes, accepted, smallest_claim, threshold_at, with_interval
from yolo_koin.evaluation.predictions import REMEDY, PredictionsError, rules_of_answers
from yolo_koin.evaluation.scores import Row, row
from yolo_koin.evaluation.statistics import NO_INTERVAL, RESAMPLES
from yolo_koin.splits import Split, in_order, of_part
from yolo_koin.tables import Rule, Table, empty

OF_MODEL = ("scale", "classes")
KNOWN, THRESHOLD, STRANGER = "known", "threshold", "stranger"
COLUMNS = (*predictions.COLUMNS, *OF_MODEL, "fold", "group")
METRIC_COLUMNS = ("run", "split", "score", "metric", "value", "low", "high", "n")
FPIRS = (0.1, 0.01)
VAL = "val"

Rule_of_score = Callable[[pd.DataFrame], "pd.Series[float]"]
SCORES: Mapping[str, Rule_of_score] = {
    "max_logit": lambda frame: frame["max_logit"] / frame["scale"],  # Vaze et al., ICLR 2022; of nearest means it is the cosine
    "softmax": lambda frame: frame["score_1"],
    # Cattelan and Silva, UAI 2024, with p = 2, not centred, and the mean in place of the sum, which grows with the classes.
    "normed_logit": lambda frame: frame["max_logit"] / frame["logit_norm"] * np.sqrt(frame["classes"]),
    "logit_norm": lambda frame: frame["logit_norm"] / frame["scale"] / np.sqrt(frame["classes"]),
}
CALLED = {
    "max_logit": "maximum logit or cosine",
    "softmax": "softmax",
    "normed_logit": "maximum of normalised logits",
    "logit_norm": "logit norm",
}


# ---------------------------------------------------------------------------------------------------------------- numbers
def scored(frame: pd.DataFrame, run: str, resamples: int = RESAMPLES, seed: int = 0) -> pd.DataFrame:
    """All metrics of a run by each of the scores: of the validation photos, then split by split.

    Args:
        frame: predictions of all folds.
        run: name of the run.
        resamples: of the bootstrap; 0 leaves intervals empty where they need it.
        seed: of the bootstrap.

    Returns:
        Rows of ``metrics.csv``.

    Raises:
        PredictionsError: the frame is malformed.
    """
    frame = validate(frame)
    rows: list[Row] = []
    for (split, photos), score in product({VAL: of_validation(frame), **by_split(frame)}.items(), SCORES):
        known, strangers = probes_of(photos, score)
        pairs, n = Pairs.of(known, strangers), len(known) + len(strangers)
        found = [row("rank1", *with_interval(known.by_person(known.right), resamples, seed), len(known))]
        if split != VAL:  # which has the photos that thresholds are chosen by
            found += _at_thresholds(frame, known, strangers, score, resamples, seed)
        found += [row("auroc", *pairs.auroc(resamples, seed), n), row("oscr", *pairs.oscr(resamples, seed), n)]
        rows += [{"split": split, "score": score, **one} for one in found]
    return pd.DataFrame([{"run": run, **one} for one in rows], columns=list(METRIC_COLUMNS))


def chosen_score(metrics: pd.DataFrame) -> str:
    """The score with the largest OSCR on validation photos, the first of :data:`SCORES` among equals."""
    of_val = metrics[(metrics["split"] == VAL) & (metrics["metric"] == "oscr")]
    return str(of_val.set_index("score")["value"].reindex(list(SCORES)).fillna(-1).idxmax())


def thresholds(frame: pd.DataFrame, score: str, fpir: float) -> dict[int, float]:
    """Fold → the threshold above which this share of its threshold photos is."""
    chosen = frame[(frame["group"] == THRESHOLD) & (frame["error"] == "")]
    values = SCORES[score](chosen).to_numpy(dtype=np.float64)
    return {fold: threshold_at(values[chosen["fold"] == fold], fpir) for fold in chosen["fold"].astype(int).unique().tolist()}


def photos_of_strangers(frame: pd.DataFrame) -> int:
    """How many photos choose a threshold: of the fold with the fewest."""
    folds = frame.loc[(frame["group"] == THRESHOLD) & (frame["error"] == ""), "fold"].value_counts()
    return int(folds.min()) if len(folds) == frame["fold"].nunique() else 0


def by_split(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The test photos of each split that has known people and strangers, in each fold; a stranger's that cannot be read tells nothing."""
    tests = of_part(frame[(frame["group"] == KNOWN) | (frame["error"] == "")], "test")
    groups = {str(split): rows for split, rows in tests.groupby("split")}
    whole = {split for split, rows in groups.items() if len(rows.groupby(["fold", "group"])) == 2 * frame["fold"].nunique()}
    return {split: groups[split] for split in in_order(whole)}


def of_validation(frame: pd.DataFrame) -> pd.DataFrame:
    """Known people's validation photos, and the threshold photos."""
    return pd.concat([of_part(frame[frame["group"] == KNOWN], "val"), frame[frame["group"] == THRESHOLD]])


def probes_of(photos: pd.DataFrame, score: str) -> tuple[Probes, Probes]:
    """Known people's photos and strangers': a known person's that cannot be read is missed, a stranger's is nobody's mistake."""
    is_known = photos["group"] == KNOWN
    return _probes(photos[is_known], score), _probes(photos[~is_known & (photos["error"] == "")], score)


def _probes(photos: pd.DataFrame, score: str) -> Probes:
    scores: NDArray[Any] = SCORES[score](photos).fillna(-np.inf).to_numpy(dtype=np.float64)
    right = (photos["true_rank"] == 1).to_numpy()
    return Probes(photos["fold"].to_numpy(dtype=np.intp), pd.factorize(photos["true_label"])[0].astype(np.intp), scores, right)


def _at_thresholds(frame: pd.DataFrame, known: Probes, strangers: Probes, score: str, resamples: int, seed: int) -> list[Row]:
    claim = smallest_claim(min(photos_of_strangers(frame), len(strangers)))
    rows = [row("claim", claim, NO_INTERVAL, len(strangers))]
    for fpir in (one for one in FPIRS if one >= claim):
        at, percent = thresholds(frame, score, fpir), f"{100 * fpir:g}"
        named, false = known.by_person(accepted(known, at) & known.right), strangers.by_person(accepted(strangers, at))
        rows.append(row(f"tpir_at_{percent}", *with_interval(named, resamples, seed), len(known)))
        rows.append(row(f"fpir_at_{percent}", *with_interval(false, resamples, seed), len(strangers)))
    return rows


# ------------------------------------------------------------------------------------------------------------------ files
def write(path: Path, frame: pd.DataFrame) -> None:
    """Check a frame and write it whole or not at all.

    Raises:
        PredictionsError: the frame is malformed.
        RunError: the file cannot be written.
    """
    _TABLE.write(path, frame)


def read(path: Path) -> pd.DataFrame:
    """Read and check a ``predictions.csv`` of folds.

    Raises:
        PredictionsError: the file is missing or malformed; the message has column and row (the column names are row 1).
    """
    return _TABLE.read(path)


def validate(frame: pd.DataFrame, where: object = "") -> pd.DataFrame:
    """Check a frame and return its :data:`COLUMNS`, numbered from 0.

    Raises:
        PredictionsError: something in it cannot be; the message has column and row (the first photo is row 2, as in the file).
    """
    return _TABLE.validate(frame, where)


def _rules(frame: pd.DataFrame) -> Iterator[Rule]:
    yield "image", frame.duplicated(["fold", "split", "image"]), "a fold has each photo once"
    for column in OF_MODEL:
        yield column, ~(frame[column] > 0), "it is told of each model"
    yield "fold", ~((frame["fold"] >= 1) & (frame["fold"] % 1 == 0)), "folds are numbered from 1"
    yield from rules_of_answers(frame)
    group, failed = frame["group"], frame["error"] != ""
    yield "group", ~group.isin([KNOWN, THRESHOLD, STRANGER]), f"groups are {KNOWN}, {THRESHOLD} and {STRANGER}"
    yield "true_label", frame["true_label"] == "", "folds are of people"
    for column in ("score_1", *predictions.LOGITS):
        yield column, ~failed & empty(frame[column]), "scores that may reject a photo are of all"
    yield "true_rank", ~failed & ((group == KNOWN) != frame["true_rank"].notna()), "a model ranks those that it knows, and no stranger"
    tests = pd.Series([Split.parse(split).is_test for split in frame["split"]], index=frame.index, dtype=bool)
    yield "split", (group == STRANGER) & ~tests, "strangers to test on are in test splits"
    yield "split", (group == THRESHOLD) & tests, "no test photo chooses a threshold"
    people = frame.groupby(["fold", "true_label"])["group"].transform("nunique")
    yield "group", people > 1, "to the model of a fold a person is one of the three"


_TABLE = Table("predictions", COLUMNS, (*predictions.TEXTS, "group"), _rules, PredictionsError, REMEDY)
