"""The tables of a report: what each run scored on each split, and what follows from several of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from yolo_koin.evaluation import scores
from yolo_koin.evaluation.chance import chance_notes
from yolo_koin.reporting.document import Block, Heading, Table, Text
from yolo_koin.splits import in_order
from yolo_koin.verbs.comparisons import Paired, by_way, compared, details
from yolo_koin.verbs.drawing import called
from yolo_koin.verbs.scored import Scored
from yolo_koin.verbs.seeds import Mean
from yolo_koin.words import Sentence

COLUMNS = {
    "run": "model",
    "way": "names",
    "split": "split",
    "n": "photos",
    "top1": "top-1",
    "top3": "top-3",
    "macro_f1": "macro-F1",
    "top1_gap": "lost from normal",
    "person_top1": "person named",
    "person_top3": "in top-3",
    "boxed": "boxed photos",
    "names_precision": "precision of names",
    "names_recall": "recall of names",
    "top1_found": "top-1 of faces found",
    "map50": "mAP@0.5",
    "map50_95": "mAP@0.5:0.95",
    "face_ap50": "face AP@0.5",
}
OF_BOXES = ("map50", "face_ap50")  # the number of boxed photos is that of the first of these that there is
NAMES = {"faces": "each face found", "detector": "what it detects"}
EACH = 3  # runs at chance level that are told one by one
NO_NEWS = "{split}: top-1 of {n} runs is at chance level or below, {chance:.1f} % as of guessing one of {classes} people"
BRACKETS = (
    "Brackets: 95 % intervals (Wilson for shares of photos, Newcombe for the gap to normal photos, bootstrap over photos for the rest). "
    "In parentheses: the number of photos behind a value, where it is not that of its row."
)


def tables(runs: Sequence[Scored], found: Sequence[Mean], tests: Paired) -> list[Block]:
    """The result tables of the runs on one dataset, and the tests between them where there are several; arguments as of ``compared``."""
    whole, faces = by_way(runs)
    blocks: list[Block] = [Table(pd.concat(map(readable_run, some), ignore_index=True)) for some in (whole, faces) if some]
    blocks.append(Text(Sentence(BRACKETS)))
    blocks += [Text(Sentence("{note}.", note=note)) for note in no_news(runs)]
    for finder, splits in _agreements(faces).items():
        said = Sentence(
            "Boxes of {splits} are {finder}'s, which nobody has checked: there mAP and AP tell agreement with {finder}.",
            splits=", ".join(splits),
            finder=finder,
        )
        blocks.append(Text(said))
    if whole:
        blocks += [Heading(Sentence("Classes and confidence")), details(whole)]
    return [*blocks, *compared(runs, found, tests)]


def no_news(runs: Sequence[Scored]) -> tuple[Sentence, ...]:
    """A line on each split where a run is no better than guessing; where several are, one on all of them."""
    by_split: dict[tuple[object, object], list[tuple[str, Sentence]]] = {}
    for run in runs:
        for note in chance_notes(run.metrics, run.classes):
            by_split.setdefault((note.values["split"], note.values["classes"]), []).append((run.title, note))
    return tuple(line for told in by_split.values() for line in _no_news(told))


def _no_news(told: Sequence[tuple[str, Sentence]]) -> list[Sentence]:
    if len(told) <= EACH:
        return [Sentence("{run}, {note}", run=run, note=note) for run, note in told]
    return [Sentence(NO_NEWS, n=len(told), **told[0][1].values)]


def readable_run(run: Scored) -> pd.DataFrame:
    """The summary of a run."""
    metrics = run.metrics.assign(way=NAMES[run.way]) if run.way in NAMES else run.metrics
    return readable(metrics, {run.name: run.title}, run.synthetic)


def _agreements(runs: Sequence[Scored]) -> dict[str, list[str]]:
    """Face detector → the splits whose boxes are its."""
    found: dict[str, list[str]] = {}
    for split, finder in {pair for run in runs for pair in run.agreement.items()}:
        found.setdefault(finder, []).append(split)
    return {finder: in_order(splits) for finder, splits in sorted(found.items())}


# --------------------------------------------------------------------------------------------------------- for one's eyes
def readable(table: pd.DataFrame, titles: Mapping[str, str] | None = None, synthetic: Collection[str] = ()) -> pd.DataFrame:
    """The summary of metrics with the columns that fit a page; splits that are synthetic are called so.

    Args:
        table: rows of ``metrics.csv``.
        titles: what to call a run; its name where it is not listed.
        synthetic: splits whose photos are.
    """
    counted = table["n"] > 0  # of nothing that was counted there is no interval
    frame = scores.summary(table.assign(low=table["low"].where(counted), high=table["high"].where(counted)))
    photos: dict[tuple[str, str], dict[str, int]] = {}  # run and split → metric → the number of photos behind its value
    for run, split, metric, n in table[["run", "split", "metric", "n"]].itertuples(index=False):
        photos.setdefault((run, split), {})[metric] = n
    rows = [photos[row] for row in zip(frame["run"], frame["split"], strict=True)]
    boxed = [next((str(row[metric]) for metric in OF_BOXES if metric in row), "") for row in rows]
    if any(boxed):
        frame["boxed"] = boxed
    for metric in set(COLUMNS) & set(table["metric"]):
        told = [
            f"{text} ({row[metric]:,})" if text and str(row[metric]) not in {str(n), box} else text
            for text, row, n, box in zip(frame[metric], rows, frame["n"], boxed, strict=True)
        ]
        frame[metric] = told
    frame["split"] = [called(split, synthetic) for split in frame["split"]]
    frame["run"] = [(titles or {}).get(run, run) for run in frame["run"]]
    if "way" in table:
        frame["way"] = str(table["way"].iloc[0])
    return frame[[column for column in COLUMNS if column in frame]].rename(columns=COLUMNS)
