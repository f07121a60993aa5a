"""Where a model fails: the people it knows least, whom it takes for whom, and the photos of its surest mistakes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pandas as pd

from yolo_koin.evaluation.metrics import confused_pairs
from yolo_koin.evaluation.people import per_person
from yolo_koin.evaluation.predictions import labelled
from yolo_koin.evaluation.scores import in_order, text
from yolo_koin.reporting.document import Block, Failure, Failures, Heading, Mistake, Table
from yolo_koin.splits import of_part
from yolo_koin.verbs.comparisons import surest
from yolo_koin.verbs.drawing import called
from yolo_koin.verbs.scored import Scored
from yolo_koin.words import Sentence

WORST = 10  # people, and pairs of people, of each split
PHOTOS = 300  # in the gallery
LEAST = "{run}: the people of each test split whom it recognises least, {most} at most, and whom it takes them for most often."
PAIRS = "{run}: whom it takes for whom most often, {most} pairs of each test split at most."
MISTAKES = (
    "Photos of the test splits that {models} models name wrongly, that with the surest mistake first: {shown:,} of {photos:,}. With each:"
    " the name given, how sure the model was, and which it was. One seed of each model; of many those with the best validation figures."
)


def failures(runs: Sequence[Scored], best: Scored, names: Mapping[str, str]) -> list[Block]:
    """The tables of people and pairs of one run, and the gallery of mistakes of all; nothing where no test photo has a label.

    Args:
        runs: that named whole photos of one dataset.
        best: the run whose people are tabled.
        names: label → display name.
    """
    photos = of_part(labelled(best.predictions), "test")
    if photos.empty:
        return []
    tables = ((_least(photos, best, names), LEAST), (_pairs(photos, best, names), PAIRS))
    people = [Table(table, Sentence(caption, run=best.title, most=WORST)) for table, caption in tables if len(table)]
    blocks: list[Block] = [Heading(Sentence("People")), *people] if people else []
    shown, total = _mistakes(surest(runs), names)
    if shown:
        caption = Sentence(MISTAKES, models=len(surest(runs)), shown=len(shown), photos=total)
        blocks += [Heading(Sentence("Mistakes")), Failures(shown, caption)]
    return blocks


def _least(photos: pd.DataFrame, run: Scored, names: Mapping[str, str]) -> pd.DataFrame:
    table = per_person(photos, names).query("recall < 1").sort_values(["recall", "label"])
    table = pd.concat([table.head(0), *(rows.head(WORST) for rows in in_order(table).values())])
    recalls = table[["recall", "recall_low", "recall_high"]].itertuples(index=False)
    taken = zip(table["taken_for_name"], table["times"], strict=True)
    return pd.DataFrame(
        {
            "person": list(table["name"]),
            "split": [called(split, run.synthetic) for split in table["split"]],
            "photos": list(table["photos"]),
            "recall": [text("macro_recall", *row) for row in recalls],
            "taken for": [f"{name} ({times} ×)" if name else "" for name, times in taken],
        }
    )


def _pairs(photos: pd.DataFrame, run: Scored, names: Mapping[str, str]) -> pd.DataFrame:
    parts = [pd.DataFrame(columns=["person", "taken for", "split", "times", "photos"])]
    for split, rows in in_order(photos).items():
        pairs = confused_pairs(rows, WORST)
        shown = {"person": pairs["true"], "taken for": pairs["predicted"]}
        told = pd.DataFrame({head: [names.get(label, label) for label in labels] for head, labels in shown.items()})
        counts = {"times": pairs["count"], "photos": (pairs["count"] / pairs["share"]).round().astype(int)}
        parts.append(told.assign(split=called(split, run.synthetic), **counts))
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)[list(parts[0])]


def _mistakes(runs: Sequence[Scored], names: Mapping[str, str]) -> tuple[tuple[Failure, ...], int]:
    """The photos of the surest mistakes, and how many there are in all."""
    parts = [of_part(labelled(run.predictions), "test").assign(model=run.title, at=place) for place, run in enumerate(runs)]
    rows = pd.concat(parts, ignore_index=True)
    wrong = rows[(rows["pred_1"] != rows["true_label"]) & (rows["error"] == "")]
    wrong = wrong.sort_values(["score_1", "image", "at"], ascending=[False, True, True])
    synthetic = frozenset[str]().union(*(run.synthetic for run in runs))
    data = next((run.data for run in runs if run.data), None)
    groups = [rows for _, rows in wrong.groupby(["split", "image"], sort=False)]
    return tuple(_failure(rows, synthetic, names, data) for rows in groups[:PHOTOS]), len(groups)


def _failure(rows: pd.DataFrame, synthetic: Collection[str], names: Mapping[str, str], data: Path | None) -> Failure:
    split, person, image = (str(rows[column].iloc[0]) for column in ("split", "true_label", "image"))
    answers = [
        Mistake(model, names.get(said, said), None if score != score else float(score))
        for model, said, score in zip(rows["model"], rows["pred_1"], rows["score_1"], strict=True)
    ]
    return Failure(image, called(split, synthetic), names.get(person, person), tuple(answers), data / image if data else None)
