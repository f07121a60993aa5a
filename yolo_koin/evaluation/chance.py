"""Whether a score tells more than guessing would."""

from __future__ import annotations

import pandas as pd

from yolo_koin.evaluation.statistics import wilson
from yolo_koin.splits import Split
from yolo_koin.words import Sentence

INTERVAL = "its 95 % interval of {low:.1f} to {high:.1f} %"
GUESSING = "{chance:.1f} %, as of guessing one of {classes} people"
AT = "{split}: top-1 is at chance level: " + INTERVAL + " contains " + GUESSING
BELOW = "{split}: top-1 is below chance level: " + INTERVAL + " ends below " + GUESSING


def chance_notes(table: pd.DataFrame, classes: int) -> tuple[Sentence, ...]:
    """A line on each split of a table of metrics where top-1 is at chance level, or below.

    Args:
        table: rows of ``metrics.csv`` of one run. Where faces are named, photos of several people are passed over: with a name on each
            face, guessing is right more often.
        classes: of the model; 0 when unknown, then nothing is said.
    """
    told = []
    for row in table.to_dict("records"):
        split, metric = str(row["split"]), row["metric"]
        if metric == "top1" or (metric == "person_top1" and Split.parse(split).has_one_person):
            told.append(_note(split, float(row["low"]), float(row["high"]), classes))
    return tuple(filter(None, told))


def chance_note(split: str, right: int, n: int, classes: int) -> str:
    """The same for a count of photos: the line, or nothing."""
    low, high = wilson(right, n)
    return (_note(split, float(low), float(high), classes) if n else None) or ""


def _note(split: str, low: float, high: float, classes: int) -> Sentence | None:
    if classes < 2 or not low <= 1 / classes:  # of no photo at all there is no interval, but NaN
        return None
    is_below = high < 1 / classes
    return Sentence(BELOW if is_below else AT, split=split, low=100 * low, high=100 * high, chance=100 / classes, classes=classes)
