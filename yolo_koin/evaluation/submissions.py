"""Predictions that any program made of a dataset's test photos, brought into the form of our own.

A file is one of three, told apart by its columns; encoding, delimiter and the order of rows are free:

- our own ``predictions.csv``: all that any metric needs;
- ``image,pred`` or ``image,pred,score``: the best class alone, and its probability;
- ``image`` and a column of probabilities for each class, called by its label or display name.

In the other two, ``split`` and ``true_label`` may be given, and then have to be right. Photos are told by their image id, or by whatever
else :class:`~yolo_koin.dataset.photo_names.Photos` finds them by.
"""

from __future__ import annotations

import contextlib
import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yolo_koin.dataset.annotations import BoxError
from yolo_koin.dataset.ids import ImageIds, People, nearest
from yolo_koin.dataset.koin import Dataset, Sample, about
from yolo_koin.dataset.photo_names import Photos
from yolo_koin.dataset.side_tables import read_text
from yolo_koin.dataset.texts import decimal, rows
from yolo_koin.evaluation import predictions
from yolo_koin.evaluation.predictions import PREDICTED, PredictionsError
from yolo_koin.splits import in_order
from yolo_koin.tables import FIRST_ROW

FORMS = "Its columns are image,pred[,score], or image and one of probabilities for each class, or those of a predictions.csv."
CHECKED = ("image", "split", "true_label")
SUM_OF = 0.02  # as far from one may probabilities sum: those of 16 bits do


@dataclass(frozen=True)
class Submission:
    """What a file says.

    Attributes:
        frame: rows of ``predictions.csv``; a photo that the file lacks is one with an error.
        classes: how many the model chooses from: the columns of probabilities, or the classes of the dataset.
        missing: split → how many of its photos the file lacks.
        absent: splits of which it has no photo, and which are not scored.
        excluded: how many rows are of photos that ``exclude.txt`` takes out.
        unused: columns beside ``pred`` that mean nothing here.
    """

    frame: pd.DataFrame
    classes: int
    missing: dict[str, int]
    absent: tuple[str, ...]
    excluded: int
    unused: tuple[str, ...] = ()

    @property
    def unknown(self) -> tuple[str, ...]:
        """Classes that the model cannot name, where the file tells."""
        told = self.frame[self.frame["sum_sq_score"].notna() & self.frame["true_rank"].isna()]
        return tuple(sorted(set(told["true_label"])))


def read(path: Path, dataset: Dataset, prepared: Mapping[str, str] | None = None) -> Submission:
    """Read a file of predictions, and check all of it.

    Args:
        path: the file.
        dataset: whose test photos it is about.
        prepared: path of a photo in a prepared dataset → image id, where those may be meant.

    Raises:
        DatasetError: the file cannot be read.
        PredictionsError: something in it cannot be; the message has the row.
    """
    table = _table(path)
    found = _Reader(path, dataset, prepared or {})
    table, samples, excluded = found.located(table)
    if "pred_1" in table:
        frame, classes = found.ours(table, samples), 0
    elif "pred" in table:
        frame, classes = found.best(table, samples), 0
    else:
        frame, classes = found.probabilities(table, samples)
    named = {s.image for s in samples}
    splits = {s.split for s in samples}
    lacking = [s for s in dataset.tests if s.split in splits and s.image not in named]
    lost = predictions.error_rows(*about(lacking), [f"not in {path.name}"] * len(lacking))
    frame = pd.concat([frame, lost] if lacking else [frame], ignore_index=True).sort_values(
        ["split", "image"], kind="stable", ignore_index=True
    )
    ranks = frame["true_rank"].max()
    told = (frame.loc[frame["error"] == "", list(PREDICTED)] != "").sum(axis=1).max() if "pred_1" in table else 0
    if 0 < told < len(PREDICTED):  # a model of fewer classes than that has no more names to give
        classes = int(told)
    return Submission(
        frame=predictions.validate(frame, path),
        classes=classes or max(len(dataset.names), 0 if math.isnan(ranks) else int(ranks)),
        missing={split: sum(str(s.split) == split for s in lacking) for split in in_order(str(s.split) for s in lacking)},
        absent=tuple(in_order(str(s.split) for s in dataset.tests if s.split not in splits)),
        excluded=excluded,
        unused=tuple(sorted({*map(str, table)} - {*CHECKED, "pred", "score"})) if "pred" in table else (),
    )


def _table(path: Path) -> pd.DataFrame:
    """The cells, all texts but for those of our own form, by the number of their row."""
    (_, head), *lines = [*rows(read_text(path), {"image", "pred", "pred_1"})] or [(1, [])]
    if isinstance(head, csv.Error) or "image" not in head or len(head) < 2:
        raise PredictionsError("no table of predictions", path, FORMS)
    if twice := [column for i, column in enumerate(head) if column in head[:i]]:
        raise PredictionsError(f"the column {twice[0]!r} is there twice", path, "Remove one of the two.")
    if "pred_1" in head:
        frame = predictions.read(path)
        return frame.set_axis(range(FIRST_ROW, FIRST_ROW + len(frame)))
    for number, cells in lines:
        if isinstance(cells, csv.Error):
            raise PredictionsError(f"not a row of a table ({cells})", f"{path}, row {number}", FORMS)
        if len(cells) != len(head):
            raise PredictionsError(f"{len(cells)} cells, not {len(head)}", f"{path}, row {number}", "Complete the row, or leave it out.")
    return pd.DataFrame([cells for _, cells in lines], columns=head, index=[number for number, _ in lines], dtype=object)


