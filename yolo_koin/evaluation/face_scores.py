"""From predictions with boxes to rows of ``metrics.csv``, the table of :mod:`yolo_koin.evaluation.scores`.

Metrics:

- ``person_top1, person_top3``: share of labelled photos whose person is among the first, or first three, names of at least one face;
  Wilson's interval. The second only where the model has more than three classes.
- ``names_precision, names_recall``: of the first names, on photos of which a person drew all boxes.
- ``face_ap50``: average precision of faces, whoever they are, at an overlap (IoU) of 0.5. ``map50, map50_95``: of persons, at 0.5
  and averaged over 0.5 to 0.95, averaged over the persons that the truth has. Every name of a face is a detection.
- ``faces_found``: share of the true boxes that a face overlaps by half or more. ``top1_found``: of those with a label, the share
  whose face has the right first name.
- ``errors``: labelled photos without a face, or that could not be read. ``unboxed``: photos whose true boxes nobody knows; they count
  for ``person_top1``, ``person_top3`` and ``errors`` only.

Intervals of all but the shares of photos are BCa bootstrap over photos. ``n`` is the number of photos behind the value. What has no
true box to be scored against has no row. Where boxes come from a face detector, all but ``person_top1``, ``person_top3`` and
``errors`` tells how far one agrees with that detector.

Average precision takes all rows. The other metrics take the rows that are faces to somebody who looks at the photo: with a face_score
of :data:`LEAST_SCORE` or more, and only the best of those at one place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Protocol

import pandas as pd

from yolo_koin.evaluation import detection, face_predictions, matching
from yolo_koin.evaluation import truth as true_boxes
from yolo_koin.evaluation.predictions import PREDICTED, labelled
from yolo_koin.evaluation.scores import COLUMNS, Row, in_order, row, share
from yolo_koin.evaluation.statistics import NO_INTERVAL, RESAMPLES, Interval
from yolo_koin.specs import Way

LEAST_SCORE: Mapping[Way, float] = MappingProxyType({"faces": 0.0, "detector": 0.25})
NONE: Mapping[str, int] = MappingProxyType({})
TOP_K = (1, 3)


def score_faces(
    frame: pd.DataFrame,
    truth: pd.DataFrame,
    run: str,
    *,
    way: Way,
    unboxed: Mapping[str, int] = NONE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """All metrics of a run, split by split; a split is never mixed with another.

    Args:
        frame: predictions with boxes (:mod:`yolo_koin.evaluation.face_predictions`) of one or more splits; splits without a labelled
            photo are passed over.
        truth: true boxes (:mod:`yolo_koin.evaluation.truth`) of any splits; may be empty.
        run: name of the run.
        way: how the rows were made: ``faces`` were found by a face detector and named by a classifier, a ``detector`` did both.
        unboxed: by split, how many photos have no true box, where it is known better than from ``frame``, as when they were left out.
        resamples: of the bootstrap; 0 leaves its intervals empty.
        seed: of the bootstrap.

    Returns:
        Rows of ``metrics.csv``, splits in the order of the dataset, then others by name.

    Raises:
        PredictionsError: the frame is malformed, or no photo has a label.
        TruthError: the truth is malformed.
    """
    frame, truth = face_predictions.validate(frame), true_boxes.validate(truth)
    boxes = in_order(truth)
    rows: list[Row] = []
    for split, photos in in_order(frame[frame["split"].isin(labelled(frame)["split"])]).items():
        known = boxes.get(split, truth.head(0))
        estimates = [(metric, estimate) for metric, estimate in _of_boxes(photos, known, way) if estimate.photos]
        of_split = [
            *_of_photos(photos, way),
            *(row(metric, found.value, found.interval(resamples, seed), found.photos) for metric, found in estimates),
            *_counts(photos, known, unboxed.get(split)),
        ]
        rows += [{"run": run, "split": split, **of_metric} for of_metric in of_split]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def one_per_photo(photos: pd.DataFrame, way: Way) -> pd.DataFrame:
    """One row for each photo of a split, so that what is said of whole photos can be said of these: top-1 of them is ``person_top1``.

    It is the face that was given the labelled person's name, where there is one; else the one whose first name is surest. A photo
    without a face to somebody who looks at it has an error and no name.

    Args:
        photos: the rows of one split.
        way: as in :func:`score_faces`.
    """
    photos = photos.reset_index(drop=True)
    is_face = photos.index.isin(matching.found_faces(photos, LEAST_SCORE[way]).index)
    rank, score = photos["true_rank"].where(is_face), photos["score_1"].where(is_face)
    best = photos.assign(missed=~(rank == 1), doubt=-score).sort_values(["missed", "doubt"], kind="stable").index
    one = photos.loc[best].drop_duplicates("image").sort_index()
    lost = ~one.index.isin(photos.index[is_face]) & (one["error"] == "")
    one.loc[lost, [*PREDICTED, "error"]] = [*[""] * len(PREDICTED), face_predictions.NO_FACE]
    one.loc[lost, "true_rank"] = float("nan")
    return one


class _Estimate(Protocol):
    """A value that resampling photos gives an interval: a Ratio or an AveragePrecision."""

    @property
    def value(self) -> float: ...

    @property
    def photos(self) -> int: ...

    def interval(self, resamples: int, seed: int) -> Interval: ...


def _of_photos(photos: pd.DataFrame, way: Way) -> Iterator[Row]:
    faces = matching.found_faces(photos, LEAST_SCORE[way])
    for k in TOP_K:
        always_right = k > 1 and (photos["error"] == "").any() and (photos[PREDICTED[k]] == "").all()  # k classes or fewer
        if not always_right:
            yield share(f"person_top{k}", matching.person_hits(photos, faces, k))


def _of_boxes(photos: pd.DataFrame, truth: pd.DataFrame, way: Way) -> Iterator[tuple[str, _Estimate]]:
    rows, faces = photos[photos["error"] == ""], matching.found_faces(photos, LEAST_SCORE[way])
    if len(drawn := true_boxes.drawn(truth)):
        yield from zip(("names_precision", "names_recall"), matching.names(faces, drawn), strict=True)
    if len(truth):
        yield "face_ap50", detection.of_faces(rows, truth).at(0.5)
        yield "faces_found", matching.faces_found(faces, truth)
    if (truth["label"] != "").any():
        persons = detection.of_persons(rows, truth, times_face_score=way == "faces")
        yield "map50", persons.at(0.5)
        yield "map50_95", persons
        yield "top1_found", matching.top1_found(faces, truth)


def _counts(photos: pd.DataFrame, truth: pd.DataFrame, unboxed: int | None) -> Iterator[Row]:
    n = photos["image"].nunique()
    errors = int((labelled(photos)["error"] != "").sum())
    yield row("errors", float(errors), NO_INTERVAL, labelled(photos)["image"].nunique())
    missing = int((~photos["image"].drop_duplicates().isin(truth["image"])).sum())
    yield row("unboxed", float(missing if unboxed is None else unboxed), NO_INTERVAL, n)
