"""Tables of people, made for a spreadsheet: who is recognised how well, and who is taken for whom."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from yolo_koin.evaluation.metrics import confused_pairs, per_class
from yolo_koin.evaluation.predictions import labelled
from yolo_koin.evaluation.scores import in_order
from yolo_koin.files import write_sheet

NOBODY = "no name given"  # the column of photos that could not be read, or in which no face was found


def write(folder: Path, frame: pd.DataFrame, names: Mapping[str, str]) -> None:
    """Write both tables, as ``per_person.csv`` and ``confusion.csv``; arguments as of :func:`per_person`."""
    write_sheet(folder / "per_person.csv", per_person(frame, names))
    write_sheet(folder / "confusion.csv", confusion(frame, names))


def per_person(frame: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """A row for each person of each split.

    Args:
        frame: predictions of one or more splits, a row for each photo; splits without a labelled photo are passed over.
        names: label → display name; the label itself where it is not listed.

    Returns:
        Columns ``split, label, name, photos, right, recall, recall_low, recall_high`` (95 % Wilson), ``named, precision`` (photos that were
        given this name, and the share of them that show this person; empty where there is none), ``taken_for, taken_for_name, times`` (the
        most frequent wrong name of this person's photos; of equal ones the first label).
    """
    parts = []
    for split, photos in in_order(labelled(frame)).items():
        table = per_class(photos).rename(columns={"n": "photos", "correct": "right", "low": "recall_low", "high": "recall_high"})
        table.insert(0, "split", split)
        table.insert(2, "name", _named(table["label"], names))
        given = photos["pred_1"].value_counts().to_dict()
        table["named"] = [given.get(label, 0) for label in table["label"]]
        table["precision"] = (table["right"] / table["named"]).where(table["named"] > 0)
        pairs = confused_pairs(photos, top=len(photos)).drop_duplicates("true")
        worst = {true: (other, count) for true, other, count, _ in pairs.itertuples(index=False)}
        table["taken_for"] = [worst.get(label, ("", 0))[0] for label in table["label"]]
        table["taken_for_name"] = _named(table["taken_for"], names)
        table["times"] = [worst.get(label, ("", 0))[1] for label in table["label"]]
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def confusion(frame: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """The confusion matrix of each split: a row for each of its people, a column for each name, and counts of photos.

    Args:
        frame, names: as of :func:`per_person`.

    Returns:
        Columns ``split, label, name``, then the labels of all splits and of what was said, sorted, and :data:`NOBODY` at the end.
    """
    known = labelled(frame)
    given = known["pred_1"].where(known["pred_1"] != "", NOBODY)
    people = sorted((set(known["true_label"]) | set(given)) - {NOBODY})
    cells = pd.crosstab([known["split"], known["true_label"]], given).reindex(columns=[*people, NOBODY], fill_value=0)
    cells = cells.reindex(list(in_order(known)), level=0)
    rows = cells.index.set_names(["split", "label"]).to_frame(index=False)
    rows["name"] = _named(rows["label"], names)
    return pd.concat([rows, cells.rename_axis(columns=None).reset_index(drop=True)], axis=1)


def _named(labels: pd.Series[str], names: Mapping[str, str]) -> list[str]:
    return [names.get(label, label) for label in labels]