class _Reader:
    """Finds what the cells of a file mean in a dataset."""

    def __init__(self, path: Path, dataset: Dataset, prepared: Mapping[str, str]) -> None:
        self.path = path
        out = {image.split("/")[-2] for image in dataset.excluded}  # a model may have learnt who was taken out since
        self._names = {**{label: label for label in out}, **dataset.names}
        self._people = People(self._names)
        self._photos, self._all, self._by_id = Photos(dataset.tests), Photos(dataset.samples), ImageIds(s.image for s in dataset.samples)
        self._excluded = ImageIds(dataset.excluded)
        self._of_prepared, self._prepared = prepared, ImageIds(prepared)

    def error(self, what: str, row: object, remedy: str) -> PredictionsError:
        """About a row."""
        return PredictionsError(what, f"{self.path}, row {row}", remedy)

    def located(self, table: pd.DataFrame) -> tuple[pd.DataFrame, list[Sample], int]:
        """The rows of photos that are to be scored, those photos, and how many rows are of excluded ones."""
        at: dict[str, object] = {}
        samples, kept = [], []
        for row, text in table["image"].items():
            sample = self._photo(str(text), row)
            if sample is None:
                continue
            if sample.image in at:
                raise self.error(f"{sample.image} is there twice, in row {at[sample.image]} too", row, "Remove one of the two.")
            at[sample.image] = row
            samples.append(sample)
            kept.append(row)
        if not samples:
            raise PredictionsError("no photo in it", self.path, FORMS)
        rest = table.loc[kept]
        for column, known in (("split", [str(s.split) for s in samples]), ("true_label", [s.label for s in samples])):
            for row, text, true in zip(kept, rest.get(column, pd.Series(known)), known, strict=True):
                if text != true and (column == "split" or self._people.find(text) != true):
                    raise self.error(f"{column} is {text!r}, but that of the photo is {true}", row, "Correct it, or drop the column.")
        return rest, samples, len(table) - len(kept)

    def _photo(self, text: str, row: object) -> Sample | None:
        """The photo that a cell means; None for one that is excluded."""
        image = self._by_id.find(text) or self._of_prepared.get(self._prepared.find(text) or "", text)
        try:
            return self._photos.find([image])
        except BoxError as error:
            if self._excluded.find(text):
                return None
            what = str(error)
        with contextlib.suppress(BoxError):
            what = f"{self._all.find([image]).image} is no test photo"
        raise self.error(what, row, "Write image ids, such as hard_cases/test/0007/3.jpg; test photos of the dataset only.")

    def label(self, text: str, row: object) -> str:
        """The label that a cell means."""
        found = self._people.find(text) if text else None
        if found is None:
            what = f"unknown label {text!r}" if text else "no label"
            close = nearest(text, self._names)
            raise self.error(what, row, f"Did you mean {close}?" if close else "Labels are the names of class folders, or display names.")
        return found

    def number(self, text: str, column: str, row: object) -> float:
        """The probability that a cell holds."""
        try:
            value = float(decimal(text))
        except ValueError:
            value = math.nan
        if not -1e-6 <= value <= 1 + SUM_OF:
            raise self.error(f"{column} is {text!r}, which is no probability", row, "Write numbers from 0 to 1, such as a softmax gives.")
        return value

    # ---------------------------------------------------------------------------------------------------- the three forms
    def ours(self, table: pd.DataFrame, samples: Sequence[Sample]) -> pd.DataFrame:
        """Of our own ``predictions.csv``."""
        known = {text: self.label(text, row) for column in PREDICTED for row, text in table[column].items() if text} | {"": ""}
        named = {column: [known[text] for text in table[column]] for column in PREDICTED}
        splits, images, labels = about(samples)
        return table.assign(split=splits, image=images, true_label=labels, **named).reset_index(drop=True)

    def best(self, table: pd.DataFrame, samples: Sequence[Sample]) -> pd.DataFrame:
        """Of ``image,pred[,score]``."""
        best = [self.label(text, row) for row, text in table["pred"].items()]
        scores = self._numbers(table, ["score"])[:, 0].clip(0, 1) if "score" in table else None
        return predictions.top1_rows(*about(samples), best, scores)

    def probabilities(self, table: pd.DataFrame, samples: Sequence[Sample]) -> tuple[pd.DataFrame, int]:
        """Of a column for each class; and how many those are."""
        columns = [str(column) for column in table if column not in CHECKED]
        names = [self.label(column, 1) for column in columns]
        if twice := [name for i, name in enumerate(names) if name in names[:i]]:
            raise self.error(f"two columns mean {twice[0]}", 1, "Remove one of the two.")
        values = self._numbers(table, columns)
        sums = values.sum(axis=1)
        if (off := np.flatnonzero(np.abs(sums - 1) > SUM_OF)).size:
            what = f"probabilities sum to {sums[off[0]]:.3g}, not to 1"
            raise self.error(what, table.index[off[0]], "Write those of all classes, such as a softmax gives.")
        return predictions.rows(*about(samples), values, names), len(names)

    def _numbers(self, table: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.float64]:
        return np.array(
            [
                [self.number(text, column, row) for column, text in zip(columns, cells, strict=True)]
                for row, *cells in table[columns].itertuples()
            ]
        )
