from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix, precision_score

from yolo_koin.evaluation import people, predictions

NAMES = {"0000": "아이유", "b": "비"}
CLASSES = ["0000", "b", "c"]


def photos(true: str, said: str, split: str = "normal_cases/test") -> pd.DataFrame:
    """A letter a photo; the first class is a, ! is a photo that could not be read."""
    label = dict(zip("abc", CLASSES, strict=True))
    parts = []
    for i, (t, s) in enumerate(zip(true, said, strict=True)):
        image, of = [f"{split}/{label[t]}/{i}.jpg"], [label[t]]
        p = np.full((1, 3), 0.1) if s == "!" else np.eye(3)[["abc".index(s)]] * 0.7 + 0.1
        parts.append(predictions.error_rows(split, image, of, ["corrupt"]) if s == "!" else predictions.rows(split, image, of, p, CLASSES))
    return pd.concat(parts, ignore_index=True)


def test_each_person_of_each_split_has_a_row() -> None:
    frame = pd.concat([photos("aab", "bbb", "hard_cases/test"), photos("aaabbb", "aab!bb")])
    table = people.per_person(frame, NAMES)
    assert table[["split", "label", "name", "photos", "right", "named"]].to_numpy().tolist() == [
        ["normal_cases/test", "0000", "아이유", 3, 2, 2],
        ["normal_cases/test", "b", "비", 3, 2, 3],
        ["hard_cases/test", "0000", "아이유", 2, 0, 0],
        ["hard_cases/test", "b", "비", 1, 1, 3],
    ]
    readable = frame[(frame["split"] == "normal_cases/test") & (frame["error"] == "")]
    wanted = precision_score(readable["true_label"], readable["pred_1"], labels=["0000", "b"], average=None)
    assert table["precision"][:2].tolist() == pytest.approx(list(wanted))
    assert np.isnan(table["precision"][2]), "nobody was taken for them"
    assert table[["taken_for", "taken_for_name", "times"]].to_numpy().tolist() == [["b", "비", 1], ["", "", 0], ["b", "비", 2], ["", "", 0]]


def test_where_nobody_is_confused_nobody_is_taken_for_another() -> None:
    table = people.per_person(photos("abc", "abc"), NAMES)
    assert (table[["taken_for", "taken_for_name"]] == "").all(axis=None)
    assert list(table["times"]) == [0, 0, 0]


def test_the_matrix_is_that_of_scikit_learn() -> None:
    frame = photos("aaabbb", "aacbab")
    table = people.confusion(frame, NAMES)
    assert list(table) == ["split", "label", "name", *CLASSES, people.NOBODY]
    wanted = confusion_matrix(frame["true_label"], frame["pred_1"], labels=CLASSES)
    assert table[CLASSES].to_numpy().tolist() == wanted[:2].tolist()


def test_the_matrix_has_splits_in_order_and_photos_without_a_name() -> None:
    frame = pd.concat([photos("aab", "b!b", "hard_cases/test"), photos("ab", "ab")])
    table = people.confusion(frame, {})
    assert table.to_numpy().tolist() == [
        ["normal_cases/test", "0000", "0000", 1, 0, 0],
        ["normal_cases/test", "b", "b", 0, 1, 0],
        ["hard_cases/test", "0000", "0000", 0, 1, 1],
        ["hard_cases/test", "b", "b", 0, 1, 0],
    ]
